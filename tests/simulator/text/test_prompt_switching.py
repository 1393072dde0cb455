"""Prompt switching: products of V* against the backward recursion, laws against tables."""

from itertools import product

import numpy as np
import pytest

from scripts.bench.gpu_check import plain_forward
from simulator.errors import InputError
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.tabulate import switch_tables, tabulate
from simulator.problem.model import TabularModel
from simulator.samplers.smc.sampler import SMC
from simulator.text.drawing import chosen
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.text.tabular import TabularLM, as_language_model

REFERENCE, TARGET, BELIEF = [0, 2], [0, 3, 4], [0, 5]
HORIZON = 3


@pytest.fixture(scope="module")
def tables(tiny):
    return [tabulate(tiny, p, list(range(8)), HORIZON) for p in (REFERENCE, TARGET, BELIEF)]


def test_values_of_all_prefixes_equal_the_backward_recursion(tiny, tables):
    # Problem finds V* from the rewards of the leaves; the prm_session multiplies ratios of tokens
    exact = switch_tables(tables[0], tables[1])
    problem = LanguageModelProblem(tiny, REFERENCE, HORIZON, PromptSwitching(TARGET), eos=None)
    prm_session, session = problem.prm.start(problem, 1), tiny.start(REFERENCE, 1)
    for h in range(HORIZON + 1):
        n = 8**h
        found = prm_session.log_values(np.arange(n), np.full(n, h == HORIZON))
        assert np.abs(found - exact.log_value[h]).max() < 1e-10
        if h < HORIZON:
            table = session.next_logprobs()
            children = prm_session.child_log_values(table, np.full(table.shape, h + 1 == HORIZON))
            assert np.abs(children.ravel() - exact.log_value[h + 1]).max() < 1e-10
            rows, tokens = np.repeat(np.arange(n), 8), np.tile(np.arange(8), n)
            prm_session.reorder(rows)
            session.reorder(rows)
            prm_session.extend(tokens, table.ravel())
            session.extend(tokens)
    assert exact.log_z == pytest.approx(0, abs=1e-12)
    assert np.abs(exact.target[-1] - np.exp(_mass(tables[1]))).max() < 1e-12


def _mass(model):
    out = np.zeros(1)
    for p in model.probs:
        out = (out[:, None] + np.log(p)).ravel()
    return out


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("belief", [BELIEF, REFERENCE, None])
def test_equal_uniforms_give_equal_runs_on_the_model_and_on_its_tables(tiny, tables, alpha, belief):
    by_prompt = dict(zip(map(tuple, (REFERENCE, TARGET, BELIEF)), tables, strict=True))
    believed = by_prompt.get(tuple(belief)) if belief else None
    tabular = as_language_model(switch_tables(tables[0], tables[1], believed, alpha))
    problem = LanguageModelProblem(
        tiny, REFERENCE, HORIZON, PromptSwitching(TARGET, belief, alpha), eos=None
    )
    sampler = SMC(6, "systematic")
    keep = ("tokens", "ess", "genealogy")
    a, b = (sampler.run(p, 9, rng=4, keep=keep) for p in (problem, tabular))
    for field in ("tokens", "genealogy", "failed", "prm_evaluations", "model_calls"):
        assert (getattr(a, field) == getattr(b, field)).all(), field
    assert a.log_w == pytest.approx(b.log_w, abs=1e-9)
    assert a.ess == pytest.approx(b.ess, rel=1e-9)


def test_law_on_the_model_is_the_exact_law_of_its_tables(tiny):
    words, n_runs = [2, 3], 4000
    small = [tabulate(tiny, p, words, 2) for p in (REFERENCE, TARGET)]
    law = SMC(2).exact_law(switch_tables(*small)).law
    lm = TabularLM({"ref": small[0], "target": small[1]})
    problem = LanguageModelProblem(lm, "ref", 2, PromptSwitching("target"))
    runs = SMC(2).run(problem, n_runs, rng=11)
    frequency = np.bincount(runs.states, minlength=4) / n_runs
    # Bretagnolle-Huber-Carol: P(L1 distance > x) <= 2^4 exp(-R x^2/2); 1e-9 at x = .1085
    gap = np.abs(frequency - law).sum()
    assert gap < 0.1085
    # it would see the missing resampling
    sis = SMC(2, ess_threshold=0.0).exact_law(switch_tables(*small)).law
    target = switch_tables(*small).target[-1]
    assert np.abs(law - target).sum() > 0.02
    assert np.abs(sis - law).sum() > 0


def warm(law, temperature):
    return law ** (1 / temperature) / (law ** (1 / temperature)).sum()


def nucleus(law, top_p):
    """A law cut to its largest tokens of at least this mass: in words, one by one."""
    kept, mass = [], 0.0
    for token in sorted(range(law.size), key=lambda t: -law[t]):
        if mass >= top_p:
            break
        kept.append(token)
        mass += law[token]
    out = np.zeros(law.size)
    out[kept] = law[kept] / law[kept].sum()
    return out


def enumerated(tiny, horizon, change):
    """p_A and p_B of all texts, from plain forward passes and a law changed by hand."""
    texts = list(product(range(8), repeat=horizon))
    found = []
    for prompt in (REFERENCE, TARGET):
        full = plain_forward(tiny, prompt)
        known = {t[:h]: change(np.exp(full(list(t[:h])))) for t in texts for h in range(horizon)}
        found.append([np.prod([known[t[:h]][t[h]] for h in range(horizon)]) for t in texts])
    return texts, *np.array(found)


def expected_reward(problem, texts, reference):
    """E_ref[r], from the rewards that the PRM gives to all texts at once."""
    session = problem.lm.start(problem.prompt, len(texts))
    prm = problem.prm.start(problem, len(texts))
    for column in np.array(texts).T:
        log_probs = chosen(session.next_logprobs(), column)
        prm.extend(column, log_probs)
        session.extend(column)
    reward = np.exp(prm.log_values(np.arange(len(texts)), np.ones(len(texts), dtype=bool)))
    return float(reference @ reward)


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 2])
def test_a_temperature_keeps_z_at_one(tiny, horizon):
    lm = HuggingFaceLM(tiny.model, temperature=2.0)
    problem = LanguageModelProblem(lm, REFERENCE, horizon, PromptSwitching(TARGET), eos=None)
    texts, reference, _ = enumerated(tiny, horizon, lambda p: warm(p, 2))
    assert expected_reward(problem, texts, reference) == pytest.approx(1, abs=1e-12)
    assert problem.log_z == 0
    assert lm.same_support


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 2])
def test_a_nucleus_does_not_keep_z_at_one(tiny, horizon):
    lm = HuggingFaceLM(tiny.model, temperature=4.0, top_p=0.9)
    problem = LanguageModelProblem(lm, REFERENCE, horizon, PromptSwitching(TARGET), eos=None)
    texts, reference, target = enumerated(tiny, horizon, lambda p: nucleus(warm(p, 4), 0.9))
    z = float(target[reference > 0].sum())  # what p_ref can draw, under p*
    assert 0.05 < z < 0.95
    assert expected_reward(problem, texts, reference) == pytest.approx(z, abs=1e-12)
    assert problem.log_z is None
    assert not lm.same_support
    # the samplers' weights are right about it: each of 4000 is at most max(r)
    runs = SMC(1).run(problem, 4000, rng=3)
    weights = np.where(runs.failed, 0.0, np.exp(runs.log_w))
    assert weights.mean() == pytest.approx(z, abs=5 * weights.std() / np.sqrt(4000))


def test_z_is_claimed_where_it_is_known(tiny):
    cut = HuggingFaceLM(tiny.model, top_p=0.9)

    def log_z(lm, *prompts):
        return LanguageModelProblem(lm, REFERENCE, 2, PromptSwitching(*prompts, 1.0)).log_z

    assert log_z(tiny, TARGET, BELIEF) == 0
    assert log_z(cut, REFERENCE, REFERENCE) == 0  # one law only, so V* = 1
    assert log_z(cut, TARGET, TARGET) is None
    assert log_z(cut, REFERENCE, BELIEF) is None  # V^ = 0 where V* = 1
    rows = {"full": [0.5, 0.5], "other": [0.3, 0.7], "cut": [1.0, 0.0]}
    models = {name: TabularModel.tree([[row]]) for name, row in rows.items()}
    for names, known in ((("full", "other"), True), (("full", "cut"), False), (("cut",), True)):
        lm = TabularLM({name: models[name] for name in names})
        assert lm.same_support == known
        problem = LanguageModelProblem(lm, names[0], 1, PromptSwitching(names[-1]))
        assert problem.log_z == (0 if known else None)
    same = TabularModel.tree([[[0.2, 0.8, 0.0]]]), TabularModel.tree([[[0.6, 0.4, 0.0]]])
    assert TabularLM(dict(zip("ab", same, strict=True))).same_support
    assert as_language_model(switch_tables(models["full"], models["other"])).log_z is not None


def test_alpha_and_prompts_are_checked(tiny):
    for alpha in (-1.0, float("nan"), "one"):
        with pytest.raises(InputError, match="alpha"):
            PromptSwitching(TARGET, BELIEF, alpha)
    lm = TabularLM({"a": TabularModel.tree([[[0.5, 0.5]]])})
    with pytest.raises(InputError, match="no tables"):
        SMC(1).run(LanguageModelProblem(lm, "a", 1, PromptSwitching("b")), 1, rng=0)


def test_a_token_that_the_target_forbids_has_value_zero():
    lm = TabularLM({"r": TabularModel.tree([[[0.5, 0.5]]]), "t": TabularModel.tree([[[1.0, 0.0]]])})
    problem = LanguageModelProblem(lm, "r", 1, PromptSwitching("t", "r", 1.0))
    runs = SMC(1).run(problem, 200, rng=1, keep=("tokens",))
    assert (runs.failed == (runs.tokens[:, 0] < 0)).all()
    assert runs.failed.any()
    assert not runs.failed.all()
    assert runs.log_w[~runs.failed] == pytest.approx(np.log(2))

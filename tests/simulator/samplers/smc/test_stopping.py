"""Texts that end early and blocks of tokens: proper weighting by enumeration of all choices."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.eos import eos
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model
from tests.support.choices import every_run

SAMPLERS = [SMC(2), SMC(2, ess_threshold=0.7), SMC(2, ess_threshold=0.0), SMC(2, block=2)]


def with_settled_values(horizon):
    """The eos problem with a noisy V^ of live texts; one that has stopped is worth its reward."""
    exact, noisy = eos(horizon, prm="exact"), eos(horizon, sigma=1.0, seed=2)
    prm = []
    for h in range(horizon + 1):
        level = exact.prm[h].copy()
        level[: h + 1] = noisy.prm[h][: h + 1]  # rows 0..h are alive
        prm.append(level)
    return exact.with_prm(prm)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_early_ends_by_enumeration(monkeypatch, sampler):
    problem = with_settled_values(2)
    law, weighted = defaultdict(float), defaultdict(float)
    total = 0.0
    for p, run in every_run(monkeypatch, sampler, as_language_model(problem, eos=2)):
        total += p
        path = tuple(run.tokens[0])
        law[path] += p
        weighted[path] += p * np.exp(run.log_w[0])
    assert total == pytest.approx(1, abs=1e-12)
    exact = sampler.exact_law(problem)
    for path, probability in zip(exact.tokens, exact.law, strict=True):
        if path[0] < 0:  # not reached by pi_ref
            continue
        assert law[tuple(path)] == pytest.approx(probability, abs=1e-12)
    assert law[(-1, -1)] == pytest.approx(exact.failure, abs=1e-12)
    _check_weights(weighted, problem)


def _check_weights(weighted, problem):
    """E[W 1{Y = y}] = pi_ref(y) r(y) for every path of tokens."""
    model = problem.model
    for path in product(range(model.n_actions), repeat=model.horizon):
        state, p = 0, 1.0
        for h, a in enumerate(path):
            p *= model.probs[h][state, a]
            state = model.next_state[h][state, a]
        assert weighted[path] == pytest.approx(p * problem.reward[state], abs=1e-12), path


def _invert(problem, tables, h, state, rng: Xoshiro) -> int:
    p = problem.model.probs[h][state]
    sums = np.cumsum(p)
    return int(min(np.searchsorted(sums, rng.uniform() * sums[-1], "right"), np.flatnonzero(p)[-1]))


@pytest.mark.parametrize("sampler", [SMC(5), SMC(4, "systematic", 0.6, block=2)], ids=repr)
def test_early_ends_draw_by_draw_and_their_cost(monkeypatch, sampler):
    monkeypatch.setattr(smc_plain, "draw_token", _invert)
    problem = with_settled_values(6)
    twin = smc_plain.run_plain(problem, sampler, 30, 7)
    keep = ("tokens", "ess", "genealogy")
    runs = sampler.run(as_language_model(problem, eos=2), 30, rng=7, keep=keep)
    for field in ("states", "failed", "tokens", "genealogy"):
        assert (getattr(runs, field) == getattr(twin, field)).all(), field
    assert runs.log_w == pytest.approx(twin.log_w, abs=1e-9)
    # what has ended is not asked about again
    assert (runs.model_calls <= twin.model_calls).all()
    assert runs.model_calls.sum() < 0.8 * twin.model_calls.sum()
    assert runs.prm_evaluations.sum() < 0.8 * twin.prm_evaluations.sum()


WORDS, CUT, STOP = ["a", ".", "$"], 1, 2


def value(texts):
    """Something uneven, and zero for one prefix."""
    return [0.0 if t == ".." else 1.0 + t.count("a") ** 2 + 0.5 * t.endswith("a") for t in texts]


def block_problem(tokens, n_blocks, longest):
    """The same in tabular form: an action is a block, a state is a text; written from scratch."""
    row = tokens.probs[0][0]
    blocks = list(_blocks(longest))
    probs, texts = [], [""]
    levels = [texts]
    for _ in range(n_blocks):
        rows, children = [], []
        for text in texts:
            ended = text.endswith("$")
            rows.append([float(b == "$") if ended else _mass(b, row) for b in blocks])
            children += [text if ended else text + b for b in blocks]
        probs.append(rows)
        texts = children
        levels.append(texts)
    judged = [[t.removesuffix("$") for t in level] for level in levels]
    prm = [value(level) for level in judged]
    return Problem(TabularModel.tree(probs), prm[-1], prm), levels[-1]


def _blocks(longest, prefix=""):
    for w in WORDS:
        text = prefix + w
        if w != "a" or len(text) == longest:
            yield text
        else:
            yield from _blocks(longest, text)


def _mass(block, row):
    return float(np.prod([row[WORDS.index(w)] for w in block]))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [SMC(2), SMC(2, ess_threshold=0.8), SMC(1)], ids=repr)
def test_blocks_cut_at_a_delimiter_by_enumeration(monkeypatch, sampler):
    tokens = TabularModel([[[0.5, 0.3, 0.2]]] * 4, [[[0, 0, 0]]] * 4)
    blocked, texts = block_problem(tokens, 2, 2)
    lm = TabularLM(tokens, WORDS, eos=STOP)
    posed = LanguageModelProblem(lm, "", 2, TextPRM(value), delimiters=(CUT,), block_tokens=2)
    assert posed.max_tokens == 4
    law, weighted = defaultdict(float), defaultdict(float)
    for p, run in every_run(monkeypatch, sampler, posed):
        failed = bool(run.failed[0])
        text = None if failed else lm.decode([a for a in run.tokens[0] if a >= 0])
        law[text] += p
        weighted[text] += p * np.exp(run.log_w[0])
    exact = sampler.exact_law(blocked, on="states")
    by_text, target = defaultdict(float), defaultdict(float)
    for text, probability in zip(texts, exact.law, strict=True):
        by_text[text] += probability
    assert law[None] == pytest.approx(exact.failure, abs=1e-12)
    for text in set(by_text) | set(law) - {None}:
        assert law[text] == pytest.approx(by_text[text], abs=1e-12), text
    for text, p, r in zip(texts, _leaf_mass(blocked), blocked.reward, strict=True):
        lost = text.startswith("..")
        target[text] += 0.0 if lost else p * r
    for text, mass in target.items():
        assert weighted[text] == pytest.approx(mass, abs=1e-12), text


def _leaf_mass(problem):
    out = np.ones(1)
    for p in problem.model.probs:
        out = (out[:, None] * p).ravel()
    return out


@pytest.mark.parametrize("sampler", [SMC(2), SMC(2, ess_threshold=0.8), SMC(1)], ids=repr)
def test_several_tokens_end_a_text_by_enumeration(monkeypatch, sampler):
    row = [0.5, 0.3, 0.2]
    lm = TabularLM(TabularModel([[row]] * 2, [[[0, 0, 0]]] * 2), WORDS)
    posed = LanguageModelProblem(lm, "", 2, TextPRM(value), eos=STOP, stops=(CUT,))
    law, weighted = defaultdict(float), defaultdict(float)
    for p, run in every_run(monkeypatch, sampler, posed):
        path = tuple(int(a) for a in run.tokens[0])
        law[path] += p
        weighted[path] += p * np.exp(run.log_w[0])
    assert sum(law.values()) == pytest.approx(1, abs=1e-12)
    # whichever token ends a text, padding follows, and the text is what came before
    assert set(law) == {(CUT, STOP), (STOP, STOP), (0, 0), (0, CUT), (0, STOP)}
    for path, mass in weighted.items():
        length = next((k for k, a in enumerate(path) if a in (CUT, STOP)), 2)
        drawn = path[: min(length + 1, 2)]
        expected = np.prod([row[a] for a in drawn]) * value(["a" * length])[0]
        assert mass == pytest.approx(expected, abs=1e-12), path


def test_further_ends_need_a_first():
    lm = TabularLM(TabularModel([[[0.5, 0.5]]], [[[0, 0]]]))
    with pytest.raises(InputError, match="stops"):
        LanguageModelProblem(lm, "", 1, TextPRM(value), eos=None, stops=(1,))
    lm.eos, lm.stops = 0, (1,)  # those of the model are taken over
    assert LanguageModelProblem(lm, "", 1, TextPRM(value)).ends == (0, 1)
    assert LanguageModelProblem(lm, "", 1, TextPRM(value), eos=None).ends == ()
    assert LanguageModelProblem(lm, "", 1, TextPRM(value), eos=1).ends == (1,)

"""What is measured on a whole vocabulary: the certificate against exact errors, the tables."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models.prompts import PROMPT_SETS, prompt_set, prompts
from simulator.language_models.study import (
    certificate,
    deviation_floor,
    log_prob_deviation,
    read_texts,
    sample_texts,
)
from simulator.language_models.style_tables import style_facts, style_table
from simulator.language_models.tabulate import switch_tables, tabulate, tree_log_mass
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.text.tabular import TabularLM

STYLE = 2


@pytest.fixture(scope="module")
def switch():
    """A language model of two prompts, and the same as exact tables."""
    plain, styled = style_table(None), style_table(STYLE)
    lm = TabularLM({"plain": plain, "styled": styled}, style_facts()["words"])
    return lm, switch_tables(plain, styled)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
def test_certified_limits_hold_the_exact_error(switch, n):
    lm, exact = switch
    problem = LanguageModelProblem(lm, "plain", 4, PromptSwitching("styled"))
    runs = SMC(n).run(problem, 3000, rng=5, keep=("tokens",))
    texts = sample_texts(lm, "styled", 3000, 4, 6)

    def statistic(tokens):
        return (lm.score("styled", tokens) - lm.score("plain", tokens)).sum(axis=1)

    # confidence 1 - 1e-9: the assertion fails by chance at most so often
    found = certificate(
        runs, statistic(runs.tokens), statistic(texts), properly_weighted=True,
        confidence=1 - 1e-9,
    )  # fmt: skip
    error = SMC(n).exact_law(exact, shortfall=True)
    assert found.low <= error.tv <= found.high
    assert found.shortfall_mean == pytest.approx(error.shortfall, abs=0.05)
    if n == 1:  # and the limits say something: N = 1 is pi_ref itself
        assert found.low > 0.3 * error.tv
    # half of the error would be caught
    assert found.high < error.tv + 0.45


def test_failed_runs_count_as_error():
    from simulator.samplers.runs import Runs

    n = 200
    failed = np.arange(n) % 2 == 0
    states = np.where(failed, -1, 1)
    runs = Runs(states, np.where(failed, -np.inf, 0.0), failed, states * 0, states * 0)
    found = certificate(runs, np.zeros(n), np.zeros(n), properly_weighted=True)
    assert 0.25 < found.low <= 0.5 <= found.high < 0.7


def test_too_few_runs_are_refused(switch):
    lm, _ = switch
    problem = LanguageModelProblem(lm, "plain", 4, PromptSwitching("styled"))
    runs = SMC(1).run(problem, 3, rng=5)
    with pytest.raises(InputError, match="at least 4"):
        certificate(runs, np.zeros(3), np.zeros(9), properly_weighted=True)


def test_texts_of_the_target_have_its_law(switch):
    lm, exact = switch
    n = 4000
    texts = sample_texts(lm, "styled", n, 4, 1)
    state = texts @ (3 ** np.arange(3, -1, -1))
    first = np.bincount(state // 27, minlength=3) / n
    # Bretagnolle-Huber-Carol: 2^3 exp(-R x^2/2) = 1e-9 at x = .107; pi_ref is further away
    law, plain = style_table(STYLE).probs[0][0], style_table(None).probs[0][0]
    assert np.abs(first - law).sum() < 0.107
    assert exact.log_z == pytest.approx(0, abs=1e-12)
    assert np.abs(np.exp(tree_log_mass(style_table(None))[-81:]).sum() - 1) < 1e-12
    assert plain.sum() == pytest.approx(1)


def test_deviation_is_zero_for_equal_texts_and_adds_over_prompts():
    x = [np.array([[-1.0, -2.0], [-3.0, -4.0]]), np.array([[-1.0, -1.0]] * 2)]
    y = [x[0] + [[1.0, -1.0]], x[1] + 2]
    assert log_prob_deviation(x, x) == 0
    assert log_prob_deviation(x, y) == pytest.approx(1 + 1 + 2 + 2)


def test_texts_are_read_under_all_prompts_at_once(switch):
    lm, _ = switch
    texts = sample_texts(lm, "styled", 40, 4, 2)  # more than are held at once
    pair = ["plain", "styled"]
    scores, means = read_texts(lm, "styled", pair, texts)
    for p, found in zip(pair, scores, strict=True):
        assert found == pytest.approx(lm.score(p, texts), abs=1e-12)
    models = style_table(None), style_table(STYLE)
    for row, text in enumerate(texts):
        state = 0
        for h, a in enumerate(text):
            law = models[1].probs[h][state]
            for k, model in enumerate(models):
                assert means[k][row, h] == pytest.approx(law @ np.log(model.probs[h][state]))
            state = 3 * state + a


def test_floor_is_the_mean_deviation_of_equal_laws():
    rng = np.random.default_rng(5)
    found, floor = np.array([
        (log_prob_deviation(x, y), deviation_floor(x, y))
        for x, y in (
            ([rng.normal(size=(30, 8))], [rng.normal(size=(60, 8))]) for _ in range(400)
        )
    ]).T  # fmt: skip
    # a mean of 3200 folded normals: six standard errors are 8% of it
    assert found.mean() == pytest.approx(floor.mean(), rel=0.08)


def test_prompt_sets():
    for name in PROMPT_SETS:
        plain, others = prompt_set(name)
        assert len({plain, *others}) == 51
    with pytest.raises(InputError, match="nonsense"):
        prompt_set("nonsense")


def test_packaged_tables_are_laws_of_all_prompts():
    assert len(style_facts()["prompts"]) == 1 + len(prompts()["styles"]) == 51
    for k in (None, *range(50)):
        assert style_table(k).horizon == 4


@pytest.mark.parametrize(
    ("words", "horizon", "named"),
    [
        (["a", "nothing"], 2, "not made of"),
        ([0, 0], 2, "twice"),
        ([], 2, "empty"),
        ([9], 2, "not one"),
        ([0, 1], 40, "horizon"),
        ([0, 1], 0, "horizon"),
    ],
)
def test_tables_that_cannot_be_made(words, horizon, named):
    lm = TabularLM(style_table(None), ["a", "b", "c"])
    with pytest.raises(InputError, match=named):
        tabulate(lm, "", words, horizon)


def test_tabulating_in_small_batches_changes_nothing():
    model = style_table(7)
    whole = tabulate(TabularLM(model), "", [0, 1, 2], 4)
    parts = tabulate(TabularLM(model, batch=4), "", [0, 1, 2], 4)
    for a, b, c in zip(whole.probs, parts.probs, model.probs, strict=True):
        assert (a == b).all()
        assert np.abs(a - c).max() < 1e-15

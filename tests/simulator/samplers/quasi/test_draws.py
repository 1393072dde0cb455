"""Draws of quasi-SMC: kernel, plain twin and text engine draw the same, mutants do not."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.eos import eos
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.samplers.quasi import plain as twin
from simulator.samplers.quasi.codes import ORDERS, RULES
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model

SAMPLERS = [QuasiSMC(n, rule, order) for n in (3, 8) for rule in RULES for order in ORDERS]
every = pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
FIELDS = (
    "states", "failed", "prm_evaluations", "model_calls", "tokens", "genealogy",
    "cloud_states", "cloud_log_weights", "log_w",
)  # fmt: skip


def problems():
    return (
        reference(4), eos(4), product(5), random_tree(3, 3, seed=3, zero_rewards=0.3, sparse=0.2),
        open_problem("random-automaton:seed=2,horizon=6"),
    )  # fmt: skip


def differing(a, b):
    return [
        name
        for name in FIELDS
        if not np.allclose(getattr(a, name), getattr(b, name), rtol=1e-12, atol=1e-12)
    ]


@pytest.mark.slow
@every
def test_kernel_and_twin_draw_the_same(sampler):
    for problem in problems():
        runs = sampler.run(problem, 30, rng=4, keep=QuasiSMC.keeps)
        assert differing(runs, twin.run_quasi_plain(problem, sampler, 30, 4)) == []


def faults(problem, runs):
    """Count cells whose parent, by the genealogy, is not alive or does not lead to their state."""
    found = 0
    for r in range(len(runs)):
        states, alive = np.zeros(1, dtype=int), np.ones(1, dtype=bool)
        for h in range(problem.horizon):
            here = runs.cloud_states[r, h] >= 0
            parents, states_below = runs.genealogy[r, h][here], runs.cloud_states[r, h][here]
            assert (runs.genealogy[r, h][~here] == -1).all()
            tokens = problem.model.probs[h][states[parents]] > 0
            leads = problem.model.next_state[h][states[parents]] == states_below[:, None]
            found += int((~(leads & tokens).any(axis=1) | ~alive[parents]).sum())
            states, alive = states_below, np.isfinite(runs.cloud_log_weights[r, h][here])
    return found


def test_the_genealogy_leads_through_living_parents(monkeypatch):
    problem = open_problem("brackets:length=6")
    for rule in RULES:
        sampler = QuasiSMC(6, rule)
        runs = sampler.run(problem, 30, rng=2, keep=QuasiSMC.keeps)
        assert (runs.cloud_log_weights[:, :-1][runs.genealogy[:, :-1] >= 0] == -np.inf).any()
        assert faults(problem, runs) == 0
    monkeypatch.setattr(twin, "_parents", lambda places, prefixes: prefixes)
    assert faults(problem, twin.run_quasi_plain(problem, sampler, 30, 2)) > 0


# name: (function of the twin, the wrong one made of the right one)
MUTANTS = {
    "weight without the ratio": (
        "_log_weight",
        lambda right: lambda p, h, state, a: right(p, h, state, a) + p.log_prm[h][state],
    ),
    "cells out of order": ("_in_order", lambda right: lambda *given: right(*given)[::-1]),
    "pi_ref forgotten": (
        "_masses",
        lambda right: lambda weights, cells, states, probs: right(
            weights, cells, states, np.full_like(probs, 1 / probs.shape[1])
        ),
    ),
    "W of the largest": ("_log_sum", lambda right: lambda top, total: float(top)),
    "output is the first": ("_pick", lambda right: lambda weights, u: 0),
    "one uniform a cell": (
        "settle",
        lambda right: lambda rule, q, n, rng: np.array(
            [(np.floor(n * x) + (rng.uniform() < n * x % 1)) / n for x in q]
        ),
    ),
    "hits not counted": (
        "settle", lambda right: lambda rule, q, n, rng: np.minimum(right(rule, q, n, rng), 1 / n)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_function_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    function, wrong = MUTANTS[name]
    problem, sampler = reference(4), QuasiSMC(4)
    runs = sampler.run(problem, 40, rng=1, keep=QuasiSMC.keeps)
    monkeypatch.setattr(twin, function, wrong(getattr(twin, function)))
    with np.errstate(divide="ignore"):
        try:
            other = twin.run_quasi_plain(problem, sampler, 40, 1)
        except ValueError:  # no cell was hit, or there were too many
            return
    assert differing(runs, other)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["lexicographic", "token"])
@pytest.mark.parametrize("rule", RULES)
def test_texts_are_drawn_as_their_tables_are(rule, order):
    sampler = QuasiSMC(4, rule, order)
    for problem in (reference(4), product(5), problems()[3]):
        text = as_language_model(problem)
        keep = ("tokens", "genealogy")
        tables = sampler.run(problem, 25, rng=6, keep=keep)
        texts = sampler.run(text, 25, rng=6, keep=keep)
        for name in ("states", "failed", "prm_evaluations", "tokens", "genealogy"):
            assert np.array_equal(getattr(tables, name), getattr(texts, name)), name
        assert texts.log_w == pytest.approx(tables.log_w, abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_texts_that_have_ended_keep_their_weight(rule):
    """W^ stays unbiased; six standard errors, so that it fails by chance once in 1e9."""
    problem = eos(4)
    w = np.exp(QuasiSMC(3, rule).run(as_language_model(problem), 400, rng=3).log_w)
    assert abs(w.mean() - np.exp(problem.log_z)) < 6 * w.std() / np.sqrt(w.size)
    assert w.std() < 0.7  # it would notice a shift of a tenth


def test_clouds_of_texts_are_weighted():
    problem = as_language_model(eos(3))
    runs = QuasiSMC(3).run(problem, 20, rng=2, keep=("clouds",))
    assert runs.cloud_tokens.shape == (20, 3, 3)
    assert runs.cloud_log_weights.shape == (20, 3, 3)
    assert np.isfinite(runs.cloud_log_weights[~runs.failed][:, -1].max(axis=1)).all()


def test_what_texts_cannot_have_is_refused():
    lm = TabularLM(reference(2).model)
    plain = LanguageModelProblem(lm, "", 2, TextPRM(lambda texts: np.ones(len(texts))))
    with pytest.raises(InputError, match="no states"):
        QuasiSMC(2, order="state").run(plain, 1, rng=0)
    steps = LanguageModelProblem(
        lm, "", 2, TextPRM(lambda texts: np.ones(len(texts))), delimiters=[0], block_tokens=2
    )
    with pytest.raises(InputError, match="one token a level"):
        QuasiSMC(2).run(steps, 1, rng=0)


@pytest.mark.parametrize(
    ("options", "named"), [({"rule": "best"}, "rule"), ({"order": "random"}, "order")]
)
def test_options_are_checked(options, named):
    with pytest.raises(InputError, match=named):
        QuasiSMC(2, **options)


def test_the_order_of_prefixes_is_cautioned_on_texts_too():
    def posed(horizon):
        judge = TextPRM(lambda texts: np.ones(len(texts)))
        return LanguageModelProblem(TabularLM(reference(2).model), "", horizon, judge)

    assert "order=token" in QuasiSMC(2, order="lexicographic").caution(posed(65))
    assert QuasiSMC(2, order="lexicographic").caution(posed(64)) is None
    assert QuasiSMC(2).caution(posed(1000)) is None

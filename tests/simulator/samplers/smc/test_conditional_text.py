"""Conditional SMC on texts: E[1/W^ | y] = nu(y)/(pi_ref(y) r(y)) by enumeration, no draws (T0)."""

from collections import Counter

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure import density_ratio as tables_module
from simulator.measure.density_ratio import conditional_log_w_plain
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.samplers.smc import conditional_text as module
from simulator.samplers.smc.conditional_text import run_conditional_text
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.regex import RegexPRM
from simulator.text.tabular import TabularLM, as_language_model
from tests.simulator.samplers.smc.test_text import invert
from tests.support.choices import every_outcome, every_run

ROWS = [
    [[0.5, 0.2, 0.3]],
    [[0.3, 0.3, 0.4], [0.6, 0.1, 0.3], [1.0, 0.0, 0.0]],
    [[0.7, 0.2, 0.1]] * 9,
]
LM = TabularLM(TabularModel.tree(ROWS), ["a", "b", "."], eos=2)
BITS = TabularLM(TabularModel.tree([[[0.3, 0.7], [0.6, 0.4]][: 2**h] * 2**max(h - 1, 0)
                                    for h in range(4)]), ["a", "b"])  # fmt: skip


def lossy():
    """A tree with V^ = 0 on paths of positive reward."""
    model = TabularModel.tree([[[0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]])
    return Problem(model, [1.0, 2.0, 3.0, 1.0], [[1.0], [0.0, 1.0], [1.0, 2.0, 3.0, 1.0]])


TABLES = {
    "reference": lambda: reference(2),
    "zeros": lambda: random_tree(2, 3, seed=3, zero_rewards=0.3, sparse=0.2),
    "edges": lambda: open_problem("two-branch:horizon=3"),
    "lossy": lossy,
}


def worth(texts):
    return np.array([1.0 + 2 * t.count("b") for t in texts])


TEXTS = {  # a text may end early, must end, consist of steps, or match
    "ends": {"horizon": 2, "prm": TextPRM(worth)},
    "no end": {"horizon": 2, "prm": TextPRM(worth), "eos": None},
    "must end": {"horizon": 2, "prm": TextPRM(worth), "force_end": True},
    "steps": {
        "lm": BITS,
        "horizon": 2,
        "prm": TextPRM(worth),
        "delimiters": "a",
        "block_tokens": 2,
    },
    "steps that end": {"horizon": 1, "prm": TextPRM(worth), "delimiters": "b", "block_tokens": 3},
    "pattern": {"horizon": 2, "prm": RegexPRM("(ab?)*")},
}


def inverse(monkeypatch, sampler, posed, tokens):
    """E[1/W^ | y] by enumeration."""
    total = mass = 0.0
    for p, runs in every_outcome(
        monkeypatch, lambda: run_conditional_text(sampler, posed, np.array([tokens]), 1, 0)
    ):
        mass += p
        total += p * np.exp(-runs.log_w[0, 0])
    assert mass == pytest.approx(1)
    return total


def gap(monkeypatch, sampler, name):
    """Largest |nu(y) - pi_ref(y) r(y) E[1/W^ | y]| over the paths of a tabular problem."""
    problem = TABLES[name]()
    law = sampler.exact_law(problem)
    posed = as_language_model(problem)
    found = [
        p * np.exp(problem.log_z) * inverse(monkeypatch, sampler, posed, y)
        for y, p in zip(law.tokens, law.target, strict=True) if p > 0
    ]  # fmt: skip
    return np.abs(np.array(found) - law.law[law.target > 0]).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "sampler",
    [SMC(1), SMC(2), SMC(2, block=2), *(SMC(2, proposal=q) for q in ("optimal", "tempered"))],
    ids=repr,
)
def test_the_mean_of_the_inverse_weight_is_the_density_of_the_exact_law(monkeypatch, sampler, name):
    assert gap(monkeypatch, sampler, name) < 1e-12


@pytest.mark.slow
def test_so_it_is_with_three_particles(monkeypatch):
    assert gap(monkeypatch, SMC(3), "reference") < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("sampler", [SMC(2), SMC(2, proposal="tempered")], ids=repr)
def test_texts_of_all_kinds(monkeypatch, sampler, name):
    posed = LanguageModelProblem(**{"lm": LM, "prompt": ""} | TEXTS[name])
    law, mass = Counter(), Counter()
    for p, run in every_run(monkeypatch, sampler, posed):
        if not run.failed[0]:
            y = tuple(run.tokens[0].tolist())
            law[y] += p
            mass[y] += p * np.exp(run.log_w[0])  # pi_ref r, as the filter is properly weighted
    assert len(law) > 1
    for y, p in law.items():
        assert mass[y] * inverse(monkeypatch, sampler, posed, y) == pytest.approx(p, rel=1e-12)


def never_kept(weights, rng):
    return module.invert(weights, np.zeros(weights.size))


def silent_at_level_one(sampler):
    return lambda cloud, h: cloud.log_v if h == 1 else cloud.value()


class Unforced(module._OneForced):
    """Particle 0 takes what its proposal gives at the first level."""

    def draw(self, rows, uniforms, power):
        if self.at[0] > 0:
            return super().draw(rows, uniforms, power)
        self.at += 1
        return module.TextParticles.draw(self, rows, uniforms, power)


MUTANTS = {
    "forced slot not kept": ("keep_first", never_kept),
    "one weight missing": ("value_by", silent_at_level_one),
    "one level not forced": ("_OneForced", Unforced),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_caught(monkeypatch, mutant):
    assert gap(monkeypatch, SMC(2), "reference") < 1e-12
    with monkeypatch.context() as patch:
        patch.setattr(module, *MUTANTS[mutant])
        assert gap(monkeypatch, SMC(2), "reference") > 1e-3


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("name", ["reference", "zeros", "edges"])
def test_equal_uniforms_give_the_weights_of_conditional_smc_on_tables(monkeypatch, name, n):
    monkeypatch.setattr(tables_module, "draw_token", invert)
    problem = TABLES[name]()
    tokens = target_paths(problem, 4, 0)
    runs = run_conditional_text(SMC(n), as_language_model(problem), tokens, 3, 5)
    twin = conditional_log_w_plain(problem, n, tokens, 3, 5)
    assert runs.log_w == pytest.approx(twin, rel=1e-9, abs=1e-9)
    assert runs.prm_evaluations == runs.model_calls == 4 * 3 * n * problem.horizon


def test_batches_do_not_matter_and_rewards_are_told():
    problem = reference(3)
    tokens = target_paths(problem, 5, 1)
    whole = run_conditional_text(SMC(4), as_language_model(problem), tokens, 2, 3)
    posed = as_language_model(problem)
    posed.lm.batch = 9  # two runs at once
    parts = run_conditional_text(SMC(4), posed, tokens, 2, 3)
    assert (whole.log_w == parts.log_w).all()
    states = posed.states(tokens)
    assert whole.log_reward == pytest.approx(problem.log_reward[states])
    lost = run_conditional_text(SMC(2), as_language_model(lossy()), np.array([[0, 1]]), 2, 0)
    assert np.isposinf(lost.log_w).all()
    assert np.isneginf(lost.log_reward).all()


@pytest.mark.parametrize(
    "sampler",
    [SMC(2, "systematic"), SMC(2, ess_threshold=0.5), SMC(2, select="best"), "smc"],
    ids=repr,
)
def test_other_samplers_are_refused(sampler):
    with pytest.raises(InputError, match="not SMC with multinomial"):
        run_conditional_text(sampler, as_language_model(reference(2)), np.array([[0, 1]]), 1, 0)


@pytest.mark.parametrize(
    ("tokens", "named"),
    [([[0]], "shape"), ([[0, -1]], "stop before"), ([[0, 2]], "none of 2"), ([0, 1], "shape")],
)
def test_tokens_that_are_no_texts_are_refused(tokens, named):
    with pytest.raises(InputError, match=named):
        run_conditional_text(SMC(2), as_language_model(reference(2)), np.array(tokens), 1, 0)

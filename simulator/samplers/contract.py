"""Clauses that every sampler keeps, to run on your own in a test suite.

>>> from simulator import SMC
>>> check_sampler(SMC(3))

Each clause takes a sampler, tries it on small problems (`contract_problems`) and raises an
AssertionError that says what is broken. With pytest, a test a clause::

    @parametrize_with_clauses(MySampler(4))
    def test_contract(sampler, clause):
        clause(sampler)

Draws are compared with the exact law at a false-failure rate of 1e-9 a clause.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.families.eos import eos
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.runs import Runs

__all__ = ["CONTRACT", "check_sampler", "contract_problems", "parametrize_with_clauses"]

F = TypeVar("F", bound=Callable[..., object])

FALSE_FAILURE = 1e-9
N_RUNS = 4000
SEED = 20260307


@cache
def contract_problems() -> tuple[Problem, ...]:
    """Small problems that differ in what can go wrong.

    Returns
    -------
    tuple of Problem
        A tree with a biased PRM; shared states with an absorbing end; edge rewards and a single
        state; a tree with zero rewards, a forbidden token, V^(root) other than Z and V^ > 0
        where V* = 0.
    """
    sparse = Problem(
        TabularModel.tree([[[0.5, 0.5]], [[1.0, 0.0], [0.25, 0.75]]]),
        [2.0, 1.0, 0.0, 1.0],
        [[3.0], [1.0, 0.5], [2.0, 1.0, 0.0, 1.0]],
        name="sparse",
    )
    return reference(2), eos(3), product(3), sparse


def is_a_frozen_dataclass(sampler: Sampler) -> None:
    """Options are fields of a frozen dataclass, `n_particles` the first; equal if they are."""
    assert dataclasses.is_dataclass(sampler), "not a dataclass"
    names = [f.name for f in dataclasses.fields(sampler)]
    assert names[0] == "n_particles", f"the first field is {names[0]}, not n_particles"
    assert dataclasses.replace(sampler) == sampler, "a copy is not equal"
    hash(sampler)
    assert isinstance(sampler.properly_weighted, bool), "properly_weighted is not a bool"


def gives_well_formed_runs(sampler: Sampler) -> None:
    """Arrays fit together, nothing is NaN, tokens lead to the states, costs are positive."""
    for problem in contract_problems():
        runs = sampler.run(problem, 50, rng=SEED, keep=("tokens",))
        assert len(runs) == 50
        ok = ~runs.failed
        assert runs.tokens is not None, "tokens were asked for"
        states = np.zeros(50, dtype=np.int64)
        for h in range(problem.horizon):
            tokens = np.where(ok, runs.tokens[:, h], 0)
            possible = problem.model.probs[h][states, tokens] > 0
            assert possible[ok].all(), f"{problem.name}: a token that pi_ref forbids"
            states = problem.model.next_state[h][states, tokens]
        assert (states[ok] == runs.states[ok]).all(), f"{problem.name}: tokens end elsewhere"
        assert (runs.prm_evaluations >= 0).all(), "negative cost"
        assert (runs.model_calls > 0).all(), "no base-model call"
        if sampler.properly_weighted:
            assert runs.log_w is not None, "properly weighted, but no log_w"
            assert np.isneginf(runs.log_w[~ok]).all(), "a failed run has W^ = 0"
            assert np.isfinite(runs.log_w[ok]).all(), "log_w is not finite"


def draws_by_seed_alone(sampler: Sampler) -> None:
    """Draw the same for a seed, whatever the number of runs, threads or calls."""
    problem = contract_problems()[0]
    whole = sampler.run(problem, 1100, rng=SEED)
    _same(whole, sampler.run(problem, 1100, rng=SEED), slice(None), "a second call")
    _same(whole, sampler.run(problem, 3, rng=SEED), slice(0, 3), "fewer runs")
    for threads in (1, 2):
        again = sampler.run(problem, 1100, rng=SEED, n_threads=threads)
        _same(whole, again, slice(None), f"{threads} threads")
    tail = sampler.run(problem, 76, rng=SEED, first_block=1)
    _same(whole, tail, slice(1024, None), "going on from the second block")


def has_an_exact_law(sampler: Sampler) -> None:
    """Probabilities with the failure sum to 1, `tv` is the distance, states fold paths."""
    for problem in contract_problems():
        law = sampler.exact_law(problem)
        assert law.law.min() >= 0, f"{problem.name}: negative probability"
        assert abs(law.law.sum() + law.failure - 1) < 1e-10, f"{problem.name}: sum is not 1"
        tv = float(np.maximum(law.target - law.law, 0).sum())
        assert abs(law.tv - tv) < 1e-12, f"{problem.name}: tv is not the distance"
        assert abs(law.target.sum() - 1) < 1e-10, f"{problem.name}: no target"
        by_state = sampler.exact_law(problem, "states")
        assert by_state.tokens is None
        assert abs(by_state.target - problem.target[-1]).max() < 1e-10
        folded = np.bincount(_ends(problem, law), law.law, len(problem.log_reward))
        assert abs(folded - by_state.law).max() < 1e-10, f"{problem.name}: states differ"


def draws_from_its_exact_law(sampler: Sampler) -> None:
    """Frequencies of terminal states and of failure fit the exact law (exact binomial tails).

    Catches a shift of one probability p by about 12 sqrt(p(1-p)/4000), at most 0.1.
    """
    from scipy.stats import binom

    for problem in contract_problems():
        law = sampler.exact_law(problem, "states")
        runs = sampler.run(problem, N_RUNS, rng=SEED + 1)
        counts = np.bincount(runs.states[~runs.failed], minlength=len(law.law))
        chance = np.append(law.law, law.failure)
        seen = np.append(counts, runs.failed.sum())
        level = FALSE_FAILURE / (2 * len(chance) * len(contract_problems()))
        for p, k in zip(chance.clip(0, 1), seen, strict=True):
            tail = min(binom.cdf(k, N_RUNS, p), binom.sf(k - 1, N_RUNS, p))
            assert tail > level, f"{problem.name}: {k} of {N_RUNS} where {N_RUNS * p:.1f} is due"


def weights_properly_if_it_says_so(sampler: Sampler) -> None:
    """E[(W^_H/Z) 1{Y = y}] = pi*(y) and E[W^_H] = Z (lemma C.2), and lemma C.3 always.

    Where rewards are zero a sampler may lose paths: then both may be less, but not more.
    """
    if not sampler.properly_weighted:
        return
    for problem in contract_problems():
        law = sampler.exact_law(problem)
        assert law.weighted is not None, "properly weighted, but the law has no weighted"
        assert law.mean_w_over_z is not None, "properly weighted, but the law has no mean"
        gap = np.append(law.target - law.weighted, 1 - law.mean_w_over_z)
        if not np.isneginf(problem.log_reward).any():
            gap = abs(gap)
            assert gap.max() < 1e-10, f"{problem.name}: not proper"
        assert gap.min() > -1e-10, f"{problem.name}: E[W^] is more than Z"
        short = sampler.exact_law(problem, shortfall=True).shortfall
        assert short is not None, "properly weighted, but no shortfall"
        assert law.tv <= short + 1e-10, f"{problem.name}: lemma C.3 fails"


def refuses_bad_arguments(sampler: Sampler) -> None:
    """Zero runs, unknown results and seeds of the wrong kind are told in one line."""
    problem = contract_problems()[0]
    calls: tuple[Callable[[], object], ...] = (
        lambda: sampler.run(problem, 0, rng=1),
        lambda: sampler.run(problem, 1, rng=-1),
        lambda: sampler.run(problem, 1, rng=1, keep=("nothing",)),
        lambda: sampler.exact_law(problem, "nothing"),
    )
    for call in calls:
        assert len(_complaint(call).splitlines()) == 1, "not refused in one line"


def _same(whole: Runs, part: Runs, where: slice, what: str) -> None:
    for name in ("states", "log_w", "failed", "prm_evaluations", "model_calls"):
        a, b = getattr(whole, name), getattr(part, name)
        if a is None or b is None:
            assert a is b, f"{what}: {name} is there only sometimes"
        else:
            assert np.array_equal(a[where], b), f"{what} changes {name}"


def _complaint(call: Callable[[], object]) -> str:
    try:
        call()
    except InputError as fault:
        return str(fault)
    return ""


def _ends(problem: Problem, law: ExactLaw) -> npt.NDArray[np.int64]:
    """Terminal state of each path of a law; 0 for outcomes that pi_ref does not reach."""
    assert law.tokens is not None, "a law on paths has tokens"
    tokens = np.maximum(law.tokens, 0)
    states = np.zeros(len(tokens), dtype=np.int64)
    for h in range(problem.horizon):
        states = problem.model.next_state[h][states, tokens[:, h]]
    return states


CONTRACT: tuple[Callable[[Sampler], None], ...] = (
    is_a_frozen_dataclass,
    gives_well_formed_runs,
    draws_by_seed_alone,
    has_an_exact_law,
    draws_from_its_exact_law,
    weights_properly_if_it_says_so,
    refuses_bad_arguments,
)


def check_sampler(sampler: Sampler) -> None:
    """Try every clause on a sampler.

    Parameters
    ----------
    sampler : Sampler
        Of any class: a subclass of `Sampler`, or a frozen dataclass with `run` and `exact_law`.

    Raises
    ------
    AssertionError
        If it breaks a clause; the message says which and how.

    Examples
    --------
    >>> from simulator import SMC
    >>> check_sampler(SMC(3, resampling="systematic"))
    """
    for clause in CONTRACT:
        try:
            clause(sampler)
        except AssertionError as fault:
            raise AssertionError(f"{clause.__name__}: {fault}") from None


def parametrize_with_clauses(*samplers: Sampler) -> Callable[[F], F]:
    """Make a pytest test that takes ``sampler`` and ``clause`` run on every pair of them.

    Parameters
    ----------
    *samplers : Sampler
        Of any class, as in `check_sampler`.

    Returns
    -------
    callable
        A decorator.
    """
    import pytest

    pairs = [(sampler, clause) for sampler in samplers for clause in CONTRACT]
    names = [f"{type(s).__name__}-{c.__name__}" for s, c in pairs]
    return pytest.mark.parametrize(("sampler", "clause"), pairs, ids=names)

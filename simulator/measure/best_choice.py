r"""The least error that any choice from the last cloud can have: the limit of myopic filters.

A filter ends with a random set S of outcomes, and something chooses one of them; the best that it
can do is to transport the law of S to pi*, each set to its members only. By max-flow and min-cut
(Strassen's theorem),

    min over choices of D_TV(law of the chosen, pi*) = max_D [P(S within D) - pi*(D)],

D over sets of outcomes, a failed run being within each. So a filter fails, however its output is
selected, exactly where its whole cloud falls into some event too often. Both sides are computed
here and must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.exact.cloud import ParticleFilter, final_clouds
from simulator.exact.cloud_sets import SetLaw, Sets
from simulator.exact.law import DEFAULT_LIMIT
from simulator.exact.outcomes import Outcomes, outcomes
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.exact import last_sets as rejection_sets
from simulator.typing import Bools, Floats

__all__ = ["BestChoice", "best_choice_error", "least_error"]

GAP = 1e-9  # of flow and cut


@dataclass(frozen=True)
class BestChoice:
    """The least error of a choice from a random set, and an event that shows it.

    Parameters
    ----------
    error : float
        max_D [P(S within D) - pi*(D)].
    event : (K,) bool array
        A set D of outcomes at which the maximum is attained.
    """

    error: float
    event: Bools


def best_choice_error(
    problem: Problem, sampler: Sampler, on: str = "paths", limit: float = DEFAULT_LIMIT
) -> BestChoice:
    """Compute the least error of any choice from the last cloud of SMC or SMC by rejection.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        `SMC` with any options, or one that declares the clouds of multinomial SMC at every level
        or of SMC by rejection. Its own choice has at least this error.
    on : {"paths", "states"}
        Outcomes: token paths or terminal states, as in `Sampler.exact_law`.
    limit : float, optional
        Largest number of cloud transitions.

    Returns
    -------
    BestChoice

    Raises
    ------
    InputError
        If the sampler is of another kind, or the problem is a language model's.
    TooLargeError
        If there are more transitions.

    Examples
    --------
    >>> from simulator import open_problem
    >>> problem, smc = open_problem("reference:horizon=3"), SMC(3)
    >>> print(f"{smc.exact_law(problem).tv:.4f} {best_choice_error(problem, smc).error:.4f}")
    0.1334 0.0231
    """
    check_tabular(problem, "best_choice_error")
    check_choice("on", on, ("paths", "states"))
    facts = facts_of(sampler, problem)
    out = outcomes(problem, on, limit, one_reward=False)
    if facts.family == "smc-rs":
        sets = rejection_sets(out, sampler.n_particles, limit=limit)
    elif isinstance(sampler, SMC):
        sets = _smc_sets(out, sampler.as_plain(out.tree), sampler, limit)
    elif facts.family == "smc" and facts.variance == "multinomial":
        sets = _smc_sets(out, out.tree, SMC(sampler.n_particles), limit)
    else:
        raise InputError("best choice: only of SMC and SMC by rejection are the last clouds known")
    return least_error(sets, out.target)


def least_error(sets: SetLaw, target: Floats) -> BestChoice:
    """Return max_D [P(S within D) - pi*(D)], checked by a flow of what remains.

    Parameters
    ----------
    sets : SetLaw
        Law of S.
    target : (K,) array
        pi* of the outcomes.

    Returns
    -------
    BestChoice

    Raises
    ------
    InputError
        If flow and cut differ by more than 1e-9: too many sets for floating point.

    Examples
    --------
    One fair coin thrown twice, and 3/4 wanted for heads: {0}, {1} and {0, 1} have 1/4, 1/4, 1/2.

    >>> seen = SetLaw(np.array([[0, -1], [1, -1], [1, 0]]), np.array([0.25, 0.25, 0.5]), 0.0)
    >>> [float(least_error(seen, np.array([1 - p, p])).error) for p in (0.75, 0.875)]
    [0.0, 0.125]
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    chosen = sets.members >= 0
    rows, member = np.nonzero(chosen)[0], sets.members[chosen]
    size, width = len(sets.members), target.size
    event = np.zeros(width, dtype=np.bool_)
    share = np.zeros(rows.size)
    if rows.size:
        edge = np.arange(rows.size)
        ends = np.concatenate([rows, size + member])
        table = csr_array(
            (np.ones(2 * rows.size), (ends, np.concatenate([edge, edge]))),
            shape=(size + width, rows.size),
        )
        solve: Any = linprog  # its stubs know dense tables only
        flow = solve(
            -np.ones(rows.size), A_ub=table, b_ub=np.concatenate([sets.probability, target]),
            method="highs", options={"primal_feasibility_tolerance": 1e-10},
        )  # fmt: skip
        event = flow.ineqlin.marginals[size:] < -0.5
        share = _within(np.maximum(flow.x, 0.0), rows, sets.probability)
        share = _within(share, member, target)
    within = np.where(chosen, event[sets.members], True).all(axis=1)
    cut = sets.failure + float(sets.probability[within].sum() - target[event].sum())
    missing = 1 - float(share.sum())
    if abs(missing - cut) > GAP:
        raise InputError(f"best choice: flow {missing:.12g} and cut {cut:.12g} do not agree")
    return BestChoice(max(cut, 0.0), event)


def _smc_sets(out: Outcomes, sampled: Problem, sampler: ParticleFilter, limit: float) -> SetLaw:
    """Law of the set that the last cloud of SMC on `sampled` shows."""
    sets = Sets(sampler.n_particles, out.outcome)
    for states, _, probability in final_clouds(sampled, sampler, limit=limit):
        live = (states >= 0).any(axis=1)
        sets.add(states[live], probability[live])
    return sets.law()


def _within(flow: Floats, end: np.ndarray, capacity: Floats) -> Floats:
    """Shrink flows so that those with one end are at most its capacity."""
    total = np.bincount(end, flow, capacity.size)
    factor = np.minimum(1.0, capacity / np.where(total > 0, total, 1.0))
    return np.asarray(flow * np.where(total > 0, factor, 1.0)[end])

r"""How often the last cloud of a sampler answers right, exactly or from runs.

Four ways to answer: `sample`, the sampler's output; `best`, the particle of highest terminal V^;
`vote`, right answers together outweigh wrong ones; `any`, at least one of the N proposals of level
H is right (pass@N). Failed runs, and votes that are tied, are not right.

Nothing but laws and runs of SMC is needed. With 1_E as terminal reward a run fails if and only if
no proposal is in E. With r 1_E and with r 1_{not E} the same random numbers make the same cloud,
and of the two W^_H the larger one wins the vote.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.exact.cloud import final_clouds
from simulator.exact.law import DEFAULT_LIMIT
from simulator.interval import Interval
from simulator.measure.confidence import clopper_pearson
from simulator.measure.outputs import accuracy
from simulator.problem.events import chance_ahead, check_event, earning, restricted
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted, in_blocks, with_proposal
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.samplers.smc.sampler import SMC
from simulator.streams.seeds import seed_sequence
from simulator.typing import Bools, Floats, RngLike

__all__ = ["SELECT", "Select", "as_smc", "exact_accuracy", "measured_accuracy"]

Select = Literal["sample", "best", "vote", "any"]
SELECT: tuple[Select, ...] = ("sample", "best", "vote", "any")
TIE = 1e-9  # weights this close, relatively, are equal


def as_smc(problem: Problem, sampler: Sampler) -> tuple[Problem, SMC]:
    """Return SMC and a problem on which its last clouds are those of a sampler.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with any options, SMC-RS, SIS, or one that declares one of these laws.

    Returns
    -------
    problem : Problem
        Of the same terminal states.
    smc : SMC
        Its output does not matter.

    Raises
    ------
    InputError
        If the clouds of the sampler are not of this kind.

    Examples
    --------
    >>> from simulator import SMCRejection, open_problem
    >>> problem, smc = as_smc(open_problem("reference"), SMCRejection(3))
    >>> smc == SMC(3)
    True
    """
    if isinstance(sampler, SMC):
        plain = replace(sampler, proposal="reference", select="sample")
        return with_proposal(problem, sampler.proposal), plain
    facts, n = facts_of(sampler, problem), sampler.n_particles
    if facts.restarted:
        raise InputError(f"{type(sampler).__name__}: accepts some clouds only, none is the last")
    if facts.family == "smc" and facts.variance == "multinomial":
        return problem, SMC(n)
    if facts.family == "smc-rs":
        return fully_adapted(problem), SMC(n)
    if facts.family == "sis":
        return in_blocks(problem, problem.horizon), SMC(n, ess_threshold=0.0)
    raise InputError(f"{type(sampler).__name__}: the law of its last cloud is not known")


def exact_accuracy(
    problem: Problem,
    sampler: Sampler,
    correct: npt.ArrayLike,
    select: Select = "sample",
    limit: float = DEFAULT_LIMIT,
) -> float:
    """Compute the probability of a right answer by enumeration.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        For `sample` any; for `best` one with an option `select`, as SMC has; else see `as_smc`.
    correct : (S_H,) bool array
        Which terminal states are right.
    select : {"sample", "best", "vote", "any"}, optional
        How the cloud answers.
    limit : float, optional
        Largest amount of work; see `Sampler.exact_law`.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the sampler does not answer in this way, or an argument is malformed.
    TooLargeError
        If there is more to do than `limit`.

    Examples
    --------
    >>> from simulator import open_problem
    >>> problem = open_problem("reference")
    >>> right = problem.reward > 2.5
    >>> for select in SELECT:
    ...     print(select, round(exact_accuracy(problem, SMC(2), right, select), 4))
    sample 0.249
    best 0.3321
    vote 0.3051
    any 0.3321
    """
    check_choice("select", select, SELECT)
    event = check_event(problem, correct)
    if select in ("sample", "best"):
        law = _answering(sampler, select).exact_law(problem, "states", limit)
        return accuracy(event, law).value
    plain, smc = as_smc(problem, sampler)
    if select == "any":
        if not chance_ahead(plain, event).any():
            return 0.0
        failure = smc.exact_law(earning(plain, event), "states", limit).failure
        return float(1 - failure)
    total = 0.0
    sign = np.where(event, 1.0, -1.0)
    for states, weights, probability in final_clouds(plain, smc, limit=limit):
        margin = (weights * sign[states]).sum(axis=1)
        total += float(probability[margin > TIE * weights.sum(axis=1)].sum())
    return min(total, 1.0)


def measured_accuracy(
    problem: Problem,
    sampler: Sampler,
    correct: npt.ArrayLike,
    select: Select = "sample",
    *,
    n_runs: int,
    rng: RngLike,
    confidence: float = 0.99,
) -> Interval:
    """Measure the probability of a right answer in runs; limits of Clopper and Pearson.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        As in `exact_accuracy`.
    correct : (S_H,) bool array
        Which terminal states are right.
    select : {"sample", "best", "vote", "any"}, optional
        How the cloud answers.
    n_runs : int
        Independent runs, at least 1.
    rng : int, SeedSequence or Generator
        The only source of randomness.
    confidence : float, optional
        Of the limits.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        If the sampler does not answer in this way, or an argument is malformed.
    """
    check_choice("select", select, SELECT)
    check_int("n_runs", n_runs, 1)
    event = check_event(problem, correct)
    if select in ("sample", "best"):
        runs = _answering(sampler, select).run(problem, n_runs, rng=rng)
        return accuracy(event, runs, confidence)
    plain, smc = as_smc(problem, sampler)
    seed = seed_sequence(rng)
    if select == "any":
        won = np.zeros(n_runs, dtype=np.bool_)
        if chance_ahead(plain, event).any():
            won = ~smc.run(earning(plain, event), n_runs, rng=seed).failed
    else:
        ours, theirs = (_log_weights(plain, smc, e, n_runs, seed) for e in (event, ~event))
        won = ours > theirs + TIE
    right = int(won.sum())
    limits = clopper_pearson(right, n_runs, 1 - confidence)
    return Interval(right / n_runs, *limits, confidence)


def _answering(sampler: Sampler, select: str) -> Sampler:
    if select == "sample":
        return sampler
    if not hasattr(sampler, "select"):
        raise InputError(f"{type(sampler).__name__}: has no option to choose the best particle")
    best: Sampler = replace(sampler, select="best")  # type: ignore[type-var]
    return best


def _log_weights(
    problem: Problem, smc: SMC, event: Bools, n_runs: int, seed: np.random.SeedSequence
) -> Floats:
    """Log of what an event has in W^_H, in each run."""
    reached = np.isfinite(problem.log_reward) & (problem.target[-1] > 0)
    if not (event & reached).any():
        return np.full(n_runs, -np.inf)
    logs = smc.run(restricted(problem, event), n_runs, rng=seed).log_w
    assert logs is not None
    return logs

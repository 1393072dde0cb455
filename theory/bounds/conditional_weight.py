"""Bound J: the mean weight of conditional SMC, path by path; of order 1/N."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.exact.second_moments import path_second_moment
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.problem.unfold import count_paths, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Floats, RngLike
from theory.assumptions import DRAWN, NO_RESTART, SECOND_MOMENT
from theory.statement import bound

__all__ = ["conditional_weight"]

LIMIT = 200_000  # paths


def _excess(problem: Problem, sampler: Sampler, tokens: npt.NDArray[np.integer]) -> Floats:
    """(1 - 1/m(y))_+ of paths; 1 for lost paths, whose m is inf as no output can be there."""
    kind = facts_of(sampler, problem).family
    m = path_second_moment(problem, sampler.n_particles, tokens, kind)
    if kind != "sis":  # SIS loses no mass
        m[np.isfinite(m)] *= (
            1 - problem.forward_backward.lost_mass
        )  # inf stays, even if all mass is lost
    return np.asarray(1 - 1 / np.maximum(m, 1.0))


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Evaluate (1 - 1/m(y))_+ at y ~ pi*."""
    tokens = target_paths(problem, n_runs, rng)
    return _excess(problem, sampler, tokens), 1.0


@bound(
    id="J",
    title="mean weight of conditional SMC, path by path",
    reference="new; Jensen on the exact second moment",
    formula="E_{y~pi*}[(1 - 1/m(y))_+], m(y) = E[W^_H/Z] with y forced as one lineage",
    assumptions=(SECOND_MOMENT, DRAWN, NO_RESTART),
    samples=_samples,
)
def conditional_weight(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[(1 - 1/m(y))_+], exact over all paths.

    The output law nu has nu(y)/pi*(y) = E[Z/W^_H] under conditional SMC, which is at least
    1/m(y) by Jensen; sum pi* (1 - nu/pi*)_+. With lost mass m(y) Z_e/Z takes the place of
    m(y), and a lost y counts 1.

    Guarantee: upper bound, attained at N = 1.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC by rejection without restart, SIS,
        or one that declares one of these laws.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If there are more than 200,000 paths; `Bound.estimate` then draws paths from pi*.
    """
    n_paths = count_paths(problem)
    if n_paths > LIMIT:
        raise TooLargeError(f"bound J: {n_paths:.3g} paths, the limit is {LIMIT}")
    unfolded = unfold(problem)
    target = unfolded.problem.target[-1]
    hit = target > 0
    return float(target[hit] @ _excess(problem, sampler, unfolded.tokens[hit]))

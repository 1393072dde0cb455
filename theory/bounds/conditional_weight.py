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
from theory.assumptions import DRAWN, NO_RESTART, WEIGHT
from theory.statement import bound

__all__ = ["conditional_weight", "mean_shortfall", "shortfall_samples"]

LIMIT = 200_000  # paths


def _excess(
    problem: Problem, sampler: Sampler, tokens: npt.NDArray[np.integer], *, at_most: bool
) -> Floats:
    """(1 - 1/m(y))_+ of paths; 1 for lost paths, whose m is inf as no output can be there."""
    kind = facts_of(sampler, problem).family
    m = path_second_moment(problem, sampler.n_particles, tokens, kind, at_most=at_most)
    if kind != "sis":  # SIS loses no mass
        m[np.isfinite(m)] *= (
            1 - problem.forward_backward.lost_mass
        )  # inf stays, even if all mass is lost
    return np.asarray(1 - 1 / np.maximum(m, 1.0))


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    return shortfall_samples(problem, sampler, n_runs, rng)


@bound(
    id="J",
    title="mean weight of conditional SMC, path by path",
    rate="1/N",
    reference="Jensen under conditional SMC: see arXiv 1312.6432; new: m(y) exact on each path",
    formula="E_{y~pi*}[(1 - 1/m(y))_+], m(y) = E[W^_H/Z] with y forced as one lineage",
    latex=r"$\mathbb{E}_{y \sim \pi^*}\left[\left(1 - \frac{1}{m(y)}\right)_+\right]$, "
    r"$m(y) = \mathbb{E}[\hat{W}_H / Z]$ with $y$ forced as one lineage",
    assumptions=(WEIGHT, DRAWN, NO_RESTART),
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
        SMC with multinomial resampling at every level (with any unbiased one if V^ = V*), SMC by
        rejection without restart, SIS, or one that declares one of these laws.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If there are more than 200,000 paths; `Bound.estimate` then draws paths from pi*.
    """
    return mean_shortfall(problem, sampler)


def mean_shortfall(problem: Problem, sampler: Sampler, *, at_most: bool = False) -> float:
    """E_{pi*}[(1 - 1/m(y))_+] over all paths.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        Of which m(y), or its limit, is known.
    at_most : bool, optional
        Whether m^+(y) takes the place of m(y); see `simulator.exact.second_moments`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TooLargeError
        If there are more than 200,000 paths.
    """
    n_paths = count_paths(problem)
    if n_paths > LIMIT:
        raise TooLargeError(f"weights path by path: {n_paths:.3g} paths, the limit is {LIMIT}")
    unfolded = unfold(problem)
    target = unfolded.problem.target[-1]
    hit = target > 0
    short = _excess(problem, sampler, unfolded.tokens[hit], at_most=at_most)
    return float(target[hit] @ short)


def shortfall_samples(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike, *, at_most: bool = False
) -> tuple[Floats, float]:
    """Evaluate (1 - 1/m(y))_+ at y ~ pi*.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        Of which m(y), or its limit, is known.
    n_runs : int
        Number of paths drawn.
    rng : int, SeedSequence or Generator
        The only source of randomness.
    at_most : bool, optional
        As in `mean_shortfall`.

    Returns
    -------
    (R,) array, float
        Values in [0, 1], and 1.
    """
    tokens = target_paths(problem, n_runs, rng)
    return _excess(problem, sampler, tokens, at_most=at_most), 1.0

"""Bound T: one-step errors of the tilted cloud, summed over the levels; of order 1/N."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.exact.cloud import cloud_chain
from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.self_normalised_floor import self_normalised_floor
from simulator.exact.slot_means import SlotMean
from simulator.measure.largest_steps import largest_steps
from simulator.measure.step_errors import CloudMean, step_errors
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.problem import Problem
from simulator.resampling.when import Rule
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats, Ints, RngLike
from theory.assumptions import DRAWN, SLOTS
from theory.statement import bound

__all__ = ["measured_steps", "scheme_steps", "stepwise_errors", "sum_steps"]


CELLS = 1 << 22  # entries of the largest array of particles kept at a time


def sum_steps(
    problem: Problem,
    n: int,
    clouds: Iterable[tuple[int, Ints, Floats, Floats]],
    *,
    rejection: bool = False,
    mean: CloudMean = self_normalised_mean,
    rule: Rule | None = None,
) -> float:
    """Average the one-step errors over enumerated clouds and sum over the levels.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    n : int
        Number of particles N.
    clouds : iterable of (level, states, weights, probability)
        Levels 0..H-1.
    rejection : bool, optional
        Whether it is SMC by rejection.
    mean, rule : optional
        As in `simulator.measure.step_errors.step_errors`.

    Returns
    -------
    float
        The value of bound T, or of TJ with a floor as `mean`; by rejection of T-RS and TJ-RS.
    """
    total, size = 0.0, max(1, CELLS // (n * problem.model.n_actions))
    for level, states, weights, probability in clouds:
        for first in range(0, len(probability), size):
            part = slice(first, first + size)
            errors = step_errors(
                problem, level + 1, states[part], weights[part], n, rejection=rejection, mean=mean,
                rule=rule,
            )  # fmt: skip
            total += float(probability[part] @ errors)
    return total


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the one-step errors of each run."""
    return measured_steps(problem, sampler, n_runs, rng)


@bound(
    id="T",
    title="one-step errors of the tilted cloud",
    rate="1/N",
    reference="telescoping over levels, see Del Moral (2004); one-step errors exact or measured",
    formula="sum_h E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], nu~_h ∝ nu^_h V*/V^",
    latex=r"$\sum_h \mathbb{E}[D_{\text{TV}}(\mathbb{E}[\tilde{\nu}_h \mid \text{past}], "
    r"\tilde{\nu}_{h-1} \pi^*)]$, $\tilde{\nu}_h \propto \hat{\nu}_h V^*/\hat{V}$",
    assumptions=(SLOTS, DRAWN),
    measured=True,
    samples=_samples,
)
def stepwise_errors(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_{h=1}^H E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], over all clouds.

    nu~_0 is the root and nu~_H = nu^_H; the kernel pi* contracts D_TV, so the errors of the
    levels add up, whatever the resampling. The conditional mean needs no sampling: see
    `simulator.exact.quadrature` and, for other schemes, `simulator.exact.slot_means`, where the
    laws are those of pairs (parent, child) with particles told apart.

    Guarantee: upper bound of order 1/N, true with lost mass too; attained by some trees.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that is resampled at every level, by any scheme, or one that declares such a law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then. Also if offspring of so
        many particles cannot be listed (SSP).
    """
    return scheme_steps(problem, sampler)


def _mean(scheme: str, *, jensen: bool) -> CloudMean:
    if scheme == "multinomial":
        return self_normalised_floor if jensen else self_normalised_mean
    return SlotMean(scheme, jensen)


def _scheme(problem: Problem, sampler: Sampler) -> str:
    scheme = facts_of(sampler, problem).scheme
    assert scheme is not None
    return scheme


def measured_steps(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike, *, jensen: bool = False
) -> tuple[Floats, float]:
    """Sum the one-step errors of each run, and say how large a sum can be.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that is resampled at every level.
    n_runs : int
        Number of runs.
    rng : int, SeedSequence or Generator
        The only source of randomness.
    jensen : bool, optional
        Whether each is replaced by its bound through Jensen's inequality.

    Returns
    -------
    (R,) array, float
        Sums, and the largest possible one: each term is at most 1, or its level's part of bound
        F-star.
    """
    scheme = _scheme(problem, sampler)
    sums = stepwise_samples(problem, sampler, n_runs, rng, mean=_mean(scheme, jensen=jensen))
    top = largest_steps(problem, sampler.n_particles, resampling=scheme)
    return np.concatenate(list(sums)), float(top.sum())


def scheme_steps(problem: Problem, sampler: Sampler, *, jensen: bool = False) -> float:
    """Sum the one-step errors over all clouds of SMC with the sampler's resampling.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that is resampled at every level.
    jensen : bool, optional
        Whether each is replaced by its bound through Jensen's inequality.

    Returns
    -------
    float
        The value of bound T, or of TJ.

    Raises
    ------
    TooLargeError
        If there are too many clouds.
    """
    n, scheme = sampler.n_particles, _scheme(problem, sampler)
    # whoever declares this law has the clouds of SMC
    chain = cloud_chain(problem, SMC(n, scheme))
    clouds = ((c.level, c.states, c.weights, c.probability) for c in chain)
    return sum_steps(problem, n, clouds, mean=_mean(scheme, jensen=jensen))

"""Bound T-RS: one-step errors of the tilted cloud of SMC by rejection; of order 1/N."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.exact.quadrature import self_normalised_mean
from simulator.measure.largest_steps import largest_steps
from simulator.measure.step_errors import CloudMean
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.smc_rejection.exact import rejection_chain
from simulator.typing import RngLike
from theory.assumptions import DRAWN, NO_RESTART, REJECTION
from theory.bounds.stepwise_errors import sum_steps
from theory.statement import bound

__all__ = ["rejection_steps", "rejection_stepwise_errors"]


def _samples(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike
) -> tuple[npt.NDArray[np.float64], float]:
    """Sum the one-step errors of each run; each is at most 1, or its part of bound F-star-RS."""
    sums = np.concatenate(list(stepwise_samples(problem, sampler, n_runs, rng, rejection=True)))
    return sums, float(largest_steps(problem, sampler.n_particles, rejection=True).sum())


@bound(
    id="T-RS",
    title="SMC-RS: one-step errors of the tilted cloud",
    rate="1/N",
    reference="telescoping over levels, see Del Moral (2004); one-step errors exact or measured",
    formula="sum_h E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], nu~_h ∝ V*/V^ on the cloud",
    latex=r"$\sum_h \mathbb{E}[D_{\text{TV}}(\mathbb{E}[\tilde{\nu}_h \mid \text{past}], "
    r"\tilde{\nu}_{h-1} \pi^*)]$, $\tilde{\nu}_h \propto V^*/\hat{V}$ on the cloud",
    assumptions=(REJECTION, DRAWN, NO_RESTART),
    measured=True,
    samples=_samples,
)
def rejection_stepwise_errors(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_h E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], over all clouds.

    As bound T, but the particles of a level are independent draws from mu_h, and nu~_h weights
    them by u = V*/V^ at the child. The term of level H is 0, as V^ = V* there.

    Guarantee: upper bound of order 1/N, true with lost mass too.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection without restart (`SMCRejection`, `DiffusionMonteCarlo`,
        `ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    return rejection_steps(problem, sampler.n_particles)


def rejection_steps(problem: Problem, n: int, mean: CloudMean = self_normalised_mean) -> float:
    """Sum the one-step errors over all clouds of SMC by rejection.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    n : int
        Number of particles N.
    mean : callable, optional
        As in `simulator.measure.step_errors.step_errors`.

    Returns
    -------
    float
        The value of bound T-RS, or of TJ-RS with a floor as `mean`.

    Raises
    ------
    TooLargeError
        If there are too many clouds.
    """
    clouds = (
        (c.level, c.states, np.ones(c.states.shape), c.probability)
        for c in rejection_chain(problem, n)
    )
    return sum_steps(problem, n, clouds, rejection=True, mean=mean)

"""Bound TJ-adaptive: one-step errors by Jensen's inequality, where clouds may be kept."""

from __future__ import annotations

import numpy as np

from simulator.exact.cloud import cloud_chain
from simulator.exact.self_normalised_floor import self_normalised_floor
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats, RngLike
from theory.assumptions import ADAPTIVE, DRAWN
from theory.bounds.adaptive_accuracy_rate import largest_losses
from theory.bounds.adaptive_accuracy_root import rule_of
from theory.bounds.stepwise_errors import sum_steps
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["stepwise_floors_adaptive"]


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the terms of each run; each is at most 1, or its level's part of bound F-adaptive."""
    rule = rule_of(sampler, problem)
    sums = stepwise_samples(problem, sampler, n_runs, rng, mean=self_normalised_floor, rule=rule)
    top = float(problem.horizon)
    if not criteria(problem).loses_mass:
        top = float(largest_losses(problem, rule, sampler.n_particles).sum())
    return np.concatenate(list(sums)), top


@bound(
    id="TJ-adaptive",
    title="adaptive resampling: one-step errors of the tilted cloud by Jensen",
    rate="1/N",
    reference="bound TJ where a cloud may be kept; max rule: see arXiv 1503.00966",
    formula="sum_h E[l_h], l_h as in TJ for a resampled cloud, else E_{nu~_{h-1} pi*}[x/(1+x)], "
    "x = W_i (w - w_i)_+, w = (V*(x')/V^(x_i)) / nu^_{h-1}(V*/V^), w_i its mean given x_i",
    latex=r"$\sum_h \mathbb{E}[\ell_h]$, $\ell_h$ as in TJ for a resampled cloud, else "
    r"$\mathbb{E}_{\tilde{\nu}_{h-1} \pi^*}\left[\frac{x}{1 + x}\right]$, "
    r"$x = W_i (w - w_i)_+$, "
    r"$w = \frac{V^*(x')}{\hat{V}(x_i)} \Big/ \hat{\nu}_{h-1}(V^*/\hat{V})$, "
    r"$w_i$ its mean given $x_i$",
    assumptions=(ADAPTIVE, DRAWN),
    measured=True,
    samples=_samples,
)
def stepwise_floors_adaptive(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV by the mean of what the target of each cloud loses in one step at most.

    See `simulator.measure.kept_steps` for a cloud that is kept; the kernel pi* contracts D_TV, so
    the losses add up. Bound TJ with the least N/m in place of N would not do: parents that are
    kept are not drawn, and their differences no longer help.

    Guarantee: upper bound; true with lost mass too.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling by a rule, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    rule, n = rule_of(sampler, problem), sampler.n_particles
    # whoever declares this law has the clouds of SMC
    chain = cloud_chain(problem, SMC(n, ess_threshold=rule.threshold, resample_when=rule.name))
    clouds = ((c.level, c.states, c.weights, c.probability) for c in chain)
    return sum_steps(problem, n, clouds, mean=self_normalised_floor, rule=rule)

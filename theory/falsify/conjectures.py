"""Plausible claims that are no statements of this project: some are false, of some nobody knows.

`search` finds an instance against the false ones. Of systematic resampling "variance-step" is
false from N = 4 on, of every other unbiased scheme but multinomial "variance-weight" is;
"average-chi-square" and "first-order" are false for SMC itself.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from simulator.exact.cloud import cloud_chain
from simulator.problem.problem import Problem
from simulator.resampling.offspring import offspring_batch
from simulator.resampling.residual import SNAP
from simulator.samplers.base import Sampler
from simulator.samplers.smc.sampler import SMC
from theory.criteria import criteria
from theory.falsify.inequality import LIMIT, Inequality
from theory.falsify.rational_error import output_in_fractions
from theory.falsify.rational_tree import RationalTree
from theory.laws.first_order import first_order_law

__all__ = ["CONJECTURES"]

LIGHT = 1e-6  # variances of the weights below this may be rounding


def _needs_smc(problem: Problem, sampler: Sampler) -> str | None:
    """Speak of SMC that is resampled at every level by whatever scheme, tokens from pi_ref."""
    known = isinstance(sampler, SMC) and sampler.facts(problem).family == "smc"
    if not known or not sampler.facts(problem).drawn:
        return "needs: SMC that is resampled at every level, tokens drawn from pi_ref"
    return None if not criteria(problem).loses_mass else "needs: no lost mass"


def _largest_step(problem: Problem, sampler: Sampler) -> tuple[float, float]:
    """Variances of sum_j N_j V*/V^(x_j) given a cloud, where their ratio is largest.

    A scheme counts N W_j that is within `SNAP` of a whole number as that number, which moves its
    variance by so much: a larger one by no more than this is none.
    """
    assert isinstance(sampler, SMC)
    n, worst = sampler.n_particles, (0.0, 1.0)
    for cloud in cloud_chain(problem, sampler, limit=LIMIT):
        if cloud.level == 0:
            continue
        with np.errstate(invalid="ignore"):  # where V^ = 0 no particle is
            ratio = np.exp(problem.log_value[cloud.level] - problem.log_prm[cloud.level])
        phi = np.where(cloud.states >= 0, ratio[cloud.states], 0.0)
        phi /= np.maximum(phi.max(axis=1, keepdims=True), 1e-300)
        share = cloud.weights / cloud.weights.sum(axis=1, keepdims=True)
        many = n * ((share * phi**2).sum(axis=1) - (share * phi).sum(axis=1) ** 2)
        row, chance, ancestors = offspring_batch(sampler.resampling, cloud.weights)
        sums = phi[row[:, None], ancestors].sum(axis=1)
        mean = np.bincount(row, chance * sums, len(phi))
        own = np.bincount(row, chance * sums**2, len(phi)) - mean**2
        own = np.where(own - many <= 4 * n * SNAP, np.minimum(own, many), own)  # whole shares
        at = int(np.argmax(np.where(many > LIGHT, own / np.maximum(many, LIGHT), 0.0)))
        if many[at] > LIGHT and own[at] * worst[1] > worst[0] * many[at]:
            worst = (float(own[at]), float(many[at]))
    return worst


def _weight_variances(problem: Problem, sampler: Sampler) -> tuple[float, float]:
    """v of the sampler, and v under multinomial resampling."""
    found = [
        s.exact_law(problem, limit=LIMIT).relative_variance
        for s in (sampler, SMC(sampler.n_particles))
    ]
    own, many = (float("inf") if v is None else v for v in found)
    return (own, many) if own > LIGHT else (0.0, 1.0)


def _own_variance(tree: RationalTree, sampler: Sampler) -> Fraction | None:
    found = output_in_fractions(tree, sampler)
    return None if found is None else found.second_moment - 1


def _multinomial_variance(tree: RationalTree, sampler: Sampler) -> Fraction | None:
    return _own_variance(tree, SMC(sampler.n_particles))


def _error(problem: Problem, sampler: Sampler) -> float:
    return sampler.exact_law(problem, limit=LIMIT).tv


def _exact_error(tree: RationalTree, sampler: Sampler) -> Fraction | None:
    found = output_in_fractions(tree, sampler)
    return None if found is None else found.error(tree)


def _average(problem: Problem, sampler: Sampler) -> tuple[float, float]:
    """Error, and the sum over the levels of chi-squares of pairs over N."""
    right = float(criteria(problem).proposal_chi2.sum()) / sampler.n_particles
    return _error(problem, sampler), right


def _first_order(problem: Problem, sampler: Sampler) -> tuple[float, float]:
    """Error, and what it is to first order, A/N."""
    constant = first_order_law(problem, sampler).constant
    return _error(problem, sampler), constant.value / sampler.n_particles


def _needs_multinomial(problem: Problem, sampler: Sampler) -> str | None:
    reason = _needs_smc(problem, sampler)
    if reason is None and sampler.facts(problem).variance != "multinomial":
        return "needs: SMC with multinomial resampling at every level"
    return reason


def _one_more(problem: Problem, sampler: Sampler) -> tuple[float, float]:
    """Error with one particle more, and error."""
    assert isinstance(sampler, SMC)
    more = replace(sampler, n_particles=sampler.n_particles + 1)
    return _error(problem, more), _error(problem, sampler)


def _one_more_exact(tree: RationalTree, sampler: Sampler) -> Fraction | None:
    assert isinstance(sampler, SMC)
    return _exact_error(tree, replace(sampler, n_particles=sampler.n_particles + 1))


CONJECTURES: dict[str, Inequality] = {
    c.id: c
    for c in (
        Inequality(
            "variance-step",
            "resampling a cloud gives sum_j N_j V*/V^(x_j) no more variance than multinomial does",
            _largest_step,
            _needs_smc,
        ),
        Inequality(
            "variance-weight",
            "v = Var(W^_H)/Z^2 is at most that of multinomial resampling",
            _weight_variances,
            _needs_smc,
            _own_variance,
            _multinomial_variance,
        ),
        Inequality(
            "average-chi-square",
            "D_TV <= (1/N) sum_h chi2(pi*_h ‖ eta_h)",
            _average,
            _needs_multinomial,
            _exact_error,
        ),
        Inequality(
            "first-order",
            "D_TV <= A/N, the first-order law taken for a bound",
            _first_order,
            _needs_multinomial,
            _exact_error,
        ),
        Inequality(
            "one-more",
            "one particle more does not make the error larger",
            _one_more,
            _needs_smc,
            _one_more_exact,
            _exact_error,
        ),
    )
}

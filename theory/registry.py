"""The tables of all statements, explicit: those of the paper in its order, then others by group."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.bounds.accuracy_root import accuracy_root, accuracy_root_level
from theory.bounds.adaptive_accuracy_rate import accuracy_rate_adaptive
from theory.bounds.adaptive_accuracy_root import accuracy_root_adaptive
from theory.bounds.adaptive_chi_square_pairs import chi_square_pairs_adaptive
from theory.bounds.adaptive_stepwise_floors import stepwise_floors_adaptive
from theory.bounds.all_or_nothing_bias import all_or_nothing_bias
from theory.bounds.bellman_particles import bellman_particles
from theory.bounds.branching_extinction import branching_extinction
from theory.bounds.branching_path_weight import branching_path_weight
from theory.bounds.branching_weight_variance import branching_weight_variance
from theory.bounds.cell_covariance import cell_covariance
from theory.bounds.cell_variation import cell_variation
from theory.bounds.chi_square_fixed_horizon import chi_square_fixed_horizon
from theory.bounds.chi_square_levels import chi_square_levels
from theory.bounds.chi_square_pairs import chi_square_pairs
from theory.bounds.chi_square_uniform import chi_square_uniform
from theory.bounds.coalescence_chi_square import coalescence_chi_square
from theory.bounds.coalescence_limit import coalescence_limit
from theory.bounds.conditional_weight import conditional_weight
from theory.bounds.conditional_weight_limit import conditional_weight_limit
from theory.bounds.coverage_action_profiles import coverage_action_profiles
from theory.bounds.coverage_profile import coverage_profile
from theory.bounds.dips_event import dips_event
from theory.bounds.guided_particle import guided_particle, guided_particle_sharp
from theory.bounds.hidden_labels import hidden_labels_limit
from theory.bounds.largest_coalescence import largest_coalescence
from theory.bounds.one_sided_coverage import one_sided_coverage
from theory.bounds.pointwise_floor import pointwise_floor
from theory.bounds.product_law import product_law
from theory.bounds.rare_path_missed import rare_path_missed
from theory.bounds.recursive_delay import recursive_delay_limit
from theory.bounds.rejection_chi_square import rejection_chi_square
from theory.bounds.rejection_chi_square_half import rejection_chi_square_half
from theory.bounds.rejection_coverage_profile import rejection_coverage_profile
from theory.bounds.rejection_largest_coalescence import rejection_largest_coalescence
from theory.bounds.rejection_one_sided_coverage import rejection_one_sided_coverage
from theory.bounds.rejection_pointwise_floor import rejection_pointwise_floor
from theory.bounds.rejection_stepwise_errors import rejection_stepwise_errors
from theory.bounds.rejection_stepwise_floors import rejection_stepwise_floors
from theory.bounds.rejection_weight_oscillation import rejection_weight_oscillation
from theory.bounds.sis_chi_square import sis_chi_square
from theory.bounds.step_second_moments import step_second_moments
from theory.bounds.stepwise_errors import stepwise_errors
from theory.bounds.stepwise_floors import stepwise_floors
from theory.bounds.truncated_chi_square import truncated_chi_square
from theory.bounds.two_branch_bias import two_branch_bias
from theory.bounds.weight_oscillation import weight_oscillation, weight_oscillation_sharp
from theory.bounds.weight_shortfall import weight_shortfall
from theory.bounds.weight_variance import weight_variance
from theory.bounds.weight_variance_limit import weight_variance_limit
from theory.claim import Claim
from theory.claims.accuracy_highest import accuracy_of_the_highest
from theory.claims.accuracy_passed import accuracy_of_proposals
from theory.claims.accuracy_sampled import accuracy_of_the_output
from theory.claims.accuracy_sharpened import accuracy_of_a_sharpened_prm
from theory.claims.accuracy_voted import accuracy_of_the_vote
from theory.claims.alrs_drift import alrs_drift
from theory.claims.average_chi_square import average_chi_square
from theory.claims.cell_order import cell_order
from theory.claims.chi_square_identity import chi_square_identity
from theory.claims.divergence_to_output import divergence_to_output
from theory.claims.dmc_error import dmc_error
from theory.claims.guidance_threshold import guidance_threshold
from theory.claims.less_variance import less_variance
from theory.claims.myopic_game_value import myopic_game_value
from theory.claims.prefix_variance import prefix_variance
from theory.claims.product_law import product_bits
from theory.claims.proper_weighting import proper_weighting
from theory.claims.restart_error import restart_error
from theory.claims.systematic_variance import systematic_variance
from theory.claims.walk_coupling import walk_coupling
from theory.claims.walk_limits import walk_limits
from theory.claims.walk_shapes import walk_shapes
from theory.claims.weight_shortfall import mean_shortfall
from theory.statement import Bound

__all__ = ["BOUNDS", "CLAIMS", "CLAIM_GROUPS", "GROUPS", "RENAMED", "bound_named", "bounds_for"]

GROUPS: dict[str, tuple[Bound, ...]] = {
    "Of the paper": (
        chi_square_uniform,  # 1.1
        chi_square_levels,  # 3.2
        coverage_profile,  # 3.5
        rejection_chi_square,  # 3.8
        recursive_delay_limit,  # 3.9
        step_second_moments,  # C.4
        coverage_action_profiles,  # C.6
        product_law,  # C.8
        rejection_coverage_profile,  # D.3
    ),
    "Sharper, by chi-squares": (
        sis_chi_square,  # IS
        chi_square_pairs,  # S1
        truncated_chi_square,  # S1t
        rejection_chi_square_half,  # S-RS
    ),
    "Sharper, by the weight of each path": (
        weight_variance,  # S2
        conditional_weight,  # J
        largest_coalescence,  # K
        rejection_largest_coalescence,  # K-RS
        coalescence_chi_square,  # K3
        weight_variance_limit,  # S2-plus
        conditional_weight_limit,  # J-plus
        coalescence_limit,  # K-plus
        chi_square_fixed_horizon,  # E-upper
    ),
    "Sharper, by coverage and accuracy of the PRM": (
        accuracy_root,  # L
        accuracy_root_level,  # L-level
        pointwise_floor,  # F-star
        rejection_pointwise_floor,  # F-star-RS
        one_sided_coverage,  # O
        rejection_one_sided_coverage,  # O-RS
    ),
    "Sharper, level by level": (
        stepwise_errors,  # T
        rejection_stepwise_errors,  # T-RS
        stepwise_floors,  # TJ
        rejection_stepwise_floors,  # TJ-RS
    ),
    "Adaptive resampling": (
        chi_square_pairs_adaptive,  # S1-adaptive
        accuracy_root_adaptive,  # L-adaptive
        accuracy_rate_adaptive,  # F-adaptive
        stepwise_floors_adaptive,  # TJ-adaptive
    ),
    "A certificate, at any scale": (
        weight_shortfall,  # Z
    ),
    "Of neighbours, and sharper forms of these": (
        weight_oscillation,  # DM
        weight_oscillation_sharp,  # DM-sharp
        rejection_weight_oscillation,  # DM-sharp-RS
        guided_particle,  # ZL-4.3
        guided_particle_sharp,  # ZL-4.3-sharp
        bellman_particles,  # ZL-5.1
    ),
    "Quasi-SMC": (
        cell_variation,  # Q4
        cell_covariance,  # Q
    ),
    "Independent branching": (
        branching_weight_variance,  # S2-ind
        branching_path_weight,  # J-ind
        branching_extinction,  # P-ind
    ),
    "Lower bounds: what cannot be better": (
        two_branch_bias,  # two-branch
        all_or_nothing_bias,  # LB-M
        dips_event,  # X
        rare_path_missed,  # E
        hidden_labels_limit,  # hidden-labels
    ),
}
BOUNDS: dict[str, Bound] = {b.id: b for group in GROUPS.values() for b in group}

CLAIM_GROUPS: dict[str, tuple[Claim, ...]] = {
    "Of the paper": (
        restart_error,  # 3.6
        chi_square_identity,  # A.2
        proper_weighting,  # C.2
        mean_shortfall,  # C.3
        prefix_variance,  # C.5
        product_bits,  # C.9
        dmc_error,  # D.5
        walk_coupling,  # E.1
        myopic_game_value,  # F.5
    ),
    "Of neighbours, and around them": (
        alrs_drift,  # ALRS
        average_chi_square,  # AVG
        walk_limits,  # VGB
        walk_shapes,  # VGB-shape
        guidance_threshold,  # ZL-threshold
        divergence_to_output,  # KL
        cell_order,  # QUASI
    ),
    "Accuracy of the answer": (
        accuracy_of_the_output,  # A1
        accuracy_of_proposals,  # A2
        accuracy_of_the_highest,  # A3
        accuracy_of_the_vote,  # A4
        accuracy_of_a_sharpened_prm,  # A5
    ),
    "Resampling schemes": (
        less_variance,  # less-variance
        systematic_variance,  # systematic
    ),
}
CLAIMS: dict[str, Claim] = {c.id: c for group in CLAIM_GROUPS.values() for c in group}

RENAMED = {"F": "F-star", "F-level": "F-star", "F-RS": "F-star-RS"}  # old ids, for one version


def _warn(line: str) -> None:
    warnings.warn(line, FutureWarning, stacklevel=3)


def bound_named(name: str, tell: Callable[[str], object] = _warn) -> Bound:
    """Return a statement by its id, or by an old one.

    Parameters
    ----------
    name : str
        Id.
    tell : callable, optional
        Takes the line that says so if the id is an old one; by default it becomes a warning.

    Returns
    -------
    Bound

    Raises
    ------
    InputError
        If there is no such statement.

    Examples
    --------
    >>> bound_named("F", print).id
    F is now F-star; the old id goes in the next version
    'F-star'
    """
    if name in RENAMED:
        tell(f"{name} is now {RENAMED[name]}; the old id goes in the next version")
        name = RENAMED[name]
    if name not in BOUNDS:
        raise InputError(f"statement {name!r} is not known; there are {', '.join(BOUNDS)}")
    return BOUNDS[name]


def bounds_for(problem: Problem, sampler: Sampler) -> list[Bound]:
    """List the statements that speak of this sampler on this problem.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        By what; of any class, see `simulator.samplers.facts.facts_of`.

    Returns
    -------
    list of Bound
        Their values may be inf.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> smc = SMC(4, resampling="systematic")
    >>> [b.id for b in bounds_for(open_problem("reference"), smc)]
    ['T', 'TJ', 'Z']
    """
    return [b for b in BOUNDS.values() if b.applicable(problem, sampler)]

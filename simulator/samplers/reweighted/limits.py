"""The law that a weighting rule converges to, and its distance from the target."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.exact.law import total_variation
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.reweighted.aggregations import AGGREGATIONS
from simulator.samplers.reweighted.rule import Rule, along_paths
from simulator.samplers.reweighted.rules import RULES
from simulator.typing import Floats

__all__ = ["get_rule", "limit_error", "limit_law"]

TIE = 1e-9  # log rewards this close count as equal, as in the sampler


def get_rule(rule: str | Rule) -> Rule:
    """Look up a rule.

    Parameters
    ----------
    rule : str or Rule
        One of `RULES` or `AGGREGATIONS`, or a rule, which is returned.

    Returns
    -------
    Rule

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if isinstance(rule, Rule):
        return rule
    known = RULES | AGGREGATIONS
    check_choice("rule", rule, known)
    return known[rule]


def limit_law(problem: Problem, rule: str | Rule) -> Floats:
    """Law of the output as N goes to infinity.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    rule : str or Rule
        As in `get_rule`.

    Returns
    -------
    (K,) array
        Over the outcomes of ``AuditedSMC(N, rule).exact_law(problem)``.

    Raises
    ------
    InputError
        If the rule is not known or gives every path weight zero.
    TooLargeError
        If there are too many paths.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]),
    ...                   [1.0, 1.0, 2.0, 2.0], "exact")
    >>> limit_law(problem, "ratio").round(3).tolist()
    [0.167, 0.167, 0.333, 0.333]
    >>> limit_law(problem, "absolute").round(3).tolist()
    [0.1, 0.1, 0.4, 0.4]
    """
    chosen = get_rule(rule)
    if is_path_tree(problem):
        return _limit(problem, chosen)
    unfolded = unfold(problem)
    law = _limit(unfolded.problem, chosen)
    if problem.is_tree:  # its terminal states may stand in another order
        law = np.bincount(unfolded.terminal, law, len(problem.log_reward)).astype(np.float64)
    return law


def _limit(tree: Problem, rule: Rule) -> Floats:
    from scipy.special import logsumexp

    if rule.select == "sample":
        return rule.rewrite(tree).target[-1]
    start = tree.model.state_start
    factors = rule.factors(tree)
    before = np.where(np.arange(factors.size) < start[-2], factors, 0.0)
    log_mass = (tree.forward_backward.log_forward + along_paths(tree, before))[start[-2] :]
    log_mass[np.isneginf(along_paths(tree, factors)[start[-2] :])] = -np.inf
    live = np.isfinite(log_mass)
    if not live.any():
        raise InputError(f"rule {rule.name}: every path has weight zero")
    log_mass[tree.log_reward < tree.log_reward[live].max() - TIE] = -np.inf
    return np.exp(log_mass - logsumexp(log_mass))


def limit_error(problem: Problem, rule: str | Rule) -> float:
    """D_TV(limit law of a rule, pi*), what no number of particles removes.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    rule : str or Rule
        As in `get_rule`.

    Returns
    -------
    float
        0 for a rule that converges to the target.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> [round(limit_error(reference(3), rule), 3) for rule in ("ratio", "absolute")]
    [0.0, 0.233]
    """
    tree = problem if is_path_tree(problem) else unfold(problem).problem
    return total_variation(tree.target[-1], limit_law(tree, rule))

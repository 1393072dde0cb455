r"""Weighting rules that particle filters of language models ship, and what they converge to.

A filter that multiplies weights G_1, ..., G_H along a path and resamples in between is SMC
(arXiv 2603.07887, algorithm 1) on the tree whose PRM is the running product of the G's: G_h is
the ratio of that PRM. So as N grows its output converges to

    law(y) ∝ pi_ref(y) prod_h G_h(y_{1:h}),

the Feynman-Kac measure of the G's (P. Del Moral, "Feynman-Kac Formulae", 2004), and to pi* only
if the product is the reward. Taking the particle of highest V^ at the end converges to
pi_ref prod_{h<H} G_h restricted to the paths of highest reward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.exact.law import total_variation
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.typing import Floats

__all__ = ["RULES", "Rule", "get_rule", "limit_error", "limit_law"]


TIE = 1e-9  # log rewards this close count as equal, as in the sampler
TEMPERATURE = 0.25
LEAST_ESS = 0.75


@dataclass(frozen=True)
class Rule:
    """How particles are weighted and one of them chosen.

    Parameters
    ----------
    name : str
        By which `get_rule` finds it.
    text : str
        What it does, in a line.
    factors : callable
        Tree problem to log G of every node, in flat order, 0 at the root.
    select : {"sample", "best"}, optional
        Draw the output from the last weighted cloud, or take the particle of highest V^.
    """

    name: str
    text: str
    factors: Callable[[Problem], Floats]
    select: str = "sample"

    def rewrite(self, tree: Problem) -> Problem:
        """Return the tree problem on which SMC weights particles by this rule.

        Parameters
        ----------
        tree : Problem
            Every state is reached by one path.

        Returns
        -------
        Problem

        Raises
        ------
        InputError
            If the rule gives every path weight zero.
        """
        log_prm = _along_paths(tree, self.factors(tree))
        ends = slice(int(tree.model.state_start[-2]), None)
        if np.isneginf(log_prm[ends][tree.forward_backward.reached[ends]]).all():
            raise InputError(f"rule {self.name}: V^ = 0 somewhere on every path, none has weight")
        return Problem.from_log(
            tree.model, log_prm[tree.model.state_start[-2] :], log_prm, name=tree.name
        )


def _along_paths(tree: Problem, log_factor: Floats) -> Floats:
    """Sum of `log_factor` over the nodes of the path to each node."""
    out = log_factor.copy()
    e = tree.forward_backward.edges
    used = tree.forward_backward.taken
    for begin, end in zip(e.start[:-1], e.start[1:], strict=True):
        part = slice(int(begin), int(end))
        source, target = e.source[part][used[part]], e.target[part][used[part]]
        out[target] = out[source] + log_factor[target]
    return out


def _level(tree: Problem) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(tree.horizon + 1), tree.model.n_states)


def _ratio(tree: Problem) -> Floats:
    prm, e = tree.log_prm_flat, tree.forward_backward.edges
    out = np.zeros_like(prm)
    used = tree.forward_backward.taken
    source, target = e.source[used], e.target[used]
    alive = np.isfinite(prm[source]) & np.isfinite(prm[target])
    out[target] = np.where(alive, prm[target] - np.where(alive, prm[source], 0.0), -np.inf)
    return out


def _absolute(tree: Problem) -> Floats:
    return np.where(_level(tree) == 0, 0.0, tree.log_prm_flat)


def _absolute_twice(tree: Problem) -> Floats:
    return _absolute(tree) * np.where(_level(tree) == tree.horizon, 2.0, 1.0)


def _absolute_corrected(tree: Problem) -> Floats:
    before = np.where(_level(tree) == tree.horizon, 0.0, _absolute(tree))
    spent = _along_paths(tree, before)
    leaf = _level(tree) == tree.horizon
    alive = np.isfinite(spent)
    repaired = np.where(alive, tree.log_prm_flat - np.where(alive, spent, 0.0), -np.inf)
    return np.where(leaf, repaired, before)


def _softmax(tree: Problem) -> Floats:
    score = np.exp(tree.log_prm_flat - tree.log_prm_flat.max())
    return np.where(_level(tree) == 0, 0.0, score / TEMPERATURE)


def _annealed(tree: Problem) -> Floats:
    """V^ to the largest power beta_h <= 1 that keeps the share of effective particles."""
    out, start = _absolute(tree), tree.model.state_start
    log_reach, e = tree.forward_backward.log_forward, tree.forward_backward.edges
    spent, used = np.zeros_like(out), tree.forward_backward.taken  # along the path, to the parent
    for h in range(1, tree.horizon + 1):
        here = slice(int(start[h]), int(start[h + 1]))
        part = slice(int(e.start[h - 1]), int(e.start[h]))
        source, target = e.source[part][used[part]], e.target[part][used[part]]
        spent[target] = spent[source] + out[source]
        mass = log_reach[here] + spent[here]
        score = tree.log_prm_flat[here]
        live = np.isfinite(mass) & np.isfinite(score)
        if live.any():
            beta = _power(mass[live], score[live])
            out[here] = np.where(np.isfinite(score), beta * score, -np.inf)
    return out


def _power(log_mass: Floats, log_score: Floats) -> float:
    """Largest beta in [0, 1] with (E w^beta)^2 >= LEAST_ESS E w^(2 beta): decreasing in beta."""
    from scipy.optimize import brentq
    from scipy.special import logsumexp

    log_mass = log_mass - logsumexp(log_mass)

    def excess(beta: float) -> float:
        first, second = (float(logsumexp(log_mass + k * beta * log_score)) for k in (1, 2))
        return 2 * first - second - math.log(LEAST_ESS)

    return 1.0 if excess(1.0) >= 0 else float(brentq(excess, 0.0, 1.0, xtol=1e-14))


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("ratio", "V^(child)/V^(parent) at each step; converges to the target", _ratio),
        Rule("absolute", "V^ itself at each step", _absolute),
        Rule("absolute-twice", "V^ at each step, and the last one again to choose the output",
             _absolute_twice),
        Rule("absolute-corrected", "V^ at each step, in the end r / prod_{h<H} V^",
             _absolute_corrected),
        Rule("absolute-argmax", "V^ at each step, output the highest V^", _absolute, "best"),
        Rule("ratio-argmax", "the ratio at each step, output the highest V^", _ratio, "best"),
        Rule("softmax", f"exp(V^ / (T max V^)) at each step, T = {TEMPERATURE}", _softmax),
        Rule("annealed", "V^ to a power that keeps 3/4 of the limit cloud effective", _annealed),
    )
}  # fmt: skip


def get_rule(name: str) -> Rule:
    """Look up a rule.

    Parameters
    ----------
    name : str
        One of `RULES`.

    Returns
    -------
    Rule

    Raises
    ------
    InputError
        If there is none of that name.
    """
    check_choice("rule", name, RULES)
    return RULES[name]


def limit_law(problem: Problem, rule: str) -> Floats:
    """Law of the output as N goes to infinity.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    rule : str
        One of `RULES`.

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
    log_mass = (tree.forward_backward.log_forward + _along_paths(tree, before))[start[-2] :]
    log_mass[np.isneginf(_along_paths(tree, factors)[start[-2] :])] = -np.inf
    live = np.isfinite(log_mass)
    if not live.any():
        raise InputError(f"rule {rule.name}: every path has weight zero")
    log_mass[tree.log_reward < tree.log_reward[live].max() - TIE] = -np.inf
    return np.exp(log_mass - logsumexp(log_mass))


def limit_error(problem: Problem, rule: str) -> float:
    """D_TV(limit law of a rule, pi*), what no number of particles removes.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    rule : str
        One of `RULES`.

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

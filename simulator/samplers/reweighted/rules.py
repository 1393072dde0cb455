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

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.samplers.reweighted.rule import Rule, along_paths, steps_of
from simulator.typing import Floats

__all__ = ["RULES"]


TEMPERATURE = 0.25
LEAST_ESS = 0.75


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
    spent = along_paths(tree, before)
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
    log_reach = tree.forward_backward.log_forward
    spent = np.zeros_like(out)  # along the path, to the parent
    for h, (source, target) in enumerate(steps_of(tree), 1):
        here = slice(int(start[h]), int(start[h + 1]))
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

    log_mass = log_mass - np.logaddexp.reduce(log_mass)

    def excess(beta: float) -> float:
        first, second = (
            float(np.logaddexp.reduce(log_mass + k * beta * log_score)) for k in (1, 2)
        )
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

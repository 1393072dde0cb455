"""Bound J-ind: the mean weight of SMC-IND given its output, path by path; of order 1/N."""

from __future__ import annotations

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.problem.unfold import count_paths, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.branching.moments import path_moment
from theory.assumptions import BRANCHING, DRAWN, KEEPS_MASS, UNCUT
from theory.statement import bound

__all__ = ["branching_path_weight"]

LIMIT = 200_000  # paths


@bound(
    id="J-ind",
    title="mean weight of SMC-IND given the output, path by path",
    rate="1/N",
    reference="Jensen as in bound J; moments of a Galton-Watson process by many-to-two",
    formula="E_{y~pi*}[(1 - 1/m(y))_+], N m(y) = N - 1 + (V^(root)/Z)(1 + 2 sum_{h<H} V*/V^(y_h))",
    latex=r"$\mathbb{E}_{y \sim \pi^*}\left[\left(1 - \frac{1}{m(y)}\right)_+\right]$, "
    r"$N m(y) = N - 1 + \frac{\hat{V}(\text{root})}{Z} "
    r"\left(1 + 2 \sum_{h<H} \frac{V^*(y_h)}{\hat{V}(y_h)}\right)$",
    assumptions=(BRANCHING, DRAWN, UNCUT, KEEPS_MASS),
)
def branching_path_weight(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[(1 - 1/m(y))_+], m(y) = E[(W^_H/Z)^2 1{Y=y}]/pi*(y).

    By proper weighting E[(W^_H/Z) 1{Y=y}] = pi*(y). So under the law tilted by W^_H/Z, given
    Y = y, the mean of W^_H/Z is m(y) and that of Z/W^_H is P(Y=y)/pi*(y), which is at least
    1/m(y) by Jensen; sum pi* (1 - P/pi*)_+. The second moment is in `path_moment`. For V^ = V*
    the bound is 2H/(N + 2H).

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC-IND; VGB with ``stop="visits"``, which has its law [E.1]; or one that declares it.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If there are more than 200,000 paths.
    """
    n_paths = count_paths(problem)
    if n_paths > LIMIT:
        raise TooLargeError(f"bound J-ind: {n_paths:.3g} paths, the limit is {LIMIT}")
    tree = unfold(problem).problem
    m = path_moment(tree, sampler.n_particles)
    target, hit = tree.target[-1], tree.target[-1] > 0
    gain = 1 - 1 / m[hit]
    return float(target[hit] @ gain.clip(0.0))

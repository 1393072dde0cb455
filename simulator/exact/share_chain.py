"""Law of the terminal state of multinomial SMC where clouds are too many to enumerate.

Resampled at every level by independent draws, the future of a cloud depends only on the weighted
shares x of the S_h states, a point of a simplex. Backwards from f_H(x) = x,

    f_h(x) = E[f_{h+1}(x') | x],

and the law of the output is f_0. The N pairs of parent and child are independent, their law is
linear in x, so f_h is a polynomial of degree at most N: its values at the nodes of degree K = N
determine it. As x' is within about N^{-1/2} of a smooth function of x, a small K does for a large
N: K grows until f_0 stands still. With f_{h+1} = sum_alpha b_alpha B_alpha in Bernstein
polynomials, E[B_alpha(x')] is the chance that K draws from the next cloud are of the states alpha
(`simulator.exact.share_kernel`). A level takes about K^{2S} operations, whatever N is. The moments
of W^_H are known otherwise: E[W^_H 1{Y = y}] by lemma C.2, E[(W^_H)^2] by a recursion.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.cloud_steps import Work
from simulator.exact.particle_types import Step, reset_steps
from simulator.exact.second_moments import relative_variance
from simulator.exact.simplex_polynomials import simplex_polynomials
from simulator.problem.problem import Problem
from simulator.resampling.compositions import multisets
from simulator.typing import Floats, Ints

__all__ = ["LONGEST", "PRECISION", "ShareLaw", "share_law"]

PRECISION = 1e-9
FIRST_DEGREE = 5
MOST_DEGREE = 45  # beyond it the change from values to coefficients rounds too much
LEAST_LAWS = 3  # from which the change still to come is estimated
LEAST_RATIO = 0.1  # of two changes one after the other, in what is believed of the next
ROUNDING = 1e-13  # of a level; logarithms of weights that agree to this are equal
LONGEST = round(PRECISION / 2 / ROUNDING)  # levels
TRAPEZOID = 1e-14  # relative error of the rule of the kernel
TERMS = 48  # about as many are needed in that rule
SPEED = 150  # steps of the kernel in the time of one transition between clouds


@dataclass(frozen=True)
class ShareLaw:
    """Law of the terminal state.

    Attributes
    ----------
    law, weighted : (S_H,) arrays
        P(Y = y) and E[(W^_H/Z_e) 1{Y = y}] of the terminal states.
    moments : (3,) array
        P(not failed), E[W] and E[W^2] for W = W^_H/Z_e.
    precision : float
        Estimate of the sum of the errors of `law` and P(failed): what higher degrees would change
        if changes go on to fall as the last did, or tenfold if that is slower, and rounding.
    degree : int
        K.
    """

    law: Floats
    weighted: Floats
    moments: Floats
    precision: float
    degree: int


def share_law(problem: Problem, n_particles: int, work: Work) -> ShareLaw:
    """Compute the law of the terminal state, to 1e-9 in all.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_particles : int
        N.
    work : Work
        Counts the steps of the kernel, as transitions that take the same time.

    Returns
    -------
    ShareLaw

    Raises
    ------
    TooLargeError
        If that takes more work than is allowed: said at once of the first three degrees, which
        are always needed, and of a later one before it is followed.

    Examples
    --------
    >>> from simulator.problem.families.two_branch import two_branch
    >>> found = share_law(two_branch(64), 8, Work(1e8))
    >>> print(f"{found.law[0]:.8f} {found.precision < 1e-9} {found.degree}")
    0.54460193 True 8
    """
    if problem.horizon > LONGEST:
        raise TooLargeError(
            f"exact law: {problem.horizon} levels, the limit is {LONGEST} where the shares of "
            "states are followed, for the sake of rounding"
        )
    rounding = problem.horizon * ROUNDING
    degree, beyond = min(n_particles, FIRST_DEGREE), math.inf
    levels, ends = _levels(problem, degree, work)
    out = np.zeros((2, int(problem.model.n_states[-1])))
    if ends.size == 0:  # nothing is alive in the end
        return ShareLaw(out[0], out[1], np.zeros(3), 0.0, 0)
    needed = [degree]
    while len(needed) < LEAST_LAWS and needed[-1] < n_particles:
        needed.append(_next_degree(needed[-1], n_particles))
    cost = sum(_cost(level, d) for level in set(levels) for d in needed)
    _foresee(cost, needed[-1], work)
    laws: list[Floats] = []
    while beyond + rounding > PRECISION:
        if laws:
            degree = _next_degree(degree, n_particles)
        _foresee(sum(_cost(level, degree) for level in set(levels)), degree, work)
        laws.append(_backwards(levels, ends.size, n_particles, degree, work))
        beyond = 0.0 if degree == n_particles else _beyond(laws, rounding)
    passes = problem.forward_backward
    log_mean = passes.log_forward_alive + problem.log_prm_flat - passes.log_z_alive
    out[:, ends] = laws[-1][:-1], np.exp(log_mean[problem.model.state_start[-2] + ends])
    second = 1 + relative_variance(problem, n_particles)
    moments = np.array([1 - laws[-1][-1], 1.0, second])
    return ShareLaw(out[0], out[1], moments, beyond + rounding, degree)


def _next_degree(degree: int, n_particles: int) -> int:
    return min(n_particles, max(degree + 2, degree * 6 // 5))


def _beyond(laws: list[Floats], rounding: float) -> float:
    """Estimate how far the last law is from the limit, if changes go on to fall as they did."""
    if len(laws) < LEAST_LAWS:
        return math.inf
    before, change = (float(np.abs(laws[i] - laws[i - 1]).sum()) for i in (-2, -1))
    if change <= rounding:
        return change
    ratio = max(change / before, LEAST_RATIO) if before > 0 else math.inf
    return change * ratio / (1 - ratio) if ratio < 1 else math.inf


@dataclass(frozen=True, eq=False)
class _Level:
    """Moves between the states of two levels, numbered from 0; the child -1 has no weight."""

    parent: Ints
    child: Ints
    weight: Floats
    chance: Floats
    parents: int
    children: int

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for levels of the same moves, weights and chances."""
        logs = np.log(self.weight[self.child >= 0]), np.log(self.chance)
        rounded = [np.round(x / ROUNDING).tobytes() for x in logs]
        return self.parent.tobytes(), self.child.tobytes(), *rounded, self.parents, self.children


def _levels(problem: Problem, degree: int, work: Work) -> tuple[list[_Level], Ints]:
    """List the levels, equal ones as one object, and the states that are alive in the end."""
    levels: list[_Level] = []
    cost = 0.0
    known: dict[tuple[object, ...], _Level] = {}
    states = np.zeros(1, dtype=np.int64)
    for step in reset_steps(problem):
        parents = states.size
        states = np.unique(step.types.state[:-1])
        level = _level(step, parents, states)
        levels.append(known.setdefault(level.key, level))
        if levels[-1] is level:
            cost += _cost(level, degree)
            _foresee(cost, degree, work)
        if states.size == 0:
            break
    return levels, states


def _level(step: Step, parents: int, states: Ints) -> _Level:
    moves = slice(0, int(step.start[parents]))
    kind = step.child[moves]
    place = np.searchsorted(states, step.types.state[kind])
    return _Level(
        np.repeat(np.arange(parents), np.diff(step.start[: parents + 1])),
        np.where(kind == step.types.dead, -1, place), step.types.weight[kind],
        step.probability[moves], parents, states.size,
    )  # fmt: skip


def _backwards(
    levels: list[_Level], n_states: int, n_particles: int, degree: int, work: Work
) -> Floats:
    """Return P(Y = y) for each state that is alive in the end, and P(failure) after them."""
    repeated = {level for level, times in Counter(levels).items() if times > 1}
    known: dict[_Level, tuple[Floats, Floats]] = {}
    # f_H(x) = x, and 0 for failure, in Bernstein polynomials
    after: Floats = np.pad(simplex_polynomials(n_states, degree).counts / degree, ((0, 0), (0, 1)))
    for level in reversed(levels):
        draws, alive = known.get(level) or _draws(level, n_particles, degree, work)
        if level in repeated:
            known[level] = draws, alive
        values = draws @ after
        values[:, -1] += 1 - alive
        at_nodes = simplex_polynomials(level.parents, degree).at_nodes
        after = np.asarray(np.linalg.solve(at_nodes, values), dtype=np.float64)
    return after[0]


def _draws(level: _Level, n: int, degree: int, work: Work) -> tuple[Floats, Floats]:
    """Law of the states of K draws from the next cloud, and P(not failed), at each node."""
    from simulator.exact.share_kernel import draw_laws

    below = simplex_polynomials(level.children, degree)
    draws, alive, terms, complete = draw_laws(
        n, _spacing(degree), below.lower, below.size, level.parent, level.child, level.weight,
        level.chance, simplex_polynomials(level.parents, degree).nodes,
    )  # fmt: skip
    work.add(terms * _term(level.children, degree))
    if not complete:
        raise TooLargeError("exact law: weights of a level are too far apart to follow the shares")
    return draws, alive


@lru_cache(maxsize=256)
def _spacing(degree: int) -> float:
    """Widest spacing of the trapezoidal rule with 2 |Gamma(K + 2 pi i/h)| / Gamma(K) small."""
    from scipy.special import loggamma

    frequency, log_error = 1.0, math.log(TRAPEZOID / 2)
    while loggamma(degree + 1j * frequency).real - loggamma(degree) > log_error:
        frequency += 0.25
    return 2 * math.pi / frequency


def _foresee(cost: float, degree: int, work: Work) -> None:
    """Refuse a degree that takes more work than is left."""
    if degree > MOST_DEGREE:
        raise TooLargeError(
            f"exact law: degree {degree} in the shares of states, the limit is {MOST_DEGREE}: "
            "weights or edge rewards select too sharply at so many particles"
        )
    if work.done + cost > work.limit:
        raise TooLargeError(
            f"exact law: about {work.done + cost:.3g} transitions or more to follow the shares of "
            f"states in the cloud at degree {degree}, the limit is {work.limit:.3g}"
        )


def _cost(level: _Level, degree: int) -> float:
    """Estimate the work of a level."""
    return TERMS * multisets(level.parents, degree) * _term(level.children, degree)


def _term(states: int, degree: int) -> float:
    """Work of one term of the kernel: a step for each mark of each way to throw at most K."""
    return multisets(states + 1, degree) * degree * states / (states + 1) / SPEED

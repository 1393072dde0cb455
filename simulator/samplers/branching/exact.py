r"""SMC-IND (arXiv 2603.07887, algorithm 4) as a branching process: exact laws without sampling.

With q_a = pi_ref(a|x) V^(x a)/V^(x) and R = sum_a q_a, a particle at x has D children,
P(D = k) = (1-p)^k p, p = 1/(1+R), whose tokens are independent and ∝ q. So if one particle at
x gives K leaves, its generating function is F_x(s) = E[s^K] = 1/(1 + sum_a q_a (1 - F_{xa}(s))),
F = s at leaves, and with dF_x/dF_{xa} = q_a F_x^2, from N particles at the root,

    P(Y = y) = E[K_y/K; K>0] = integral of d(F^N)/ds_y over s_1 = s_2 = ... = s in [0, 1]
             = pi_ref(y) r(y)/V^(root) · Int_0^1 N F_root(s)^(N-1) prod_{h<H} F_{y_{1:h}}(s)^2 ds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.problem.problem import Problem
from simulator.samplers.branching.moments import relative_variance
from simulator.samplers.branching.moves import step_ratios
from simulator.typing import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "branching_law",
    "extinction",
    "log_chance_beyond",
    "shortfall",
]


CHUNK = 1 << 22  # numbers held at once
NEGLIGIBLE = 1e-13
GRID = 1 + 2.0 ** -np.arange(0.0, 40.0, 0.25)  # of s > 1, for Chernoff's bound
_MADE: WeakKeyDictionary[Problem, Floats] = WeakKeyDictionary()


def _misses(problem: Problem, t: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """1 - F of each level at s = 1 - t, arrays (S_h, T); no digits are lost at small t."""
    q, start, a = step_ratios(problem), problem.model.state_start, problem.model.n_actions
    levels = [np.broadcast_to(t, (int(problem.model.n_states[-1]), t.size))]
    for h in range(problem.horizon - 1, -1, -1):
        below = levels[-1][problem.model.next_state[h]]
        rows = q[start[h] : start[h + 1]].reshape(-1, a, 1)
        x = (rows * below).sum(axis=1)
        levels.append(x / (1 + x))
    return levels[::-1]


def extinction(problem: Problem, n: int) -> float:
    """Probability that no leaf is reached from N particles at the root.

    Parameters
    ----------
    n : int
        N.

    Returns
    -------
    float
        With V^ = V* it is (H/(H+1))^N.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> round(extinction(reference(1), 2), 12), round(extinction(reference(3), 2), 4)
    (0.25, 0.6026)
    """
    return float(1 - _misses(problem, np.ones(1))[0][0, 0]) ** n


def _integrals(problem: Problem, n: int, step: float) -> Floats:
    """(Z_e/V^(root)) E_target[Int ...; y] by the tanh-sinh rule of a given step."""
    u = np.arange(-6.0, 6.0 + step / 2, step)
    from scipy.special import expit

    t, rest = expit(math.pi * np.sinh(u)), expit(-math.pi * np.sinh(u))
    weight = step * math.pi * np.cosh(u) * t * rest
    e, a, start = problem.forward_backward.edges, problem.model.n_actions, problem.model.state_start
    value = problem.forward_backward.log_value_alive
    ok = np.isfinite(value[e.source]) & np.isfinite(value[e.target])
    gap = np.where(ok, value[e.target], 0.0) - np.where(ok, value[e.source], 0.0)
    kernel = np.where(ok, np.exp(e.log_prob + e.log_factor + gap), 0.0).reshape(-1, a, 1)
    to_child = [_gathering(problem, h) for h in range(problem.horizon)]
    out = np.zeros(int(problem.model.n_states[-1]))
    size = max(1, CHUNK // int(start[-1]))
    for i in range(0, u.size, size):
        misses = _misses(problem, t[i : i + size])
        mass = weight[i : i + size] * n * np.exp((n - 1) * np.log1p(-misses[0]))
        for h in range(problem.horizon):
            flow = kernel[start[h] : start[h + 1]] * (mass * (1 - misses[h]) ** 2)[:, None]
            mass = to_child[h] @ flow.reshape(-1, flow.shape[2])
        out += mass.sum(axis=1)
    return out * math.exp(problem.forward_backward.log_z_alive - problem.log_prm_flat[0])


def _gathering(problem: Problem, h: int) -> csr_array:
    """Return the (S_{h+1}, S_h A) matrix that adds up the edges into each state."""
    from scipy.sparse import csr_array

    child = problem.model.next_state[h].ravel()
    ones = np.ones(child.size)
    shape = int(problem.model.n_states[h + 1]), child.size
    return csr_array((ones, (child, np.arange(child.size))), shape=shape)


def _output(problem: Problem, n: int) -> Floats:
    """Law of a uniform leaf over terminal states, to about 1e-13."""
    if problem.forward_backward.log_z_alive == -math.inf:
        return np.zeros(int(problem.model.n_states[-1]))
    before, step = _integrals(problem, n, 1 / 8), 1 / 16
    while True:
        law = _integrals(problem, n, step)
        if np.abs(law - before).max() < NEGLIGIBLE:
            return law
        if step < 1e-3:
            raise TooLargeError("exact law: the quadrature over generating functions stalls")
        before, step = law, step / 2


def branching_law(
    problem: Problem,
    n: int,
    on: str = "paths",
    limit: float = 1e7,
    *,
    most: float = math.inf,
    with_shortfall: bool = False,
) -> ExactLaw:
    """Compute the exact law of the output of SMC-IND and the moments of W^_H = V^(root) K/N.

    Parameters
    ----------
    n : int
        N.
    on : {"paths", "states"}
        On "states" nothing is enumerated, so any horizon will do.
    limit : float
        Largest number of paths, for "paths".
    most : float
        A run that makes more particles than this, all levels below the root together, fails.
        The law leaves that out, so it must be next to impossible.
    with_shortfall : bool
        Whether to compute E[(1 - W^_H/Z)_+] as well.

    Raises
    ------
    TooLargeError
        If there are more paths, or `most` may be passed with a probability above 1e-13.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> exact = branching_law(reference(1), 2)
    >>> exact.law.round(6).tolist(), round(exact.failure, 6), round(exact.relative_variance, 6)
    ([0.25, 0.5], 0.25, 1.0)
    """
    out = outcomes(problem, on, limit, one_reward=False)
    chance = log_chance_beyond(problem, n, most)
    if chance > math.log(NEGLIGIBLE):
        raise TooLargeError(
            f"exact law: more than {most:g} particles in a run are too likely to be left out "
            f"(the chance may be {math.exp(chance):.2g})"
        )
    tree = out.tree
    law = out.gather(_output(tree, n))
    alive = tree.forward_backward.alive_target_marginal[tree.model.state_start[-2] :]
    survival = math.exp(min(problem.forward_backward.log_z_alive - problem.log_z, 0.0))
    return ExactLaw(
        law=law,
        failure=extinction(problem, n),
        tv=total_variation(out.target, law),
        mean_w_over_z=survival,
        relative_variance=relative_variance(problem, n),
        shortfall=shortfall(problem, n) if with_shortfall else None,
        target=out.target,
        weighted=out.gather(alive * survival),
        tokens=out.tokens,
    )


def shortfall(problem: Problem, n: int) -> float:
    """Compute E[(1 - W^_H/Z)_+], W^_H = V^(root) K/N, from the law of the number of leaves K.

    P(K = k) for k < N Z/V^(root) are Taylor coefficients of F_root^N, by Cauchy's integral on
    a circle of M points and radius rho, rho^M = 1e-15, M >= 8 k.

    Parameters
    ----------
    n : int
        N.

    Raises
    ------
    TooLargeError
        If N Z/V^(root) times the number of states is beyond 10^8.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> shortfall(reference(1), 1)
    0.5
    """
    needed = math.exp(min(problem.log_z - problem.log_prm_flat[0], 700.0)) * n
    if needed == 0:  # V^(root) is beyond e^745 Z: no run reaches Z by any chance that counts
        return 1.0
    m = 16
    while m < 8 * (needed + 1):
        m *= 2
    states = int(problem.model.state_start[-1])
    if float(m) * states > 1e8:
        raise TooLargeError(f"shortfall: {needed:.3g} leaves on average, {states} states")
    rho = 1e-15 ** (1 / m)
    s = rho * np.exp(-2j * math.pi * np.arange(m // 2 + 1) / m)
    size = max(1, CHUNK // states)
    root = [_misses(problem, 1 - s[i : i + size])[0][0] for i in range(0, s.size, size)]
    count = np.arange(math.ceil(needed))
    law = np.fft.irfft((1 - np.concatenate(root)) ** n, m)[: count.size] / rho**count
    return float(np.clip(law, 0.0, 1.0) @ (1 - count / needed))


def log_chance_beyond(problem: Problem, n: int, most: float) -> float:
    """Bound log P(a run makes more than `most` particles below the root), after Chernoff.

    Parameters
    ----------
    n : int
        N.

    Returns
    -------
    float
        At most 0; the least of N log E[s^made] - (most + 1) log s over a grid of s > 1.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> log_chance_beyond(reference(3), 2, 1000) < -100
    True
    """
    if most == math.inf:
        return -math.inf
    bound = n * np.log1p(_excess(problem)) - (most + 1) * np.log(GRID)
    return min(0.0, float(bound.min()))


def _excess(problem: Problem) -> Floats:
    """E[s^made] - 1 of one particle at the root, for s in `GRID`; the same for every N."""
    found = _MADE.get(problem)
    if found is None:
        q, start, a = step_ratios(problem), problem.model.state_start, problem.model.n_actions
        s, excess = GRID, np.zeros((int(problem.model.n_states[-1]), GRID.size))
        for h in range(problem.horizon - 1, -1, -1):
            below = excess[problem.model.next_state[h]]
            rows = q[start[h] : start[h + 1]].reshape(-1, a, 1)
            gain = (rows * np.where(rows > 0, s * below + (s - 1), 0.0)).sum(axis=1)
            excess = np.where(gain < 1, gain / np.where(gain < 1, 1 - gain, 1.0), np.inf)
        found = _MADE[problem] = excess[0]
    return found

r"""Truncation of the density ratios u_h: which paths of pi* stay at or below thresholds M_h.

u_h is the density of pi* against the law that a particle of level h is drawn from: SMC, of the
pair (x_{h-1}, x_h) against eta_h; SMC by rejection, of x_h against pi^_h for h < H. Paths with
u_h <= M_h at all levels are the set G; kappa = pi*(not in G). A path that meets V^ = 0 has
u = inf there, so lost mass is part of kappa.

A bound that holds for all thresholds may be minimised over any list of them. The list here is
one family: at each level M_h minimises price M + pi*(u_h > M), for prices from 1 down to 0; at
price 0 nothing is left out but what is lost. As u_h is a function of the edge, kappa (of all
levels together) and all means over G are passes over edges, on shared states too.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from simulator.problem.problem import Problem, check_tabular
from simulator.problem.target import target_kernel
from simulator.typing import Bools, Floats, Ints
from theory.laws.sigma import log_densities

__all__ = ["Truncations", "truncations"]

PRICES = np.append(2.0 ** -np.arange(41.0), 0.0)
LARGEST = 300.0  # log of a density ratio from which on it counts as inf
CELLS = 1 << 22  # numbers of one array


@dataclass(frozen=True)
class Truncations:
    """Several choices of thresholds and what they leave out.

    Parameters
    ----------
    thresholds : (K, H) array
        M_h of each choice; 0 where u_h is 0, such as at the last level by rejection.
    outside : (K,) array
        kappa, the pi*-probability of a path with some u_h > M_h.
    spread : (K,) array or None
        SMC: the sum over h of sqrt(E_{pi*}[u_h P(G | x_{1:h})^2] - (1 - kappa)^2), the means over
        prefixes; P(G | x_{1:h}) = 0 once a ratio was above its threshold. With everything inside
        these are the square roots of chi-squares.
    """

    thresholds: Floats
    outside: Floats
    spread: Floats | None


def truncations(problem: Problem, *, rejection: bool = False) -> Truncations:
    """List choices of thresholds, computed once for as long as the problem lives.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    rejection : bool, optional
        Whether it is SMC by rejection.

    Returns
    -------
    Truncations

    Examples
    --------
    One level: u = V*(x_1)/Z is 1/2 or 3/2, and pi* has the latter with probability 3/4.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> found = truncations(problem)
    >>> found.thresholds.round(12).tolist(), found.outside.round(12).tolist()
    ([[0.5], [1.5]], [0.75, 0.0])
    >>> found.spread.round(12).tolist()
    [0.25, 0.5]
    """
    check_tabular(problem, "truncations")
    known = _CACHE.setdefault(problem, {})
    if rejection not in known:
        known[rejection] = _truncations(problem, rejection)
    return known[rejection]


_CACHE: WeakKeyDictionary[Problem, dict[bool, Truncations]] = WeakKeyDictionary()


def _truncations(problem: Problem, rejection: bool) -> Truncations:
    log_u = log_densities(problem, "smc-rs" if rejection else "smc")
    u = np.where(log_u > LARGEST, np.inf, np.exp(np.minimum(log_u, LARGEST)))
    thresholds = np.unique(_thresholds(problem, u), axis=0)
    size = max(1, CELLS // u.size)
    outside, spread = [], []
    for first in range(0, len(thresholds), size):
        part = thresholds[first : first + size]
        bad = _outside(problem, u, part)
        outside.append(bad[:, 0])
        if not rejection:
            spread.append(_spread(problem, u, part, bad))
    return Truncations(
        thresholds, np.concatenate(outside), None if rejection else np.concatenate(spread)
    )


def _thresholds(problem: Problem, u: Floats) -> Floats:
    """M_h of each price, shape (prices, H)."""
    e = problem.forward_backward.edges
    mass = problem.forward_backward.target_marginal[e.source] * target_kernel(problem).ravel()
    out = np.zeros((PRICES.size, problem.horizon))
    for h in range(problem.horizon):
        run = slice(int(e.start[h]), int(e.start[h + 1]))
        taken = mass[run] > 0
        atoms, p = u[run][taken], mass[run][taken]
        order = np.argsort(atoms)
        atoms, p = atoms[order], p[order]
        finite = int(np.searchsorted(atoms, np.inf))
        if finite == 0:
            continue  # all of it is lost
        above = np.append(np.cumsum(p[::-1])[::-1][1:], 0.0)[:finite]
        for k, price in enumerate(PRICES[:-1]):
            out[k, h] = atoms[np.argmin(price * atoms[:finite] + above)]
        out[-1, h] = atoms[finite - 1]
    return out


def _outside(problem: Problem, u: Floats, thresholds: Floats) -> Floats:
    """P(a later ratio is above its threshold | x) of all states, shape (K, n); back over edges."""
    start, a = problem.model.state_start, problem.model.n_actions
    kernel = target_kernel(problem).ravel()
    k = len(thresholds)
    bad = np.zeros((k, int(start[-1])))
    for run, child, h in reversed(_levels(problem)):
        inside = u[run] <= thresholds[:, h, None]
        step = kernel[run] * np.where(inside, bad[:, start[h + 1] + child], 1.0)
        bad[:, start[h] : start[h + 1]] = step.reshape(k, -1, a).sum(axis=2)
    return np.minimum(bad, 1.0)


def _spread(problem: Problem, u: Floats, thresholds: Floats, bad: Floats) -> Floats:
    """Return the sums of roots, by a pass forth over the edges; `bad` is what `_outside` gives."""
    fb, start = problem.forward_backward, problem.model.state_start
    e, kernel = fb.edges, target_kernel(problem).ravel()
    kept = 1 - bad[:, :1]
    log_eta = fb.log_forward_alive + problem.log_prm_flat  # of states, up to Z^
    alive, finite = np.isfinite(log_eta), np.where(np.isinf(u), 0.0, u)
    good, rest = np.ones((len(bad), 1)), np.zeros((len(bad), 1))  # pi* of prefixes so far inside
    total = np.zeros(len(bad))
    for run, child, h in _levels(problem):
        parent, into = e.source[run] - start[h], slice(start[h + 1], start[h + 2])
        inside = u[run] <= thresholds[:, h, None]
        both = good + rest
        share = np.divide(good, both, out=np.zeros_like(both), where=both > 0)[:, parent]
        other = np.divide(rest, both, out=np.ones_like(both), where=both > 0)[:, parent]
        scale = fb.log_z_hat[h] if np.isfinite(fb.log_z_hat[h]) else 0.0
        eta = np.exp(log_eta[e.source[run]] + e.log_prob[run] - scale)
        lean = np.where(inside, finite[run] * (1 - bad[:, into][:, child]), 0.0) - kept
        total += np.sqrt((eta * (share * lean**2 + other * kept**2)).sum(axis=1))
        stays, leaves = good[:, parent] * kernel[run], rest[:, parent] * kernel[run]
        good = _gather(np.where(inside, stays, 0.0), child, alive[into])
        rest = _gather(np.where(inside, leaves, stays + leaves), child, alive[into])
    return total


def _levels(problem: Problem) -> list[tuple[slice, Ints, int]]:
    """Edges into each level, the rows of their children, and the level of their parents."""
    e, start = problem.forward_backward.edges, problem.model.state_start
    runs = [slice(int(e.start[h]), int(e.start[h + 1])) for h in range(problem.horizon)]
    return [(run, e.target[run] - start[h + 1], h) for h, run in enumerate(runs)]


def _gather(moved: Floats, child: Ints, alive: Bools) -> Floats:
    """Sum masses of edges into their children, shape (K, S_h); dead children get none."""
    k, n = len(moved), alive.size
    at = (np.arange(k)[:, None] * n + child).ravel()
    return np.asarray(np.bincount(at, moved.ravel(), k * n).reshape(k, n) * alive, np.float64)

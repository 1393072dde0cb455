r"""Exact relative variance of W^_H under multinomial resampling at every level.

Two lineages coalesce at a level with probability 1/N and then start again from one
point. For y ~ pi*, with V^ set to zero below its zeros and Z_e = E_ref[V^(x_H)],

    rho_{k,t}(x_{k-1}, x_k) = E_ref[V^(x_t) | x_k] / V^(x_{k-1}) * Z^_{k-1} / Z^_t,
    m(y) = sum over b = {k_1 < ... < k_j} of N^-j (1 - 1/N)^(H-j)
           prod_i rho_{k_i, k_{i+1} - 1}(y),    k_{j+1} - 1 := H,
    E[(W^_H / Z_e)^2] = E_{pi*_e}[m(y)].

SMC by rejection (arXiv 2603.07887, algorithm 2) coalesces at levels 1..H-1 with
rho_{k,t}(x_k) = E_ref[V^(x_t) | x_k] / V^(x_k) * Z^_k / Z^_t. On shared states V^ of a
path includes its edge rewards, so rho is a function of the edge.

Where the offspring of a resampling scheme are only known to be negatively correlated, two lineages
stay apart with "probability" at most 1 and meet with at most 1/N. Only at level 1, where all have
one parent, it is 1 - 1/N. So the same sums without the other factors 1 - 1/N are upper limits,
m^+ (`at_most`).

Without resampling (SIS) the N lineages only share the root: m(y) = 1 - 1/N + r(y)/(N Z), and
the relative variance is chi2(pi* ‖ pi_ref)/N, whatever V^ is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice, check_int
from simulator.errors import InputError, TooLargeError
from simulator.problem.forward_backward import backward
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.problem.tables import Tables
from simulator.typing import Floats, Ints

__all__ = [
    "WeightedEdges",
    "check_work",
    "cloud_second_moment",
    "path_second_moment",
    "relative_variance",
    "sequence_chi2",
    "weighted_edges",
]


ALGORITHMS = ("smc", "smc-rs", "sis")
WORK = 4e9  # steps of a recursion, about a minute
SPAN = 480.0  # logs of weights beyond it: products of two leave the range of floats


@dataclass(frozen=True)
class WeightedEdges:
    """Flat edges with their weights w, each level's divided by Z^_h/Z^_{h-1}.

    Attributes
    ----------
    target : (E,) int array
        Flat position of the child.
    log_weighted, log_posterior, log_ratio : (E,) arrays
        Logs of pi_ref w, of the kernel of pi* on alive paths, and of w.
    """

    target: Ints
    log_weighted: Floats
    log_posterior: Floats
    log_ratio: Floats


def relative_variance(
    problem: Problem, n_particles: int, algorithm: str = "smc", *, at_most: bool = False
) -> float:
    r"""Exact Var(W^_H)/E[W^_H]^2 = E_{pi*}[m(y)] - 1, in O(H^2 S A) time.

    Parameters
    ----------
    n_particles : int
        N.
    algorithm : {"smc", "smc-rs", "sis"}
        SMC with multinomial resampling at every level, SMC by rejection, or SIS.
    at_most : bool, optional
        Of SMC: give the upper limit E_{pi*}[m^+(y)] - 1 for every scheme whose offspring are
        negatively correlated.

    Returns
    -------
    float
        Relative to Z_e^2 if V^ loses mass; inf if W^_H is always zero.

    Raises
    ------
    InputError
        If the algorithm is not known or N < 1.

    Examples
    --------
    One level with a perfect PRM: Var(V*(x_1))/(N Z^2).

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> [round(relative_variance(problem, n), 12) for n in (1, 2)]
    [0.25, 0.125]
    >>> relative_variance(problem, 2, "smc-rs")
    0.0
    """
    _check(n_particles, algorithm)
    if algorithm == "sis":
        chi2 = sequence_chi2(problem.tables, problem.log_reward, problem.log_z)
        return chi2 / n_particles
    if problem.forward_backward.log_z_alive == -np.inf:
        return math.inf
    edges = weighted_edges(problem)
    a, start, rejection = problem.model.n_actions, problem.model.state_start, algorithm != "smc"
    from simulator.exact.second_moments_kernel import log_sweeps, sweeps

    check_work(problem, 0)
    logs = edges.log_weighted, edges.log_posterior, edges.log_ratio
    second, apart = math.nan, _apart(n_particles, at_most=at_most)
    if not beyond_floats(edges):
        linear, one = tuple(np.exp(x) for x in logs), np.ones(int(problem.model.n_states[-1]))
        second = float(sweeps(a, start, edges.target, *linear, n_particles, *apart, rejection, one))
    if math.isnan(second):
        log_second = float(
            log_sweeps(a, start, edges.target, *logs, n_particles, *apart, rejection)
        )
        return max(float(np.expm1(log_second)), 0.0) if log_second < 709 else math.inf
    # The second moment is at least 1; rounding may leave it a little below.
    return max(second - 1, 0.0)


def cloud_second_moment(problem: Problem, n_particles: int, f: npt.ArrayLike) -> float:
    r"""Exact E[(W^_H nu^_H(f)/Z_e)^2] of SMC with multinomial resampling at every level.

    Of two lineages the last run ends with f at both ends: the recursion of `relative_variance`
    with E_ref[V^(x_H) f(x_H) | x_k] for E_ref[V^(x_H) | x_k], and f(y) m_f(y) for m(y).

    Parameters
    ----------
    problem : Problem
        What is sampled; some path must be alive.
    n_particles : int
        N.
    f : (S_H,) array
        A function of terminal states, of any sign.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If N < 1, or f does not fit.
    TooLargeError
        If the recursion would take minutes, or leaves the range of floats.

    Examples
    --------
    One level, two particles, f = (-1, 1): the mean of two independent numbers -1/2 or 3/2.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> cloud_second_moment(problem, 2, [-1.0, 1.0])
    0.75
    """
    _check(n_particles, "smc")
    end = np.asarray(f, dtype=np.float64)
    if end.shape != (int(problem.model.n_states[-1]),):
        raise InputError(f"f: shape {end.shape} does not fit the terminal states")
    check_work(problem, 0)
    edges, second = weighted_edges(problem), math.nan
    from simulator.exact.second_moments_kernel import sweeps

    if not beyond_floats(edges):
        logs = edges.log_weighted, edges.log_posterior, edges.log_ratio
        second = float(
            sweeps(
                problem.model.n_actions, problem.model.state_start, edges.target,
                *(np.exp(x) for x in logs), n_particles, *_apart(n_particles, at_most=False),
                False, end,
            )
        )  # fmt: skip
    if math.isnan(second):
        raise TooLargeError("second moment: weights leave the range of floats")
    return max(second, 0.0)


def _apart(n_particles: int, *, at_most: bool) -> tuple[float, float]:
    """Chance that two lineages do not meet at a level, or its limit; and a factor at level 1."""
    apart = 1.0 - 1.0 / n_particles
    return (1.0, apart) if at_most else (apart, 1.0)


def beyond_floats(edges: WeightedEdges) -> bool:
    """Whether products of these weights leave the range of floats even once."""
    logs = (edges.log_weighted, edges.log_posterior, edges.log_ratio)
    return any(bool((np.abs(x[np.isfinite(x)]) > SPAN).any()) for x in logs)


def sequence_chi2(tables: Tables, log_reward: Floats, log_z: float) -> float:
    """chi2(pi* ‖ pi_ref) = E_ref[r^2]/Z^2 - 1, r over paths.

    Parameters
    ----------
    tables : Tables
        Of the problem.
    log_reward : (S_H,) array

    Returns
    -------
    float
        inf beyond the range of floats.
    """
    earned = log_reward[log_reward > -np.inf]
    if tables.plain and (earned == earned[0]).all():  # r^2 is r times a number
        log_second = float(earned[0]) + log_z
    else:
        squared = tables if tables.plain else replace(tables, log_factor=2 * tables.log_factor)
        everywhere = np.zeros(int(tables.state_start[-1]))
        log_second = float(backward(squared, everywhere, 2 * log_reward)[0])
    with np.errstate(over="ignore"):
        return max(0.0, float(np.expm1(log_second - 2 * log_z)))


def path_second_moment(
    problem: Problem,
    n_particles: int,
    tokens: npt.ArrayLike,
    algorithm: str = "smc",
    *,
    at_most: bool = False,
) -> Floats:
    """m(y), the mean of W^_H/Z_e when y is forced as one lineage, for given paths.

    Parameters
    ----------
    n_particles : int
        N.
    tokens : (P, H) int array
        Token paths y.
    algorithm : {"smc", "smc-rs", "sis"}
        As in `relative_variance`.
    at_most : bool, optional
        Of SMC: give the upper limit m^+(y), as in `relative_variance`.

    Returns
    -------
    (P,) array
        inf for a path that meets V^ = 0: such a path is never output, so that
        (1 - 1/m)_+ is 1 as it should. Also inf where the values span more than floats do:
        then (1 - 1/m)_+ is still no less than it should be.

    Raises
    ------
    InputError
        If the tokens do not fit the model.
    TooLargeError
        If the horizon is so long that the recursion would take minutes.

    Examples
    --------
    With a perfect PRM m(y) = prod_k (1 + (V*(x_k)/V*(x_{k-1}) - 1)/N).

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> path_second_moment(problem, 2, [[0], [1]]).tolist()
    [0.75, 1.25]
    """
    _check(n_particles, algorithm)
    model, a = problem.model, problem.model.n_actions
    if algorithm != "sis":
        check_work(problem, np.size(tokens) // problem.horizon)
    states, edges_of_paths = path_edges(model, tokens)
    if algorithm == "sis":
        log_reward = problem.forward_backward.edges.log_factor[edges_of_paths].sum(axis=1)
        ends = states[:, -1] - model.state_start[-2]
        w = np.exp(log_reward + problem.log_reward[ends] - problem.log_z)
        return np.asarray(1 - 1 / n_particles + w / n_particles)
    edges, apart = weighted_edges(problem), _apart(n_particles, at_most=at_most)
    dead = np.isneginf(edges.log_ratio[edges_of_paths]).any(axis=1)
    out = np.full(len(states), np.inf)
    if (
        problem.forward_backward.log_z_alive > -np.inf
        and not dead.all()
        and not beyond_floats(edges)
    ):
        from simulator.exact.second_moments_kernel import path_sweeps

        out[~dead] = path_sweeps(
            a, model.state_start, edges.target, np.exp(edges.log_weighted),
            np.exp(edges.log_ratio), n_particles, *apart, algorithm != "smc",
            states[~dead], edges_of_paths[~dead],
        )  # fmt: skip
    out[np.isnan(out)] = np.inf  # inf times 0: an overflow on the way
    return out


def check_work(problem: Problem, n_paths: int) -> None:
    """Refuse what grows with the square of the horizon where it would take minutes.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_paths : int
        Paths that are followed besides the edges.

    Raises
    ------
    TooLargeError
        If it would.
    """
    horizon, edges = float(problem.horizon), problem.forward_backward.edges.target.size
    work = horizon * (edges + n_paths * horizon) / 2
    if work > WORK:
        raise TooLargeError(
            f"second moment: {work:.3g} steps, as they grow with the square of the horizon; "
            f"the limit is {WORK:.3g}"
        )


def _check(n_particles: int, algorithm: str) -> None:
    check_choice("algorithm", algorithm, ALGORITHMS)
    check_int("n_particles", n_particles, 1)


def weighted_edges(problem: Problem) -> WeightedEdges:
    """Tabulate the weights V^(child)/V^(parent) of all edges; zero where V^ is at either end."""
    fb, prm = problem.forward_backward, problem.log_prm_flat
    e, alive = fb.edges, fb.log_value_alive
    size = np.diff(problem.model.state_start)[:-1] * problem.model.n_actions
    z_hat = fb.log_z_hat
    gone = ~np.isfinite(z_hat)
    shift = np.repeat(np.diff(np.where(gone, 0.0, z_hat)), size)
    live = np.isfinite(prm[e.source]) & np.isfinite(prm[e.target]) & np.isfinite(e.log_factor)
    log_ratio = np.full(e.target.size, -np.inf)
    log_ratio[live] = (e.log_factor + prm[e.target])[live] - prm[e.source][live] - shift[live]
    kept = live & np.isfinite(alive[e.target]) & np.isfinite(e.log_prob)
    log_posterior = np.full(e.target.size, -np.inf)
    numerator = e.log_prob + e.log_factor + alive[e.target]
    log_posterior[kept] = numerator[kept] - alive[e.source[kept]]
    return WeightedEdges(e.target, e.log_prob + log_ratio, log_posterior, log_ratio)

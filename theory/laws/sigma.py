r"""sigma(y), how the mean weight of conditional SMC leans on the path y at first order in 1/N.

With y forced as one lineage, E[W^_H/Z] = 1 + (sigma(y) - K)/N + O(1/N^2), K the number of levels
at which another lineage can coalesce with it. One coalescence, at level h, contributes the
density of pi* against the law that the coalescing particle was drawn from.

* SMC: sigma(y) = sum over h <= H of u_h(x_{h-1}, x_h), u_h = dpi*_h/deta_h on pairs, where
  eta_h(x, x') = pi^_{h-1}(x) pi_ref(x'|x);
* SMC-RS: sigma(y) = sum over h < H of pi*_h(x_h)/pi^_h(x_h);
* SIS: sigma(y) = pi*(y)/pi_ref(y), the product of pi*(a|x)/pi_ref(a|x) along y.

With shared states and edge rewards all three are functions of the edges that y takes.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.typing import Floats
from theory.laws.path_sums import PathSum

__all__ = ["log_densities", "sigma"]


def sigma(problem: Problem, family: str) -> PathSum:
    """Tabulate sigma on the edges of a problem that loses no mass.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    family : {"smc", "smc-rs", "sis"}
        Law of the clouds, as in `simulator.Facts`; SMC with multinomial resampling.

    Returns
    -------
    PathSum

    Raises
    ------
    TooLargeError
        If sigma leaves the range of floats on an edge that pi* takes.

    Examples
    --------
    One level: sigma = pi*/pi_ref.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> for family in ("smc", "smc-rs", "sis"):
    ...     print(sigma(problem, family).values([[0], [1]]).round(12).tolist())
    [0.5, 1.5]
    [0.0, 0.0]
    [0.5, 1.5]
    """
    with np.errstate(over="ignore"):
        on_edge = np.exp(log_densities(problem, family))
    if not np.isfinite(on_edge).all():
        raise TooLargeError("law: sigma is beyond the range of floats")
    if family == "sis":
        return PathSum(problem, np.zeros_like(on_edge), on_edge, 1.0)
    return PathSum(problem, on_edge, np.ones_like(on_edge), 0.0)


def log_densities(problem: Problem, family: str) -> Floats:
    """Tabulate the log densities on edges that sigma is made of.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    family : {"smc", "smc-rs", "sis"}
        As in `sigma`.

    Returns
    -------
    (E,) array
        -inf on edges that pi* does not take; inf where pi* goes on from V^ = 0, or with SMC-RS
        comes to it.
    """
    fb = problem.forward_backward
    e, value, prm, z_hat = fb.edges, problem.log_value_flat, problem.log_prm_flat, fb.log_z_hat
    level = np.repeat(np.arange(problem.horizon), np.diff(e.start))  # of the parent
    gone = fb.target_marginal[e.source] == 0
    with np.errstate(invalid="ignore"):  # where pi* does not go, or nothing is alive
        if family == "smc":
            log = e.log_factor + value[e.target] - prm[e.source] + z_hat[level] - problem.log_z
        elif family == "smc-rs":
            log = value[e.target] - prm[e.target] + z_hat[level + 1] - problem.log_z
            log[e.start[-2] :] = -np.inf
        else:
            log = e.log_factor + value[e.target] - value[e.source]
        gone |= np.isneginf(e.log_prob + e.log_factor + value[e.target])
    return np.where(gone, -np.inf, np.where(np.isnan(log), np.inf, log))

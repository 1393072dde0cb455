"""Instances on which a perfect PRM does not save SMC, at any horizon."""

from __future__ import annotations

from functools import lru_cache

from simulator.exact.lumped import product_tv, two_branch_bias
from simulator.problem.families.product import product
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.instances.two_branch import lower_bound
from theory.registry import BOUNDS

__all__ = [
    "COLLAPSE_HORIZONS",
    "PARTICLES",
    "TWO_BRANCH_MOST",
    "bias",
    "enough",
    "product_curve",
    "repair",
]

PARTICLES = tuple(2**k for k in range(11))
COLLAPSE_HORIZONS = (2**4, 2**9, 2**14)
TWO_BRANCH_MOST = 128  # its (N+1, N+1) tables take 0.3 s to make at N = 256
RUNS = 16


def product_curve(horizon: int) -> list[float]:
    """Return the exact error of SMC on the product instance for each N of `PARTICLES`.

    Examples
    --------
    >>> [round(e, 3) for e in product_curve(64)][3]
    0.129
    """
    return [product_tv(horizon, n) for n in PARTICLES]


def enough(horizon: int, error: float) -> int:
    """Return the least N whose exact error on the product instance is at most this.

    Parameters
    ----------
    error : float
        In (0, 1).

    Examples
    --------
    >>> enough(64, 0.1), enough(1024, 0.1)
    (11, 41)
    """
    high = 1
    while product_tv(horizon, high) > error:
        high *= 2
    low = high // 2  # too few, unless 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if product_tv(horizon, middle) > error else (low, middle)
    return high


@lru_cache(maxsize=256)
def bias(horizon: int, n_particles: int) -> dict[str, float | None]:
    """Return exact bias, lower bound (for N >= 5) and bound F-star on the two-branch instance.

    Parameters
    ----------
    n_particles : int
        N, at most `TWO_BRANCH_MOST`.
    """
    low = lower_bound(horizon, n_particles) if n_particles >= 5 else None
    return {
        "Exact bias": two_branch_bias(horizon, n_particles),
        "Proved lower bound": low,
        "Bound F-star (upper)": BOUNDS["F-star"].value(two_branch(horizon), SMC(n_particles)),
    }


@lru_cache(maxsize=64)
def repair(horizon: int, n_particles: int) -> list[dict[str, object]]:
    """Compare SMC with SMC-RS on the product instance: error and cost of a run.

    Parameters
    ----------
    n_particles : int
        N of SMC; SMC-RS takes one particle.

    Returns
    -------
    list of dict
        The error of SMC is exact; that of SMC-RS is bounded by S-RS, which is 0 for V^ = V*.
    """
    problem = product(horizon)
    runs = SMCRejection(1).run(problem, RUNS, rng=1)
    return [
        {
            "Sampler": f"SMC, N = {n_particles}",
            "Error": product_tv(horizon, n_particles),
            "Evaluations of V̂": n_particles * horizon,
        },
        {
            "Sampler": "SMC-RS, N = 1",
            "Error": BOUNDS["S-RS"].value(problem, SMCRejection(1)),
            "Evaluations of V̂": round(float(runs.prm_evaluations.mean())),
        },
    ]

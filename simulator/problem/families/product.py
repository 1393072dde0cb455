"""The product instance: independent bits, where SMC needs N of order sqrt(H)."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_real
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["product"]


def product(horizon: int = 64, ratio: float = 2.0) -> Problem:
    """Return the product instance with a perfect PRM (arXiv 2603.07887, Prop. C.8).

    Bits are uniform under pi_ref and V*(x1) = r V*(x0), r = 2 in the paper: the reward is r to the
    number of ones. Rescaled at each level so that Z = 1, token 1 multiplies it by 2r/(1+r) and
    token 0 by 2/(1+r)::

        V*(y_1:h) = V^(y_1:h) = prod_{j<=h} (2r/(1+r) if y_j = 1 else 2/(1+r))

    One state a level with these edge rewards suffices. The target is Ber(r/(1+r))^H,
    C_act = 2r/(1+r) (the value function before rescaling has r), and the law of SMC's output is
    Ber(p_N)^H with p_N = E[rA/(N+(r-1)A)], A ~ Bin(N, 1/2). With r = 1 + 2c/H the whole reward is
    at most e^(2c), and fewer particles suffice on longer horizons.

    Parameters
    ----------
    horizon : int, optional
        H >= 1.
    ratio : float, optional
        r = V*(x1)/V*(x0), from 10^-9 to 10^9.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = product(1000)
    >>> bool(abs(problem.log_z) < 1e-12), int(problem.model.n_states.max())
    (True, 1)
    """
    check_horizon(horizon)
    check_real("ratio", ratio, 1e-9, 1e9)
    probs, stay = np.array([[0.5, 0.5]]), np.array([[0, 0]])
    factor = np.array([[2 / (1 + ratio), 2 * ratio / (1 + ratio)]])
    problem = Problem.from_log(
        TabularModel([probs] * horizon, [stay] * horizon),
        [0.0],
        np.zeros(horizon + 1),
        edge_reward=[factor] * horizon,
        name=f"product:horizon={horizon}" + ("" if ratio == 2 else f",ratio={ratio:g}"),
    )
    problem.instance = Instance("product", {"horizon": horizon, "ratio": float(ratio)})
    return problem

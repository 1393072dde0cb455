"""The product instance: independent bits, where SMC needs N of order sqrt(H)."""

from __future__ import annotations

import numpy as np

from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["product"]


def product(horizon: int = 64) -> Problem:
    """Return the product instance with a perfect PRM (arXiv 2603.07887, Prop. C.8).

    Bits are uniform under pi_ref and V*(x1) = 2 V*(x0). Rescaled at each level so that
    Z = 1, token 1 multiplies the reward by 4/3 and token 0 by 2/3::

        V*(y_1:h) = V^(y_1:h) = prod_{j<=h} (4/3 if y_j = 1 else 2/3)

    One state a level with these edge rewards suffices. The target is Ber(2/3)^H,
    C_act = 4/3 (the value function before rescaling has 2), and the law of SMC's output is
    Ber(p_N)^H with p_N = 2 E[A/(N+A)], A ~ Bin(N, 1/2).

    Parameters
    ----------
    horizon : int, optional
        H >= 1.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If the horizon is out of range.

    Examples
    --------
    >>> problem = product(1000)
    >>> bool(abs(problem.log_z) < 1e-12), int(problem.model.n_states.max())
    (True, 1)
    """
    check_horizon(horizon)
    probs, stay = np.array([[0.5, 0.5]]), np.array([[0, 0]])
    ratio = np.array([[2 / 3, 4 / 3]])
    problem = Problem.from_log(
        TabularModel([probs] * horizon, [stay] * horizon),
        [0.0],
        np.zeros(horizon + 1),
        edge_reward=[ratio] * horizon,
        name=f"product:horizon={horizon}",
    )
    problem.instance = Instance("product", {"horizon": horizon})
    return problem

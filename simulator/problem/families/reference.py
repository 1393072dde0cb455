"""The reference instance, a small asymmetric tree whose exact numbers are tabulated."""

from __future__ import annotations

import numpy as np

from simulator.problem.families.checks import check_horizon, check_tree_size
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["reference"]


def reference(horizon: int = 3) -> Problem:
    """Return the reference tree: no symmetry, all rewards positive, a biased PRM.

    Two tokens; node i of level h is the prefix whose bits, first token most significant,
    read i::

        pi_ref(1 | node i of level h) = (i + 1) / (2^h + 1)
        r(leaf i)                     = 1 + (i mod 3)
        V^(node i of level h)         = V*(node) (1 + (-1)^i / 2)   for 0 < h < H
        V^(root)                      = Z

    So log Z = 0.587786664902 at H = 3 and 0.490622916448 at H = 4; tests hold the exact
    error, relative variance and bounds of SMC and SMC-RS on both.

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
    >>> print(f"{reference(3).log_z:.12f}, {reference(4).log_z:.12f}")
    0.587786664902, 0.490622916448
    """
    check_horizon(horizon)
    check_tree_size(2, horizon)
    probs = []
    for h in range(horizon):
        one = (np.arange(2**h) + 1) / (2**h + 1)
        probs.append(np.stack([1 - one, one], axis=1))
    model = TabularModel.tree(probs)
    reward = 1.0 + np.arange(2**horizon) % 3
    exact = Problem(model, reward, "exact")
    prm = [v.copy() for v in exact.value]
    for h in range(1, horizon):
        prm[h] *= 1 + 0.5 * (-1.0) ** np.arange(2**h)
    prm[horizon] = reward
    return Problem(model, reward, prm, name=f"reference:horizon={horizon}")

"""A toy language model that may stop: an end-of-sequence token and an absorbing state."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int, check_real
from simulator.problem.model import TabularModel
from simulator.problem.prms import named_prm
from simulator.problem.problem import PRM, Problem

__all__ = ["VOCABULARY", "eos"]

VOCABULARY = ("a", "b", "<eos>")
MAX_HORIZON = 1_000


def eos(
    horizon: int = 4,
    stop: float = 0.3,
    *,
    prm: str | PRM = "noisy",
    sigma: float = 0.5,
    beta: float = 0.5,
    cap: float = 1.5,
    seed: int = 0,
) -> Problem:
    """Return a model over "a", "b" and end-of-sequence whose reward counts b's.

    While a sequence is alive its next token is `<eos>` with probability `stop`, "b" with
    (1 - stop)/3 and "a" with 2(1 - stop)/3. After `<eos>` it is padded with `<eos>`, with
    probability 1. A sequence that stopped within H tokens earns r = 1 + (number of b's);
    one that was cut off at length H without `<eos>` earns 0. So the reward depends on
    content and on length, and V* pulls towards more b's early and towards `<eos>` late.

    States of level h: row k < h+1 is "alive with k b's", row h+1+k is "stopped with k
    b's", k < h.

    Parameters
    ----------
    horizon : int, optional
        1 <= H <= 1000.
    stop : float, optional
        In (0, 1].
    prm : str or PRM, optional
        A name of `simulator.problem.prms.PRM_NAMES`, or a rule.
    sigma, beta, cap : float, optional
        Of the noisy, tempered and capped PRM.
    seed : int, optional
        Of the noisy PRM.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = eos(2, prm="exact")
    >>> problem.reward.tolist()
    [0.0, 0.0, 0.0, 1.0, 2.0]
    >>> print(f"{problem.log_z:.6f}")  # stop + (1 - stop) stop (1 + 1/3) = 0.58
    -0.544727
    """
    check_int("horizon", horizon, 1, MAX_HORIZON)
    check_real("stop", stop, 0.0, 1.0, above=True)
    alive_row = [2 * (1 - stop) / 3, (1 - stop) / 3, stop]
    probs, moves = [], []
    for h in range(horizon):
        alive = np.arange(h + 1)
        stopped = np.arange(h)
        offset = h + 2  # where "stopped" begins at level h + 1
        moves.append(
            np.concatenate(
                [
                    np.stack([alive, alive + 1, offset + alive], axis=1),
                    np.repeat((offset + stopped)[:, None], 3, axis=1),
                ]
            )
        )
        probs.append([alive_row] * (h + 1) + [[0.0, 0.0, 1.0]] * h)
    model = TabularModel(probs, moves)
    reward = np.concatenate([np.zeros(horizon + 1), 1.0 + np.arange(horizon)])
    rule = (
        named_prm(prm, sigma=sigma, beta=beta, cap=cap, seed=seed) if isinstance(prm, str) else prm
    )
    return Problem(model, reward, rule, name=f"eos:horizon={horizon},stop={stop:g}")

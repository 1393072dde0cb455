"""A queue of late labels: each is judged a fixed number of levels after it is drawn."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.problem.families.checks import check_horizon
from simulator.problem.families.hidden_labels import hidden_bits
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem
from simulator.typing import Floats, Ints

__all__ = ["late_labels"]

MOST_PENDING = 16


def late_labels(horizon: int = 64, delay: int = 4, theta: float = 0.125, seed: int = 0) -> Problem:
    r"""Return labels in a queue, of each of which V^ hears `delay` levels late.

    Every token is a label, a fair bit that multiplies the reward by 1 + theta if it equals its
    hidden bit and by 1 - theta otherwise. V^ takes label h in at level h + delay - 1, the last
    labels at level H, so that it is pending at `delay` levels. Labels are good independently under
    pi*, with probability (1 + theta)/2. Z = V^(root) = 1, C_act = 1 + theta and
    C_inf = (1 - theta)^(1 - delay). At most 2^(delay-1) states a level: the pending labels.

    Parameters
    ----------
    horizon : int, optional
        Number of labels H >= 1.
    delay : int, optional
        From 1 (judged at once) to 16.
    theta : float, optional
        In [0, 1).
    seed : int, optional
        Of the hidden bits.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = late_labels(horizon=20, delay=3, theta=0.5)
    >>> int(problem.model.n_states.max()), bool(abs(problem.log_z) < 1e-12)
    (4, True)
    """
    check_horizon(horizon)
    check_int("delay", delay, 1, MOST_PENDING)
    check_real("theta", theta, 0.0, 1.0)
    check_int("seed", seed, 0, 2**63)
    if theta >= 1:
        raise InputError("theta: below 1 is needed")
    bits = hidden_bits(horizon, seed)
    worth = np.array([1 - theta, 1 + theta])
    probs: list[Floats] = []
    following: list[Ints] = []
    factors: list[Floats | None] = []
    for h in range(1, horizon + 1):
        pending = min(h, delay) - 1  # before label h is drawn
        labels = 2 * np.arange(1 << pending)[:, None] + np.arange(2)  # with label h, oldest first
        probs.append(np.full(labels.shape, 0.5))
        taken = pending + 1 if h == horizon else int(pending + 1 == delay)
        gain = np.ones(labels.shape)
        for i in range(taken):  # the oldest of them
            place = pending - i
            gain *= worth[((labels >> place) & 1 == bits[h - 1 - place]).astype(int)]
        kept = 0 if h == horizon else pending + 1 - taken
        following.append(labels & ((1 << kept) - 1))
        factors.append(gain if taken else None)
    sizes = [len(p) for p in probs]
    problem = Problem.from_log(
        TabularModel(probs, following, n_terminal=1),
        [0.0],
        np.zeros(sum(sizes) + 1),
        edge_reward=factors,
        name=f"late-labels:horizon={horizon},delay={delay},theta={theta:g},seed={seed}",
    )
    problem.instance = Instance(
        "late-labels",
        {"horizon": horizon, "delay": delay, "theta": float(theta), "seed": int(seed)},
    )
    return problem

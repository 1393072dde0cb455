"""Balanced brackets: a grammar small enough to count by hand."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_choice, check_int, check_real
from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["VOCABULARY", "brackets"]

VOCABULARY = ("(", ")")
MAX_LENGTH = 1_000


def brackets(length: int = 6, prm: str = "exact", failed_reward: float = 0.0) -> Problem:
    r"""Return strings of fair brackets, rewarded when balanced.

    pi_ref tosses a fair coin for "(" or ")" at every place. The reward is 1 for a
    balanced string and `failed_reward` for any other. With L places left at depth d the
    number of ways to close is the ballot number (reflection principle)::

        n(L, d) = C(L, (L-d)/2) - C(L, (L-d)/2 - 1),   0 if L - d is odd or negative

    so V*(prefix at depth d) = n(L, d)/2^L with failed_reward = 0, and
    Z = Catalan(length/2)/2^length. The state is the depth (row d of its level); the last
    row of a level is "failed", reached by a ")" too many and never left.

    The value the PRM gives:

    * ``"exact"``: V*.
    * ``"greedy"``: 1 for every prefix that has not failed and `failed_reward` for a failed
      one. A checker that reads the prefix only: it sees a ")" too many at once, but not
      that the string has run too deep to be closed in time.
    * ``"constant"``: 1 for every prefix, failed or not: all is learnt at the end.

    Parameters
    ----------
    length : int, optional
        H, even, 2 <= H <= 1000.
    prm : {"exact", "greedy", "constant"}, optional
        The value that the PRM gives, as above.
    failed_reward : float, optional
        In [0, 1]; a small positive value makes every ratio of values finite.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = brackets(6)
    >>> bool(abs(np.exp(problem.log_z) - 5 / 64) < 1e-15)  # Catalan(3) = 5
    True
    >>> problem.value[2].round(9).tolist()  # depth 0, 1 (impossible here), 2; failed
    [0.125, 0.0, 0.1875, 0.0]
    """
    check_int("length", length, 2, MAX_LENGTH)
    if length % 2:
        raise InputError(f"length: {length} is odd, so no string is balanced")
    check_real("failed_reward", failed_reward, 0.0, 1.0)
    check_choice("prm", prm, ("exact", "greedy", "constant"))
    probs, moves = [], []
    for h in range(length):
        depth = np.arange(h + 1)
        failed = h + 2  # row of "failed" at level h + 1
        move = np.stack([depth + 1, np.where(depth > 0, depth - 1, failed)], axis=1)
        if h > 0:
            move = np.concatenate([move, [[failed, failed]]])
        moves.append(move)
        probs.append(np.full(move.shape, 0.5))
    model = TabularModel(probs, moves)
    reward = np.full(length + 2, float(failed_reward))
    reward[0] = 1.0
    name = f"brackets:length={length},prm={prm}"
    if prm == "exact":
        return Problem(model, reward, "exact", name=name)
    values = [np.ones(int(n)) for n in model.n_states]
    if prm == "greedy":
        for level in values[1:]:
            level[-1] = failed_reward
    values[-1] = reward
    return Problem(model, reward, values, name=name)

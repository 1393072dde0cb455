"""Chi-square instance: a rare branch whose V^ dips, and which particles do not survive."""

from __future__ import annotations

import math

import numpy as np

from simulator.checks import check_int
from simulator.problem.families.checks import MAX_HORIZON, check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["branch_probability", "dips", "dips_to_lose"]

MAX_DIPS = 500


def dips(particles: int = 32, blocks: int = 1, dips: int = 0) -> Problem:
    r"""Return blocks in which V^ nearly hides a branch, j times (new here).

    For every N it has C_act <= 2 and chi2(pi*_h ‖ pi^_h) <= 13/8 at every level, and SMC with at
    most N particles needs only 1/q blocks to fail, with q = 1/sqrt(13 N); statement X attains the
    rate H/sqrt(N) of S1 and 3.2 up to a logarithm. A block has 2j + 1 levels:

    * the fork: a fair bit chooses the state beta or `out`, V^ = 1 in both;
    * dip i = 1..j: beta goes on as beta or alpha, a fair bit; V^(alpha) = V^(parent) and
      V^(beta) = V^(parent)/(4 N), as if beta were no good;
    * boost i: alpha is worth 0, V^(beta) = 2^i; in place of boost j both V^ and V* are those of
      the end of the block: 2^(j+1) q on beta, 2 (1 - q) on `out`.

    Between dips pi^ gives beta and `out` one half each, in a dip beta 1/(12 N + 1). Under pi* each
    block ends at beta with probability q, independently, and Z = 1. Blocks follow each other; at
    most three states a level.

    Parameters
    ----------
    particles : int, optional
        N >= 1, for which the instance is made.
    blocks : int, optional
        Number of blocks, >= 1.
    dips : int, optional
        j, up to 500; 0 takes what the proof asks for, see `dips_to_lose`.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range, or there are more than 10^7 levels.

    Examples
    --------
    >>> problem = dips(32, blocks=20, dips=8)
    >>> problem.horizon, int(problem.model.n_states.max()), bool(abs(problem.log_z) < 1e-12)
    (340, 3, True)
    """
    check_int("particles", particles, 1, 10**9)
    check_int("dips", dips, 0, MAX_DIPS)
    j = dips or dips_to_lose(particles)
    check_horizon(blocks, name="blocks")
    check_int("number of levels", blocks * (2 * j + 1), 1, MAX_HORIZON)
    q = branch_probability(particles)
    still = [1.0, 0.0]
    fork = np.array([[0.5, 0.5]]), np.array([[0, 1]])
    dip = np.array([still, [0.5, 0.5]]), np.array([[0, 0], [1, 2]])
    boost = np.array([still] * 3), np.array([[0, 0], [1, 1], [1, 1]])
    end = np.array([still] * 3), np.zeros((3, 2), dtype=np.int64)
    kill = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    last = kill * [[2 * (1 - q)], [2.0 ** (j + 1) * q], [0.0]]
    stages = [fork, *[dip, boost] * (j - 1), dip, end]
    factors = [None, *[None, kill] * (j - 1), None, last]
    log2, low = math.log(2.0), math.log(4 * particles)
    log_prm = [0.0, 0.0]  # after the fork: out, beta
    for i in range(1, j + 1):
        log_prm += [0.0, (i - 1) * log2 - low, (i - 1) * log2]
        log_prm += [0.0, i * log2] if i < j else [0.0]
    problem = Problem.from_log(
        TabularModel(*zip(*stages * blocks, strict=True)),
        [0.0],
        [0.0, *log_prm * blocks],
        edge_reward=factors * blocks,
        name=f"dips:particles={particles},blocks={blocks},dips={j}",
    )
    problem.instance = Instance("dips", {"particles": particles, "blocks": blocks, "dips": j})
    return problem


def branch_probability(particles: int) -> float:
    """Return q = 1/sqrt(13 N), the chance under pi* that a block of `dips` ends at beta.

    Parameters
    ----------
    particles : int
        N of the instance.

    Examples
    --------
    >>> round(branch_probability(32), 4)
    0.049
    """
    return 1 / math.sqrt(13 * particles)


def dips_to_lose(particles: int) -> int:
    """Return j = ceil(log(8/q)/log(8/5)), for which (5/8)^j <= q/8.

    Parameters
    ----------
    particles : int
        N of the instance.

    Examples
    --------
    >>> dips_to_lose(32)
    11
    """
    return math.ceil(math.log(8 / branch_probability(particles)) / math.log(8 / 5))

r"""The instance `dips`: small chi-square at every level, and an error that no 1/N explains.

Problem: `simulator.problem.families.dips`. Blocks begin with all particles alike, so that with
multinomial resampling (or SMC by rejection) what happens in different blocks of one output is
independent, and within a block the numbers of particles in the three states are a Markov chain:
this gives the law of the output, in terms of which blocks end at beta, at any number of blocks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simulator.errors import InputError
from simulator.exact.lumped import binomial_rows
from simulator.problem.families.dips import branch_probability
from simulator.typing import Floats

__all__ = ["BlockLaw", "block_law", "blocks_error", "event_gap", "event_gaps"]

SURVIVAL = 5 / 8  # at most, of the branch in one dip
LARGEST = 150  # particles; N^4 numbers are added up


class BlockLaw(NamedTuple):
    """Law of one block.

    Attributes
    ----------
    beta, out : float
        Chances that the output's part of the block ends there, and that no run failed in it; what
        they lack of 1 is the chance of a failure.
    reached : float
        Chance that some particle ends the block at beta.
    """

    beta: float
    out: float
    reached: float


@lru_cache(maxsize=64)
def block_law(n_particles: int, particles: int, dips: int, rejection: bool = False) -> BlockLaw:
    """Return the exact law of one block under multinomial SMC or SMC by rejection.

    Parameters
    ----------
    n_particles : int
        Of the sampler, up to 150.
    particles, dips : int
        N and j of the instance.
    rejection : bool, optional
        SMC by rejection.

    Returns
    -------
    BlockLaw

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> q = branch_probability(32)
    >>> [round(block_law(32, 32, j).beta / q, 3) for j in (2, 4)]
    [0.278, 0.018]
    """
    if not 1 <= n_particles <= LARGEST or particles < 1 or dips < 1:
        raise InputError(
            f"dips: needs 1 <= n_particles <= {LARGEST}, particles >= 1 and dips >= 1, "
            f"not {n_particles}, {particles}, {dips}"
        )
    n, q = n_particles, branch_probability(particles)
    beta, out = _pairs(n)
    after = _dip(n, particles, rejection)
    law = binomial_rows(n, np.array([0.5]))[0]
    if not rejection:  # the fork's bits, then resampling
        law = law @ binomial_rows(n, np.arange(n + 1) / n)
    for _ in range(dips - 1):
        share, alive = _share(beta, out, 8.0 * particles)
        law = ((law @ after) * alive) @ binomial_rows(n, share)
    pairs = law @ after
    share, alive = _share(beta, out, 8.0 * particles * q / (1 - q))
    pairs *= alive
    return BlockLaw(float(pairs @ share), float(pairs @ (1 - share)), float(pairs[beta > 0].sum()))


def blocks_error(one: BlockLaw, particles: int, blocks: int) -> float:
    """Return D_TV of as many blocks, whose ends are independent both in the output and under pi*.

    Parameters
    ----------
    one : BlockLaw
        Of one block.
    particles : int
        N of the instance.
    blocks : int
        Their number, >= 1.

    Returns
    -------
    float

    Examples
    --------
    >>> one = block_law(32, 32, 8)
    >>> round(blocks_error(one, 32, 20), 3)
    0.634
    """
    from scipy.special import gammaln, xlogy

    q = branch_probability(particles)
    k = np.arange(blocks + 1)
    choose = gammaln(blocks + 1) - gammaln(k + 1) - gammaln(blocks - k + 1)
    target = np.exp(choose + xlogy(k, q) + xlogy(blocks - k, 1 - q))
    output = np.exp(choose + xlogy(k, one.beta) + xlogy(blocks - k, one.out))
    return float(np.maximum(target - output, 0).sum())


def event_gap(particles: int, blocks: int, dips: int) -> float:
    """Return the largest of `event_gaps`, at most the error of N particles.

    For j from `dips_to_lose` on it is at least (3/8) min(B, floor(1/q)) q.

    Parameters
    ----------
    particles, blocks, dips : int
        N, B and j of the instance.

    Returns
    -------
    float
        At least 0.

    Examples
    --------
    >>> print(f"{event_gap(32, 20, 11):.4f}")
    0.5204
    """
    return float(event_gaps(particles, blocks, dips).max())


def event_gaps(particles: int, blocks: int, dips: int) -> Floats:
    """Return 1 - (1-q)^b - b (5/8)^j for b = 0..B: what an event's probability must lack.

    The event is that one of the first b blocks ends at beta. Of m particles at beta K ~ Bin(m, 1/2)
    stay there in a dip, of weight 1/(4 N) where others have 1, so the share y = K/m gives

        P(one is left after resampling) <= E min(1, y/(4 (1 - y))) <= (5/4) E y = 5/8,

    whatever the unbiased scheme; SMC by rejection has at most 1/4. So some particle ends a block
    at beta with probability at most (5/8)^j.

    Parameters
    ----------
    particles, blocks, dips : int
        N, B and j of the instance.

    Returns
    -------
    (B+1,) array

    Examples
    --------
    >>> event_gaps(32, 2, 11).round(4).tolist()
    [0.0, 0.0433, 0.0843]
    """
    b = np.arange(blocks + 1)
    return np.asarray(1 - (1 - branch_probability(particles)) ** b - b * SURVIVAL**dips)


@lru_cache(maxsize=8)
def _pairs(n: int) -> tuple[Floats, Floats]:
    """All (particles at beta, at out), the others being at alpha."""
    beta, out = np.divmod(np.arange((n + 1) ** 2), n + 1)
    ok = beta + out <= n
    return beta[ok].astype(float), out[ok].astype(float)


def _share(beta: Floats, out: Floats, ratio: float) -> tuple[Floats, Floats]:
    """Weighted share of beta where it weighs `ratio` times as much and alpha nothing; if any."""
    total = ratio * beta + out
    share = np.divide(ratio * beta, total, out=np.zeros_like(total), where=total > 0)
    return share, (total > 0).astype(float)


@lru_cache(maxsize=8)
def _dip(n: int, particles: int, rejection: bool) -> Floats:
    """Law of `_pairs` after a dip and its resampling, a row for each number at beta before."""
    beta, out = _pairs(n)
    alpha = n - beta - out
    from scipy.special import gammaln, xlogy

    choose = gammaln(n + 1) - gammaln(beta + 1) - gammaln(out + 1) - gammaln(alpha + 1)
    rows = []
    for m in range(n + 1):
        stay = np.array([m / 2]) if rejection else np.arange(m + 1.0)
        chance = np.ones(1) if rejection else binomial_rows(m, np.array([0.5]))[0]
        low = stay / (4 * particles)
        total = (low + n - stay)[:, None]
        log_law = (
            choose
            + xlogy(beta, low[:, None] / total)
            + xlogy(alpha, (m - stay)[:, None] / total)
            + xlogy(out, (n - m) / total)
        )
        rows.append(chance @ np.exp(log_law))
    return np.array(rows)

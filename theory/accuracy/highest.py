r"""Law A3: the particle of highest terminal V^ is right, by probabilities of hits (law A2).

Let v <= w be scores and B the terminal states with scores in [v, w]. If something of score >= v is
hit, and nothing of {score > w} or of B outside of E, then the particles of highest score are right
and in B, however ties among them are broken. The second event is part of the first, so

    P(right, highest score in B) >= P(hit {score >= v}) - P(hit {score > w} or (B, not E)).

Sum over blocks B that do not overlap; with distinct scores and one score a block there is equality.
The same for wrong answers gives an upper limit, and so does P(hit E). Each probability has its
limits by law A2.

Predictor: that of a verified choice, P2.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.interval import Interval
from simulator.problem.events import check_event
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Bools
from theory.accuracy.answers import AccuracyLimits, Draws
from theory.accuracy.hits import Hits

__all__ = ["blocks_of_scores", "highest_accuracy"]

TIE = 1e-9  # log V^ this close are equal, as for the sampler
BLOCKS = 8

Block = tuple[Bools, Bools]  # states of score >= v, and those of score > w


def blocks_of_scores(problem: Problem, most: int = BLOCKS) -> list[Block]:
    """Cut the scores of terminal states into blocks, the highest first.

    Parameters
    ----------
    problem : Problem
        What is sampled; scores are its terminal rewards.
    most : int, optional
        Largest number of blocks; scores closer than the sampler's ties stay together.

    Returns
    -------
    list of (Bools, Bools)
        The states that score as high as the block, or higher, and those that score higher.
    """
    score = problem.log_reward
    order = np.sort(score[np.isfinite(score)])[::-1]
    starts = np.flatnonzero(np.append(True, order[:-1] - order[1:] > TIE))
    ends = np.append(starts[1:], order.size) - 1  # place of the lowest score of each group
    chosen = np.unique(np.linspace(0, ends.size - 1, min(most, ends.size)).round().astype(int))
    lowest = [np.inf, *order[ends[chosen]]]
    return [(score >= v, score >= u) for u, v in pairwise(lowest)]


def highest_accuracy(
    problem: Problem, sampler: Sampler, correct: npt.ArrayLike, draws: Draws | None = None
) -> AccuracyLimits:
    """Bound the probability that the particle of highest terminal V^ is right; predictor P2.

    Parameters
    ----------
    problem : Problem
        What is sampled, with rewards of terminal states alone.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares such clouds.
    correct : (S_H,) bool array
        Which terminal states are right.
    draws : Draws, optional
        Where the paths are too many to list.

    Returns
    -------
    AccuracyLimits

    Raises
    ------
    InputError
        If the law does not speak of the sampler or the problem, or an argument is malformed.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference")
    >>> smc, right = SMC(2, select="best"), problem.reward > 2.5
    >>> found = highest_accuracy(problem, smc, right)
    >>> print(f"{found.low:.3f} {smc.exact_law(problem).law[right].sum():.3f} {found.high:.3f}")
    0.275 0.332 0.445
    """
    event = check_event(problem, correct)
    if problem.has_edge_reward:
        raise InputError("law: needs rewards of terminal states alone, without edge_reward")
    scored = np.isfinite(problem.log_reward)  # a particle of weight zero is never chosen
    right, wrong = event & scored, ~event & scored
    blocks, hits = blocks_of_scores(problem), Hits(problem, sampler)
    first, second = (draws or Draws()).split(2)
    reach = hits.at_least([high for high, _ in blocks], first)
    others = [part for out in (wrong, right) for part in _spoiled(blocks, out)]
    whole, *tops = hits.at_most([right, *others], second)
    half = len(tops) // 2
    ours, theirs = _least(reach, tops[:half]), _least(reach, tops[half:])
    exact = min(x.confidence for x in (whole, *tops, *reach)) == 1
    return AccuracyLimits(
        low=min(ours, 1.0), high=max(min(1 - theirs, whole.high), 0.0),
        predicted=None if math.isnan(whole.value) else whole.value,
        confidence=1.0 if exact else (draws or Draws()).confidence,
    )  # fmt: skip


def _spoiled(blocks: list[Block], out: Bools) -> list[Bools]:
    """Events that keep the choice from being in a block and not in `out`; then those of tails."""
    inside = [higher | (out & high) for high, higher in blocks]
    return [*inside, *(out & high for high, _ in blocks)]


def _least(reach: list[Interval], spoiled: list[Interval]) -> float:
    """Lower limit of the probability that the choice is not spoiled."""
    inside, tails = spoiled[: len(reach)], spoiled[len(reach) :]
    total = sum(max(r.low - s.high, 0.0) for r, s in zip(reach, inside, strict=True))
    return max(total, *(r.low - s.high for r, s in zip(reach, tails, strict=True)))

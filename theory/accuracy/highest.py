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

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.events import check_event
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Bools
from theory.accuracy.answers import AccuracyLimits, Draws
from theory.accuracy.passed import passed_accuracy

__all__ = ["blocks_of_scores", "highest_accuracy"]

TIE = 1e-9  # log V^ this close are equal, as for the sampler
BLOCKS = 8

Hit = Callable[[Bools], AccuracyLimits]
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
    event = event & np.isfinite(problem.log_reward)  # a particle of weight zero is never chosen
    wrong = ~event & np.isfinite(problem.log_reward)
    blocks = blocks_of_scores(problem)
    parts = iter((draws or Draws()).split(1 + 5 * len(blocks)))

    def hit(chosen: Bools) -> AccuracyLimits:
        return passed_accuracy(problem, sampler, chosen, next(parts))

    whole = hit(event)
    reach = [hit(high) for high, _ in blocks]
    ours, theirs = (_least(blocks, reach, out, hit) for out in (wrong, event))
    used = [whole, *reach, *ours[1], *theirs[1]]
    return AccuracyLimits(
        low=min(ours[0], 1.0), high=max(min(1 - theirs[0], whole.high), 0.0),
        predicted=whole.predicted,
        confidence=(draws or Draws()).confidence if min(x.confidence for x in used) < 1 else 1.0,
    )  # fmt: skip


def _least(
    blocks: list[Block], reach: list[AccuracyLimits], others: Bools, hit: Hit
) -> tuple[float, list[AccuracyLimits]]:
    """Lower limit of P(no one of the highest is among the others), and what it was made of."""
    fine = [hit(higher | (others & high)) for high, higher in blocks]
    coarse = [hit(others & high) for high, _ in blocks]
    total = sum(max(r.low - f.high, 0.0) for r, f in zip(reach, fine, strict=True))
    one = max(r.low - c.high for r, c in zip(reach, coarse, strict=True))
    return max(total, one, 0.0), [*fine, *coarse]

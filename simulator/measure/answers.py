"""How often the particles of runs on questions are right: each run by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.samplers.runs import Runs
from simulator.typing import Bools, Floats

__all__ = ["CloudScores", "cloud_scores"]

TIE = 1e-9  # weights and values this close, relatively, are equal


@dataclass(frozen=True, eq=False)
class CloudScores:
    """What the last cloud of each run is worth; probabilities given the cloud.

    All are 0 for a run that has failed, except `passed` and `share`, which look at particles
    whatever they weigh, and are 0 only if the run has not come to the last level.

    Parameters
    ----------
    share : (R,) array
        Share of the particles that are right.
    passed : (R,) array
        1 if some particle is right, which is pass@N on average.
    sampled : (R,) array
        nu^(E): chance that a particle drawn by weight is right.
    vote : (R,) array
        Whether the answer of largest total weight is right; ties are drawn.
    majority : (R,) array
        1 if right answers weigh more than all wrong ones together.
    best : (R,) array or None
        Whether the particle of highest reward is right, of those of positive weight; ties are
        drawn. None where rewards are not known.
    """

    share: Floats
    passed: Floats
    sampled: Floats
    vote: Floats
    majority: Floats
    best: Floats | None


def cloud_scores(
    runs: Runs, right: Bools, answers: npt.ArrayLike, log_rewards: Floats | None = None
) -> CloudScores:
    """Score the last clouds of runs on a language model.

    Parameters
    ----------
    runs : Runs
        That have kept "clouds", and "genealogy" if the sampler can.
    right : (R, N) bool array
        Which particles are right answers.
    answers : (R, N) int array
        What each particle answers, by numbers; all that have one number must be right, or wrong.
    log_rewards : (R, N) array, optional
        log r of the texts.

    Returns
    -------
    CloudScores

    Raises
    ------
    InputError
        If the runs have kept no clouds, the arrays do not fit, or one answer is right and wrong.

    Examples
    --------
    Two of three particles agree, but the third outweighs them.

    >>> one = np.array([1])
    >>> logs = np.log([[[0.1, 0.2, 0.7]]])
    >>> tokens = np.zeros((1, 3, 1), dtype=np.int32)
    >>> runs = Runs(one, np.zeros(1), np.array([False]), one, one, cloud_log_weights=logs,
    ...             cloud_tokens=tokens)
    >>> found = cloud_scores(runs, np.array([[False, False, True]]), [[4, 4, 5]])
    >>> round(float(found.sampled[0]), 3), float(found.vote[0]), float(found.passed[0])
    (0.7, 1.0, 1.0)
    """
    if runs.cloud_log_weights is None:
        raise InputError("runs: no clouds were kept")
    logs, label = runs.cloud_log_weights[:, -1], np.asarray(answers)
    for name, x in (("right", right), ("answers", label), ("log_rewards", log_rewards)):
        if x is not None and x.shape != logs.shape:
            raise InputError(f"{name}: shape {x.shape} for clouds of {logs.shape}")
    if np.intersect1d(label[right], label[~right]).size:
        raise InputError("answers: one is both right and wrong")
    weights = _shares(np.where(runs.failed[:, None], -np.inf, logs))
    hits = right
    if runs.genealogy is not None:  # else there is one level only at which runs can fail
        hits = right & (runs.genealogy[:, -1] >= 0)
    sampled = (weights * right).sum(axis=1)
    return CloudScores(
        share=hits.mean(axis=1),
        passed=np.where(hits.any(axis=1), 1.0, 0.0),
        sampled=sampled,
        vote=_votes(weights, right, label),
        majority=np.where(sampled > (weights * ~right).sum(axis=1) + TIE, 1.0, 0.0),
        best=None if log_rewards is None else _best(weights, right, log_rewards),
    )


def _shares(log_weights: Floats) -> Floats:
    """Normalise the weights of each run; all 0 where they are all 0."""
    top = log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights - np.where(np.isneginf(top), 0.0, top))
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))


def _votes(weights: Floats, right: Bools, label: npt.NDArray[np.int64]) -> Floats:
    """Share of right answers among those of largest total weight."""
    same = label[:, :, None] == label[:, None, :]
    total = (same * weights[:, None, :]).sum(axis=2)
    first = ~np.tril(same, -1).any(axis=2)  # each answer once
    top = total.max(axis=1, keepdims=True)
    winners = first & (total >= top - TIE) & (top > 0)
    return np.asarray((winners & right).sum(axis=1) / np.maximum(winners.sum(axis=1), 1))


def _best(weights: Floats, right: Bools, log_rewards: Floats) -> Floats:
    """Share of right particles among those of highest reward and positive weight."""
    live = weights > 0
    score = np.where(live, log_rewards, -np.inf)
    top = score.max(axis=1, keepdims=True)
    winners = live & (score >= top - TIE)
    return np.asarray((winners & right).sum(axis=1) / np.maximum(winners.sum(axis=1), 1))

"""Law of the output, gathered over the last level without storing its clouds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulator.exact.cloud_steps import (
    BLOCK,
    Clouds,
    MixtureBlock,
    Scheme,
    Work,
    last_parents,
    mixture_blocks,
)
from simulator.exact.particle_types import Step, Types
from simulator.typing import Floats, Ints

__all__ = ["Output"]


TIE = 1e-9  # log V^ this close count as equal for "best"


@dataclass
class Output:
    """Running sums over final clouds.

    Attributes
    ----------
    score : (S_H,) array or None
        log V^ of terminal states if the best particle is returned, None for a draw.
    survival : float
        Z_e/Z, the mean of W^_H/Z.
    accept : float or None
        Runs are accepted with probability min(1, accept W^_H/Z); `law` is then P(Y = y,
        accepted).
    law, weighted : (S_H,) arrays
        P(Y = y) and E[(W^_H/Z_e) 1{Y = y}].
    moments : (3,) array
        P(not failed), E[W] and E[W^2] for W = W^_H/Z_e.
    short : float
        E[(1 - W^_H/Z)_+ 1{not failed}].
    accepted : float
        P(accepted).
    """

    n_states: int
    score: Floats | None
    survival: float
    accept: float | None = None
    law: Floats = field(init=False)
    weighted: Floats = field(init=False)
    moments: Floats = field(init=False)
    short: float = 0.0
    accepted: float = 0.0

    def __post_init__(self) -> None:
        self.law, self.weighted = np.zeros(self.n_states), np.zeros(self.n_states)
        self.moments = np.zeros(3)

    def gather(self, clouds: Clouds, types: Types, step: Step, scheme: Scheme, work: Work) -> None:
        """Run over all final clouds.

        Parameters
        ----------
        clouds : Clouds
            Of level H-1, before its resampling.
        types, step : Types, Step
            Kinds of level H-1 and their moves.
        """
        if scheme.mixture:
            for block in mixture_blocks(clouds, types, step, work):
                self._add_mixture(clouds, block, step.types)
        else:
            for final in last_parents(clouds, types, step, scheme, work):
                self._add_final(final, step.types)

    def _scores(self, state: Ints) -> Floats | None:
        return None if self.score is None else np.where(state < 0, -np.inf, self.score[state])

    def _count(self, state: Ints, law: Floats, weighted: Floats) -> None:
        live = state >= 0
        self.law += np.bincount(state[live], law[live], self.n_states)
        self.weighted += np.bincount(state[live], weighted[live], self.n_states)

    def _add_mixture(self, clouds: Clouds, block: MixtureBlock, types: Types) -> None:
        """Sum over the multisets of one block."""
        state, u = types.state[block.kinds], types.weight[block.kinds]
        p0, p1, p2 = clouds.moments[:, block.index]
        mean = block.mean
        self.moments += [
            float((p * (block.probability * m).sum(axis=1)).sum())
            for p, m in ((p0, mean > 0), (p1, mean), (p2, mean**2))
        ]
        accept = self._joint(clouds.w, block.index, p0[:, None] * block.probability, mean)
        taken = block.probability * accept
        counts, n = block.table.counts, block.table.sequence.shape[1]
        score = self._scores(state)
        if score is None:
            ratio = taken / np.where(mean > 0, mean, 1)
            law = u * (ratio @ counts) / n
            weighted = u * (block.probability @ counts) / n
            self._count(state, p0[:, None] * law, p1[:, None] * weighted)
            return
        group = max(1, BLOCK // counts.size)
        for g in range(0, len(score), group):
            part = slice(g, g + group)
            shown = np.where(counts[None] > 0, score[part, None, :], -np.inf)
            share = _best(shown) * counts
            share /= np.where(mean[part] > 0, share.sum(axis=2), 1)[:, :, None]
            law = np.einsum("gm,gmk->gk", taken[part], share)
            weighted = np.einsum("gm,gmk->gk", block.probability[part] * mean[part], share)
            self._count(state[part], p0[part, None] * law, p1[part, None] * weighted)

    def _add_final(self, final: Clouds, types: Types) -> None:
        """Sum over explicit final clouds; their moments include the last mean weight."""
        state, weight = types.state[final.rows], types.weight[final.rows]
        self.moments += final.moments.sum(axis=1)
        one = np.ones((len(final.rows), 1))
        accept = self._joint(final.w, np.arange(len(final.rows)), final.moments[0][:, None], one)
        score = self._scores(state)
        share = weight if score is None else _best(score).astype(np.float64)
        share = share / share.sum(axis=1, keepdims=True)
        p, f, _ = final.moments[:, :, None]
        self._count(state, p * accept * share, f * share)

    def _joint(self, w: Floats | None, index: Ints, p: Floats, mean: Floats) -> Floats:
        """Add what needs W^ itself: the shortfall; return the chances of acceptance."""
        if w is None:
            return np.ones_like(mean)
        ratio = w[index][:, None] * mean * self.survival
        p = np.where(mean > 0, p, 0)
        self.short += float((p * np.maximum(1 - ratio, 0)).sum())
        accept = np.ones_like(mean) if self.accept is None else np.minimum(self.accept * ratio, 1)
        self.accepted += float((p * accept).sum())
        return np.asarray(accept)


def _best(score: Floats) -> npt.NDArray[np.bool_]:
    top = score.max(axis=-1, keepdims=True)
    return np.asarray((score >= top - TIE) & np.isfinite(score))

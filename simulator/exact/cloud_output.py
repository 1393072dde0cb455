"""Law of the output, gathered over the last level without storing its clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulator.exact.cloud_steps import (
    Clouds,
    Scheme,
    Work,
    last_parents,
    mixtures,
)
from simulator.exact.particle_types import TIE, Step, Types
from simulator.typing import Floats, Ints

__all__ = ["Output"]


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
            self._add_mixture(clouds, types, step, work)
        else:
            for final in last_parents(clouds, types, step, scheme, work):
                self._add_final(final, step.types)

    def _scores(self, state: Ints) -> Floats | None:
        return None if self.score is None else np.where(state < 0, -np.inf, self.score[state])

    def _count(self, state: Ints, law: Floats, weighted: Floats) -> None:
        live = state >= 0
        self.law += np.bincount(state[live], law[live], self.n_states)
        self.weighted += np.bincount(state[live], weighted[live], self.n_states)

    def _add_mixture(self, clouds: Clouds, types: Types, step: Step, work: Work) -> None:
        """Sum over the multisets of the children of each cloud."""
        from simulator.exact.output_kernel import last_children

        score = self._scores(step.types.state)
        accept = math.inf if self.accept is None else self.accept
        for begin, width, kind, share in mixtures(clouds, types, step, work):
            some = slice(begin, begin + width.size)
            sums = last_children(
                width, kind, share, step.types.state, step.types.weight,
                np.zeros(0) if score is None else score,
                clouds.moments[:, some].copy(), clouds.all_w[some], self.survival, accept,
                clouds.rows.shape[1], self.law, self.weighted,
            )  # fmt: skip
            self.moments += sums[:3]
            self.short += float(sums[3])
            self.accepted += float(sums[4])

    def _add_final(self, final: Clouds, types: Types) -> None:
        """Sum over explicit final clouds; their moments include the last mean weight."""
        state, weight = types.state[final.rows], types.weight[final.rows]
        self.moments += final.moments.sum(axis=1)
        p, f, _ = final.moments
        accept = self._accept(final.w, p)
        score = self._scores(state)
        share = weight if score is None else _best(score).astype(np.float64)
        share = share / share.sum(axis=1, keepdims=True)
        self._count(state, (p * accept)[:, None] * share, f[:, None] * share)

    def _accept(self, w: Floats | None, p: Floats) -> Floats:
        """Add what needs W^ itself: the shortfall; return the chances of acceptance."""
        if w is None:
            return np.ones_like(p)
        ratio = w * self.survival
        self.short += float((p * np.maximum(1 - ratio, 0)).sum())
        accept = np.ones_like(p) if self.accept is None else np.minimum(self.accept * ratio, 1)
        self.accepted += float((p * accept).sum())
        return np.asarray(accept)


def _best(score: Floats) -> npt.NDArray[np.bool_]:
    top = score.max(axis=-1, keepdims=True)
    return np.asarray((score >= top - TIE) & np.isfinite(score))

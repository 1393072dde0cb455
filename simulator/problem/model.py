"""Finite-state autoregressive models: the base law pi_ref as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.rows import as_matrix, probability_rows
from simulator.typing import Floats, Ints

__all__ = ["TabularModel"]


class TabularModel:
    r"""An autoregressive model with finitely many states a level.

    At level h the model is in one of S_h states (S_0 = 1); it emits token
    a with probability ``probs[h][s, a]`` and moves to ``next_state[h][s, a]``.
    A prefix tree is the case S_h = A^h, child ``s * A + a``
    (`TabularModel.tree`). An end-of-sequence token is a token that leads to an
    absorbing state. Stages that are the same array object share one table, so a
    horizon of a million levels with a few distinct tables stays small.

    Parameters
    ----------
    probs : sequence of (S_h, A) arrays
        Next-token probabilities pi_ref(a | s); rows sum to 1 within 1e-9.
    next_state : sequence of (S_h, A) int arrays or None, optional
        States of level h+1. A None entry makes that stage a tree stage.
    n_terminal : int, optional
        S_H; by default one more than the largest state that is named.
    normalise : bool, optional
        Divide rows by their sums, for probabilities of few digits or float32. Rows whose sum is
        further than 1e-3 from 1 are still refused.

    Attributes
    ----------
    probs, next_state : tuple of arrays
        One entry a stage, as above; read-only.
    n_states : (H+1,) int array
        Number of states S_h of levels 0..H; read-only.
    n_actions, horizon : int
        Number of tokens A and of levels H.
    largest_change : float
        Largest distance of a row's sum from 1 as it was given; every row here sums to 1.

    Raises
    ------
    InputError
        If a table is malformed; the message names the stage and the row.

    Examples
    --------
    >>> coin = TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]])
    >>> coin.horizon, coin.n_states.tolist()
    (2, [1, 2, 4])
    >>> three_digits = TabularModel([[[0.333, 0.333, 0.333]]], normalise=True)
    >>> round(three_digits.largest_change, 9)
    0.001
    """

    probs: tuple[Floats, ...]
    next_state: tuple[Ints, ...]
    n_states: Ints
    n_actions: int
    largest_change: float

    def __init__(
        self,
        probs: Iterable[npt.ArrayLike],
        next_state: Iterable[npt.ArrayLike | None] | None = None,
        *,
        n_terminal: int | None = None,
        normalise: bool = False,
    ) -> None:
        raw_probs: list[object] = list(probs)
        raw_next: list[object] = [None] * len(raw_probs) if next_state is None else list(next_state)
        if not raw_probs:
            raise InputError("stages: at least one is needed")
        if len(raw_next) != len(raw_probs):
            raise InputError(
                f"next_state has {len(raw_next)} stages but probs has {len(raw_probs)}"
            )
        seen: dict[tuple[int, int], int] = {}
        tables: list[tuple[Floats, Ints]] = []
        self.largest_change = 0.0
        stage_table = np.empty(len(raw_probs), dtype=np.int64)
        for h, (p, nxt) in enumerate(zip(raw_probs, raw_next, strict=True)):
            key = (id(p), id(nxt))
            if key not in seen:
                seen[key] = len(tables)
                table, change = probability_rows(p, f"stage {h}", normalise=normalise)
                self.largest_change = max(self.largest_change, change)
                tables.append((table, _check_next(nxt, table.shape, h)))
            stage_table[h] = seen[key]
        stage_table.flags.writeable = False
        self.n_actions = tables[0][0].shape[1]
        self._tables = tables
        self._stage_table = stage_table
        self.probs = tuple(tables[t][0] for t in stage_table)
        self.next_state = tuple(tables[t][1] for t in stage_table)
        self._check_chain(n_terminal)

    def _check_chain(self, n_terminal: int | None) -> None:
        sizes = [p.shape[0] for p, _ in self._tables]
        tops = [int(nxt.max()) for _, nxt in self._tables]
        states = np.array([sizes[t] for t in self._stage_table] + [0], dtype=np.int64)
        last_top = tops[self._stage_table[-1]]
        states[-1] = last_top + 1 if n_terminal is None else n_terminal
        if states[0] != 1:
            raise InputError(f"stage 0: {states[0]} rows, but the root is one state")
        for h in range(self.horizon):
            t = self._stage_table[h]
            if self.probs[h].shape[1] != self.n_actions:
                raise InputError(
                    f"stage {h}: {self.probs[h].shape[1]} actions, but stage 0 has {self.n_actions}"
                )
            if tops[t] >= states[h + 1]:
                row = int(np.argwhere(self.next_state[h] >= states[h + 1])[0][0])
                raise InputError(
                    f"stage {h}, row {row}: next_state {int(self.next_state[h][row].max())} "
                    f"is out of range, stage {h + 1} has {states[h + 1]} states"
                )
        states.flags.writeable = False
        self.n_states = states

    @classmethod
    def tree(cls, probs: Iterable[npt.ArrayLike], *, normalise: bool = False) -> TabularModel:
        """Make a full prefix tree: stage h has A^h rows, child of s by a is s*A+a.

        Parameters
        ----------
        probs : sequence of (A^h, A) arrays
            Row i of stage h belongs to the prefix whose base-A digits, first
            token most significant, read i.
        normalise : bool, optional
            As in `TabularModel`.

        Returns
        -------
        TabularModel
        """
        model = cls(probs, normalise=normalise)
        for h in range(model.horizon):
            if model.n_states[h] != model.n_actions**h:
                raise InputError(
                    f"stage {h}: {model.n_states[h]} rows, but a tree has {model.n_actions**h}"
                )
        return model

    @property
    def horizon(self) -> int:
        """Number of levels H."""
        return len(self.probs)

    @property
    def tables(self) -> Sequence[tuple[Floats, Ints]]:
        """Distinct (probs, next_state) tables; stage h uses ``stage_table[h]``."""
        return self._tables

    @property
    def stage_table(self) -> Ints:
        """Index of the table that each stage uses, shape (H,)."""
        return self._stage_table

    @cached_property
    def state_start(self) -> Ints:
        """Offset of each level in an array that lists all states, shape (H+2,)."""
        start = np.concatenate([[0], np.cumsum(self.n_states)]).astype(np.int64)
        start.flags.writeable = False
        return start

    def split(self, flat: npt.NDArray[np.float64]) -> list[Floats]:
        """Cut an array over all states into one view a level.

        Parameters
        ----------
        flat : (sum of S_h,) array
            One number a state, level after level.

        Returns
        -------
        list of (S_h,) arrays
            One entry for each of levels 0..H.
        """
        return [flat[a:b] for a, b in zip(self.state_start[:-1], self.state_start[1:], strict=True)]

    def __repr__(self) -> str:
        return (
            f"TabularModel(horizon={self.horizon}, n_actions={self.n_actions}, "
            f"max_states={int(self.n_states.max())})"
        )


def _check_next(raw: object, shape: tuple[int, ...], h: int) -> Ints:
    if raw is None:
        nxt = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
    else:
        real = as_matrix(raw, f"stage {h}", "next_state")
        if real.shape != shape:
            raise InputError(f"stage {h}: next_state has shape {real.shape}, but probs has {shape}")
        bad = ~np.isfinite(real) | (real < 0) | (real != np.floor(real)) | (real > 2**53)
        if bad.any():
            row, col = (int(i) for i in np.argwhere(bad)[0])
            raise InputError(
                f"stage {h}, row {row}: next_state {real[row, col]:g} is not a state index"
            )
        nxt = real.astype(np.int64)
    nxt.flags.writeable = False
    return nxt

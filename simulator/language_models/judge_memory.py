"""What a judge remembers of the texts that it has read, and the test that says whether it may.

A memory is asked for the scores of texts, by their tokens, and finds by itself what it has read
of them: nothing in it follows who has resampled or forked what. `CachedMemory` goes on from the
longest beginning that it knows and reads the rest; `RereadMemory` reads each new text whole.

As with language models, what a cache may hold differs from model to model, so nothing is taken
for granted: before its first use a judge reads a few tokens in all the ways that a memory reads
them, and the scores are compared with those of whole texts. A model that looks ahead, keeps a
state outside of its cache, or whose head is not found fails, and its texts are read anew.
"""

from __future__ import annotations

import copy
from bisect import bisect
from collections.abc import Collection, Sequence
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from simulator.errors import InputError
from simulator.language_models.cached_session import Block
from simulator.language_models.judge import Judge
from simulator.language_models.loading import one_line
from simulator.language_models.self_test import gap, sample_tokens, tolerance
from simulator.typing import Floats, Ints

__all__ = ["MEMORIES", "CachedMemory", "Memory", "RereadMemory", "Row", "fitting_memory"]

Row: TypeAlias = tuple[int, ...]  # all tokens of a text


class _Scores:
    """Log-scores at all tokens of texts of one length, one row a text."""

    def __init__(self, table: Floats) -> None:
        self.table = table

    def take(self, rows: Any) -> _Scores:
        """Return those of some rows."""
        return _Scores(self.table[np.asarray(rows)])

    def join(self, other: _Scores) -> _Scores:
        """Return these and others behind them."""
        return _Scores(np.concatenate([self.table, other.table]))


class CachedMemory:
    """Blocks of texts of one length, with the cache and the scores at all their tokens.

    Parameters
    ----------
    judge : Judge
        What reads.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.blocks: list[tuple[Block[_Scores], list[Row]]] = []

    def scores(self, rows: Sequence[Row]) -> list[Floats]:
        """Return the log-scores at all tokens of texts, and read what is not known of them.

        Parameters
        ----------
        rows : sequence of tuple of int
            Texts of at least one token; equal ones are read once.

        Returns
        -------
        list of arrays
            One number a token.
        """
        places = self._places()
        known = sorted(places)
        nearest: dict[Row, Row] = {}
        groups: dict[tuple[int, int], list[Row]] = {}
        for row in dict.fromkeys(rows):
            if row not in places:
                nearest[row], shared = _nearest(known, row)
                shared = min(shared, len(row) - 1)  # something must be read to know the last score
                groups.setdefault((shared, len(row)), []).append(row)
        for (shared, length), some in groups.items():
            if shared:
                some.sort(key=lambda row: places[nearest[row]])
            step = self.judge.together(length - shared)
            for i in range(0, len(some), step):
                part = some[i : i + step]
                texts = np.array(part, dtype=np.int64)
                if shared:
                    block = self._beginnings([places[nearest[row]] for row in part], shared)
                    block.feed(texts[:, shared:])
                else:
                    block = Block(self._read, texts)
                self.blocks.append((block, part))
        places = self._places()
        return [self.blocks[k][0].kept.table[i] for k, i in (places[row] for row in rows)]

    def keep(self, rows: Collection[Row]) -> None:
        """Forget all texts but these.

        Parameters
        ----------
        rows : collection of tuple of int
            Those that may be gone on from.
        """
        wanted, kept = set(rows), []
        for block, texts in self.blocks:
            used = [i for i, text in enumerate(texts) if text in wanted]
            if used:
                kept.append((block.take(np.array(used)), [texts[i] for i in used]))
        self.blocks = kept

    def copy(self) -> CachedMemory:
        """Return a memory that goes on by itself; it shares what was read.

        Returns
        -------
        CachedMemory
        """
        new = copy.copy(self)
        new.blocks = list(self.blocks)  # a block is never changed once it is in a memory
        return new

    def _places(self) -> dict[Row, tuple[int, int]]:
        """Block of each text, and its row there."""
        return {
            text: (k, i) for k, (_, texts) in enumerate(self.blocks) for i, text in enumerate(texts)
        }

    def _read(self, tokens: Ints, texts: Ints, cache: Any, before: _Scores | None) -> _Scores:
        found = self.judge.behind(tokens, texts.shape[1], cache)
        return _Scores(found if before is None else np.column_stack([before.table, found]))

    def _beginnings(self, places: Sequence[tuple[int, int]], length: int) -> Block[_Scores]:
        """Return a block of the first tokens of texts; those of one block stand together."""
        parts = []
        for k, same in groupby(places, key=itemgetter(0)):
            part = self.blocks[k][0].take(np.array([i for _, i in same]))
            part.texts, part.kept = part.texts[:, :length], _Scores(part.kept.table[:, :length])
            for layer in part.cache.layers:
                if layer.is_initialized:
                    layer.keys = layer.keys[..., :length, :]
                    layer.values = layer.values[..., :length, :]
            parts.append(part)
        return reduce(Block.join, parts)


class RereadMemory:
    """Scores of texts, each of which was read from its beginning: right for every judge.

    Parameters
    ----------
    judge : Judge
        What reads.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.found: dict[Row, Floats] = {}

    def scores(self, rows: Sequence[Row]) -> list[Floats]:
        """Return the log-scores at all tokens of texts; see `CachedMemory.scores`.

        Parameters
        ----------
        rows : sequence of tuple of int
            Texts of at least one token; equal ones are read once.

        Returns
        -------
        list of arrays
            One number a token.
        """
        new = [row for row in dict.fromkeys(rows) if row not in self.found]
        for length in sorted({len(row) for row in new}):
            same = [row for row in new if len(row) == length]
            scores = self.judge.whole(np.array(same, dtype=np.int64))
            self.found.update(zip(same, scores, strict=True))
        return [self.found[row] for row in rows]

    def keep(self, rows: Collection[Row]) -> None:
        """Forget all texts but these.

        Parameters
        ----------
        rows : collection of tuple of int
            Those that may be asked for again.
        """
        wanted = set(rows)
        self.found = {row: scores for row, scores in self.found.items() if row in wanted}

    def copy(self) -> RereadMemory:
        """Return a memory that goes on by itself.

        Returns
        -------
        RereadMemory
        """
        new = copy.copy(self)
        new.found = dict(self.found)
        return new


Memory: TypeAlias = CachedMemory | RereadMemory

MEMORIES: tuple[type[Memory], ...] = (CachedMemory, RereadMemory)  # best first


def fitting_memory(judge: Judge, kinds: Sequence[type[Memory]] = MEMORIES) -> type[Memory]:
    """Return the first kind of memory whose scores are those of whole texts.

    Parameters
    ----------
    judge : Judge
        What reads.
    kinds : sequence of type, optional
        Those that come into question, best first.

    Returns
    -------
    type
        One of them.

    Raises
    ------
    InputError
        If none is right: the model cannot be read, draws numbers, or the texts of a batch change
        each other's scores.
    """
    tokens = sample_tokens(judge)
    reason = ""
    for kind in kinds:
        try:
            worst = _largest_gap(judge, kind(judge), tokens)
        except Exception as fault:  # no cache, no head, or one of its own
            reason = one_line(fault)
            continue
        if worst <= tolerance(judge):
            return kind
        reason = f"{judge.name}: scores of equal texts are off by {worst:.2g} of their spread"
    raise InputError(reason)


def _largest_gap(judge: Judge, memory: Memory, tokens: Ints) -> float:
    """Ask a memory for texts that grow, part, wait and turn back; return its worst gap."""
    *start, a, b, c, d = (int(t) for t in tokens)
    rounds = (
        ((),),
        ((a,), (b,), ()),
        ((b, c), (b, d), (a, d, c), (b,)),
        ((b, c, a), (b, d, a), (a, d, b), (a,)),
        ((b, d, c, a), (c,), (b,)),
    )
    found: list[Floats] = []
    right: list[Floats] = []
    for more in rounds:
        rows = [(*start, *end) for end in more]
        for row, scores in zip(rows, memory.scores(rows), strict=True):
            asked = [judge.last(np.array(row))] if judge.kind == "sequence" else slice(None)
            found.append(np.ravel(scores[asked]))
            right.append(np.ravel(judge.whole(np.array([row]))[0][asked]))
        memory.keep(rows)
    if not np.isfinite(np.concatenate([*found, *right])).all():
        raise InputError(f"{judge.name}: its outputs are not finite")
    return gap(np.concatenate(found)[None], np.concatenate(right)[None])


def _nearest(known: Sequence[Row], row: Row) -> tuple[Row, int]:
    """Return the known text with the longest beginning in common with a new one, and its length."""
    at = bisect(known, row)  # as in a dictionary, it is a neighbour
    pairs = [(text, _common(text, row)) for text in known[max(0, at - 1) : at + 1]]
    return max(pairs, key=lambda pair: pair[1], default=((), 0))


def _common(a: Row, b: Row) -> int:
    for k, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return k
    return min(len(a), len(b))

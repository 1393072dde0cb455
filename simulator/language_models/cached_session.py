"""A session with a key-value cache, for models whose layers all attend to past tokens."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.growing_cache import growing_cache
from simulator.language_models.reader import Reader
from simulator.language_models.token_laws import TokenLaws
from simulator.text.drawing import WAIT, Cells, Drawn
from simulator.text.language_model import Session
from simulator.typing import Bools, Floats, Ints

__all__ = ["Block", "CachedSession", "Kept"]


class Kept(Protocol):
    """What is kept of the outputs of a model, row by row; see `TokenLaws`."""

    def take(self, rows: Any) -> Self:
        """Return that of some rows, an int tensor on the host."""

    def join(self, other: Self) -> Self:
        """Return that of these rows and of others behind them."""


K = TypeVar("K", bound=Kept)

# new tokens, all tokens of the texts with these, cache, what was kept so far: what is kept now
Read: TypeAlias = Callable[[Ints, Ints, Any, K | None], K]


class Block(Generic[K]):
    """Texts of one length, what the model remembers of them, and what is kept of its outputs.

    As nothing is padded, the place of a token in the cache is its place in the text. That is
    what models rely on in many ways: windows, learnt positions, penalties of distance.

    Parameters
    ----------
    read : callable
        Reads new tokens of all texts into the cache and says what of the outputs is kept.
    texts : (rows, k) int array
        Tokens of each text; they are read.
    """

    def __init__(self, read: Read[K], texts: Ints) -> None:
        self.torch, _ = torch_and_transformers()
        self.read, self.texts, self.cache = read, texts, growing_cache()
        self.kept = read(texts, texts, self.cache, None)

    def feed(self, tokens: Ints) -> None:
        """Read (rows, k) more tokens."""
        texts = np.column_stack([self.texts, tokens])
        self.kept = self.read(tokens, texts, self.cache, self.kept)
        self.texts = texts

    def take(self, rows: Ints, *, read_on: bool = False) -> Block[K]:
        """Return a block of copies of some rows; with `read_on` what is kept is not theirs."""
        new = copy.copy(self)
        new.cache = copy.copy(self.cache)
        new.cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        if np.array_equal(rows, np.arange(len(self.texts))):
            return new  # the tensors are shared: what is read is put into new ones
        index = self.torch.as_tensor(rows)
        for layer in new.cache.layers:
            if layer.is_initialized:  # layers of one model may sit on several devices
                layer.batch_select_indices(index.to(layer.device))
        new.texts = self.texts[rows]
        if not read_on:
            new.kept = self.kept.take(index)
        return new

    def join(self, other: Block[K]) -> Block[K]:
        """Return a block of the rows of this and then of another of the same length."""
        new = self.take(np.arange(len(self.texts)))
        for layer, more in zip(new.cache.layers, other.cache.layers, strict=True):
            if layer.is_initialized:
                layer.keys = self.torch.cat([layer.keys, more.keys])
                layer.values = self.torch.cat([layer.values, more.values])
        new.texts = np.concatenate([self.texts, other.texts])
        new.kept = self.kept.join(other.kept)
        return new


def _law_behind(
    lm: Reader, prompt_length: int, tokens: Ints, texts: Ints, cache: Any, before: TokenLaws | None
) -> TokenLaws:
    """Keep of each text the law of its next token."""
    out = lm.forward(tokens, texts.shape[1], keep=1, cache=cache)
    return lm.law(out.logits[:, -1], texts, prompt_length)


class CachedSession(Session):
    """A batch with a cache for each length of text; it is read when that cannot be put off.

    Texts that agree share one row of the cache and of the forward pass, and resampling only
    notes which row a text sits in, so copies of a particle cost nothing. A text that waits
    stays with those of its length, and is not read.

    Parameters
    ----------
    lm : Reader
        The model.
    prompt : list of int
        Tokens that all texts begin with; they are read once.
    n : int
        Number of texts.
    """

    def __init__(self, lm: Reader, prompt: list[int], n: int) -> None:
        self.lm = lm
        self.lengths = np.full(n, len(prompt), dtype=np.int64)
        self.rows = np.zeros(n, dtype=np.int64)  # of each text, in the block of its length
        self.pending: Ints | None = None  # token of each text that has yet to be read
        read = partial(_law_behind, lm, len(prompt))
        self.blocks = {len(prompt): Block(read, np.array([prompt]))}

    def next_logprobs(self) -> Floats:
        """Return log M(. | text) of every text; see `Session.next_logprobs`."""
        if self.pending is not None:
            self._read(self.pending)
        out = np.empty((self.rows.size, self.lm.n_tokens))
        for block, here in self._parts(np.arange(self.rows.size)):
            used, at = np.unique(self.rows[here], return_inverse=True)
            out[here] = block.kept.table(used)[at]
        return out

    def draw(self, rows: Ints, uniforms: Floats, *, power: float = 1.0) -> Drawn:
        """Draw where the logits are; see `Session.draw`."""
        if self.pending is not None:
            self._read(self.pending)
        tokens = np.empty(rows.size, dtype=np.int64)
        log_probs, log_proposal = np.empty(rows.size), np.empty(rows.size)
        for block, here in self._parts(rows):
            drawn = block.kept.draw(self.rows[rows[here]], uniforms[here], power)
            tokens[here], log_probs[here], log_proposal[here] = drawn
        return Drawn(tokens, log_probs, log_proposal)

    def locate(self, mass: Floats, points: Floats, *, token_first: bool = False) -> Cells:
        """Find cells where the logits are, if all texts have one length; see `Session.locate`."""
        if self.pending is not None:
            self._read(self.pending)
        if len(self.blocks) > 1:
            return super().locate(mass, points, token_first=token_first)
        law = next(iter(self.blocks.values())).kept
        return law.locate(self.rows, mass, points, token_first=token_first)

    def log_probs_of(self, tokens: npt.ArrayLike) -> Floats:
        """Pick log-probabilities where the logits are; see `Session.log_probs_of`."""
        column = self.lm.check_column(tokens, self.rows.size)
        if self.pending is not None:
            self._read(self.pending)
        out, rows = np.zeros(column.size), np.flatnonzero(column != WAIT)
        for block, here in self._parts(rows):
            at = rows[here]
            out[at] = block.kept.log_probs_of(self.rows[at], column[at])
        return out

    def _parts(self, texts: Ints) -> Iterator[tuple[Block[TokenLaws], Bools]]:
        """Yield the block of each length of some texts, and which of the texts are in it."""
        lengths = self.lengths[texts]
        for length in np.unique(lengths):
            yield self.blocks[length], lengths == length

    def _read(self, pending: Ints) -> None:
        """Read the tokens: one row for each different pair of row and token.

        Where that fails nothing is left, so that no later answer can be a wrong one.
        """
        if not self.blocks:
            raise InputError(f"{self.lm.name}: this session has failed before and is lost")
        old, self.blocks = self.blocks, {}
        rows, moving = np.empty_like(self.rows), pending != WAIT
        new: dict[int, Block[TokenLaws]] = {}

        def put(length: int, block: Block[TokenLaws], texts: Bools, at: Ints) -> None:
            rows[texts] = at + (len(new[length].texts) if length in new else 0)
            new[length] = new[length].join(block) if length in new else block

        for length in list(old):
            block = old.pop(length)
            here = self.lengths == length
            go, stay = here & moving, here & ~moving
            if stay.any():
                used, at = np.unique(self.rows[stay], return_inverse=True)
                put(length, block.take(used), stay, at)
            if go.any():
                pairs = self.rows[go] * self.lm.n_tokens + pending[go]
                _, first, at = np.unique(pairs, return_index=True, return_inverse=True)
                block = block.take(
                    self.rows[go][first], read_on=True
                )  # what nobody needs is freed here
                block.feed(pending[go][first][:, None])
                put(length + 1, block, go, at)
        self.blocks, self.rows = new, rows
        self.lengths, self.pending = self.lengths + moving, None

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one token behind every text; see `Session.extend`.

        Parameters
        ----------
        tokens : (n,) int array
            `WAIT` leaves a text as it is.
        """
        column = self.lm.check_column(tokens, self.rows.size)
        if self.pending is not None:
            self._read(self.pending)
        if (column != WAIT).any():
            self.pending = column

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Note which rows the texts sit in now; see `Session.reorder`.

        Parameters
        ----------
        ancestors : (m,) int array
            Which texts, by their rows.
        """
        chosen = np.asarray(ancestors, dtype=np.int64)
        self.lengths, self.rows = self.lengths[chosen], self.rows[chosen]
        self.pending = None if self.pending is None else self.pending[chosen]

    def fork(self, rows: npt.ArrayLike) -> CachedSession:
        """Return a session that goes on from some texts; see `Session.fork`.

        Parameters
        ----------
        rows : (m,) int array
            Which texts, by their rows.

        Returns
        -------
        CachedSession
            It shares what was read with this one until either goes on.
        """
        new = copy.copy(self)
        new.blocks = dict(self.blocks)  # a block is never changed once it is in a session
        new.reorder(rows)
        return new

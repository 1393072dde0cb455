"""A session with a key-value cache, for models whose layers all attend to past tokens."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.reader import Reader
from simulator.text.language_model import WAIT, Session
from simulator.typing import Bools, Floats, Ints

__all__ = ["CachedSession"]


class Block:
    """Texts of one length and what the model remembers of them.

    As nothing is padded, the place of a token in the cache is its place in the text. That is
    what models rely on in many ways: windows, learnt positions, penalties of distance.
    """

    def __init__(self, lm: Reader, texts: Ints, prompt_length: int) -> None:
        _, transformers = torch_and_transformers()
        self.lm, self.prompt_length = lm, prompt_length
        self.texts = texts[:, :0]
        # without the configuration: layers with a window would forget how long the text is
        self.cache = transformers.DynamicCache()
        self.table: Floats = np.empty((len(texts), 0))
        self.feed(texts)

    def feed(self, tokens: Ints) -> None:
        """Read (rows, k) more tokens."""
        texts = np.column_stack([self.texts, tokens])
        out = self.lm.forward(tokens, texts.shape[1], keep=1, cache=self.cache)
        self.texts = texts
        self.table = self.lm.law(out.logits[:, -1], texts, self.prompt_length)

    def take(self, rows: Ints) -> Block:
        """Return a block of copies of some rows; this one stays as it is."""
        new = copy.copy(self)
        new.cache = copy.copy(self.cache)
        new.cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        if np.array_equal(rows, np.arange(len(self.texts))):
            return new  # the tensors are shared: what is read is put into new ones
        index = self.lm.torch.as_tensor(rows)
        for layer in new.cache.layers:
            if layer.is_initialized:  # layers of one model may sit on several devices
                layer.batch_select_indices(index.to(layer.keys.device))
        new.texts, new.table = self.texts[rows], self.table[rows]
        return new

    def join(self, other: Block) -> Block:
        """Return a block of the rows of this and then of another of the same length."""
        new = self.take(np.arange(len(self.texts)))
        for layer, more in zip(new.cache.layers, other.cache.layers, strict=True):
            if layer.is_initialized:
                layer.keys = self.lm.torch.cat([layer.keys, more.keys])
                layer.values = self.lm.torch.cat([layer.values, more.values])
        new.texts = np.concatenate([self.texts, other.texts])
        new.table = np.concatenate([self.table, other.table])
        return new


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
        self.blocks = {len(prompt): Block(lm, np.array([prompt]), len(prompt))}

    def next_logprobs(self) -> Floats:
        """Return log M(. | text) of every text; see `Session.next_logprobs`."""
        if self.pending is not None:
            self._read(self.pending)
        if len(self.blocks) == 1:
            return next(iter(self.blocks.values())).table[self.rows]
        out = np.empty((self.rows.size, self.lm.n_tokens))
        for length in np.unique(self.lengths):
            here = self.lengths == length
            out[here] = self.blocks[length].table[self.rows[here]]
        return out

    def _read(self, pending: Ints) -> None:
        """Read the tokens: one row for each different pair of row and token.

        Where that fails nothing is left, so that no later answer can be a wrong one.
        """
        if not self.blocks:
            raise InputError(f"{self.lm.name}: this session has failed before and is lost")
        old, self.blocks = self.blocks, {}
        rows, moving = np.empty_like(self.rows), pending != WAIT
        new: dict[int, Block] = {}

        def put(length: int, block: Block, texts: Bools, at: Ints) -> None:
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
                block = block.take(self.rows[go][first])  # what nobody needs is freed here
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

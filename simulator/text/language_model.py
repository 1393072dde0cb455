"""What a language model is to the samplers: a batch of texts that grow token by token."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from simulator.checks import is_int
from simulator.errors import InputError
from simulator.text.drawing import WAIT, Cells, Drawn, chosen, find_cells, pick_token, powers
from simulator.typing import Bools, Floats, Ints

__all__ = ["WAIT", "LanguageModel", "Prompt", "Session", "check_prompt"]

Prompt: TypeAlias = str | Sequence[int]


class Session(ABC):
    """A batch of n texts that start with the same prompt.

    Samplers that draw use `draw`, `locate` and `log_probs_of`, which a model on a device can
    answer where its logits are; those that enumerate use `next_logprobs`. Both speak of the
    same law.
    """

    @abstractmethod
    def next_logprobs(self) -> Floats:
        """Return log M(. | text) of every row.

        Returns
        -------
        (n, V) array
            float64, on the host; rows of probabilities that sum to 1.
        """

    def draw(self, rows: Ints, uniforms: Floats, *, power: float = 1.0) -> Drawn:
        """Draw the next token of some rows by inversion, without moving them.

        Parameters
        ----------
        rows : (m,) int array
            Which texts; one may be named more than once.
        uniforms : (m,) array
            In [0, 1).
        power : float, optional
            Draw from q ∝ M^power, > 0.

        Returns
        -------
        Drawn
            Tokens, their log M and their log q. The token is the first whose cumulative
            probability exceeds the uniform, and never one of probability 0.
        """
        table = self.next_logprobs()[rows]
        q = powers(table, power)
        tokens = pick_token(q, uniforms)
        return Drawn(tokens, chosen(table, tokens), chosen(q, tokens))

    def locate(self, mass: Floats, points: Floats, *, token_first: bool = False) -> Cells:
        """Find points on the line of all cells (row, token), without moving any row.

        A cell is as long as mass[row] M(token | text of the row); cells lie end to end, ordered
        by row and then token, or by token and then row. One line for parents and tokens is what
        joint schemes of resampling draw from.

        Parameters
        ----------
        mass : (n,) array
            Of each row, >= 0.
        points : (m,) array
            Between 0 and the sum of the masses.
        token_first : bool, optional
            Whether the order is by token first.

        Returns
        -------
        Cells
            The cell of each point: the first that ends behind it, and is not empty.
        """
        return find_cells(self.next_logprobs(), mass, points, token_first=token_first)

    def log_probs_of(self, tokens: npt.ArrayLike) -> Floats:
        """Return log M(token | text) of a given token a row, without moving any.

        Parameters
        ----------
        tokens : (n,) int array
            With `WAIT` for rows that are not asked about.

        Returns
        -------
        (n,) array
            0 where a row waits.
        """
        return chosen(self.next_logprobs(), np.asarray(tokens, dtype=np.int64))

    @abstractmethod
    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one token behind every row.

        Parameters
        ----------
        tokens : (n,) int array
            `WAIT` leaves a row as it is.
        """

    @abstractmethod
    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Replace row i by a copy of row ``ancestors[i]``.

        Parameters
        ----------
        ancestors : (m,) int array
            m may differ from n: the batch shrinks or grows.
        """

    @abstractmethod
    def fork(self, rows: npt.ArrayLike) -> Session:
        """Return a new session that goes on from some rows; this one stays as it is.

        Parameters
        ----------
        rows : (m,) int array
            Which rows, in which order; one may be named more than once.

        Returns
        -------
        Session
        """


class LanguageModel(ABC):
    """An autoregressive model M(. | text) over V tokens.

    Attributes
    ----------
    n_tokens : int
        V.
    eos : int or None
        Token that ends a text.
    stops : tuple of int
        Further tokens that end one, as those of chat models.
    batch : int
        Rows that fit into one session.
    name : str
        Shown in messages and tables.
    """

    n_tokens: int
    eos: int | None
    stops: tuple[int, ...] = ()
    batch: int
    name: str

    @property
    def same_support(self) -> bool:
        """Whether no text is impossible under one prompt and possible under another.

        A softmax is nowhere 0, so it holds for the plain law of a model, at any temperature.
        """
        return True

    def ends_text(self, tokens: Ints) -> Bools:
        """Whether tokens end a text though they are neither `eos` nor one of `stops`.

        Parameters
        ----------
        tokens : int array
            Tokens of this model, or `WAIT`.

        Returns
        -------
        bool array
            Of the same shape; by default none does.
        """
        return np.zeros(tokens.shape, dtype=np.bool_)

    @abstractmethod
    def start(self, prompt: Prompt, n: int) -> Session:
        """Begin n copies of a prompt.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        n : int
            Number of copies.

        Returns
        -------
        Session
            With one row a copy.
        """

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text.

        Parameters
        ----------
        text : str
            A prompt, or what continues one.

        Returns
        -------
        list of int
        """

    @abstractmethod
    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens.

        Parameters
        ----------
        tokens : sequence of int
            Tokens of this model, without `WAIT`.

        Returns
        -------
        str
        """

    def continuation(self, prompt: Prompt, tokens: Sequence[int]) -> str:
        """Return what tokens add to the text of a prompt.

        Parameters
        ----------
        prompt : str or sequence of int
            What they continue.
        tokens : sequence of int
            Tokens of this model, without `WAIT`.

        Returns
        -------
        str
            By default their text as it stands alone.
        """
        return self.decode(tokens)

    def words(self) -> list[bytes]:
        """Return what each token adds to a text, in UTF-8; nothing where it adds none.

        By default the token alone, decoded.

        Returns
        -------
        list of bytes
            V of them; one may be a part of a character.
        """
        return [self.decode([token]).encode() for token in range(self.n_tokens)]

    def score(self, prompt: Prompt, tokens: npt.ArrayLike) -> Floats:
        """Return log M(a_h | prompt, a_1..a_{h-1}) of given continuations.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        tokens : (n, H) int array
            Behind the end of a text `WAIT`.

        Returns
        -------
        (n, H) array
            0 behind the end of a text.
        """
        paths = np.asarray(tokens, dtype=np.int64)
        size = self.texts_at_once(paths.shape[1])
        parts = [self._score(prompt, paths[i : i + size]) for i in range(0, len(paths), size)]
        return np.concatenate(parts)

    def texts_at_once(self, length: int) -> int:
        """Say how many texts are scored at once; see `laws`.

        Parameters
        ----------
        length : int
            Tokens that continue the prompt.

        Returns
        -------
        int
            By default the batch.
        """
        del length
        return self.batch

    def states(self, prompt: Prompt, tokens: npt.NDArray[np.int32]) -> Ints:
        """Give texts numbers, equal ones to equal texts (a 63-bit hash).

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        tokens : (n, T) int32 array
            Token paths, one a row.

        Returns
        -------
        (n,) int array
            >= 0.
        """
        digests = (hashlib.sha256(row.tobytes()).digest() for row in tokens)
        return np.array([int.from_bytes(d[:8], "little") >> 1 for d in digests], dtype=np.int64)

    def laws(self, prompt: Prompt, tokens: npt.ArrayLike) -> Iterator[Floats]:
        """Yield log M(. | prompt, a_1..a_{h-1}) of given continuations, level by level.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        tokens : (n, H) int array
            n rows at once.

        Yields
        ------
        (n, V) array
            One row a text, for each of the H tokens in turn.
        """
        paths = np.asarray(tokens, dtype=np.int64)
        session = self.start(prompt, len(paths))
        for column in paths.T:
            yield session.next_logprobs()
            session.extend(column)

    def _score(self, prompt: Prompt, paths: Ints) -> Floats:
        columns = zip(self.laws(prompt, paths), paths.T, strict=True)
        return np.array([chosen(table, column) for table, column in columns]).T


def check_prompt(prompt: object) -> None:
    """Complain about what is neither a text nor a list of tokens.

    Parameters
    ----------
    prompt : object
        What was given as a prompt.

    Raises
    ------
    InputError
        If it is neither.
    """
    fine = isinstance(prompt, str)
    if isinstance(prompt, Sequence) and not isinstance(prompt, (str, bytes, bytearray)):
        fine = all(is_int(token) for token in prompt)
    if not fine:
        raise InputError(f"prompt: {prompt!r:.60} is neither a text nor a list of tokens")

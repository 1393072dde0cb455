"""Pieces of text that a server writes, with numbers, so that paths are arrays as everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simulator.errors import InputError

__all__ = ["Piece", "PieceNumbers", "read_log_prob", "read_piece"]


class Piece(NamedTuple):
    """What one level adds to a text.

    Attributes
    ----------
    text : str
        With the delimiter that ends it, if one does.
    ended : bool
        Whether the text ends behind it.
    """

    text: str
    ended: bool


class PieceNumbers:
    """Numbers of pieces, in the order in which they were met; 0 is the empty end of a text.

    Examples
    --------
    >>> numbers = PieceNumbers()
    >>> numbers.of(Piece("a", False)), numbers.of(Piece("", True)), numbers.of(Piece("a", False))
    (1, 0, 1)
    """

    def __init__(self) -> None:
        self.pieces = [Piece("", True)]
        self._number = {self.pieces[0]: 0}

    def of(self, piece: Piece) -> int:
        """Return the number of a piece.

        Parameters
        ----------
        piece : Piece
            A new one gets the next number.

        Returns
        -------
        int
        """
        if piece not in self._number:
            self._number[piece] = len(self.pieces)
            self.pieces.append(piece)
        return self._number[piece]


def read_piece(choice: Mapping[str, Any], delimiters: Sequence[str]) -> Piece:
    """Return what a server wrote, up to and with the first delimiter.

    Parameters
    ----------
    choice : mapping
        With "text" and "finish_reason", and perhaps "stop_reason": the delimiter at which the
        server stopped, and which it left out.
    delimiters : sequence of str
        None for pieces that end after so many tokens.

    Returns
    -------
    Piece
        The text ends if the server stopped neither for its length nor at a delimiter.

    Raises
    ------
    InputError
        If the server stopped for another reason, as a filter.

    Examples
    --------
    >>> read_piece({"text": "one. two", "finish_reason": "length"}, ["."])
    Piece(text='one.', ended=False)
    >>> read_piece({"text": "one", "finish_reason": "stop", "stop_reason": "."}, ["."])
    Piece(text='one.', ended=False)
    >>> read_piece({"text": "one", "finish_reason": "stop"}, ["."])
    Piece(text='one', ended=True)
    """
    text, reason, told = choice["text"], choice["finish_reason"], choice.get("stop_reason")
    if reason not in ("length", "stop"):
        raise InputError(f"a completion ended by {reason!r:.60}, not by its length or its end")
    ends = [at + len(d) for d in delimiters if (at := text.find(d)) >= 0]
    if ends:
        return Piece(text[: min(ends)], False)
    if reason == "stop" and isinstance(told, str) and told in delimiters:
        return Piece(text + told, False)
    return Piece(text, reason == "stop")


def read_log_prob(choice: Mapping[str, Any], piece: Piece) -> float:
    """Return the log-probability of the tokens that spell a piece.

    Parameters
    ----------
    choice : mapping
        As in `read_piece`, with "logprobs", which holds "tokens" and "token_logprobs".
    piece : Piece
        What was read of it; tokens behind a delimiter do not count.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the server tells none, or none of the piece.

    Examples
    --------
    >>> told = {"tokens": ["on", "e.", "no"], "token_logprobs": [-1.0, -0.5, -9.0]}
    >>> read_log_prob({"text": "one.no", "logprobs": told}, Piece("one.", False))
    -1.5
    """
    try:
        told = choice["logprobs"]
        tokens, values = list(told["tokens"]), [float(v) for v in told["token_logprobs"]]
    except (KeyError, TypeError, ValueError):
        raise InputError("logprobs: the server tells none") from None
    if len(tokens) != len(values) or not all(-math.inf < v <= 0 for v in values):
        raise InputError("logprobs: the server tells what are no log-probabilities")
    if piece.ended or piece.text == choice["text"]:
        return math.fsum(values)
    if not "".join(tokens).startswith(piece.text):
        raise InputError(f"logprobs: the tokens that are told do not spell {piece.text!r:.60}")
    length = k = 0
    while length < len(piece.text):
        length += len(tokens[k])
        k += 1
    return math.fsum(values[:k])

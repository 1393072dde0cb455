"""An n-gram model in back-off form, and the automaton that it is.

With c a context, the last tokens of a text, and c' the same without its first token,

    p(a | c) = the listed number, or backoff(c) p(a | c') where (c, a) is not listed.

This is the form of ARPA files; interpolated counts have it too (`simulator.problem.ngrams.counts`).
A text is in the state of its longest suffix that is a context with listed tokens; nothing longer
matters for what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from simulator.errors import InputError, TooLargeError
from simulator.problem.rows import probability_rows
from simulator.typing import Floats, Ints

__all__ = ["BEGIN", "Backoff", "Context", "ContextRows"]

Context: TypeAlias = tuple[int, ...]

BEGIN = -1  # stands in contexts for the beginning of a text, which is no token
LIMIT = 3 * 10**7  # entries of a table


class ContextRows(NamedTuple):
    """The rows of a model, one a context.

    Parameters
    ----------
    contexts : dict
        Context to its row.
    probs : (C, A) array
        p(token | context); each row sums to 1.
    next_context : (C, A) int array
        The row behind each token.
    start : int
        The row of the empty text.
    largest_change : float
        Largest distance of a row's sum from 1 before it was divided by it.
    """

    contexts: Mapping[Context, int]
    probs: Floats
    next_context: Ints
    start: int
    largest_change: float


@dataclass(frozen=True)
class Backoff:
    """An n-gram model in back-off form.

    Parameters
    ----------
    tokens : tuple of str
        The A tokens as they are spelt.
    listed : mapping
        Context to the listed probabilities of tokens; the context () lists all of them, each other
        one some. Contexts hold places in `tokens`, or `BEGIN` in front.
    backoff : mapping
        Context to the factor of what it does not list; 1 where none is given.
    separator : str
        What stands between two tokens of a text.
    end : int or None, optional
        Place of the token that ends a text and adds nothing to it.

    Raises
    ------
    InputError
        If a context is listed whose own last token its front does not list.

    Examples
    --------
    >>> model = Backoff(("a", "b"), {(): {0: 0.5, 1: 0.5}, (0,): {1: 0.9}}, {(0,): 0.2}, "")
    >>> rows = model.rows()
    >>> rows.probs.round(3).tolist(), rows.next_context.tolist()
    ([[0.5, 0.5], [0.1, 0.9]], [[1, 0], [1, 0]])
    """

    tokens: tuple[str, ...]
    listed: Mapping[Context, Mapping[int, float]]
    backoff: Mapping[Context, float]
    separator: str
    end: int | None = None

    def __post_init__(self) -> None:
        if len(self.listed.get((), {})) != len(self.tokens):
            raise InputError("n-grams: not every token has a probability without context")
        for context in self.listed:
            front = context[:-1]
            if context and context != (BEGIN,) and context[-1] not in self.listed.get(front, {}):
                raise InputError(f"n-grams: {self.spell(context)!r} goes on but is not listed")

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        return 1 + max(len(c) for c in self.listed)

    def spell(self, context: Context) -> str:
        """Write a context as text.

        Parameters
        ----------
        context : tuple of int
            Places in `tokens`, or `BEGIN`.

        Returns
        -------
        str
        """
        return self.separator.join("<s>" if t == BEGIN else self.tokens[t] for t in context)

    def lowered(self, order: int) -> Backoff:
        """Return the model of a lower order: longer n-grams are left out.

        Parameters
        ----------
        order : int
            From 1 on.

        Returns
        -------
        Backoff
        """
        kept = {c: row for c, row in self.listed.items() if len(c) < order}
        weights = {c: w for c, w in self.backoff.items() if len(c) < order}
        return Backoff(self.tokens, kept, weights, self.separator, self.end)

    def longest(self, context: Context) -> Context:
        """Return the longest suffix that is a context here.

        Parameters
        ----------
        context : tuple of int
            The last tokens of a text.

        Returns
        -------
        tuple of int
        """
        while context not in self.listed:
            context = context[1:]
        return context

    def rows(self) -> ContextRows:
        """Write the model as rows of probabilities and moves.

        Returns
        -------
        ContextRows

        Raises
        ------
        InputError
            If a row does not sum to 1 within 1e-3.
        TooLargeError
            If there are more than 3 10^7 entries.
        """
        order = sorted(self.listed, key=lambda c: (len(c), c))
        size = len(self.tokens)
        if len(order) * size > LIMIT:
            raise TooLargeError(
                f"n-grams: {len(order)} contexts of {size} tokens are more than {LIMIT} entries; "
                "a lower order or a smaller vocabulary has fewer"
            )
        index = {c: i for i, c in enumerate(order)}
        probs = np.zeros((len(order), size))
        move = np.zeros((len(order), size), dtype=np.int64)
        for i, context in enumerate(order):
            if context:
                suffix = index[self.longest(context[1:])]
                probs[i] = self.backoff.get(context, 1.0) * probs[suffix]
            row = self.listed[context]
            probs[i, list(row)] = list(row.values())
        behind: dict[int, dict[int, int]] = {}
        for context in order[1:]:
            if context[-1] != BEGIN:
                behind.setdefault(index[context[:-1]], {})[context[-1]] = index[context]
        for i, context in enumerate(order):  # shorter contexts come first, so suffixes are complete
            if context:
                move[i] = move[index[self.longest(context[1:])]]
            for token, target in behind.get(i, {}).items():
                move[i, token] = target
        table, change = probability_rows(probs, "n-grams", normalise=True)
        return ContextRows(index, table, move, index[self.longest((BEGIN,))], change)

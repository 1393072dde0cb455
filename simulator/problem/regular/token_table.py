"""An automaton that reads tokens in place of bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.problem.regular.automaton import Automaton, Words
from simulator.typing import Bools, Ints

__all__ = ["TokenTable"]

LIMIT = 2 * 10**8  # numbers of four bytes


class TokenTable:
    """Moves by token between the states that whole tokens reach; the last state is that of none.

    Parameters
    ----------
    automaton : Automaton
        What reads the bytes.
    words : Words
        What each of the V tokens adds to a text.
    first : Words, optional
        What each adds to the empty text, if that is something else: words are joined by spaces.
        State 0, that of the empty text, then has a row of its own and is never met again.

    Attributes
    ----------
    next : (S + 1, V) int32 array
        The state behind each token.
    final : (S + 1,) bool array
        Whether a text in this state matches.

    Raises
    ------
    TooLargeError
        If the table has more than 2 10^8 entries.

    Examples
    --------
    >>> table = TokenTable(Automaton("ab*"), Words([b"a", b"b"]))
    >>> table.next.tolist(), table.final.tolist()
    ([[1, 3], [3, 2], [3, 2], [3, 3]], [False, True, True, False])
    """

    def __init__(self, automaton: Automaton, words: Words, first: Words | None = None) -> None:
        number = {0: 0} if first is None else {}
        queue = [0]
        rows: list[npt.NDArray[np.int32]] = []
        for state in queue:  # it grows meanwhile
            read = words if rows or first is None else first
            found, places = np.unique(automaton.follow(state, read), return_inverse=True)
            for target in found[found >= 0].tolist():
                if target not in number:
                    number[target] = len(queue)
                    queue.append(target)
            if len(queue) * words.length.size > LIMIT:
                raise TooLargeError(
                    f"pattern: {len(queue)} states and more for {words.length.size} tokens; the "
                    f"table may have {LIMIT} entries"
                )
            rows.append(np.array([number.get(t, -1) for t in found.tolist()], np.int32)[places])
        dead = len(queue)
        table = np.array([*rows, np.full(words.length.size, dead)], dtype=np.int32)
        self.next: Ints = np.where(table < 0, dead, table)
        self.final: Bools = np.append(automaton.accepts(np.array(queue)), False)

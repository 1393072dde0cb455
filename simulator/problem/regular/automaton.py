"""A regular expression as a finite automaton that reads bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.problem.regular.utf8 import ByteReader
from simulator.typing import Bools, Ints

__all__ = ["Automaton", "Words"]

MISSING = "a regular expression needs one more package: pip install interegular"
CHECKED = 16  # length of the longest texts on which the automaton is held against `re`


class Words:
    """The bytes of all tokens, one behind the other.

    Parameters
    ----------
    words : sequence of bytes
        What each token adds to a text.
    """

    def __init__(self, words: Sequence[bytes]) -> None:
        self.flat = np.frombuffer(b"".join(words), dtype=np.uint8)
        self.length = np.array([len(w) for w in words], dtype=np.int64)
        self.start = np.cumsum(self.length) - self.length


class Automaton:
    r"""States after texts; a text has none if nothing that begins with it matches.

    A state is a number ``s * P + p``: s is a state between two characters, p what has been read of
    the next one. State 0 is that of the empty text.

    Parameters
    ----------
    pattern : str
        In the syntax of `re`, under `re.ASCII`. What is no regular language or not read by the
        library interegular is refused: anchors (all of a text must match anyway), references to
        groups, possessive repeats.

    Raises
    ------
    InputError
        If the pattern is wrong, cannot be read or matches nothing, or interegular is missing.

    Examples
    --------
    >>> found = Automaton("a+é").follow(0, Words([b"a", b"b", b"a\xc3", "aé".encode()]))
    >>> [bool(s >= 0) for s in found]
    [True, False, True, True]
    >>> Automaton("a+é").accepts(found).tolist()
    [False, False, False, True]
    """

    def __init__(self, pattern: str) -> None:
        machine = read(pattern)
        self._tabulate(*machine)
        compare(pattern, self)
        reach = (self.next[:, : self.k] != self.dead) @ self.reader.reach.T
        reach[:, 0] = True
        reach[self.dead] = False
        self.alive: Bools = reach.ravel()

    def _tabulate(self, machine: Any, other: object) -> None:
        """Write the moves by character class as a table, without states that lead nowhere."""
        keys = {key: k for k, key in enumerate(machine.alphabet.by_transition)}
        kept = useful(machine)
        if machine.initial not in kept:
            raise InputError("pattern: it matches nothing")
        order = [machine.initial, *sorted(kept - {machine.initial})]
        number = {state: i for i, state in enumerate(order)}
        self.k, self.dead = len(keys), len(order)
        # one more row, the state of no return; two more columns: stay, and no UTF-8
        self.next: Ints = np.full((self.dead + 1, self.k + 2), self.dead)
        self.next[:, self.k] = np.arange(self.dead + 1)
        for state in order:
            for key, target in machine.map.get(state, {}).items():
                if target in number:
                    self.next[number[state], keys[key]] = number[target]
        self.final: Bools = np.array([s in machine.finals for s in order] + [False])
        self.classes = {
            c: keys[key]
            for c, key in machine.alphabet.items()
            if isinstance(c, str) and len(c) == 1  # "SS" is what a great sharp s comes to
        }
        self.other = keys[machine.alphabet[other]] if other in machine.alphabet else self.k + 1
        self.reader = ByteReader(self.classes, self.other, self.k)

    def accepts(self, states: Ints) -> Bools:
        """Return whether texts match, by their states; none is < 0.

        Parameters
        ----------
        states : int array
            As `follow` returns them.

        Returns
        -------
        bool array
        """
        s, p = np.divmod(states, len(self.reader.step))
        return (states >= 0) & (p == 0) & self.final[s]

    def follow(self, state: int, words: Words) -> Ints:
        """Return the states of a text with each of the words behind it.

        Parameters
        ----------
        state : int
            That of the text.
        words : Words
            V of them.

        Returns
        -------
        (V,) int array
            -1 where nothing that begins so matches, and for a word without bytes.
        """
        out = np.full(words.length.size, -1)
        at = np.flatnonzero(words.length)
        here, node = (np.full(at.size, x) for x in divmod(state, len(self.reader.step)))
        k = 0
        while at.size:
            byte = words.flat[words.start[at] + k]
            here = self.next[here, self.reader.read[node, byte]]
            node = self.reader.step[node, byte]
            k += 1
            done = words.length[at] == k
            out[at[done]] = (here * len(self.reader.step) + node)[done]
            on = ~done & (here != self.dead)
            at, here, node = at[on], here[on], node[on]
        return np.where(self.alive[out], out, -1)


def read(pattern: str) -> tuple[Any, object]:
    """Parse a pattern.

    Returns
    -------
    machine : interegular.FSM
    other : object
        The symbol that stands for all characters without one of their own.
    """
    try:
        from interegular import parse_pattern
        from interegular.fsm import anything_else
    except ImportError as fault:
        raise InputError(f"{MISSING} ({fault})") from None
    if not isinstance(pattern, str):
        raise InputError(f"pattern: {pattern!r:.60} is no text")
    expression(pattern)
    try:
        return parse_pattern(pattern).to_fsm(), anything_else
    except Exception as fault:  # interegular has no type of its own for what it cannot do
        raise InputError(
            f"pattern: {pattern!r:.60} cannot be read as a regular language ({fault}); "
            "all of a text must match, so leave anchors out"
        ) from None


def expression(pattern: str) -> re.Pattern[str]:
    """Compile a pattern by Python's own library, whose complaints name the position."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what may once be read as a set of sets
            return re.compile(pattern, re.ASCII)
    except (re.error, ValueError, OverflowError, RecursionError) as fault:
        raise InputError(f"pattern: {pattern!r:.60}: {fault}") from None


def useful(machine: Any) -> set[Any]:
    """States from which a match can be reached."""
    before: dict[Any, set[Any]] = {}
    for state, moves in machine.map.items():
        for target in moves.values():
            before.setdefault(target, set()).add(state)
    found, queue = set(machine.finals), list(machine.finals)
    for state in queue:  # it grows meanwhile
        fresh = before.get(state, set()) - found
        found |= fresh
        queue.extend(fresh)
    return found


def compare(pattern: str, automaton: Automaton) -> None:
    """Hold the automaton against `re`, on the shortest text into each state and one step further.

    The two read a few patterns differently, such as ``a++a`` and ``[^]a]``; these are refused.
    """
    matches = expression(pattern).fullmatch
    letters: dict[int, set[str]] = {}
    for letter, kind in sorted(automaton.classes.items()):
        some = letters.setdefault(kind, {letter})
        letters[kind] = {min(some), letter}
    outside = next(c for c in map(chr, range(0x2603, 0x10000)) if c not in automaton.classes)
    letters.setdefault(automaton.other, set()).add(outside)
    words = {0: ""}
    queue = [0]
    for state in queue:  # it grows meanwhile
        for kind, some in letters.items():
            target = int(automaton.next[state, kind])
            for letter in sorted(some):
                word = words[state] + letter
                if bool(matches(word)) != automaton.final[target]:
                    raise InputError(
                        f"pattern: {pattern!r:.60} is read differently by Python and by "
                        f"interegular, for instance on {word!r:.60}"
                    )
                if target not in words and target != automaton.dead and len(word) < CHECKED:
                    words[target] = word
                    queue.append(target)
    if bool(matches("")) != automaton.final[0]:
        raise InputError(f"pattern: {pattern!r:.60} is read differently on the empty text")

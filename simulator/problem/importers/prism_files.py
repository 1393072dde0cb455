"""Explicit Markov chains as PRISM and Storm write them: transitions (.tra) and labels (.lab).

A .tra file begins with the numbers of states and transitions (PRISM) or with ``dtmc`` (Storm);
then come lines ``from to probability``, with an action's name behind, which is ignored. A .lab
file begins with ``0="init" 1="deadlock" ...`` and has lines ``state: number number ...`` (PRISM),
or begins with ``#DECLARATION``, names and ``#END`` and has lines ``state name name ...`` (Storm).
States are counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.checks import reading
from simulator.errors import InputError, TooLargeError
from simulator.typing import Floats, Ints

__all__ = ["Transitions", "read_labels", "read_transitions"]

MOST_STATES = 2**22
COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
DECLARED = re.compile(r'([0-9]{1,9})="([^"]+)"', re.ASCII)


class Transitions(NamedTuple):
    """The transitions of a chain, sorted by state and then by successor.

    Parameters
    ----------
    n_states : int
        Number of states.
    source, target : int arrays
        The states that each transition joins.
    probability : array
        Its probability.
    """

    n_states: int
    source: Ints
    target: Ints
    probability: Floats


def read_transitions(path: Path) -> Transitions:
    """Read a .tra file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Transitions
        Rows of states without transitions are empty; sums are not checked.

    Raises
    ------
    InputError
        If it is malformed; one line that names file and line.
    """
    lines = _lines(path)
    number, header = next(lines, (1, []))
    promised = _header(header, f"{path}, line {number}")
    known: dict[tuple[int, int], float] = {}
    for number, words in lines:
        where = f"{path}, line {number}"
        if len(words) not in (3, 4):
            raise InputError(f"{where}: not of the form 'from to probability'")
        most = MOST_STATES if promised is None else promised[0]
        pair = _state(words[0], most, where), _state(words[1], most, where)
        if pair in known:
            raise InputError(f"{where}: {pair[0]} to {pair[1]} is given twice")
        known[pair] = _probability(words[2], where)
    if promised is not None and len(known) != promised[1]:
        raise InputError(f"{path}: {len(known)} transitions, but line 1 says {promised[1]}")
    if not known and promised is None:
        raise InputError(f"{path}: holds no transitions")
    pairs = sorted(known)
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    n_states = 1 + int(ends.max()) if promised is None else promised[0]
    return Transitions(n_states, ends[:, 0], ends[:, 1], np.array([known[p] for p in pairs]))


def read_labels(path: Path, n_states: int) -> dict[str, list[int]]:
    """Read a .lab file.

    Parameters
    ----------
    path : Path
        The file.
    n_states : int
        Number of states of the chain.

    Returns
    -------
    dict
        States of each label that the file declares, also where there are none.

    Raises
    ------
    InputError
        If it is malformed; one line that names file and line.
    """
    lines = _lines(path)
    number, header = next(lines, (1, []))
    where = f"{path}, line {number}"
    storm = header == ["#DECLARATION"]
    names = _storm_names(lines, path) if storm else _prism_names(header, where)
    out: dict[str, list[int]] = {name: [] for name in names.values()}
    for number, words in lines:
        where = f"{path}, line {number}"
        if not storm and not words[0].endswith(":"):
            raise InputError(f"{where}: not of the form 'state: label label ...'")
        state = _state(words[0] if storm else words[0][:-1], n_states, where)
        for word in words[1:]:
            if word not in names:
                raise InputError(f"{where}: label {word!r:.60} is not declared")
            if state not in out[names[word]]:
                out[names[word]].append(state)
    return out


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of each line that is not blank."""
    with reading(path):
        text = path.read_bytes().decode("utf-8-sig")
    rows = enumerate((line.split() for line in text.split("\n")), 1)
    return ((number, words) for number, words in rows if words)


def _header(words: list[str], where: str) -> tuple[int, int] | None:
    """Numbers of states and transitions, where they are given."""
    if words == ["dtmc"]:
        return None
    counts = [int(w) for w in words if COUNT.fullmatch(w)]
    if len(words) == len(counts) == 3:
        raise InputError(f"{where}: three counts stand for a decision process, not a chain")
    if len(words) != 2 or len(counts) != 2:
        raise InputError(f"{where}: neither 'dtmc' nor the numbers of states and transitions")
    if counts[0] < 1:
        raise InputError(f"{where}: a chain without states")
    if counts[0] > MOST_STATES:
        raise TooLargeError(f"{where}: {counts[0]} states, the limit is {MOST_STATES}")
    return counts[0], counts[1]


def _state(word: str, n_states: int, where: str) -> int:
    if not COUNT.fullmatch(word) or int(word) >= n_states:
        raise InputError(f"{where}: {word!r:.60} is not a state from 0 to {n_states - 1}")
    return int(word)


def _probability(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1 or "_" in word:
        raise InputError(f"{where}: {word!r:.60} is not a probability")
    return value


def _prism_names(words: list[str], where: str) -> dict[str, str]:
    found = [DECLARED.fullmatch(word) for word in words]
    if not words or not all(found):
        raise InputError(f'{where}: not of the form \'0="init" 1="deadlock" ...\'')
    names = {m[1]: m[2] for m in found if m}
    if len(set(names.values())) < len(words):
        raise InputError(f"{where}: a label is declared twice")
    return names


def _storm_names(lines: Iterator[tuple[int, list[str]]], path: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for _, words in lines:
        if words == ["#END"]:
            return names
        names |= {word: word for word in words}
    raise InputError(f"{path}: #DECLARATION without #END")

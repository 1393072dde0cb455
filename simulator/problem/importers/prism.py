"""Markov chains of PRISM and Storm as problems: to reach a labelled state within H steps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.checks import check_horizon
from simulator.problem.importers.imported import Imported
from simulator.problem.importers.prism_files import Transitions, read_labels, read_transitions
from simulator.problem.model import TabularModel
from simulator.problem.problem import PRM, Problem
from simulator.problem.rows import probability_rows
from simulator.typing import Floats, Ints

__all__ = ["import_prism"]

MOST_CELLS = 2**26


class _Chain(NamedTuple):
    """A row of successors a state; shorter rows are filled up with probability 0."""

    probs: Floats
    successor: Ints
    n_deadlocks: int


def import_prism(
    path: str | os.PathLike[str],
    *,
    target: str,
    horizon: int,
    labels: str | os.PathLike[str] | None = None,
    prm: str | PRM = "exact",
    normalise: bool = False,
) -> Imported:
    """Read an explicit Markov chain; the reward is 1 if a state with the label is reached in time.

    Z is the probability of ``F<=H "target"`` from the initial state, and the target of the
    problem is the law of the paths that succeed. State s of a level is state s of the file,
    and the tokens at s are its successors in order. States with the label are left no more. States
    without transitions get a loop to themselves, as PRISM does.

    Parameters
    ----------
    path : str or path
        Transitions, a .tra file.
    target : str
        The label.
    horizon : int
        Number of steps H.
    labels : str or path, optional
        A .lab file; by default that beside `path`. The one state with label "init" is the
        initial state, which is 0 if no such label is declared.
    prm : "exact" or PRM, optional
        As in `Problem`.
    normalise : bool, optional
        As in `TabularModel`.

    Returns
    -------
    Imported

    Raises
    ------
    InputError
        If a file is malformed, or no state with the label is reached; one line that begins with
        the file.

    Examples
    --------
    >>> import_prism("missing.tra", target="done", horizon=4)
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.tra: no such file
    """
    check_horizon(horizon)
    file = Path(path)
    beside = file.with_suffix(".lab") if labels is None else Path(labels)
    transitions = read_transitions(file)
    known = read_labels(beside, transitions.n_states)
    goal, root = _goal(known, target, beside), _initial(known, beside)
    try:
        chain, change = _chain(transitions, normalise)
        _check_size(chain, horizon)
        problem = _reach(chain, root, goal, horizon, prm, file.stem)
    except InputError as fault:
        raise type(fault)(f"{file}: {fault}") from None
    loops = f"{file}: loops added to states without transitions: {chain.n_deadlocks}"
    return Imported(problem, change, (loops,) if chain.n_deadlocks else ())


def _goal(known: dict[str, list[int]], target: str, path: Path) -> list[int]:
    if target not in known:
        raise InputError(f"{path}: no label {target!r:.60}, only {', '.join(known) or 'none'}")
    if not known[target]:
        raise InputError(f"{path}: no state has the label {target!r:.60}")
    return known[target]


def _initial(known: dict[str, list[int]], path: Path) -> int:
    roots = known.get("init", [0])
    if len(roots) != 1:
        raise InputError(f"{path}: {len(roots)} states have the label 'init', not one")
    return roots[0]


def _chain(given: Transitions, normalise: bool) -> tuple[_Chain, float]:
    out_degree = np.bincount(given.source, minlength=given.n_states)
    dead = np.flatnonzero(out_degree == 0)
    width = max(1, int(out_degree.max()))
    if given.n_states * width > MOST_CELLS:
        raise TooLargeError(f"{given.n_states} states with up to {width} successors are too many")
    first = np.concatenate([[0], np.cumsum(out_degree)[:-1]])
    column = np.arange(given.source.size) - first[given.source]
    probs = np.zeros((given.n_states, width))
    successor = np.tile(np.arange(given.n_states)[:, None], (1, width))
    probs[given.source, column] = given.probability
    successor[given.source, column] = given.target
    probs[dead, 0] = 1.0
    rows, change = probability_rows(probs, "transitions", normalise=normalise)
    return _Chain(rows, successor, dead.size), change


def _check_size(chain: _Chain, horizon: int) -> None:
    if len(chain.probs) * horizon > MOST_CELLS:
        raise TooLargeError(f"{len(chain.probs)} states at each of {horizon} levels are too many")


def _reach(
    chain: _Chain, root: int, goal: list[int], horizon: int, prm: str | PRM, name: str
) -> Problem:
    probs, successor = chain.probs.copy(), chain.successor.copy()
    probs[goal], probs[goal, 0] = 0.0, 1.0
    successor[goal] = np.array(goal)[:, None]
    reached = np.arange(len(probs)) == root
    for _ in range(horizon):
        new = np.unique(successor[reached][probs[reached] > 0])
        if reached[new].all():
            break
        reached[new] = True
    if not reached[goal].any():
        raise InputError(f"no target is reached from state {root} within {horizon} steps")
    reward = np.zeros(len(probs))
    reward[goal] = 1.0
    model = TabularModel(
        [probs[[root]]] + [probs] * (horizon - 1),
        [successor[[root]]] + [successor] * (horizon - 1),
        n_terminal=len(probs),
    )
    return Problem(model, reward, prm, name=name)

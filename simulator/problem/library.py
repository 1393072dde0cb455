"""Ready problems by name, for the command line and for quick work."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from functools import partial
from typing import get_args, get_type_hints

from simulator.errors import InputError
from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.brackets import brackets
from simulator.problem.families.constrained import constrained
from simulator.problem.families.delayed import delayed
from simulator.problem.families.dips import dips
from simulator.problem.families.eos import eos
from simulator.problem.families.hidden_labels import hidden_labels, recursive_delay
from simulator.problem.families.language_model_table import language_model_table
from simulator.problem.families.late_labels import late_labels
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.rare_path import rare_path
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.families.variance import variance
from simulator.problem.files import load_problem
from simulator.problem.problem import Problem

__all__ = ["make_problem", "open_problem", "ready_problems"]

Maker = Callable[..., Problem]

ITEM = re.compile(r'(?:^|(?<=,))(?:[^,="]*=\s*"(?:[^"]|"")*"[^,]*|[^,]*)')
QUOTED = re.compile(r'"(?:[^"]|"")*"')

READY: dict[str, tuple[Maker, str]] = {
    "reference": (reference, "small asymmetric tree with a biased PRM; its numbers are tabulated"),
    "product": (product, "independent bits, V^ = V*: SMC needs N of order sqrt(H)"),
    "two-branch": (two_branch, "a quiet and a noisy branch, V^ = V*: SMC needs N of order H"),
    "all-or-nothing": (all_or_nothing, "steps of M or 0 in one branch, V^ = V*: N of order HM"),
    "dips": (dips, "small chi-square, yet particles lose a branch: SMC needs N of order H^2"),
    "rare-path": (rare_path, "small chi-square, yet N particles miss a path: N^(-H/(2H-1))"),
    "variance": (variance, "small chi-square, yet prefix variances explode"),
    "random-tree": (random_tree, "random prefix tree with Dirichlet rows and a noisy PRM"),
    "random-automaton": (random_automaton, "random automaton with few states, any horizon"),
    "eos": (eos, "a toy language model with an end-of-sequence token"),
    "brackets": (brackets, "balanced brackets; the PRM may be exact, greedy or constant"),
    "constrained": (
        constrained,
        "an n-gram model times a regular expression that texts must match",
    ),
    "delayed": (delayed, "random tree whose PRM is one step late"),
    "hidden-labels": (hidden_labels, "labels judged too late: n particles fail at n levels"),
    "recursive-delay": (recursive_delay, "the paper's instance on which myopic filters fail"),
    "late-labels": (late_labels, "a queue of labels, each judged a fixed number of levels late"),
    "lm-digits2": (
        partial(language_model_table, "digits2"),
        "a real language model, ten digits, H = 4, prompt switching with exact V*",
    ),
    "lm-review": (
        partial(language_model_table, "review"),
        "a real language model, eight words, H = 5, prompt switching with exact V*",
    ),
    "lm-digits2-noisy": (
        partial(language_model_table, "digits2", prm="noisy"),
        "lm-digits2 with a noisy PRM",
    ),
    "lm-review-noisy": (
        partial(language_model_table, "review", prm="noisy"),
        "lm-review with a noisy PRM",
    ),
}


def ready_problems() -> dict[str, tuple[Maker, str]]:
    """Return all ready problems: name to (function, one-line description).

    Examples
    --------
    >>> maker, text = ready_problems()["eos"]
    >>> text
    'a toy language model with an end-of-sequence token'
    """
    return dict(READY)


def make_problem(spec: str) -> Problem:
    r"""Make a ready problem from ``NAME`` or ``NAME:key=value,key=value``.

    Parameters
    ----------
    spec : str
        The keys are the parameters of the family's function; values are read as the type
        that the function declares. A value that holds a comma stands between double quotes, and a
        double quote in it is doubled, as in a CSV file; nothing else has a meaning there.

    Returns
    -------
    Problem
        Named as the spec.

    Raises
    ------
    InputError
        If the name, a key or a value is not known; the line says which are.

    Examples
    --------
    >>> make_problem("random-tree:seed=3,horizon=5").horizon
    5
    >>> make_problem("product:h=4")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: product: 'h' is not a parameter, only horizon, ratio are
    >>> make_problem('constrained:pattern="[a-z]{2,3} ""[a-z, ]*"" .",horizon=20').horizon
    20
    """
    name, colon, rest = spec.partition(":")
    if name not in READY:
        raise InputError(
            f"{name!r} is neither a problem file nor a ready problem; known: {', '.join(READY)}"
        )
    maker = READY[name][0]
    known = _parameters(maker)
    given: dict[str, object] = {}
    for item in ITEM.findall(rest) if colon else []:
        key, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not key or not text:
            raise InputError(
                f"{name}: {item!r:.60} is not of the form key=value; a value with a comma stands "
                "between double quotes"
            )
        if text.startswith('"'):
            text = _unquoted(name, key, text)
        if key not in known:
            verb = "is" if len(known) == 1 else "are"
            raise InputError(f"{name}: {key!r} is not a parameter, only {', '.join(known)} {verb}")
        if key in given:
            raise InputError(f"{name}: {key} is given twice")
        given[key] = _read(name, key, text, known[key])
    try:
        problem = maker(**given)
    except InputError as error:
        raise type(error)(f"{name}: {error}") from None
    problem.name = spec
    return problem


def open_problem(spec: str | os.PathLike[str], *, normalise: bool = False) -> Problem:
    """Load a problem file, or make a ready problem.

    Parameters
    ----------
    spec : str or path
        As in `make_problem` if it begins with the name of a ready problem and a colon; a path if
        it ends in .json or .npz, has a folder in it or is an existing file; else as in
        `make_problem`.
    normalise : bool, optional
        As in `load_problem`; ready problems need none.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If the file is malformed or the spec is not known.

    Examples
    --------
    >>> open_problem("reference:horizon=4").name
    'reference:horizon=4'
    """
    text = os.fspath(spec)
    name, colon, _ = text.partition(":")
    if colon and name in READY and isinstance(spec, str):
        return make_problem(text)
    if (
        not isinstance(spec, str)
        or text.lower().endswith((".json", ".npz"))
        or os.sep in text
        or (name not in READY and os.path.isfile(text))
    ):
        return load_problem(text, normalise=normalise)
    return make_problem(text)


def _unquoted(name: str, key: str, text: str) -> str:
    """Read a value between double quotes."""
    if not QUOTED.fullmatch(text):
        raise InputError(f"{name}: {key}={text} has a double quote that is not doubled, or no end")
    return text[1:-1].replace('""', '"')


def _parameters(maker: Maker) -> dict[str, type]:
    """Name and type of each parameter that a spec can set; a union counts as its first type."""
    target = maker.func if isinstance(maker, partial) else maker
    fixed = len(maker.args) if isinstance(maker, partial) else 0
    hints = get_type_hints(target)
    names = list(inspect.signature(target).parameters)[fixed:]
    return {n: next((t for t in get_args(hints[n]) if t is str), hints[n]) for n in names}


def _read(name: str, key: str, text: str, kind: type) -> object:
    words = {int: "a whole number", float: "a number"}
    try:
        return kind(text)
    except (ValueError, OverflowError):
        raise InputError(f"{name}: {key}={text} is not {words.get(kind, kind.__name__)}") from None

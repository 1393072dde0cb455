"""The prompts of the studies: one plain and fifty others a set, questions with answers."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from simulator.checks import check_choice

__all__ = ["PROMPT_SETS", "prompt_set", "prompts"]

PROMPT_SETS = ("styles", "topics")


@cache
def prompts() -> dict[str, Any]:
    """Read the data file of prompts.

    Returns
    -------
    dict
        "plain": str; "styles": list of 50 str; "topics": dict of such a "plain" and "others";
        "questions": list of dicts with "prompt", "answer" and "tokens", a length that
        holds the answer and shows where it ends.

    Examples
    --------
    >>> len(set(prompts()["styles"])), prompts()["plain"]
    (50, 'Here is a short text:')
    """
    text = files("simulator.language_models").joinpath("data", "prompts.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def prompt_set(name: str) -> tuple[str, list[str]]:
    """Return the plain prompt of a set and the fifty others.

    Parameters
    ----------
    name : {"styles", "topics"}

    Returns
    -------
    plain : str
    others : list of str

    Raises
    ------
    InputError
        If the set is not known.

    Examples
    --------
    >>> plain, others = prompt_set("topics")
    >>> plain, others[0], len(others)
    ('Here is a short fact:', 'Here is a short fact about cats:', 50)
    """
    check_choice("prompts", name, PROMPT_SETS)
    if name == "styles":
        return prompts()["plain"], prompts()["styles"]
    return prompts()[name]["plain"], prompts()[name]["others"]

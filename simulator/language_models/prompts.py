"""The prompts of the studies: one plain, fifty of a style, a few questions with answers."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["prompts"]


@cache
def prompts() -> dict[str, Any]:
    """Read the data file of prompts.

    Returns
    -------
    dict
        "plain": str; "styles": list of 50 str; "questions": list of dicts with "prompt" and
        "answer".

    Examples
    --------
    >>> len(set(prompts()["styles"])), prompts()["plain"]
    (50, 'Here is a short text:')
    """
    text = files("simulator.language_models").joinpath("data", "prompts.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found

"""The answer that a text gives, where nothing else is said: its first number or word."""

from __future__ import annotations

import re

__all__ = ["first_answer"]

WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
NUMBER = rf"[-−]?(?:{WHOLE}(?:\.\d+)?|\.\d+)(?:/\d+)?"
ANSWER = re.compile(rf"(?<![\w.]){NUMBER}(?!\w)|\w+(?:['’-]\w+)*")


def first_answer(text: str) -> str | None:
    """Return the first number or word of a text, in small letters.

    A number may have a sign, decimals, a denominator and commas between groups of three digits,
    which are left out. Signs in front of it, such as quotes and currencies, do not count.

    Parameters
    ----------
    text : str
        What a model has written.

    Returns
    -------
    str or None
        None if there is neither.

    Examples
    --------
    >>> [first_answer(t) for t in (" Paris.", "$1,250.50!", "-3, I think", "12th", "...")]
    ['paris', '1250.50', '-3', '12th', None]
    """
    found = ANSWER.search(text)
    if found is None:
        return None
    word = found[0].replace("−", "-").casefold()
    return word.replace(",", "")

"""The steps of a text, and the words that a language model judges them with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.checks import is_int
from simulator.errors import InputError

__all__ = ["one_token", "split_steps"]


def split_steps(text: str, separator: str, final: bool) -> list[str]:
    r"""Return the steps of a text that have ended, without what ends them.

    Parameters
    ----------
    text : str
        What was written so far.
    separator : str
        Ends a step; not empty.
    final : bool
        Whether the text has ended: what follows the last separator is a step then.

    Returns
    -------
    list of str

    Examples
    --------
    >>> split_steps("a\nb\nc", "\n", final=False), split_steps("a\nb\nc", "\n", final=True)
    (['a', 'b'], ['a', 'b', 'c'])
    """
    if final:
        return text.removesuffix(separator).split(separator)
    return text.split(separator)[:-1]


def one_token(
    name: str, word: str | int, encode: Callable[[str], Sequence[int]], n_tokens: int, model: str
) -> int:
    """Return the number of a token that is given as a word or by its number.

    Parameters
    ----------
    name : str
        What messages call the option.
    word : str or int
        A text of one token, or a token.
    encode : callable
        Text to tokens.
    n_tokens : int
        Tokens that the model has.
    model : str
        What messages call the model.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If it is not one token.

    Examples
    --------
    >>> one_token("good", "b", lambda text: ["ab".index(c) for c in text], 2, "judge")
    1
    """
    if isinstance(word, str):
        tokens = encode(word)
        if len(tokens) != 1:
            told = f"is not one token of {model}, but {len(tokens)}"
            raise InputError(f"{name}: {word!r:.60} {told}")
        return int(tokens[0])
    if not is_int(word) or not 0 <= word < n_tokens:
        raise InputError(f"{name}: {word!r:.60} is no token of {model}")
    return int(word)

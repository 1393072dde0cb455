"""Count an n-gram model in a text, with interpolated Witten-Bell smoothing.

With n(c, a) the number of times that token a follows context c, n(c) their sum and T(c) the number
of different tokens that follow,

    p(a | c) = (n(c, a) + T(c) p(a | c')) / (n(c) + T(c)),   p(a | no context at all) = 1/A

(Witten and Bell, IEEE Transactions on Information Theory 37, 1991; in this interpolated form in
Chen and Goodman, Computer Speech and Language 13, 1999). No token has probability 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.problem.ngrams.backoff import BEGIN, Backoff, Context

__all__ = ["ENDS", "MOST_ORDER", "UNITS", "UNKNOWN", "count_ngrams"]

UNITS = ("characters", "words")
ENDS = ("never", "line")
MOST_ORDER = 5
UNKNOWN, END = "<unk>", "</s>"


def count_ngrams(
    text: str,
    order: int = 3,
    *,
    unit: str = "characters",
    vocabulary: int = 100,
    end: str = "never",
) -> Backoff:
    """Count a text.

    Runs of white space count as one space.

    Parameters
    ----------
    text : str
        What is counted.
    order : int, optional
        1 to 5: how many tokens an n-gram has.
    unit : {"characters", "words"}, optional
        What a token is. Words stand between white space, so that punctuation is a part of them.
    vocabulary : int, optional
        Number of words, the most frequent ones; the others become one token, ``<unk>``. All
        characters are tokens.
    end : {"never", "line"}, optional
        "line": each line that is not empty is a text, and a token ends it. "never": all is one
        text, and texts begin anywhere in it.

    Returns
    -------
    Backoff

    Raises
    ------
    InputError
        If an argument is out of range, or the text is empty.

    Examples
    --------
    >>> model = count_ngrams("abab b", 2)
    >>> model.tokens
    (' ', 'a', 'b')
    >>> print(f"{model.listed[2,][1]:.6f}")  # p(a | b) = (1 + 2/3)/(2 + 2), as p(a) = 1/3
    0.416667
    """
    check_int("order", order, 1, MOST_ORDER)
    check_choice("unit", unit, UNITS)
    check_int("vocabulary", vocabulary, 1)
    check_choice("end", end, ENDS)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("text: holds nothing to count")
    words = unit == "words"
    if words:
        lines = _common(lines, vocabulary)
    if end == "never":
        lines = [[word for line in lines for word in line]]
    spelt = [line if words else list(" ".join(line)) for line in lines]
    tokens = sorted(set().union(*spelt)) + [END] * (end == "line")
    place = {token: i for i, token in enumerate(tokens)}
    closing = place[END] if end == "line" else None
    texts = ([place[token] for token in line] for line in spelt)
    counts = _counts(texts, order, closing)
    listed, backoff = _interpolated(counts, len(tokens))
    return Backoff(tuple(tokens), listed, backoff, " " if words else "", closing)


def _common(lines: Sequence[Sequence[str]], size: int) -> list[list[str]]:
    """Put `UNKNOWN` for all but the most frequent words; of equals the first in the alphabet."""
    often = Counter(word for line in lines for word in line)
    known = set(sorted(often, key=lambda w: (-often[w], w))[:size])
    return [[word if word in known else UNKNOWN for word in line] for line in lines]


def _counts(
    texts: Iterable[list[int]], order: int, closing: int | None
) -> dict[Context, Counter[int]]:
    """n(c, a) of all contexts c of less than `order` tokens; a text that ends has a beginning."""
    counts: dict[Context, Counter[int]] = {}
    for text in texts:
        path = text if closing is None else [BEGIN, *text, closing]
        for i in range(closing is not None, len(path)):
            for first in range(max(0, i - order + 1), i + 1):
                counts.setdefault(tuple(path[first:i]), Counter())[path[i]] += 1
    return counts


def _interpolated(
    counts: dict[Context, Counter[int]], size: int
) -> tuple[dict[Context, dict[int, float]], dict[Context, float]]:
    listed: dict[Context, dict[int, float]] = {}
    backoff: dict[Context, float] = {}
    for context in sorted(counts, key=len):
        row = counts[context]
        kinds, total = len(row), sum(row.values())
        below = listed[context[1:]] if context else dict.fromkeys(row, 1 / size)
        listed[context] = {
            token: (n + kinds * below[token]) / (total + kinds) for token, n in row.items()
        }
        backoff[context] = kinds / (total + kinds)
    return listed, backoff

r"""N-gram models in ARPA files, as SRILM, KenLM and others write them.

``\data\`` and lines ``ngram n=count``, then for each n a section ``\n-grams:`` of lines
``log10(p) w_1 ... w_n [log10(backoff)]``, and ``\end\``. ``<s>`` begins a text, ``</s>`` ends it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from simulator.checks import check_choice, reading
from simulator.errors import InputError
from simulator.problem.ngrams.backoff import BEGIN, Backoff, Context
from simulator.problem.ngrams.counts import END, MOST_ORDER, UNITS, UNKNOWN

__all__ = ["SPACE", "read_arpa", "write_arpa"]

START = "<s>"
SPACE = "<space>"  # among characters
LONG = (START, END, SPACE, UNKNOWN)
NEVER = -99.0  # what stands for log10 of 0
COUNT = re.compile(r"ngram ([0-9]{1,2}) *= *([0-9]{1,12})", re.ASCII)
SECTION = re.compile(r"\\([0-9]{1,2})-grams:", re.ASCII)


def read_arpa(path: str | os.PathLike[str], *, unit: str = "words") -> Backoff:
    """Read an ARPA file.

    Parameters
    ----------
    path : str or path
        The file.
    unit : {"words", "characters"}, optional
        Words are joined by spaces to a text. Characters are joined by nothing, and ``<space>``
        spells a space.

    Returns
    -------
    Backoff
        With the numbers as they stand; `Backoff.rows` divides rows by their sums and tells the
        largest change.

    Raises
    ------
    InputError
        If it is malformed; one line that names file and line.

    Examples
    --------
    >>> read_arpa("missing.arpa")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.arpa: no such file
    """
    check_choice("unit", unit, UNITS)
    file = Path(path)
    with reading(file):
        return _Reader(file, unit).model()


class _Reader:
    """One pass over the lines of a file."""

    def __init__(self, file: Path, unit: str) -> None:
        self.file, self.unit = file, unit
        self.place: dict[str, int] = {}
        self.listed: dict[Context, dict[int, float]] = {}
        self.backoff: dict[Context, float] = {}
        self.lines = self._lines()
        self.where = str(file)

    def _lines(self) -> Iterator[str]:
        with self.file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                self.where = f"{self.file}, line {number}"
                if line.strip():
                    yield line.strip()
        self.where = str(self.file)

    def _fault(self, what: str) -> InputError:
        return InputError(f"{self.where}: {what}")

    def model(self) -> Backoff:
        promised, line = self._header()
        for n, count in promised.items():
            found = SECTION.fullmatch(line)
            if found is None or int(found[1]) != n:
                raise self._fault(f"\\{n}-grams: was expected")
            line = self._section(n, count, last=n == len(promised))
        if line != "\\end\\":
            raise self._fault("\\end\\ was expected")
        tokens = tuple(" " if self._spaced(w) else w for w in self.place)
        separator = " " if self.unit == "words" else ""
        try:
            return Backoff(tokens, self.listed, self.backoff, separator, self.place.get(END))
        except InputError as fault:
            raise InputError(f"{self.file}: {fault}") from None

    def _spaced(self, word: str) -> bool:
        return self.unit == "characters" and word == SPACE

    def _header(self) -> tuple[dict[int, int], str]:
        """Return what the counts promise, and the line behind them."""
        for line in self.lines:
            if line == "\\data\\":
                break
        else:
            raise self._fault("holds no \\data\\")
        promised: dict[int, int] = {}
        for line in self.lines:
            found = COUNT.fullmatch(line)
            if found is None:
                break
            if int(found[1]) != len(promised) + 1:
                raise self._fault(f"ngram {len(promised) + 1}= was expected")
            promised[int(found[1])] = int(found[2])
        else:
            raise self._fault("ends within its header")
        if not 1 <= len(promised) <= MOST_ORDER:
            raise self._fault(f"order {len(promised)} is not one from 1 to {MOST_ORDER}")
        return promised, line

    def _section(self, n: int, count: int, *, last: bool) -> str:
        """Read the n-grams of one length, and return the line behind them."""
        for _ in range(count):
            line = next(self.lines, None)
            if line is None or line.startswith("\\"):
                raise self._fault(f"fewer {n}-grams than the {count} that the header says")
            self._gram(line.split(), n, last=last)
        line = next(self.lines, None)
        if line is None:
            raise self._fault("ends without \\end\\")
        if not line.startswith("\\"):
            raise self._fault(f"more {n}-grams than the {count} that the header says")
        return line

    def _gram(self, parts: list[str], n: int, *, last: bool) -> None:
        if len(parts) not in ((n + 1,) if last else (n + 1, n + 2)):
            raise self._fault(f"not of the form 'log10(p) {n} tokens [log10(backoff)]'")
        words = parts[1 : n + 1]
        log_p = self._number(parts[0])
        if log_p > 0:
            raise self._fault(f"probability 10^{parts[0]} is above 1")
        if n == 1 and self.unit == "characters" and len(words[0]) > 1 and words[0] not in LONG:
            raise self._fault(f"{words[0]!r:.60} is not one character; unit=words reads words")
        if n == 1 and words[0] != START and words[0] not in self.place:
            self.place[words[0]] = len(self.place)
        gram = tuple(self._token(word) for word in words)
        if len(parts) == n + 2:
            self.backoff[gram] = 10 ** self._number(parts[-1])
        if gram == (BEGIN,):
            return
        if BEGIN in gram[1:]:
            raise self._fault(f"{START} stands behind another token")
        row = self.listed.setdefault(gram[:-1], {})
        if gram[-1] in row:
            raise self._fault(f"{' '.join(words)!r:.60} is given twice")
        row[gram[-1]] = 10**log_p if log_p > NEVER else 0.0

    def _token(self, word: str) -> int:
        if word == START:
            return BEGIN
        if word not in self.place:
            raise self._fault(f"{word!r:.60} is no 1-gram")
        return self.place[word]

    def _number(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise self._fault(f"{text!r:.60} is not a number") from None
        if not math.isfinite(value) or value > 300:
            raise self._fault(f"{text!r:.60} is not a logarithm of a number")
        return max(value, NEVER)


def write_arpa(model: Backoff, path: str | os.PathLike[str], *, digits: int = 7) -> None:
    r"""Write a model as an ARPA file.

    Parameters
    ----------
    model : Backoff
        No token holds white space, but for a space among characters.
    path : str or path
        The file; overwritten if it is there.
    digits : int, optional
        Digits of a logarithm behind the point.

    Examples
    --------
    >>> import tempfile
    >>> from simulator.problem.ngrams.counts import count_ngrams
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arpa(count_ngrams("abab", 2), Path(folder, "two.arpa"))
    ...     print(Path(folder, "two.arpa").read_text())
    \data\
    ngram 1=2
    ngram 2=2
    <BLANKLINE>
    \1-grams:
    -0.3010300 a -0.4771213
    -0.3010300 b -0.3010300
    <BLANKLINE>
    \2-grams:
    -0.0791812 a b
    -0.1249387 b a
    <BLANKLINE>
    \end\
    <BLANKLINE>
    """
    spelt = {i: SPACE if t == " " else t for i, t in enumerate(model.tokens)} | {BEGIN: START}
    sections: list[list[str]] = [[] for _ in range(model.order)]
    grams = [((*c, t), p) for c, row in model.listed.items() for t, p in row.items()]
    begins = [((BEGIN,), 0.0)] if (BEGIN,) in model.listed else []
    for gram, p in [*begins, *sorted(grams)]:
        parts = [_logarithm(p, digits), *(spelt[t] for t in gram)]
        if gram in model.backoff:
            parts.append(_logarithm(model.backoff[gram], digits))
        sections[len(gram) - 1].append(" ".join(parts))
    lines = ["\\data\\", *(f"ngram {n}={len(s)}" for n, s in enumerate(sections, 1)), ""]
    for n, section in enumerate(sections, 1):
        lines += [f"\\{n}-grams:", *section, ""]
    Path(path).write_text("\n".join([*lines, "\\end\\", ""]), encoding="utf-8")


def _logarithm(p: float, digits: int) -> str:
    return f"{math.log10(p) if p > 0 else NEVER:.{digits}f}"

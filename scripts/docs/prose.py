"""Prose of docstrings and registries in reStructuredText, with its formulas as mathematics."""

from __future__ import annotations

import re

from scripts.typed_formulas import split

__all__ = ["of_latex", "of_prose", "plain"]

# what keeps its meaning in our docstrings: literals, strong words and links
MARKUP = re.compile(r"(``.+?``|`[^`]+`_?|\*\*[\w ]+\*\*)")
SPECIAL = re.compile(r"([*|`]|(?<=\w)_(?!\w))")
BULLET = re.compile(r"\s*\* ")
PARAMETER = re.compile(r"\s*[*\w]+(, [*\w]+)* : ")  # numpydoc's "name : type"


def plain(lines: list[str]) -> list[str]:
    r"""Make mathematics of formulas such as V* in a docstring, and escape what is left.

    Parameters
    ----------
    lines : list of str
        Of a docstring.

    Returns
    -------
    list of str
        Examples, literals, bullets and **strong words** are as they were.

    Examples
    --------
    >>> print(plain(["* V* of |x| in ``V*``, **exact**", ">>> 2 ** 3"]))
    ['* :math:`V^{*}` of \\|x\\| in ``V*``, **exact**', '>>> 2 ** 3']
    """
    out = []
    literal = -1  # indentation of the paragraph that a literal block belongs to
    example = False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if line.strip() and indent <= literal:
            literal = -1
        if literal < 0 and line.lstrip().startswith(".. "):  # a directive and what belongs to it
            literal = indent
            out.append(line)
            continue
        if example or literal >= 0 or PARAMETER.match(line):
            out.append(line)
            continue
        head = BULLET.match(line)
        start = head.end() if head else indent
        out.append(line[:start] + of_prose(line[start:]))
        if line.rstrip().endswith("::"):
            literal = indent
    return out


def of_prose(text: str) -> str:
    """Write one line of prose, with the formulas in it, in reStructuredText.

    Parameters
    ----------
    text : str
        As `scripts.typed_formulas.split` takes it; literals and strong words are left alone.

    Returns
    -------
    str
    """
    made = ""
    for i, part in enumerate(MARKUP.split(text)):
        if i % 2:
            made += part
            continue
        for j, piece in enumerate(split(part)):
            made += _role(piece) if j % 2 else SPECIAL.sub(r"\\\1", piece)
    return _tidy(made)


def of_latex(text: str) -> str:
    r"""Write text with LaTeX between dollar signs in reStructuredText, fractions and sums large.

    Parameters
    ----------
    text : str
        Such as `theory.Bound.latex`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(of_latex("$N^2$ at least"))
    :math:`\displaystyle N^2` at least
    """
    parts = text.split("$")
    parts[::2] = [SPECIAL.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [_role(rf"\displaystyle {part}") for part in parts[1::2]]
    return _tidy("".join(parts))


def _role(latex: str) -> str:
    return f"\\ :math:`{latex}`\\ "


def _tidy(text: str) -> str:
    """Leave out the escaped spaces of roles that stand between spaces anyway."""
    text = re.sub(r"(^|(?<= ))\\ (?=:math:)", "", text)
    return re.sub(r"(?<=`)\\ (?= |$|[.,;:)] )", "", text)

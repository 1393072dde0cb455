"""Formulas for a browser: LaTeX, and prose with formulas in it, become MathML, offline."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from scripts.typed_formulas import split

__all__ = ["html", "html_of_latex", "mathml"]

CHILDREN = dict.fromkeys(("mfrac", "msub", "msup", "munder", "mover", "mroot"), 2) | {
    "msubsup": 3, "munderover": 3,
}  # fmt: skip
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
BELOW = {"msub": "munder", "msubsup": "munderover"}  # where limits stand in a large formula
LARGE = ("∑", "∏", "inf", "max", "min")


def mathml(latex: str, *, large: bool = False) -> str:
    r"""Write a formula in MathML.

    Parameters
    ----------
    latex : str
        In math mode, without dollar signs.
    large : bool, optional
        Whether fractions and sums are as large as on a line of their own.

    Returns
    -------
    str
        A `math` element that stands in a line of HTML.

    Raises
    ------
    ValueError
        If a command is not known, or what it needs is missing.

    Examples
    --------
    >>> mathml("N^2").count("<msup>")
    1
    """
    from latex2mathml.converter import convert

    try:
        made = convert(latex, display="block" if large else "inline")
    except Exception as fault:  # its faults have nothing else in common
        raise ValueError(f"{latex!r} is not LaTeX: {type(fault).__name__}") from fault
    if "\\" in made:
        raise ValueError(f"{latex!r} has a command that is not known")
    tree = ElementTree.fromstring(made.replace(NAMESPACE, "", 1))
    for each in tree.iter():
        if latex.count("{") != latex.count("}") or len(each) != CHILDREN.get(each.tag, len(each)):
            raise ValueError(f"{latex!r} is not LaTeX: something is missing")
        if each.tag == "mi" and each.text == "~":  # "has the law"
            each.tag, each.text = "mo", "∼"
        if large and each.tag in BELOW and each[0].text in LARGE:
            each.tag = BELOW[each.tag]
    if large:
        tree.attrib = {"displaystyle": "true"}
    return ElementTree.tostring(tree, encoding="unicode")


def html(prose: str) -> str:
    """Write a line of prose in HTML, with its formulas in MathML.

    Parameters
    ----------
    prose : str
        As `scripts.typed_formulas.split` takes it.

    Returns
    -------
    str
        Escaped.
    """
    return _joined(split(prose), large=False)


def html_of_latex(text: str) -> str:
    """Write text with LaTeX between dollar signs, such as `theory.Bound.latex`, in HTML.

    Parameters
    ----------
    text : str
        With an even number of dollar signs.

    Returns
    -------
    str
        Escaped, fractions and sums large.
    """
    return _joined(text.split("$"), large=True)


def _joined(parts: list[str], large: bool) -> str:
    made = [mathml(p, large=large) if i % 2 else escape(p) for i, p in enumerate(parts)]
    return "".join(made)

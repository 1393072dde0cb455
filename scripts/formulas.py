r"""Formulas for a browser: LaTeX becomes MathML, and so do formulas in the prose of this project.

Docstrings, titles and captions write V*, pi_ref or sum_{h<H}, for people who read code. A page
shows them as mathematics: `split` finds them, `mathml` draws them, offline.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

__all__ = ["html", "html_of_latex", "mathml", "split"]

GREEK = {
    name: rf"\{name}"
    for name in (
        "alpha", "beta", "gamma", "delta", "theta", "eta", "kappa", "lambda", "mu", "nu", "rho",
        "sigma", "tau", "pi",
    )
} | {"eps": r"\varepsilon", "phi": r"\varphi"}  # fmt: skip
WORDS = GREEK | {
    "D_TV": r"D_{\text{TV}}", "chi2": r"\chi^2", "Cov": r"\text{Cov}", "Var": r"\text{Var}",
    "E": r"\mathbb{E}", "P": r"\mathbb{P}", "dpi": r"d\pi", "deta": r"d\eta",
    "π": r"\pi",
}  # fmt: skip
OPERATORS = {name: rf"\{name}" for name in ("sum", "prod", "inf", "sup", "max", "min")}
SUBSCRIPTS = ("ref", "act", "inf", "max", "chi2")  # words that stand below a letter
ALONE = (*GREEK, "D_TV", "chi2")  # mathematics without any script too
RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "->": "→"}
CHILDREN = dict.fromkeys(("mfrac", "msub", "msup", "munder", "mover", "mroot"), 2) | {
    "msubsup": 3, "munderover": 3,
}  # fmt: skip
MEANS = ("E", "P")  # of what stands in brackets behind
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
BELOW = {"msub": "munder", "msubsup": "munderover"}  # where limits stand in a large formula
LARGE = ("∑", "∏", "inf", "max", "min")
IN_LATEX = {"<=": r" \le ", ">=": r" \ge ", "!=": r" \ne ", "->": r" \to ", "~": r" \sim "}

BRACED = r"(?:[^{}\n]|\{[^{}\n]*\})*"
NESTED = r"(?:[^(){}\n]|\([^()\n]*\))*"
HAT = r"(?P<hat>(?<=[VWZCiu])\^(?![A-Za-z0-9{+-]))?(?P<tilde>(?<=[Zu])~(?=_|\s|[,.;)/]|$))?"
STAR = r"(?P<star>(?<=[Vyiπ])\*(?![A-Za-z0-9*]))?"
SUB = (
    rf"(?:_(?P<sub>\{{{BRACED}\}}|(?:{'|'.join(SUBSCRIPTS)})(?:,[a-z])?(?!\w)|pi\*_h|pi\*"
    r"|ik(?!\w)|[A-Za-z0-9](?:,[A-Za-z0-9])?(?!\w)|\+))?"
)
SUP = (
    rf"(?:\^(?P<sup>\{{{BRACED}\}}|\({NESTED}\)"
    r"|[-+]?1/2(?!\d)|[-+]?\d+|-?[A-Za-zα-ω]+|\+))?"
)
BASE = "|".join(sorted((*WORDS, *OPERATORS), key=len, reverse=True))
FORMULA = re.compile(
    rf"(?P<base>(?<![\w.$\\])(?:{BASE}|[a-z]+(?=_\{{)|[A-Za-z]|\d+(?=[_^]))|[)\]](?=[_^])){HAT}{STAR}{SUB}{SUP}"
    r"(?![A-Za-z0-9])"
)
RELATION = re.compile(r"(?<=[\s\w})\]])(<=|>=|!=|->)(?=[\s\w({])")
ROOT = re.compile(r"\bsqrt(?= |\()")


def split(prose: str) -> list[str]:
    r"""Find the formulas in a line of prose.

    Parameters
    ----------
    prose : str
        With formulas as docstrings of this project write them; code must not be in it.

    Returns
    -------
    list of str
        Text and LaTeX in turn: first text, then LaTeX, and so on; the last is text.

    Examples
    --------
    >>> split("V*/V^ and sum_{h<=H} pi*_h are finite")
    ['', 'V^{*}', '/', '\\hat{V}', ' and ', '\\sum_{h \\le H}', ' ', '\\pi_{h}^{*}', ' are finite']
    """
    parts = [""]
    end = 0
    for found in FORMULA.finditer(prose):
        if _is_formula(found):
            parts[-1] += prose[end : found.start()]
            parts += [_latex(found), ""]
            end = found.end()
    parts[-1] += prose[end:]
    parts[::2] = [_signs(text) for text in parts[::2]]
    return parts


def _is_formula(found: re.Match[str]) -> bool:
    return found["base"] in ALONE or any(found.group("hat", "tilde", "star", "sub", "sup"))


def _signs(text: str) -> str:
    text = RELATION.sub(lambda found: RELATIONS[found[1]], text)
    return ROOT.sub("√", text).replace("√ ", "√").replace("prod (", "∏ (")


def _latex(found: re.Match[str]) -> str:
    base = found["base"]
    made = (WORDS | OPERATORS).get(base, rf"\text{{{base}}}" if base[1:].isalpha() else base)
    if base in MEANS and not (found["sub"] or " ")[1:] and found.string[found.end() :][:1] != "[":
        made = base  # E_n, say, is an event
    if found["hat"]:
        made = rf"\hat{{{made}}}"
    if found["tilde"]:
        made = rf"\tilde{{{made}}}"
    if base == "1" and found["sub"]:
        made = r"\mathbf{1}"
    above = ("*" if found["star"] else "") + _inside(found["sup"])
    if base == "chi2":
        made, above = r"\chi", "2" + above
    below = _inside(found["sub"])
    return made + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _inside(script: str | None) -> str:
    """Write what stands above or below a letter in LaTeX."""
    if not script:
        return ""
    if script in SUBSCRIPTS or script.split(",")[0] in SUBSCRIPTS:
        word, *rest = script.split(",")
        made = {"inf": r"\infty", "chi2": r"\chi^2"}.get(word, rf"\text{{{word}}}")
        return ",".join([made, *rest])
    script = script[1:-1] if script[0] in "({" else script
    made, end = "", 0
    for found in FORMULA.finditer(script):
        if _is_formula(found):
            made += _plain(script[end : found.start()]) + _latex(found)
            end = found.end()
    return made + _plain(script[end:])


def _plain(text: str) -> str:
    for sign, command in IN_LATEX.items():
        text = re.sub(rf" ?{re.escape(sign)} ?", lambda _, c=command: c, text)  # type: ignore[misc]
    return re.sub(r"(?<!\\)\b([a-z]{3,}|in|of|or)\b", lambda word: rf"\text{{ {word[0]} }}", text)


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
        As `split` takes it.

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

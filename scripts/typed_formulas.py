r"""Formulas as they are typed in docstrings, titles and captions, found and put into LaTeX.

People who read code read V*, pi_ref or sum_{h<H}; `scripts.formulas` shows them as mathematics. A
letter alone is a word: what makes a formula is a Greek name, or a sign above or below a letter.
"""

from __future__ import annotations

import re

__all__ = ["split"]

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
MEANS = ("E", "P")  # of what stands in brackets behind
IN_LATEX = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "->": r"\to", "~": r"\sim"}

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
    r"|[-+]?1/2(?!\d)|[-+]?\d+(?:\.\d+)?|-?[A-Za-zα-ω]+|\+))?"
)
BASE = "|".join(sorted((*WORDS, *OPERATORS), key=len, reverse=True))
FORMULA = re.compile(
    rf"(?P<base>(?<![\w.$\\])(?:{BASE}|[a-z]+(?=_\{{)|[A-Za-z]|\d+(?=[_^]))|[)\]](?=[_^]))"
    rf"{HAT}{STAR}{SUB}{SUP}(?![A-Za-z0-9])"
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
        text = text.replace(sign, f" {command} ")
    return re.sub(r"(?<!\\)\b([a-z]{3,}|in|of|or)\b", lambda word: rf"\text{{ {word[0]} }}", text)

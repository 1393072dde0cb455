"""Formulas for a browser: every statement's LaTeX, and those found in prose (T0)."""

import re

import pytest

from scripts.formulas import html, html_of_latex, mathml
from scripts.typed_formulas import split
from tests.support.pages import plain_formulas
from theory.notation import SYMBOLS
from theory.registry import BOUNDS, CLAIMS

STATEMENTS = [*BOUNDS.values(), *CLAIMS.values()]


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.id)
def test_every_statement_has_latex_that_a_browser_can_show(statement):
    assert statement.latex.count("$") % 2 == 0
    assert not re.search(r"[ ,]$|  ", statement.latex)
    page = html_of_latex(statement.latex)
    assert statement.id == "E.1" or page.count("<math") == statement.latex.count("$") / 2 > 0
    assert plain_formulas(page) == []


@pytest.mark.parametrize("statement", BOUNDS.values(), ids=lambda s: s.id)
def test_latex_and_plain_formula_have_the_same_numbers(statement):
    """Both name the same constants: a typing error in one of them is seen (5, 13, 120, ...)."""
    latex = re.sub(r"\^\{?-1\}?|\\frac\{1\}\{|\\tfrac\{1\}", "", statement.latex)
    found = {n for n in re.findall(r"\d+", latex) if n not in "012"}
    typed = {n for n in re.findall(r"\d+", statement.formula) if n not in "012"}
    assert found == typed


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda s: s.text)
def test_a_symbol_in_prose_is_drawn_as_in_the_glossary(symbol):
    assert "<math" in mathml(symbol.latex)
    parts = split(symbol.text)
    if len(symbol.text) > 1:  # a letter alone is a word
        drawn = [re.sub(r"</?mrow>", "", mathml(latex)) for latex in (parts[1], symbol.latex)]
        assert drawn[0] == drawn[1]
        assert parts[::2] == ["", ""]


@pytest.mark.parametrize(
    ("prose", "parts"),
    [
        ("nu~_h and W^^2", ["", r"\tilde{\nu}_{h}", " and ", r"\hat{W}^{2}", ""]),
        ("N^(-H/(2H-1))", ["", "N^{-H/(2H-1)}", ""]),
        ("N^-1/2 and w^2/4", ["", "N^{-1/2}", " and ", "w^{2}", "/4"]),
        ("E_n, E_q[x] and a_ik", ["", "E_{n}", ", ", r"\mathbb{E}_{q}", "[x] and ", "a_{ik}", ""]),
        ("10^6", ["", "10^{6}", ""]),
        ("H^0.49. On", ["", "H^{0.49}", ". On"]),
        ("(1 + a)^-1 <= 1", ["(1 + a", ")^{-1}", " ≤ 1"]),
        ("V^(x) and m^+(y)", ["", r"\hat{V}", "(x) and ", "m^{+}", "(y)"]),
        ("C_act,h C_inf^2", ["", r"C_{\text{act},h}", " ", r"C_{\infty}^{2}", ""]),
        ("n_runs, log_z, x_data, chi-square, pirate", None),
        ("SMC-RS, Algorithm 2, 3.2, e.g. $5", None),
    ],
)
def test_formulas_are_found_in_prose(prose, parts):
    assert split(prose) == (parts or [prose])


@pytest.mark.parametrize("wrong", [r"\piref", r"\frac{1}", "x_", "{x", r"\left(x"])
def test_what_is_no_latex_is_refused(wrong):
    with pytest.raises(ValueError, match=r"is not LaTeX|is not known"):
        mathml(wrong)


def test_what_looks_like_markup_is_text():
    assert html("a < b & <script>") == "a &lt; b &amp; &lt;script&gt;"


def test_a_plain_formula_is_noticed():
    assert plain_formulas("<p>at most sqrt(N), <code>sqrt</code></p>") == ["at most sqrt(N),"]

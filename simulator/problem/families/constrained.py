r"""Texts under an n-gram model that match a regular expression: what people with grammars ask.

Constrained decoding masks the tokens after which no match is possible and renormalises. That is
SMC with one particle and V^ = 1 while a match is possible (`prm="mask"`, sampler ``alrs``): each
token is right, yet the texts are not those of the model given that they match, as the mask does
not know how likely a match is. Grammar-aligned decoding (arXiv 2405.21047) asks for pi*, this
conditional law; SMC with weights is what arXiv 2504.05410 repairs the mask by.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from simulator.checks import check_choice, reading
from simulator.errors import InputError
from simulator.problem.ngrams.arpa import read_arpa
from simulator.problem.ngrams.backoff import Backoff
from simulator.problem.ngrams.constraint import Constraint, ExpectedPRM
from simulator.problem.ngrams.counts import count_ngrams
from simulator.problem.prms import PRM_NAMES, TemperedPRM, named_prm
from simulator.problem.problem import PRM, Problem

__all__ = ["CONSTRAINED_PRMS", "constrained", "constrained_rule"]

CONSTRAINED_PRMS = ("mask", "expected", *PRM_NAMES)
SHIPPED = "own_text.txt"
LARGEST = 2**26  # bytes of a text


def constrained(
    text: str | os.PathLike[str] = "",
    order: int = 3,
    pattern: str = r"\d{4}-\d{2}-\d{2}",
    horizon: int = 10,
    *,
    unit: str = "characters",
    vocabulary: int = 100,
    end: str = "never",
    prm: str | PRM = "mask",
    expected_order: int = 0,
    sigma: float = 0.5,
    beta: float = 0.5,
    cap: float = 1.5,
    seed: int = 0,
) -> Problem:
    r"""Return the texts of H tokens under an n-gram model, rewarded when they match a pattern.

    With p the n-gram model (`simulator.problem.ngrams.counts` says how it is smoothed)::

        pi_ref(y) = prod over h of p(y_h | the order - 1 tokens before),   r(y) = 1{y matches}

    so pi* is the model given that the text matches, Z the probability that it does, and V* that of
    a match from here. States are pairs of a context and a state of the pattern's automaton, so a
    long horizon needs no more of them than a short one.

    Parameters
    ----------
    text : str or path, optional
        A text file to count, in UTF-8; by default a packaged one of 100 kB. A file in ``.arpa`` is
        read as an n-gram model, its orders above `order` left out.
    order : int, optional
        1 to 5: how many tokens an n-gram has.
    pattern : str, optional
        What all of a text must match, in the syntax of `re` (ASCII), without anchors.
    horizon : int, optional
        H, tokens of a text.
    unit : {"characters", "words"}, optional
        What a token is; words are joined by single spaces.
    vocabulary : int, optional
        Number of words, the most frequent ones; the others become ``<unk>``.
    end : {"never", "line"}, optional
        "line": texts are lines, and end before H tokens where a token says so; r counts what was
        written until then. "never": a text has H tokens and begins anywhere. An ARPA file says
        itself which it is.
    prm : str or PRM, optional
        "mask": 1 while a match within H tokens is possible, else 0; "expected": V* of the model
        of order `expected_order`; a name of `simulator.problem.prms.PRM_NAMES`; or a rule.
    expected_order : int, optional
        Of the PRM "expected"; 0 for one less than that of the model, but at least 1.
    sigma, beta, cap : float, optional
        Of the noisy, tempered and capped PRM.
    seed : int, optional
        Of the noisy PRM.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range, the file cannot be read or no text of H tokens matches.
    TooLargeError
        If there are too many states.

    Examples
    --------
    >>> problem = constrained(pattern=".*[0-9].*", horizon=60)
    >>> problem.horizon, f"{problem.log_z:.3f}"
    (60, '-2.268')
    """
    model = _model(text, order, unit, vocabulary, end)
    constraint = Constraint(model, pattern, horizon)
    rule = constrained_rule(
        constraint, prm, expected_order=expected_order, sigma=sigma, beta=beta, cap=cap, seed=seed
    )
    return constraint.problem(rule, f"constrained:order={order},pattern={pattern},H={horizon}")


def constrained_rule(
    constraint: Constraint,
    prm: str | PRM,
    *,
    expected_order: int = 0,
    sigma: float = 0.5,
    beta: float = 0.5,
    cap: float = 1.5,
    seed: int = 0,
) -> PRM:
    """Make a PRM of a constraint from its name.

    Parameters
    ----------
    constraint : Constraint
        Whose problem is judged.
    prm : str or PRM
        As in `constrained`.
    expected_order, sigma, beta, cap, seed : float or int, optional
        As in `constrained`.

    Returns
    -------
    PRM

    Raises
    ------
    InputError
        If the name is not known or a number is out of range.
    """
    if not isinstance(prm, str):
        return prm
    check_choice("prm", prm, CONSTRAINED_PRMS)
    if prm == "expected":
        return ExpectedPRM(constraint, expected_order or max(1, constraint.model.order - 1))
    if prm == "mask":
        return TemperedPRM(0.0)
    return named_prm(prm, sigma=sigma, beta=beta, cap=cap, seed=seed)


def _model(
    text: str | os.PathLike[str], order: int, unit: str, vocabulary: int, end: str
) -> Backoff:
    if os.fspath(text).lower().endswith(".arpa"):
        if end != "never":
            raise InputError("end: an ARPA file says itself whether texts end")
        return read_arpa(text, unit=unit).lowered(order)
    return count_ngrams(_read(text), order, unit=unit, vocabulary=vocabulary, end=end)


def _read(text: str | os.PathLike[str]) -> str:
    if text == "":
        return files("simulator.problem").joinpath("data", SHIPPED).read_text(encoding="utf-8")
    file = Path(text)
    with reading(file):
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file}: larger than {LARGEST} bytes")
        return file.read_text(encoding="utf-8")

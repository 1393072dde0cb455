"""Verdicts as rows of a table, with symbols where the terminal types them."""

from __future__ import annotations

from collections.abc import Iterable

from theory.verdict import Verdict

__all__ = ["verdict_rows"]

SYMBOLS = {"V^": "V̂", "pi*": "π*", "M_h": "Mₕ", " eta": " η"}


def verdict_rows(verdicts: Iterable[Verdict]) -> list[dict[str, object]]:
    """Make a row of each verdict.

    Parameters
    ----------
    verdicts : iterable of Verdict
        Of one problem and sampler.

    Returns
    -------
    list of dict
        Id, value, verdict and what the bound says.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> from theory import check
    >>> report = check(open_problem("reference"), SMC(2), bounds=["L-level"])
    >>> verdict_rows(report.verdicts)[0]["It says"]
    'bound L level by level, blind to the scale of V̂'
    """
    return [
        {
            "Bound": v.id,
            "Value": v.value,
            "Verdict": v.status + (", vacuous" if v.vacuous else ""),
            "It says": _with_symbols(v.title),
        }
        for v in verdicts
    ]


def _with_symbols(title: str) -> str:
    for typed, symbol in SYMBOLS.items():
        title = title.replace(typed, symbol)
    return title

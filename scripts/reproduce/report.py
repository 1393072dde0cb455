"""The HTML report: one self-contained page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from figures.catalogue import FIGURES, MAIN
from scripts.formulas import html, html_of_latex
from simulator.runs.provenance import software_versions
from simulator.runs.store import write_bytes
from theory.registry import BOUNDS, CLAIM_GROUPS, CLAIMS, GROUPS

__all__ = ["verdict", "write_report"]

PAGES = Environment(
    loader=PackageLoader("scripts.reproduce", "."),
    autoescape=True, undefined=StrictUndefined, trim_blocks=True,
)  # fmt: skip
PAGES.filters |= {
    "prose": lambda text: Markup(html(text)),
    "latex": lambda text: Markup(html_of_latex(text)),
}


def verdict(bound: Any) -> str:
    """Put the verdict on a bound in one word, with the number of violations.

    Parameters
    ----------
    bound : Series or namedtuple
        A row of `scripts.reproduce.verdicts.summarise`.
    """
    return f"violated {bound.violated}×" if bound.violated else str(bound.verdict)


def write_report(
    tables: Mapping[str, pd.DataFrame],
    verdicts: pd.DataFrame,
    claims: Sequence[Mapping[str, object]],
    spent: pd.DataFrame,
    profile: str,
    out: Path,
) -> Path:
    """Write report.html, with the PNG figures of `out`/figures inside it, and tables as CSV.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Stored tables by name.
    verdicts : DataFrame
        From `scripts.reproduce.verdicts.summarise`.
    claims : sequence of mapping
        From `scripts.reproduce.claims.claims`; without any there is no table of them.
    spent : DataFrame
        From `scripts.reproduce.spending.spending`.
    out : Path
        Folder of `reproduce`.
    """
    for name, table in tables.items():
        write_bytes(table.to_csv(index=False).encode(), out / "tables" / f"{name}.csv")
    bounds = list(verdicts.itertuples())
    figures = [
        {
            "name": name,
            "title": spec.title,
            "caption": spec.caption(tables[name]),
            "numbers": spec.numbers(tables[name]) if spec.numbers else None,
            "png": base64.b64encode((out / "figures" / f"{name}.png").read_bytes()).decode(),
        }
        for name, spec in FIGURES.items()
        if name in tables
    ]
    page = PAGES.get_template("report.html.jinja").render(
        profile=profile,
        bounds=_grouped(GROUPS, {str(b.bound): b for b in bounds}),
        statements=BOUNDS,
        verdict=verdict,
        claims=_grouped(CLAIM_GROUPS, {str(c["id"]): c for c in claims}),
        stated=CLAIMS,
        n_bounds=len(bounds),
        n_claims=len(claims),
        n_comparisons=sum(b.comparisons for b in bounds),
        spent=list(spent.itertuples()),
        violated=[b.bound for b in bounds if b.violated]
        + [c["id"] for c in claims if c["verdict"] == "violated"],
        main=[f for name in MAIN for f in figures if f["name"] == name],
        further=[f for f in figures if f["name"] not in MAIN],
        software=json.dumps(software_versions(), indent=1),
    )
    path = out / "report.html"
    write_bytes(page.encode(), path)
    return path


def _grouped(groups: Mapping[str, Sequence[Any]], found: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Put what was found in the order of the statements, group by group."""
    rows = {name: [found[s.id] for s in group if s.id in found] for name, group in groups.items()}
    return {name: each for name, each in rows.items() if each}

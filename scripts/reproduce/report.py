"""The HTML report: one self-contained page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from figures.catalogue import FIGURES
from simulator.runs.provenance import software_versions
from simulator.runs.store import write_bytes
from theory.registry import BOUNDS

__all__ = ["verdict", "write_report"]

PAGES = Environment(
    loader=PackageLoader("scripts.reproduce", "."),
    autoescape=True, undefined=StrictUndefined, trim_blocks=True,
)  # fmt: skip


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
    page = PAGES.get_template("report.html.jinja").render(
        profile=profile,
        bounds=bounds,
        statements=BOUNDS,
        verdict=verdict,
        claims=claims,
        spent=list(spent.itertuples()),
        violated=[b.bound for b in bounds if b.violated]
        + [c["id"] for c in claims if c["verdict"] == "violated"],
        figures=[
            {
                "name": name,
                "title": spec.title,
                "caption": spec.caption(tables[name]),
                "png": base64.b64encode((out / "figures" / f"{name}.png").read_bytes()).decode(),
            }
            for name, spec in FIGURES.items()
            if name in tables
        ],
        software=json.dumps(software_versions(), indent=1),
    )
    path = out / "report.html"
    write_bytes(page.encode(), path)
    return path

"""The HTML report: one self-contained page."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from figures.catalogue import FIGURES
from simulator.runs.provenance import software_versions

__all__ = ["write_report"]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>particlebounds: report</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 60rem; margin: auto;
  padding: 1rem; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
.text td, .text th {{ text-align: left; vertical-align: top; }}
img {{ max-width: 100%; height: auto; }}
.bad {{ color: #b00020; font-weight: bold; }}
pre {{ background: #f5f5f5; padding: .6rem; overflow-x: auto; font-size: .8rem; }}
</style></head><body>
<h1>Particle filtering of language models: theorems against exact laws</h1>
<p>Every error below is the total variation distance between the law of one output and the target,
exact where it says so and otherwise a certified bracket. A bound of 1 or more says nothing
(vacuous); both counts are given. Profile: {profile}.</p>
<h2>Verdicts</h2>
<div class="wide"><table><thead><tr><th>bound</th><th>comparisons</th><th>not vacuous</th>
<th>largest error/bound</th><th>verdict</th></tr></thead><tbody>
{verdicts}
</tbody></table></div>
{claims}
{figures}
<h2>Provenance</h2>
<pre>{provenance}</pre>
</body></html>
"""


def write_report(
    tables: Mapping[str, pd.DataFrame],
    verdicts: pd.DataFrame,
    claims: Sequence[Mapping[str, object]],
    profile: str,
    out: Path,
) -> Path:
    """Write report.html, with the PNG figures of `out`/figures inside it.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Stored tables by name.
    verdicts : DataFrame
        From `scripts.verdicts.summarise`.
    claims : sequence of mapping
        From `scripts.show.claims`; without any there is no section on them.
    profile : str
    out : Path
        Folder of `reproduce`.

    Returns
    -------
    Path
    """
    rows = []
    for v in verdicts.itertuples():
        verdict = "holds" if v.violated == 0 else f'<span class="bad">violated {v.violated}×</span>'
        rows.append(
            f"<tr><td>{html.escape(str(v.bound))}</td><td>{v.problems}</td><td>{v.not_vacuous}</td>"
            f"<td>{v.largest_ratio:.3f}</td><td>{verdict}</td></tr>"
        )
    sections = [_section(name, table, out) for name, table in tables.items()]
    page = PAGE.format(
        profile=profile,
        verdicts="\n".join(rows),
        claims=_claims(claims),
        figures="\n".join(sections),
        provenance=html.escape(json.dumps(software_versions(), indent=1)),
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _claims(claims: Sequence[Mapping[str, object]]) -> str:
    if not claims:
        return ""
    rows = []
    for c in claims:
        name, statement, sentence = (
            html.escape(str(c[key])) for key in ("id", "statement", "sentence")
        )
        bad = ' class="bad"' if c["verdict"] == "violated" else ""
        rows.append(
            f"<tr><td>{name}</td><td>{statement}</td><td>{c['comparisons']}</td>"
            f"<td{bad}>{c['verdict']}</td><td>{sentence}</td></tr>"
        )
    return (
        '<h2>Other statements</h2><div class="wide"><table class="text"><thead><tr><th>claim</th>'
        "<th>statement</th><th>comparisons</th><th>verdict</th><th>what the numbers say</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _section(name: str, table: pd.DataFrame, out: Path) -> str:
    spec = FIGURES[name]
    png = base64.b64encode((out / "figures" / f"{name}.png").read_bytes()).decode()
    text = html.escape(spec.caption(table))
    return (
        f"<h2>{html.escape(spec.title)}</h2><p>{text}</p>"
        f'<img alt="{text}" src="data:image/png;base64,{png}">'
        f'<p><a href="tables/{name}.parquet">table</a> · <a href="figures/{name}.pdf">PDF</a> · '
        f'<a href="figures/{name}.svg">SVG</a></p>'
    )

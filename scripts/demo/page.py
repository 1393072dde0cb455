"""Pages: the HTML of a chapter, and the data that its script reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from scripts.demo.catalogue import CHAPTERS
from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import Control
from scripts.demo.parts import markdown
from simulator.errors import InputError

__all__ = ["ASSETS", "asset", "data_script", "html_of", "index_html", "table_of"]

PAGES = Environment(
    loader=PackageLoader("scripts.demo", "."),
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
PAGES.filters["markdown"] = markdown
ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "vega.js": "text/javascript"}


def index_html(live: bool) -> str:
    """Return the page of all chapters.

    Parameters
    ----------
    live : bool
        Whether the running app serves it.
    """
    return PAGES.get_template("index.html.jinja").render(chapters=CHAPTERS, live=live)


def html_of(chapter: Chapter, live: bool) -> str:
    """Return the page of a chapter.

    Parameters
    ----------
    live : bool
        Whether the running app serves it.
    """
    placed: set[str] = set()
    panels = []
    for panel in chapter.all_panels():
        controls = [c for c in panel.controls if c.name not in placed]
        placed |= {c.name for c in controls}
        panels.append((panel, controls))
    names = [c.name for c in CHAPTERS]
    at = names.index(chapter.name)
    return PAGES.get_template("page.html.jinja").render(
        chapter=chapter, panels=panels, live=live, at=at,
        before=CHAPTERS[at - 1] if at else None,
        after=CHAPTERS[at + 1] if at + 1 < len(CHAPTERS) else None,
        grids=[c for c in chapter.controls().values() if c.known(live)],
    )  # fmt: skip


def data_script(chapter: Chapter, tables: Mapping[str, Any] | None) -> str:
    """Return the script that gives a page its controls, charts and, if exported, its numbers.

    A script, as a page that was opened from a file may not read other files.

    Parameters
    ----------
    tables : mapping of str to object or None
        `table_of` each panel, by its name; None on the page of the running app.
    """
    live = tables is None
    panels = [
        {
            "name": panel.name,
            "controls": [c.name for c in panel.controls],
            "parts": panel.parts(),
            "charts": {name: make() for name, make in panel.charts.items()},
            "table": None if tables is None else tables[panel.name],
        }
        for panel in chapter.all_panels()
    ]
    controls = {c.name: _described(c, live) for c in chapter.controls().values()}
    page = {"live": live, "controls": controls, "panels": panels}
    return f"window.PAGE = {_json(page)};\n"


def table_of(panel: Panel) -> dict[str, Any]:
    """Compute a panel for every setting of its grid; equal pieces are kept once.

    Returns
    -------
    dict
        pool : list
            Pieces, and lines that say why there is nothing to show.
        rows : list of (list of int, or int)
            For each setting places in the pool; one place alone is that of such a line.
    """
    places: dict[str, int] = {}
    rows: list[list[int] | int] = []
    for setting in panel.settings():
        try:
            found = [_json(piece) for piece in panel.pieces(setting)]
            rows.append([places.setdefault(piece, len(places)) for piece in found])
        except InputError as refused:
            rows.append(places.setdefault(_json(str(refused)), len(places)))
    return {"pool": [json.loads(piece) for piece in places], "rows": rows}


@cache
def asset(name: str) -> tuple[str, str]:
    """Return a file that all pages share, and its media type.

    Parameters
    ----------
    name : str
        Of `ASSETS`; vega.js is what draws the charts.
    """
    if name == "vega.js":
        import altair
        import vl_convert

        version = ".".join(altair.VEGALITE_VERSION.split(".")[:2])
        text = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    else:
        text = files("scripts.demo").joinpath(name).read_text(encoding="utf-8")
    return text, ASSETS[name]


def _described(control: Control, live: bool) -> dict[str, Any]:
    known = control.known(live)
    at = known.index(control.default) if known else 0
    return {"label": control.label, "kind": control.kind, "values": known, "at": at}


def _json(value: object) -> str:
    """Return strict JSON that can stand in a script."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

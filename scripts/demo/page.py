"""The furniture of a page: title, links, question and answer, numbers."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

import marimo as mo

from scripts.demo.catalogue import CHAPTERS

__all__ = ["answer", "note", "numbers", "opening", "row", "table"]

ROUNDING = 1e-12  # exact laws sum to 1 up to this


def opening(name: str, question: str, lead: str) -> mo.Html:
    """Return the top of a chapter: links, title, lead, and the question to try first.

    Parameters
    ----------
    name : str
        Of the chapter.
    question, lead : str
        Markdown.
    """
    names = [c.name for c in CHAPTERS]
    at = names.index(name)
    links = ['<a href="../" target="_self">All chapters</a>']
    if at > 0:
        links.append(_link(at - 1, "← "))
    if at + 1 < len(CHAPTERS):
        links.append(_link(at + 1, "", " →"))
    return mo.vstack(
        [
            mo.Html(f'<nav class="pb-nav" aria-label="Chapters">{" ".join(links)}</nav>'),
            mo.md(f"# {at + 1}. {CHAPTERS[at].title}\n\n{lead}"),
            mo.callout(mo.md(f"**Try first.** {question}"), kind="info"),
        ]
    )


def _link(at: int, before: str, after: str = "") -> str:
    c = CHAPTERS[at]
    text = html.escape(f"{before}{at + 1}. {c.title}{after}")
    return f'<a href="../{c.name}/" target="_self">{text}</a>'


def answer(text: str) -> mo.Html:
    """Return the answer, folded until it is asked for.

    Parameters
    ----------
    text : str
        Markdown.
    """
    return mo.accordion({"Answer": mo.Html(f'<div style="color: #222">{mo.md(text).text}</div>')})


def numbers(values: Mapping[str, object], caption: str) -> mo.Html:
    """Return named numbers as a table of two columns, announced when they change.

    Parameters
    ----------
    values : mapping of str to object
        Floats are shown with four digits.
    """
    cells = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td data-name="{html.escape(name)}">{html.escape(show(value))}</td></tr>'
        for name, value in values.items()
    )
    return mo.Html(
        f'<div class="pb-scroll" aria-live="polite"><table class="pb-numbers">'
        f"<caption>{html.escape(caption)}</caption><tbody>{cells}</tbody></table></div>"
    )


def table(rows: Sequence[Mapping[str, object]], caption: str) -> mo.Html:
    """Return rows as a table; cells are named "row: column" for who reads the page by program.

    Parameters
    ----------
    rows : sequence of mapping
        At least one; the first column names the row.
    """
    columns = list(rows[0])
    head = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in columns)
    body = []
    for r in rows:
        name = show(r[columns[0]])
        cells = "".join(
            f'<td data-name="{html.escape(f"{name}: {c}")}">{html.escape(show(r[c]))}</td>'
            for c in columns[1:]
        )
        body.append(f'<tr><th scope="row">{html.escape(name)}</th>{cells}</tr>')
    return mo.Html(
        f'<div class="pb-scroll" aria-live="polite"><table class="pb-table">'
        f"<caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def show(value: object) -> str:
    """Return a value as text; floats to four significant digits.

    Examples
    --------
    >>> show(0.16757619), show(float("inf")), show(12), show(None), show(1234567.0)
    ('0.1676', '∞', '12', '–', '1.235e+06')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if abs(value) < ROUNDING:
            return "0"
        return "∞" if value == float("inf") else f"{value:.4g}"
    return str(value)


def note(text: str) -> mo.Html:
    """Return a remark in small print, for instance on what is capped and why."""
    return mo.Html(f'<p class="pb-note">{html.escape(text)}</p>')


def row(items: Iterable[object]) -> mo.Html:
    """Return items side by side, below each other where the window is narrow.

    Parameters
    ----------
    items : iterable
        What marimo can show.
    """
    cells = "".join(f'<div class="pb-cell">{mo.as_html(x).text}</div>' for x in items)
    return mo.Html(f'<div class="pb-row">{cells}</div>')

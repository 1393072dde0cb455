"""What every figure shares: the style, byte-stable saving, and the marks used again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["FigureSpec", "new_figure", "render", "save", "shade_vacuous", "shipped_or_all"]

STYLE = Path(__file__).with_name("particlebounds.mplstyle")
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}


@dataclass(frozen=True)
class FigureSpec:
    """A figure: how it is drawn from a stored table and what to see in it.

    Parameters
    ----------
    name : str
        Name of the figure, of its files and of the table that it reads.
    title : str
        Its heading in the list of figures.
    caption : callable
        Table to one or two sentences; numbers in it come from the table.
    draw : callable
        Table to `Figure`.
    numbers : callable, optional
        Table to a smaller table of what the figure shows, which stands below it in the report.
    """

    name: str
    title: str
    caption: Callable[[pd.DataFrame], str]
    draw: Callable[[pd.DataFrame], Figure]
    numbers: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure in the project's style, without any global state.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(
    spec: FigureSpec, table: pd.DataFrame, folder: Path, name: str | None = None
) -> list[Path]:
    """Draw and write NAME.png, NAME.pdf and NAME.svg, equal bytes for equal tables.

    Parameters
    ----------
    spec : FigureSpec
        The figure.
    table : DataFrame
        The stored table that it reads.
    folder : Path
        Made if it is not there.
    name : str, optional
        Of the files; by default that of the figure.

    Returns
    -------
    list of Path
        The three files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind, content in render(spec, table).items():
        paths.append(folder / f"{name or spec.name}.{kind}")
        paths[-1].write_bytes(content)
    return paths


def render(spec: FigureSpec, table: pd.DataFrame) -> dict[str, bytes]:
    """Draw a figure once, in all formats; equal bytes for equal tables.

    Parameters
    ----------
    spec : FigureSpec
        The figure.
    table : DataFrame
        The stored table that it reads.

    Returns
    -------
    dict of str to bytes
        Content of the files by "png", "pdf" and "svg".
    """
    found = {}
    with mpl.rc_context(), style.context(STYLE):
        figure = spec.draw(table)
        figure.set_dpi(mpl.rcParams["savefig.dpi"])
        figure.draw_without_rendering()
        figure.set_layout_engine(None)  # it is laid out once, for all formats
        shown = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
        for kind, metadata in METADATA.items():
            content = BytesIO()
            figure.savefig(content, format=kind, metadata=metadata, bbox_inches=shown)
            found[kind] = content.getvalue()
    return found


def shade_vacuous(axes: Axes) -> None:
    """Shade the region above 1, where a bound on a total variation distance says nothing.

    Parameters
    ----------
    axes : Axes
        Changed in place; its vertical axis shows total variation distances.
    """
    top = axes.get_ylim()[1]
    if top > 1:
        axes.axhspan(1, top, color="#f0f0f0", zorder=0)
        axes.set_ylim(top=top)
        axes.text(
            0.99, 0.985, "vacuous (≥ 1)", transform=axes.transAxes, ha="right", va="top",
            fontsize=7, color="#777777",
        )  # fmt: skip


def shipped_or_all(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that the package ships if there are any, else all.

    Parameters
    ----------
    table : DataFrame
        With a column "shipped", or none.

    Returns
    -------
    DataFrame
    """
    if "shipped" not in table or not table["shipped"].any():
        return table
    return table[table["shipped"]]

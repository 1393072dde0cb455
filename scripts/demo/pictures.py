"""Pictures for the browser: a figure in the project's style as an image with a text alternative."""

from __future__ import annotations

import base64
import html
import io
import threading
from collections.abc import Callable

import marimo as mo
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from figures.figure import METADATA, STYLE

__all__ = ["log_axis", "picture", "svg"]

LOCK = threading.Lock()


def picture(
    draw: Callable[[Figure], object],
    alt: str,
    width: float = 4.6,
    height: float = 3.2,
    below: float = 0.0,
) -> mo.Html:
    """Draw a figure and return it as an SVG image with a text alternative.

    Parameters
    ----------
    draw : callable
        Draws on an empty figure in the project's style.
    alt : str
        What is to be seen, with the numbers that matter.
    width, height : float, optional
        Inches; up to 4.6 wide, text stays readable on a screen of 400 pixels.
    below : float, optional
        Inches that a legend takes below the axes.
    """
    stream = io.BytesIO()
    # the style is global to the process, and each open page has a thread of its own
    with LOCK, style.context([STYLE, {"savefig.bbox": "standard"}]):
        figure = Figure(figsize=(width, height))
        # margins by hand: finding them would take as long as drawing
        figure.subplots_adjust(
            left=0.62 / width, right=1 - 0.08 / width, bottom=(0.48 + below) / height,
            top=1 - 0.1 / height,
        )  # fmt: skip
        draw(figure)
        figure.savefig(stream, format="svg", metadata=METADATA["svg"])
    data = base64.b64encode(stream.getvalue()).decode()
    return mo.Html(
        f'<figure class="pb-picture" style="width: {width * 1.35:.2f}in; max-width: 100%">'
        f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}"></figure>'
    )


def log_axis(axes: Axes, which: str, base: float) -> None:
    """Make an axis logarithmic, with plain numbers and few ticks, which are drawn fast.

    Parameters
    ----------
    which : {"x", "y"}
    """
    getattr(axes, f"set_{which}scale")("log", base=base)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.3g}" if v < 1 else f"{v:.0f}"))
    axis.set_minor_locator(NullLocator())


def svg(body: str, alt: str, width: int, height: int, largest: int) -> mo.Html:
    """Return shapes as inline SVG, so that the browser can move them from one state to the next.

    Parameters
    ----------
    body : str
        Elements of an SVG.
    width, height : int
        Of the drawing, in its own units.
    largest : int
        Width on a wide screen, in pixels.
    """
    return mo.Html(
        f'<figure class="pb-picture" style="width: {largest}px; max-width: 100%">'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(alt)}" '
        f'font-family="sans-serif" font-size="13">{body}</svg></figure>'
    )

"""The genealogy of a run: lineages that reach the end against those that died."""

from __future__ import annotations

import marimo as mo
import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from scripts.demo.lessons.particles import Genealogy
from scripts.demo.pictures import picture

__all__ = ["genealogy_picture"]


def genealogy_picture(made: Genealogy) -> mo.Html:
    """Draw levels from left to right and particles from top to bottom."""
    horizon, n = made.parents.shape

    def draw(figure: Figure) -> None:
        figure.subplots_adjust(left=0.06)
        axes = figure.subplots()
        places = _places(made.parents)
        for alive, colour, width in ((False, "#cccccc", 0.6), (True, "#0072B2", 1.8)):
            lines = [
                [(h, places[h - 1, made.parents[h, i]]), (h + 1, places[h, i])]
                for h in range(1, horizon)
                for i in np.flatnonzero(made.alive[h + 1] == alive)
            ]
            axes.add_collection(LineCollection(lines, colors=colour, linewidths=width))
        axes.set_xlim(1, horizon)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_xlabel("level")
        axes.set_ylabel("particles")

    alt = (
        f"Genealogy of {n} particles over {horizon} levels. {made.survivors[1]} of the {n} "
        f"particles of level 1 have descendants at the end; all share one ancestor up to level "
        f"{made.common}."
    )
    return picture(draw, alt)


def _places(parents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Order the particles of each level by their parents' places, so that no lines cross."""
    places = np.empty_like(parents)
    places[0] = np.arange(parents.shape[1])
    for h in range(1, len(parents)):
        places[h, np.argsort(places[h - 1, parents[h]], kind="stable")] = places[0]
    return places

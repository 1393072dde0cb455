"""The gallery of figures: each drawn from a small stored table, with what to see in it."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import style

from figures.catalogue import FIGURES
from figures.figure import STYLE
from scripts.docs.prose import of_prose

__all__ = ["TABLES", "draw_pictures", "figures"]

# parts of stored tables, with which the figures are tested
TABLES = Path(__file__).parents[2] / "tests" / "figures" / "tables"
DPI = 110


def draw_pictures(folder: Path) -> None:
    """Draw every figure of the catalogue as NAME.png.

    Parameters
    ----------
    folder : Path
    """
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(), style.context(STYLE):
        for name, spec in FIGURES.items():
            spec.draw(_table(name)).savefig(
                folder / f"{name}.png", dpi=DPI, metadata={"Software": None}
            )


def figures() -> str:
    """Write the page of the gallery in reStructuredText.

    Returns
    -------
    str
    """
    return "".join(
        f"{spec.title}\n{'-' * len(spec.title)}\n\n{of_prose(spec.caption(_table(name)))}\n\n"
        f".. image:: /pictures/{name}.png\n   :alt: Plot: {spec.title}\n\n"
        f"``particlebounds reproduce {name}`` makes it, with its table.\n\n"
        for name, spec in FIGURES.items()
    )


def _table(name: str) -> pd.DataFrame:
    return pd.read_parquet(TABLES / f"{name}.parquet")

"""What the paper says about the worst instances found of every bound."""

from __future__ import annotations

from itertools import zip_longest

from scripts.experiments.atlas import printed
from scripts.reproduce.latex import Cell, table
from theory.falsify.atlas import atlas, refuted
from theory.registry import BOUNDS

__all__ = ["worst_instances"]

SHARP = 0.9  # of a bound: nearer than a tenth


def worst_instances(numbers: dict[str, str]) -> str:
    """Largest ratios of the printed bounds, and of the others that stay away from 1.

    Parameters
    ----------
    numbers : dict of str to str
        Gets the numbers of the text.

    Returns
    -------
    str
        A tabular.
    """
    found: dict[str, dict[bool, float]] = {}
    for entry in atlas():
        ratios = found.setdefault(entry.statement, {})
        several = entry.particles > 1
        ratios[several] = max(ratios.get(several, 0.0), entry.ratio)
    top = {name: max(ratios.values()) for name, ratios in found.items()}
    theirs = [name for name in found if printed(BOUNDS[name])]
    loose = [name for name in found if name not in theirs and top[name] <= SHARP]
    numbers |= {
        "AtlasStatements": str(len(found)),
        "AtlasSharp": str(sum(ratio > SHARP for ratio in top.values())),
        "AtlasPrinted": str(len(theirs)),
        "AtlasPrintedLeast": f"{min(top[name] for name in theirs):.2f}",
        "AtlasPrintedMost": f"{max(top[name] for name in theirs):.2f}",
        "AtlasRefuted": str(len({entry.statement for entry in refuted()})),
    }
    halves = [
        [[rf"\textsf{{{name}}}", *_cells(found[name])] for name in names]
        for names in (theirs, loose)
    ]
    blank: list[Cell] = ["", "", ""]
    rows = [[*a, *b] for a, b in zip_longest(*halves, fillvalue=blank)]
    head = (
        r"\multicolumn{3}{c}{printed in [P]} & \multicolumn{3}{c}{others, below "
        rf"${SHARP:g}$}}\\\cmidrule(lr){{1-3}}\cmidrule(lr){{4-6}}"
    )
    names = ["bound", "$N=1$", "$N>1$"] * 2
    return table("lrr@{\\qquad}lrr", names, rows, head, digits=2)


def _cells(ratios: dict[bool, float]) -> list[Cell]:
    return [ratios.get(several, "--") for several in (False, True)]

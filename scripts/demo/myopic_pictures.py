"""The trap, and which labels of a few outputs are good."""

from __future__ import annotations

import marimo as mo
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from scripts.demo.lessons.myopic import SIMPLE
from scripts.demo.pictures import picture, svg

__all__ = ["labels_picture", "trap_picture"]

GOOD, BAD = "#0072B2", "#D55E00"


def trap_picture() -> mo.Html:
    """Draw when a label is chosen and when V^ shows what it is worth, at one level and at two."""

    def box(x: int, y: int, width: int, text: str, fill: str, ink: str = "#000") -> str:
        return (
            f'<rect x="{x}" y="{y}" width="{width}" height="30" fill="{fill}" stroke="#444"/>'
            f'<text x="{x + width / 2}" y="{y + 20}" text-anchor="middle" fill="{ink}">'
            f"{text}</text>"
        )

    label, shown = "#F0E442", "#0072B2"
    body = '<text x="0" y="14">One level: 16 copies of</text>'
    body += box(0, 22, 60, "label", label) + box(62, 22, 70, "reveal", shown, "#fff")
    body += '<text x="0" y="84">Two levels: 68 copies of</text>'
    body += box(0, 92, 60, "label", label)
    body += '<text x="67" y="112">42 copies of</text>'
    body += box(152, 92, 55, "label", label) + box(209, 92, 64, "reveal", shown, "#fff")
    body += box(288, 92, 70, "reveal", shown, "#fff")
    alt = (
        "The trap. One level: sixteen copies of a label and its reveal. Two levels: 68 copies of "
        "a label, then 42 inner copies of label and reveal, then the reveal of the outer label."
    )
    return svg(body, alt, 360, 126, 520)


def labels_picture(good: dict[str, npt.NDArray[np.bool_]]) -> mo.Html:
    """Draw outputs as rows of labels, one panel a sampler: full dots are good, crosses are not.

    Parameters
    ----------
    good : dict of str to (R, M) bool array
    """
    threshold = SIMPLE[1][0]

    def draw(figure: Figure) -> None:
        figure.subplots_adjust(left=0.02, bottom=0.01, top=0.96, hspace=0.25)
        panels = figure.subplots(len(good), 1, sharex=True)
        for axes, (name, hits) in zip(panels, good.items(), strict=True):
            y, x = np.nonzero(hits)
            axes.plot(x + 1, y, "o", color=GOOD, ms=4)
            y, x = np.nonzero(~hits)
            axes.plot(x + 1, y, "x", color=BAD, ms=4, mew=1.3)
            for r, count in enumerate(hits.sum(axis=1).tolist()):
                inside = count >= threshold
                axes.text(
                    hits.shape[1] + 1.2, r, f"{count}{' in E' if inside else ''}", va="center",
                    fontsize=8, weight="bold" if inside else "normal",
                )  # fmt: skip
            axes.set_title(name, loc="left", fontsize=9, pad=2)
            axes.set_yticks([])
            axes.set_ylim(len(hits) - 0.4, -0.6)
            axes.grid(visible=False)
            axes.spines[["left", "bottom"]].set_visible(False)
            axes.tick_params(bottom=False, labelbottom=False)
            axes.set_xlim(0.4, hits.shape[1] + 3.2)

    counts = "; ".join(
        f"{name}: {int((h.sum(axis=1) >= threshold).sum())} of {len(h)} in E"
        for name, h in good.items()
    )
    alt = f"Good labels (dots) and bad ones (crosses) of a few outputs. {counts}."
    return picture(draw, alt, 3.7, 4.6)

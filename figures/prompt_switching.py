"""Error against divergence in prompt switching: exact on tables, certified on a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.stats import pearsonr

from figures.figure import FigureSpec, new_figure, shipped_or_all

__all__ = ["LANGUAGE_MODEL_STYLES", "LANGUAGE_MODEL_SWITCHING"]

ROOM = 1.4  # above the points, for the legend
SERIES = ["prompt_set", "alpha", "horizon"]
MARKERS = ("o", "x", "^", "s", "+", "v")
COLOURS = {"SMC": "#0072B2", "SIS": "#D55E00", "action-level IS": "#009E73",
           "best of N": "#CC79A7"}  # fmt: skip
X_LABEL = {
    "2a": r"KL(π* ‖ π$_{\mathrm{ref}}$) / H",
    "2b": r"KL(π*$_h$ ‖ $\hat{π}_h$), h = H/2",
}


def correlation(rows: pd.DataFrame, y: str) -> tuple[float, float, float]:
    """Pearson correlation of `y` with the divergence, and its 95% interval (Fisher).

    Parameters
    ----------
    rows : DataFrame
        At least 4.
    y : str
        Column.

    Returns
    -------
    r, low, high : float
    """
    result = pearsonr(rows["divergence"], rows[y])
    interval = result.confidence_interval(0.95)
    return float(result.statistic), float(interval.low), float(interval.high)


def reliability(rows: pd.DataFrame, y: str) -> float:
    """Return the share of the spread of `y` between prompts that is no measurement noise.

    Correlation of the two halves of the runs, stepped up to all runs (Spearman-Brown).

    Parameters
    ----------
    rows : DataFrame
        With the columns ``y_a`` and ``y_b``.

    Returns
    -------
    float
        In [0, 1].
    """
    halves = float(np.corrcoef(rows[f"{y}_a"], rows[f"{y}_b"])[0, 1])
    return max(0.0, 2 * halves / (1 + halves))


def without_noise(rows: pd.DataFrame, y: str) -> float | None:
    """Return the correlation that `y` and the divergence would have without noise, if known.

    Spearman's correction: divided by the root of both reliabilities. With reliabilities of a
    few prompts it is rough, and not limited to 1.

    Returns
    -------
    float or None
        None where the noise hides `y`: reliability below 1/4.
    """
    kept = reliability(rows, y), reliability(rows, "divergence")
    if min(kept) < 0.25:
        return None
    return correlation(rows, y)[0] / float(np.sqrt(kept[0] * kept[1]))


def _says(rows: pd.DataFrame, y: str) -> str:
    r, low, high = correlation(rows, y)
    return f"r = {r:.2f} [{low:.2f}, {high:.2f}]"


def _signal(rows: pd.DataFrame, y: str) -> str:
    """Say what part of the correlation is signal, where halves were measured."""
    if f"{y}_a" not in rows:
        return ""
    clean = without_noise(rows, y)
    rest = "too noisy to correct" if clean is None else f"corrected r = {min(clean, 1):.2f}"
    return f" (reliability {reliability(rows, y):.2f}, {rest})"


def _series(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the points that belong together, with what tells them from the others.

    Correlations are taken within them: pooled, they would count differences of the horizon.
    """
    for _, part in rows.groupby([name for name in SERIES if name in rows]):
        first = part.iloc[0]
        said = [str(first["prompt_set"])] if "prompt_set" in part else []
        said += [f"α = {first['alpha']:g}"] if first["alpha"] else []
        said += [f"H = {first['horizon']}"] if "horizon" in part else []
        yield ", ".join(said), part


def _scatter(axes: Axes, rows: pd.DataFrame, y: str, figure: str, label: str) -> None:
    for marker, (name, part) in zip(MARKERS, _series(rows), strict=False):
        axes.plot(part["divergence"], part[y], marker, ms=4, mew=0.8,
                  label=f"{name}: {_says(part, y)}" if name else _says(part, y))  # fmt: skip
    axes.set_xlabel(X_LABEL[figure])
    axes.set_ylabel(label)
    axes.set_title(f"as figure {figure}, N = {rows['n'].iloc[0]}")
    axes.legend(fontsize=6)


def draw_styles(table: pd.DataFrame) -> Figure:
    """Draw exact errors: both scatters, and both directions of one switch against N."""
    figure = new_figure(7.2, 5.6)
    panels = figure.subplots(2, 2).ravel()
    for axes, name in zip(panels, ("2a", "2b"), strict=False):
        _scatter(axes, table[table["figure"] == name], "error", name, "exact total variation")
    for axes, name in zip(panels[2:], ("3", "3 back"), strict=True):
        for sampler, part in table[table["figure"] == name].groupby("sampler"):
            part = part.sort_values("n")
            axes.plot(part["n"], part["error"], "o-", ms=4, color=COLOURS[str(sampler)],
                      label=str(sampler))  # fmt: skip
        axes.set_xlabel("particles N")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("exact total variation")
        axes.set_title("plain prompt to style, α = 1" if name == "3" else "style to plain prompt")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=7)
    return figure


def draw_switching(table: pd.DataFrame) -> Figure:
    """Draw what was measured on the vocabulary: LPD above, shortfall and brackets below."""
    table = shipped_or_all(table)
    figure = new_figure(9.0, 5.6)
    panels = figure.subplots(2, 3)
    for column, name in enumerate(("2a", "2b")):
        rows = table[(table["figure"] == name) & np.isfinite(table["lpd"])]
        for axes, y, label in zip(
            panels[:, column], ("lpd", "shortfall"), ("LPD", "mean of (1 − Ŵ)₊"), strict=True
        ):
            if len(rows) < 4:
                axes.set_visible(False)
                continue
            _scatter(axes, rows, y, name, label)
            if y == "lpd":
                axes.plot(rows["divergence"], rows["lpd_floor"], "_", ms=7, color="#777777",
                          label="from noise alone")  # fmt: skip
                axes.legend(fontsize=6)
            axes.set_ylim(0, ROOM * axes.get_ylim()[1])
    rows = table[table["figure"] == "3"]
    for axes, y in zip(panels[:, 2], ("lpd", "shortfall"), strict=True):
        if len(rows):
            _against_n(axes, rows, y)
        else:
            axes.set_visible(False)
    return figure


def _against_n(axes: Axes, rows: pd.DataFrame, y: str) -> None:
    """Draw `y` against N, and what noise alone gives or how far the halves are apart."""
    for shift, (sampler, part) in enumerate(rows.groupby("sampler")):
        if y == "shortfall" and (part[y] == 1).all():
            continue  # it has no weights, so no such limit
        part = part.sort_values("n")
        colour, x = COLOURS[str(sampler)], part["n"] * 1.05**shift
        axes.plot(x, part[y], "o-", ms=4, color=colour, label=str(sampler))
        if y == "lpd":
            axes.plot(x, part["lpd_floor"], ":", lw=0.8, color=colour)
        else:
            axes.vlines(x, part[f"{y}_a"], part[f"{y}_b"], color=colour, lw=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("particles N")
    axes.set_ylabel("LPD" if y == "lpd" else "mean of (1 − Ŵ)₊")
    axes.set_title(f"as figure 3, α = {rows['alpha'].iloc[0]:g}")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)


def _scatter_notes(table: pd.DataFrame, y: str) -> str:
    notes = []
    for figure, rows in table[table["figure"].isin(["2a", "2b"])].groupby("figure"):
        for name, part in _series(rows[np.isfinite(rows[y])]):
            if len(part) >= 4:
                which = f"{figure} ({name})" if name else str(figure)
                notes.append(
                    f"{which}: {_says(part, y)} over {len(part)} prompts{_signal(part, y)}"
                )
    return "; ".join(notes)


def caption_styles(table: pd.DataFrame) -> str:
    """State the correlations."""
    return (
        "Prompt switching between a plain prompt and fifty styles on a real model's tables "
        "(three words, H = 4), where the error is exact. Pearson correlation with the divergence, "
        f"95% intervals: {_scatter_notes(table, 'error')}. Below: one switch in both directions."
    )


def caption_switching(table: pd.DataFrame) -> str:
    """State the size of the study, the correlations, and what was run again."""
    shown = shipped_or_all(table)
    sizes = [
        f"{figure} ({name}): N = {_span(rows['n'])}, {rows['runs'].iloc[0]} runs a point "
        f"against {rows['texts'].iloc[0]} texts of π*"
        for figure, part in shown.groupby("figure")
        for name, rows in _series(part)
    ]
    return (
        f"The same on the whole vocabulary of {shown['model'].iloc[0]} ({'; '.join(sizes)}). LPD "
        "compares mean log-probabilities (grey and dotted: what it would be with no error, from "
        "noise alone); the mean of (1 − Ŵ)₊ estimates an upper limit of the total variation "
        "(bars: the two halves of the runs; certified limits are in the table). Equal N means "
        "equal numbers of model calls. Reliability "
        "is the share of the spread between prompts that is not noise, from halves of the runs; "
        f"the corrected r has the noise taken out. LPD, {_scatter_notes(shown, 'lpd')}. "
        f"Upper limit, {_scatter_notes(shown, 'shortfall')}.{_again(table)}"
    )


def _span(numbers: pd.Series) -> str:
    return "-".join(str(n) for n in sorted({numbers.min(), numbers.max()}))


def _again(table: pd.DataFrame) -> str:
    if "shipped" not in table or table["shipped"].all() or not table["shipped"].any():
        return ""
    keys = ["figure", "prompt_set", "style", "sampler", "n", "horizon", "runs", "texts", "model"]
    both = table[~table["shipped"]].merge(table[table["shipped"]], on=keys)
    gap = float((both["shortfall_x"] - both["shortfall_y"]).abs().max())
    return (
        f" The table is shipped with the package; {len(both)} of its {int(table['shipped'].sum())}"
        f" points were run again here, and their means of (1 − Ŵ)₊ differ by at most {gap:.1g}."
    )


LANGUAGE_MODEL_STYLES = FigureSpec(
    "language_model_styles", "Prompt switching on tables: exact errors", caption_styles, draw_styles
)
LANGUAGE_MODEL_SWITCHING = FigureSpec(
    "language_model_switching",
    "Prompt switching on a whole vocabulary",
    caption_switching,
    draw_switching,
)

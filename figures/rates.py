"""Which rate holds under which assumption: exact errors on instances that attain it."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["RATES"]

CHI2 = 13 / 8  # at most, on dips
S1, PAPER = CHI2 / 4, 2 * (1 + math.sqrt(CHI2)) ** 2  # N error^2/H^2 that S1 and 3.2 ask for


def draw(table: pd.DataFrame) -> Figure:
    """Draw a panel a setting: points exact, dotted proved below, dashed proved above."""
    figure = new_figure(7.6, 6.4)
    panels = figure.subplots(2, 2, gridspec_kw={"hspace": 0.05})
    _fixed_horizon(panels[0, 0], table[table["setting"] == "fixed horizon"])
    _long_horizon(panels[0, 1], table)
    density = table[table["setting"] == "bounded density"]
    density = density.assign(x=density["horizon"] * density["ratio"] / density["n"])
    _collapse(panels[1, 0], density, "ratio", "M={:g}", "bound O", "bound LB-M")
    panels[1, 0].set_title("(c) densities at most M: HM/N", fontsize=9)
    panels[1, 0].set_xlabel("H M / N")
    accuracy = table[table["setting"] == "bounded accuracy"]
    accuracy = accuracy.assign(x=accuracy["horizon"] / accuracy["n"])
    _collapse(panels[1, 1], accuracy, "n", "N={:g}", "bound F-star", "bound two-branch")
    panels[1, 1].set_title("(d) accurate PRM, covered actions: H/N", fontsize=9)
    panels[1, 1].set_xlabel("H / N")
    for axes in panels.flat:
        axes.set_xscale("log", base=2)
    panels[1, 1].set_ylim(bottom=4e-5)
    for axes, place in zip(
        panels.flat, ("lower left", "upper left", "lower right", "lower right"), strict=True
    ):
        axes.legend(fontsize=7, loc=place)
    return figure


def _colours(keys: list[float]) -> dict[float, tuple[float, ...]]:
    return dict(zip(keys, mpl.colormaps["viridis"](np.linspace(0, 0.85, len(keys))), strict=True))


def _fixed_horizon(axes: Axes, table: pd.DataFrame) -> None:
    for horizon, colour in _colours(sorted(table["horizon"].unique())).items():
        rows = table[table["horizon"] == horizon].sort_values("n")
        label = f"H={horizon:g}: rate {_rate(int(horizon))}"
        axes.plot(rows["n"], rows["error"], "o-", color=colour, ms=3, lw=0.8, label=label)
        axes.plot(rows["n"], rows["lower"], ":", color=colour)
        axes.plot(rows["n"], rows["upper"].where(rows["upper"] < 1), "--", color=colour, lw=0.8)
    axes.plot([], [], ":", color="black", label="bound E")
    axes.plot([], [], "--", color="black", lw=0.8, label="bound E-upper")
    axes.set_yscale("log")
    axes.set_title("(a) chi-square of pairs at most 2, H fixed", fontsize=9)
    axes.set_xlabel("particles N")
    axes.set_ylabel("error")


def _rate(horizon: int) -> str:
    return "1/N" if horizon == 1 else f"$N^{{-{horizon}/{2 * horizon - 1}}}$"


def _long_horizon(axes: Axes, table: pd.DataFrame) -> None:
    exact = table[table["setting"] == "long horizon"].sort_values("n")
    proved = table[table["setting"] == "proved horizon"].sort_values("n")
    error = float(exact["lower"].iloc[0])
    axes.plot(exact["horizon"], exact["n"], "o-", color="black", ms=5, lw=0.8,
              label="too few for SMC, exactly")  # fmt: skip
    rejection = table[table["setting"] == "by rejection"].sort_values("n")
    axes.plot(rejection["horizon"], rejection["n"], "^-", color="#009E73", ms=3, lw=0.8,
              label="too few for SMC-RS")  # fmt: skip
    axes.plot(proved["horizon"], proved["n"], "s:", color="black", ms=3, label="too few by bound X")
    h = np.geomspace(exact["horizon"].min(), proved["horizon"].max(), 2)
    for factor, name, colour in ((S1, "S1", "#0072B2"), (PAPER, "3.2", "#D55E00")):
        axes.plot(h, factor * (h / error) ** 2, "--", color=colour, lw=1,
                  label=f"enough by {name}")  # fmt: skip
    axes.set_yscale("log", base=2)
    axes.set_title("(b) chi-squares and action coverage at most 2: $H^2$", fontsize=9)
    axes.set_xlabel("horizon H")
    axes.set_ylabel(f"particles N for an error of {error:g}")


def _collapse(
    axes: Axes, table: pd.DataFrame, key: str, label: str, above: str, below: str
) -> None:
    for value, colour in _colours(sorted(table[key].unique())).items():
        part = table[table[key] == value]
        for n in sorted(part["n"].unique()):
            rows = part[part["n"] == n].sort_values("x")
            text = label.format(value) if n == part["n"].max() else None
            axes.plot(rows["x"], rows["error"], "o-", color=colour, ms=2.5, lw=0.8, label=text)
            axes.plot(rows["x"], rows["lower"], ":", color=colour, lw=0.9)
            axes.plot(rows["x"], rows["upper"].where(rows["upper"] < 1), "--", color=colour, lw=0.8)
    axes.plot([], [], "--", color="black", lw=0.8, label=above)
    axes.plot([], [], ":", color="black", lw=0.9, label=below)
    axes.set_yscale("log")
    axes.set_ylabel("1/2 − P(output in the noisy branch)")


def caption(table: pd.DataFrame) -> str:
    """State the slopes and the room between proofs from above and below."""
    settings = {name: rows.sort_values("n") for name, rows in table.groupby("setting")}
    fixed, slopes = settings["fixed horizon"], []
    for h in sorted(map(int, fixed["horizon"].unique())):
        rows = fixed[fixed["horizon"] == h]
        slopes.append(f"{_slope(rows['n'], rows['error']):.3f} ({-h / (2 * h - 1):.3f})")
    exact, proved = settings["long horizon"], settings["proved horizon"]
    low, high = exact.iloc[0], exact.iloc[-1]
    return (
        "Instances that attain the rates; dotted lines are proved below, dashed ones above. "
        f"(a) Slopes at the largest N for H = 1, 2, ..., in brackets that of both bounds: "
        f"{', '.join(slopes)}. (b) N particles err by {low['lower']:g} from H = {low['horizon']:g} "
        f"on at N = {low['n']:g} and from H = {high['horizon']:g} on at N = {high['n']:g}; in the "
        f"proof of X N grows at the end like H to the power "
        f"{_slope(proved['horizon'], proved['n']):.2f}, so S1, 3.2 and 3.8 are sharp up to "
        f"logarithms, at chi-squares of at most {exact['chi2'].max():.2f}. "
        f"(c) The bias is {_room(settings['bounded density'])}. "
        f"(d) It is {_room(settings['bounded accuracy'])}."
    )


def _room(rows: pd.DataFrame) -> str:
    """Say how far the error is from what is proved below and above."""
    below, above = rows["error"] / rows["lower"], rows["error"] / rows["upper"]
    return (
        f"{below.min():.1f} to {below.max():.0f} times the lower bound and at most "
        f"{above[rows['upper'] < 1].max():.2f} of the upper one where that is below 1"
    )


def _slope(x: pd.Series, y: pd.Series) -> float:
    """Slope between the last two points, in logarithms."""
    (a, b), (c, d) = np.log(x.to_numpy()[-2:]), np.log(y.to_numpy()[-2:])
    return float((d - c) / (b - a))


RATES = FigureSpec("rates", "Which rate holds under which assumption", caption, draw)

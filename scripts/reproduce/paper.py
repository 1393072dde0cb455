r"""Numbers, tables and figures of paper/: nothing that was computed is typed there.

`python -m scripts.reproduce.paper` writes paper/generated/. Numbers and tables are exact, take
half a minute and are kept in the repository, so that the paper builds from a clone; a test computes
them again.
Figures are drawn from the tables that `make reproduce` stores; ``--numbers`` leaves them out.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from figures.catalogue import FIGURES
from figures.figure import save
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.experiments.ratios import run_cell
from scripts.reproduce import paper_language_models
from scripts.reproduce.latex import Cell, count, file_of, table
from scripts.reproduce.paper_atlas import worst_instances
from scripts.reproduce.paper_constraints import constraints
from scripts.reproduce.tables import made_by, stored
from simulator.exact.lumped import product_tv, two_branch_bias
from simulator.exact.quadrature_grid import STEP
from simulator.exact.second_moments import relative_variance
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.instances.hidden_labels import block_sizes, event_probability, myopic_limit
from theory.instances.myopic_game import best_event_probability
from theory.instances.two_branch import lower_bound
from theory.plan import plan
from theory.registry import BOUNDS

__all__ = ["FOLDER", "PICTURES", "draw", "texts"]

FOLDER = Path(__file__).resolve().parents[2] / "paper" / "generated"
PICTURES = (
    "trees", "two_branch", "ratios", "product", "accuracy_sharpened", "first_order", "quasi",
    "rates", "language_model_switching", "constrained",
)  # fmt: skip
TREES, EPSILON, DEPTH, THETA, DELTA = 40, 0.05, 4, 0.5, 0.05
COLUMNS = 9  # bounds in a row of the table of particles
SHOWN = 3  # digits of a ratio in a table
ROUNDING = 1e-12  # errors that are zero: SMC-RS with a perfect PRM
REJECTION = partial(SMCRejection, method="enumerate")


def texts() -> dict[str, str]:
    """Compute all numbers and tables.

    Returns
    -------
    dict of str to str
        File name to LaTeX.
    """
    numbers: dict[str, str] = {"Quadrature": _scientific(_trapezoid_error(STEP))}
    out = {
        "reference.tex": _reference(),
        "tightness.tex": _tightness(numbers),
        "plan.tex": _plan(numbers),
        "instances.tex": _instances(),
        "hidden.tex": _hidden(numbers),
        "atlas.tex": worst_instances(numbers),
        "constraints.tex": constraints(numbers),
        "switching.tex": paper_language_models.switching(),
        "prediction.tex": paper_language_models.prediction(),
    }
    numbers |= paper_language_models.answers()
    lines = [rf"\newcommand{{\num{name}}}{{{value}}}" for name, value in numbers.items()]
    return {"numbers.tex": file_of(lines), **out}


def draw(results: Path, folder: Path, profile: str = "quick") -> list[str]:
    """Draw the figures from stored tables that this code has made: all of them or none.

    Parameters
    ----------
    results : Path
        Folder of `reproduce`.
    folder : Path
        Where NAME.pdf goes.
    profile : {"quick", "full"}
        Under which the tables were made.

    Returns
    -------
    list of str
        Figures whose table is missing, or was made by other code.
    """
    found, missing = {}, []
    for name in PICTURES:
        maker = made_by(EXPERIMENTS[name], profile)
        table = stored(name, maker, results, say=lambda line: print(line, file=sys.stderr))
        if table is None:
            missing.append(name)
        else:
            found[name] = table
    if missing:
        return missing
    for name, table in found.items():
        for path in save(FIGURES[name], table, folder):
            if path.suffix != ".pdf":
                path.unlink()
    return []


def _reference() -> str:
    rows: list[list[Cell]] = []
    for horizon, n in ((3, 2), (3, 3), (4, 2), (4, 4)):
        problem = reference(horizon)
        row: list[Cell] = [horizon, n]
        for sampler, kind in ((SMC(n), "smc"), (REJECTION(n), "smc-rs")):
            j = BOUNDS["J"].value(problem, sampler)
            row += [sampler.exact_law(problem).tv, relative_variance(problem, n, kind), j]
        rows.append(row)
    head = (
        r"& & \multicolumn{3}{c}{SMC} & \multicolumn{3}{c}{SMC-RS}\\"
        r"\cmidrule(lr){3-5}\cmidrule(lr){6-8}"
    )
    names = ["$H$", "$N$", *[r"$D_{\mathrm{TV}}$", "$v$", r"\textsf{J}"] * 2]
    return table("rrrrrrrr", names, rows, head, digits=6)


def _tightness(numbers: dict[str, str]) -> str:
    frames = [pd.DataFrame(run_cell(0, TREES, make)) for make in (SMC, REJECTION)]
    if (pd.concat(frames)["status"] == "violated").any():
        raise AssertionError("a bound is violated: the text of the paper would be wrong")
    numbers["TightProblems"] = str(TREES)
    numbers["TightComparisons"] = str(sum(map(len, frames)))
    halves = []
    for frame in frames:
        grouped = frame[frame["error"] > ROUNDING].groupby("bound")
        top = grouped["ratio"].agg(["max", "median"]).round(SHOWN).sort_index()
        top = top.sort_values(["max", "median"], ascending=False, kind="stable")
        top["sharp"] = grouped["vacuous"].apply(lambda x: int((~x).sum()))
        halves.append(
            [
                [rf"\textsf{{{name}}}", row["max"], row["median"], int(row["sharp"])]
                for name, row in top.iterrows()
            ]
        )
    blank: list[Cell] = ["", "", "", ""]
    longest = max(map(len, halves))
    first, second = (h + [blank] * (longest - len(h)) for h in halves)
    rows = [[*a, *b] for a, b in zip(first, second, strict=True)]
    head = (
        r"\multicolumn{4}{c}{SMC} & \multicolumn{4}{c}{SMC-RS}\\"
        r"\cmidrule(lr){1-4}\cmidrule(lr){5-8}"
    )
    names = ["bound", "largest", "median", "not vac."] * 2
    return table("lrrr@{\\qquad}lrrr", names, rows, head, digits=3)


def _plan(numbers: dict[str, str]) -> str:
    found = plan(reference(DEPTH), SMC, EPSILON)
    assert found.enough is not None
    asked = sorted((n, name) for name, n in found.asked.items() if n is not None)
    numbers |= {
        "PlanHorizon": str(DEPTH),
        "PlanEpsilon": f"{EPSILON:g}",
        "PlanTooFew": str(found.too_few + 1),
        "PlanEnough": str(found.enough),
        "PlanJ": count(found.asked["J"]),
        "PlanOneOne": count(found.asked["1.1"]),
    }
    lines: list[str] = []
    for first in range(0, len(asked), COLUMNS):
        part = asked[first : first + COLUMNS]
        lines += [r"\midrule"] if first else []
        lines.append(" & ".join(["bound", *(rf"\textsf{{{name}}}" for _, name in part)]) + r"\\")
        lines.append(" & ".join(["$N$", *(count(n) for n, _ in part)]) + r"\\")
    begin = rf"\begin{{tabular}}{{l{'r' * COLUMNS}}}\toprule"
    return file_of([begin, *lines, r"\bottomrule\end{tabular}"])


def _instances() -> str:
    branches = []
    for n, horizon in ((8, 8), (8, 64), (32, 32), (32, 256), (64, 64), (64, 512)):
        upper = BOUNDS["F-star"].value(two_branch(horizon), SMC(n))
        bias = two_branch_bias(horizon, n)
        tv = two_branch_tv(horizon, n)
        error = f"{tv.low:.4f}--{tv.high:.4f}"
        row: list[Cell] = [n, horizon, lower_bound(horizon, n), bias, error, upper]
        branches.append(row)
    names = ["$N$", "$H$", "lower", "bias", r"$D_{\mathrm{TV}}$", r"\textsf{F-star}"]
    left = table("rrrrrr", names, branches, digits=4)
    products: list[list[Cell]] = [[h, product_tv(h, 8)] for h in (64, 256, 1024, 4096)]
    right = table("rr", ["$H$", r"$D_{\mathrm{TV}}$"], products, digits=4)
    both = left.rstrip() + "\\qquad\n" + right
    return both.replace(r"\begin{tabular}", r"\begin{tabular}[t]")  # side by side, tops in a line


def _hidden(numbers: dict[str, str]) -> str:
    rows: list[list[Cell]] = []
    for n in (1, 2, 3):
        counts, thresholds = block_sizes(n, THETA, DELTA, sharp=True)
        horizon = 0
        for m in counts:
            horizon = m * (horizon + 2)
        # at three levels the game has too many positions
        best = best_event_probability(counts, thresholds, n) if n < 3 else "--"
        rows.append(
            [n, "/".join(map(str, counts)), "/".join(map(str, thresholds)), count(horizon),
             event_probability(counts, thresholds, THETA), myopic_limit(counts, thresholds, n),
             best]
        )  # fmt: skip
    numbers |= {"HiddenReach": f"{1 - DELTA:g}", "HiddenDelta": f"{DELTA:g}"}
    names = ["$n$", "$M_k$", "$t_k$", "$H$", "$p_n$", r"$\bar\delta_{n,n}$", "game"]
    return table("rllrrrr", names, rows, digits=4)


def _trapezoid_error(step: float) -> float:
    """min over a of 2/(cos a (exp(2 pi a/d) - 1))."""
    a = np.linspace(0.01, math.pi / 2 - 1e-4, 20_000)
    return float((2 / (np.cos(a) * np.expm1(2 * math.pi * a / step))).min())


def _scientific(x: float) -> str:
    """Round up to two digits, for a number that is said to be a limit."""
    power = math.floor(math.log10(x))
    return rf"${math.ceil(x / 10.0 ** (power - 1)) / 10:.1f}\cdot10^{{{power}}}$"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write paper/generated.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.

    Returns
    -------
    int
        2 if `reproduce` has not made a table that a figure needs; then nothing is written.
    """
    parser = argparse.ArgumentParser(description="numbers, tables and figures of paper/")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--profile", choices=("quick", "full"), default="quick")
    parser.add_argument("--numbers", action="store_true", help="leave out the figures")
    options = parser.parse_args(arguments)
    missing = [] if options.numbers else draw(options.results, options.out, options.profile)
    if missing:
        print(
            f"{options.results}/tables lacks {', '.join(missing)}: run 'make reproduce' first, or "
            "take --numbers for the numbers and tables alone",
            file=sys.stderr,
        )
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (options.out / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

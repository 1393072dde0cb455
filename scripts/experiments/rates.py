"""Exact errors on the instances that attain each rate, between what is proved below and above.

Four settings: chi-square of pairs alone at a fixed horizon (rare-path); chi-square and action
coverage at long horizons (dips: the shortest horizon at which N particles err by 1/4 or more, by
the exact law of SMC or SMC-RS, and by the proof of X); densities up to M (all-or-nothing);
accuracy of the PRM and coverage (two-branch).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.lumped import two_branch_bias
from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.dips import branch_probability, dips
from simulator.problem.families.rare_path import rare_path
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats
from theory.criteria import criteria
from theory.instances.dips import block_law, blocks_error, event_gaps
from theory.instances.surviving_branch import branch_error, branch_law
from theory.registry import BOUNDS

ERROR = 0.25  # that N particles have at least, on dips
MOST_DIPS = 8  # more only make blocks longer; the proof takes more


def run_cell(setting: str, n: int, last: float) -> Rows:
    """Return rows (setting, n, horizon, ratio, error, lower, upper, chi2)."""
    return RUN[setting](n, last)


def _row(
    setting: str, n: int, horizon: int, *, ratio: float, error: float, lower: float, upper: float,
    chi2: float,
) -> dict[str, object]:  # fmt: skip
    return {"setting": setting, "n": n, "horizon": horizon, "ratio": ratio, "error": error,
            "lower": lower, "upper": upper, "chi2": chi2}  # fmt: skip


def _fixed_horizon(n: int, last: float) -> Rows:
    """Errors at H = 1..last; below E, above E-upper."""
    rows: Rows = []
    for horizon in range(1, int(last) + 1):
        problem, smc = rare_path(n, horizon), SMC(n)
        chi2 = float(criteria(problem).proposal_chi2.max())
        rows.append(
            _row("fixed horizon", n, horizon, ratio=math.nan, error=branch_error(problem, n),
                 lower=BOUNDS["E"].value(problem, smc), chi2=chi2,
                 upper=BOUNDS["E-upper"].value(problem, smc))
        )  # fmt: skip
    return rows


def _long_horizon(n: int, last: float, rejection: bool = False) -> Rows:
    """Return the fewest levels at which the error is `last` or more, over the number of dips."""

    def errors(j: int, blocks: int) -> Floats:
        one = block_law(n, n, j, rejection)
        return np.array([0.0] + [blocks_error(one, n, b) for b in range(1, blocks + 1)])

    name = "by rejection" if rejection else "long horizon"
    return [_shortest(name, n, last, errors)]


def _proved_horizon(n: int, last: float) -> Rows:
    """Return the same by the proof."""
    return [_shortest("proved horizon", n, last, lambda j, blocks: event_gaps(n, blocks, j))]


def _shortest(
    setting: str, n: int, last: float, errors: Callable[[int, int], Floats]
) -> dict[str, object]:
    """Look for the dips j and blocks B of least horizon B (2j+1) with an error of `last`."""
    most = int(2 / branch_probability(n))
    found = []
    for j in range(1, (60 if setting == "proved horizon" else MOST_DIPS) + 1):
        error = errors(j, most)
        b = int(np.argmax(error >= last))
        if error[b] >= last:
            found.append((b * (2 * j + 1), j, float(error[b])))
    horizon, j, reached = min(found)
    problem = dips(n, 1, j)  # all blocks have the same chi-squares
    return _row(setting, n, horizon, ratio=float(j), error=reached, lower=last,
                upper=BOUNDS["S1"].value(problem, SMC(n)) * horizon / problem.horizon,
                chi2=float(criteria(problem).chi2.max()))  # fmt: skip


def _bounded_density(n: int, last: float) -> Rows:
    """Biases on all-or-nothing, M = last, at H = 8, 16, ... up to 16 N/M; below LB-M, above O."""
    rows: Rows = []
    horizon = 8
    while horizon <= 16 * n / last:
        problem, smc = all_or_nothing(horizon, last), SMC(n)
        rows.append(
            _row("bounded density", n, horizon, ratio=last, error=0.5 - branch_law(problem, n)[0],
                 lower=BOUNDS["LB-M"].value(problem, smc), chi2=0.0,
                 upper=BOUNDS["O"].value(problem, smc))
        )  # fmt: skip
        horizon *= 2
    return rows


def _bounded_accuracy(n: int, last: float) -> Rows:
    """Biases on two-branch at H = 8, 16, ... up to `last` N; below two-branch, above F-star."""
    rows: Rows = []
    horizon = 8
    while horizon <= last * n:
        problem, smc = two_branch(horizon), SMC(n)
        rows.append(
            _row("bounded accuracy", n, horizon, ratio=1.5, error=two_branch_bias(horizon, n),
                 lower=BOUNDS["two-branch"].value(problem, smc), chi2=0.0,
                 upper=BOUNDS["F-star"].value(problem, smc))
        )  # fmt: skip
        horizon *= 2
    return rows


RUN: dict[str, Callable[[int, float], Rows]] = {
    "fixed horizon": _fixed_horizon,
    "long horizon": _long_horizon,
    "by rejection": partial(_long_horizon, rejection=True),
    "proved horizon": _proved_horizon,
    "bounded density": _bounded_density,
    "bounded accuracy": _bounded_accuracy,
}


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a setting and number of particles."""
    full = profile != "quick"
    return [
        *({"setting": "fixed horizon", "n": 2**k, "last": 2 if k > 10 + full else 4}
          for k in range(13, 1, -1)),
        *({"setting": setting, "n": n, "last": ERROR}
          for n in (*([128] * full), 64, 45, 32, 23, 16, 11, 8)
          for setting in ("long horizon", "by rejection")),
        *({"setting": "proved horizon", "n": 8**k, "last": ERROR} for k in range(7, 0, -1)),
        *({"setting": "bounded density", "n": n, "last": m}
          for n in (*([256] * full), 128, 64, 32) for m in (8.0, 4.0, 2.0)),
        *({"setting": "bounded accuracy", "n": n, "last": 32}
          for n in (*([256] * full), 128, 64, 32, 16, 8)),
    ]  # fmt: skip


RATES = Experiment("rates", run_cell, cells)

"""What the paper says about texts that match a pattern."""

from __future__ import annotations

import math
from functools import partial

from scripts.experiments.constrained import (
    CONFIDENCE,
    PATTERNS,
    PRMS,
    SAMPLERS,
    one_particle_error,
)
from scripts.reproduce.latex import Cell, count, table
from simulator.interval import Interval
from simulator.problem.families.constrained import constrained
from theory.laws.first_order import first_order_law

__all__ = ["constraints"]

DRAWS = 10_000
LATE = ("word", "quotation")  # a match is decided late
WORDS = {"mask": "mask", "expected": "bigrams"}


def constraints(numbers: dict[str, str]) -> str:
    """Distance of masked decoding, and constants A of SMC and SMC-RS, a row a pattern and PRM.

    Parameters
    ----------
    numbers : dict of str to str
        Gets the numbers of the text.

    Returns
    -------
    str
        A tabular.
    """
    rows: list[list[Cell]] = []
    masked: list[Interval] = []
    constants: dict[tuple[str, str], Interval] = {}
    scale: dict[str, float] = {}
    for name, (pattern, horizon) in PATTERNS.items():
        for prm in PRMS:
            problem = constrained(pattern=pattern, horizon=horizon, prm=prm)
            law = partial(first_order_law, problem, n_draws=DRAWS, confidence=CONFIDENCE)
            error = one_particle_error(problem, DRAWS)
            smc, rejection = (law(SAMPLERS[s](2)).constant for s in ("smc", "smc-rs"))
            scale[name], constants[name, prm] = problem.log_z, rejection
            row: list[Cell] = ["", "", ""]
            if prm == "mask":
                row = [name, horizon, f"${problem.log_z / math.log(10):.1f}$"]
                masked.append(error)
            row += [WORDS[prm], _limits(error, 3), _limits(smc, 1), _limits(rejection, 1)]
            rows.append(row)
    idle = [constants[name, "mask"] for name in LATE]
    gains = [constants[name, "mask"].low / constants[name, "expected"].high for name in LATE]
    likely = [math.exp(scale[name]) for name in LATE]
    low, high = (
        [getattr(a, end) * z for a, z in zip(idle, likely, strict=True)] for end in ("low", "high")
    )
    numbers |= {
        "ConstrainedDraws": count(DRAWS),
        "ConstrainedConfidence": rf"{100 * CONFIDENCE:.0f}\%",
        "ConstrainedLeast": f"{_down(min(x.low for x in masked), 3):.3f}",
        "ConstrainedMost": f"{_up(max(x.high for x in masked), 3):.3f}",
        "ConstrainedIdleLeast": f"{_down(min(low), 1):.1f}",
        "ConstrainedIdleMost": f"{_up(max(high), 1):.1f}",
        "ConstrainedGainLeast": f"{_down(min(gains), -1):.0f}",
    }
    names = ["pattern", "$H$", r"$\log_{10}Z$", r"$\Vh$", "masking", "$A$ of SMC", "$A$ of SMC-RS"]
    return table("lrrllll", names, rows, digits=1)


def _limits(x: Interval, digits: int) -> str:
    """Two limits, rounded away from each other."""
    return f"{_down(x.low, digits):.{digits}f}--{_up(x.high, digits):.{digits}f}"


def _down(x: float, digits: int) -> float:
    return math.floor(x * 10.0**digits) / 10.0**digits


def _up(x: float, digits: int) -> float:
    return -_down(-x, digits)

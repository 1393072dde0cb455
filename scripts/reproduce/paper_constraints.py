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
from scripts.reproduce.latex import Cell, table
from simulator.interval import Interval
from simulator.problem.families.constrained import constrained
from theory.laws.first_order import first_order_law

__all__ = ["constraints"]

DRAWS = 10_000
WORDS = {"mask": "a match is possible", "expected": "by bigrams"}


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
    for name, (pattern, horizon) in PATTERNS.items():
        for prm in PRMS:
            problem = constrained(pattern=pattern, horizon=horizon, prm=prm)
            law = partial(first_order_law, problem, n_draws=DRAWS, confidence=CONFIDENCE)
            row: list[Cell] = [name, horizon, f"{problem.log_z / math.log(10):.1f}"]
            if prm != PRMS[0]:
                row = ["", "", ""]
            row += [WORDS[prm], _limits(one_particle_error(problem, DRAWS), 3)]
            row += [_limits(law(SAMPLERS[s](2)).constant, 1) for s in ("smc", "smc-rs")]
            rows.append(row)
    numbers |= {"ConstrainedDraws": str(DRAWS), "ConstrainedConfidence": f"{CONFIDENCE:.0%}"}
    numbers["ConstrainedConfidence"] = numbers["ConstrainedConfidence"].replace("%", r"\%")
    names = ["pattern", "$H$", r"$\log_{10}Z$", r"$\Vh$", "masking", "$A$ of SMC", "$A$ of SMC-RS"]
    return table("lrrllll", names, rows, digits=1)


def _limits(x: Interval, digits: int) -> str:
    """Two limits, rounded away from each other."""
    scale = 10.0**digits
    low, high = math.floor(x.low * scale) / scale, math.ceil(x.high * scale) / scale
    return f"{low:.{digits}f}--{high:.{digits}f}"

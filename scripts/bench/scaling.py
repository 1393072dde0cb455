"""How time grows with the levels H, the particles N and the runs R."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from scripts.bench.c_code import CSMC
from scripts.bench.kernels import SCHEMES, Row
from scripts.bench.problems import Size, filtering
from scripts.bench.timing import Contestant, race
from simulator.samplers.smc.sampler import SMC

__all__ = ["GRID", "exponents", "scaling"]

S, A = 64, 8
# (what varies, sizes): about equal work each, but for the two smallest
GRID = {
    "N": tuple(Size(S, A, 64, n, max(1, 2**15 // n)) for n in (2**k for k in range(2, 19, 2))),
    "H": tuple(Size(S, A, h, 64, max(1, 2**15 // h)) for h in (2**k for k in range(2, 15, 2))),
    "R": tuple(Size(S, A, 16, 64, r) for r in (2**k for k in range(5, 15, 3))),
}


def scaling(c: CSMC | None, grid: dict[str, Sequence[Size]], rounds: int) -> list[Row]:
    """Time all sizes of a grid, ours and in C.

    Parameters
    ----------
    grid : dict
        Sizes by what varies.

    Returns
    -------
    list of dict
        ``seconds`` of a call at the median round, ``speed`` in million particle steps a second.
    """
    rows = []
    for axis, sizes in grid.items():
        for size in sizes:
            problem = filtering(*size[:3])
            for scheme in SCHEMES:
                smc = SMC(size.n_particles, resampling=scheme)
                calls: dict[str, Callable[[], object]] = {}
                calls["ours"] = partial(smc.run, problem, size.n_runs, rng=1, n_threads=1)
                if c is not None:
                    for name, lanes in (("c", False), ("lanes", True)):
                        calls[name] = partial(
                            c.run, problem, size.n_particles, scheme, size.n_runs, 1, lanes=lanes
                        )
                contestants = {name: Contestant(call, size.steps) for name, call in calls.items()}
                for name, seconds in race(contestants, rounds).items():
                    step = float(np.median(seconds))
                    rows.append(
                        {"axis": axis, "scheme": scheme, "by": name, "value": _along(size, axis),
                         "runs": size.n_runs, "seconds": step * size.steps, "speed": 1e-6 / step}
                    )  # fmt: skip
    return rows


def _along(size: Size, axis: str) -> int:
    return {"N": size.n_particles, "H": size.horizon, "R": size.n_runs}[axis]


def exponents(rows: Sequence[Row], least: int = 16) -> list[Row]:
    """Fit seconds a run (or, along R, a call) ~ value^p for ours by least squares in logarithms.

    Parameters
    ----------
    rows : sequence of dict
        Of `scaling`.
    least : int, optional
        Smaller values, where fixed costs show, are left out.

    Examples
    --------
    >>> rows = [{"axis": "N", "scheme": "systematic", "by": "ours", "value": n, "runs": 2,
    ...          "seconds": 3.0 * n} for n in (16, 64, 256)]
    >>> [round(row["exponent"], 6) for row in exponents(rows)]
    [1.0]
    """
    out = []
    for axis, scheme in dict.fromkeys((row["axis"], row["scheme"]) for row in rows):
        points = [
            (row["value"], row["seconds"] / (1 if axis == "R" else row["runs"]))
            for row in rows
            if (row["axis"], row["scheme"], row["by"]) == (axis, scheme, "ours")
            and row["value"] >= least
        ]
        x, y = np.log(np.array(points, dtype=float)).T
        out.append({"axis": axis, "scheme": scheme, "exponent": float(np.polyfit(x, y, 1)[0])})
    return out

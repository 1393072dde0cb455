"""Write the draws of a sampler as a table with provenance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.runs.provenance import provenance
from simulator.runs.store import write_table
from simulator.samplers.registry import Sampler

__all__ = ["table", "write"]


def table(problem: Problem, sampler: Sampler, runs: int, seed: int) -> pd.DataFrame:
    """Draw and lay out as one row a run; a failed run has state -1 and no log weight."""
    drawn = sampler.run(problem, runs, rng=seed, keep=("tokens",))
    frame = pd.DataFrame(
        {
            "run": np.arange(runs),
            "state": drawn.states,
            "failed": drawn.failed,
            "log_w": pd.array([pd.NA] * runs, dtype="Float64"),
            "prm_evaluations": drawn.prm_evaluations,
            "model_calls": drawn.model_calls,
        }
    )
    if drawn.log_w is not None:
        frame.loc[~drawn.failed, "log_w"] = drawn.log_w[~drawn.failed]
    if drawn.restarts is not None:
        frame["restarts"] = drawn.restarts
    if drawn.tokens is not None:
        frame["tokens"] = list(drawn.tokens)
    return frame


def write(problem: Problem, sampler: Sampler, settings: dict[str, object], out: Path) -> None:
    """Draw as `settings` say and write the table whole or not at all.

    Parameters
    ----------
    settings : dict
        Has "runs" and "seed"; all of it is stored as provenance.
    out : Path
        Must end in .parquet.
    """
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: the name must end in .parquet")
    frame = table(problem, sampler, int(str(settings["runs"])), int(str(settings["seed"])))
    write_table(frame, out, provenance("sample", {**settings, "digest": problem.digest}))

"""Averages over questions, with limits that hold for unlike ones."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from simulator.interval import Interval
from simulator.measure.confidence import hoeffding_interval

__all__ = ["CONFIDENCE", "COSTS", "LAW", "MEASURED", "Averages", "average"]

CONFIDENCE = 0.95
# columns of the table, with what they are called
MEASURED = {
    "output": "output",
    "sampled": "sampled from cloud",
    "best": "highest reward",
    "vote": "weighted vote",
    "majority": "right outweighs wrong",
    "passed": "pass@N",
}
LAW = {
    "proposal": "a, one proposal is right",
    "pass_law": "1 - (1 - a)^N >= pass@N",
    "target": "pi*(right), limit of sampled",
    "vote_low": "right outweighs wrong, >=",
    "vote_high": "right outweighs wrong, <=",
    "effective_runs": "runs that decide these, fewest",
}
COSTS = {
    "model_calls": "model calls a run",
    "prm_evaluations": "PRM evaluations a run",
    "vote_calls": "model calls of the votes",
    "failed": "failed runs, in all",
}


@dataclass(frozen=True)
class Averages:
    """Averages of one sampler over the questions.

    Parameters
    ----------
    sampler : str
        With its options.
    questions : int
        How many.
    n, runs : int
        N; runs a question.
    measured : dict of str to Interval
        By the keys of `MEASURED`, with limits; those that the sampler gives.
    law, costs : dict of str to float
        By the keys of `LAW` and `COSTS`; estimates, and counts.
    """

    sampler: str
    questions: int
    n: int
    runs: int
    measured: dict[str, Interval]
    law: dict[str, float]
    costs: dict[str, float]


def average(table: pd.DataFrame) -> list[Averages]:
    """Average the rows of each sampler over the questions.

    The questions are fixed and the runs are random: limits are for the average over these
    questions of the rate on each, which independent runs on unlike questions estimate.

    Parameters
    ----------
    table : DataFrame
        Rows of `scripts.answers.cells.run_cell`, as many runs on every question.

    Returns
    -------
    list of Averages
        In the order of the table.
    """
    out = []
    for sampler, rows in table.groupby("sampler", sort=False):
        runs, given = int(rows["runs"].sum()), set(rows.columns[rows.notna().all()])
        out.append(
            Averages(
                str(sampler), len(rows), int(rows["n"].iloc[0]), int(rows["runs"].iloc[0]),
                {k: hoeffding_interval(float(rows[k].mean()), runs, CONFIDENCE)
                 for k in MEASURED if k in given},
                {k: float(rows[k].min() if k == "effective_runs" else rows[k].mean())
                 for k in LAW if k in given},
                {k: float(rows[k].sum() if k == "failed" else rows[k].mean()) for k in COSTS},
            )
        )  # fmt: skip
    return out

"""Every statement against every sampler on every family of problems, exact where possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.errors import TooLargeError
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.samplers.registry import make_sampler, parse_options
from theory.registry import BOUNDS
from theory.status import RELATIONS, TOLERANCE, compare, overall
from theory.verdict import check

__all__ = ["Case", "cases", "compare_case", "summarise"]

LIMIT = 1e6  # transitions up to which a law is enumerated here
LONGEST = 3e6  # of one particle, whose law takes no clouds
RUNS = 1_000  # beyond
CONFIDENCE = 1 - 1e-8  # of each verdict on runs: all of a survey are right beyond 1 - 1e-5


class Case(NamedTuple):
    """A problem and a sampler, as one types them; `n_runs` is 0 if only an exact law counts.

    Parameters
    ----------
    problem : str
        As `simulator.problem.library.open_problem` reads it.
    sampler : str
        A name of `simulator.samplers.registry.SAMPLERS`.
    options : str
        Texts ``key=value``, joined by commas; may be empty.
    n_particles : int
        N.
    n_runs : int, optional
        Runs to make if the law cannot be enumerated; with 0 only an exact law counts.
    limit : float, optional
        Largest amount of work for the exact law; see `Sampler.exact_law`.
    """

    problem: str
    sampler: str
    options: str
    n_particles: int
    n_runs: int = 0
    limit: float = LIMIT


@dataclass(frozen=True)
class Comparison:
    """One statement on one case.

    `value` is the bound, or a certified upper limit of it, and `bound_low` a lower one; `low` and
    `high` are limits of the error. Limits of what is exact are equal.
    """

    bound: str
    problem: str
    sampler: str
    n: int
    value: float
    bound_low: float
    low: float
    high: float
    status: str


TREES = (
    *(f"reference:horizon={h}" for h in (1, 2, 3, 4)),
    *(f"random-tree:horizon={h},seed={seed},prm={prm}"
      for h in (2, 3) for seed in range(6) for prm in ("exact", "noisy")),
    *(f"random-tree:horizon=2,seed={seed},n_actions=3" for seed in range(4)),
    *(f"random-automaton:horizon=3,n_states=3,seed={seed}" for seed in range(4)),
    *(f"delayed:horizon={h}" for h in (2, 3)),
    *(f"eos:horizon={h}" for h in (2, 4)),
    *(f"brackets:length=4,prm={prm}" for prm in ("exact", "greedy", "constant")),
    *(f"variance:horizon={h}" for h in (4, 6)),
    "lm-digits2", "lm-review", "lm-digits2-noisy", "lm-review-noisy",
)  # fmt: skip
# Statements on one family need it in many sizes, with few particles and samplers.
FAMILIES = (
    *((f"product:horizon={h}", "smc", n) for h in range(1, 22) for n in (1, 2)),
    *((f"product:horizon={h}", "smc-ind", 2) for h in range(1, 9)),
    *((f"two-branch:horizon={h}", "smc", 5) for h in range(2, 25)),
    # even weights and small errors of V^, where bounds of order q^3/N, L^6 and 2 H eps bite
    *((f"two-branch:horizon={h},s=0.1", "smc", 64) for h in range(2, 25)),
    *((f"random-tree:horizon=2,seed={seed},prm=noisy,sigma=0.05", "alrs", 1) for seed in range(9)),
    *((f"all-or-nothing:horizon={h},ratio={m}", "smc", 5) for h in range(2, 13) for m in (2, 3)),
    *((f"dips:particles={n},dips={j}", sampler, n)
      for n in (1, 2, 4) for j in range(5, 12) for sampler in ("smc", "smc-rs")),
    *((f"rare-path:particles={n},horizon={h}", sampler, n)
      for n in (1, 2, 4) for h in range(1, 9) for sampler in ("smc", "sis")),
    *((f"hidden-labels:counts={m},theta={theta}", sampler, 1)
      for m in range(2, 9) for theta in (0.5, 0.75, 0.9) for sampler in ("smc", "smc-rs")),
    *((f"recursive-delay:counts={m},gamma={gamma}", sampler, 1)
      for m in range(2, 13) for gamma in (0.25, 0.4) for sampler in ("smc", "smc-rs")),
)  # fmt: skip
BEYOND = (  # enumeration: brackets from runs
    *(f"reference:horizon={h}" for h in (2, 3, 4)),
    *(f"random-tree:horizon={h},seed={seed}" for h in (2, 3) for seed in range(4)),
    *(f"random-tree:horizon=3,seed={seed},prm=exact" for seed in range(4)),
    "product:horizon=8", "random-automaton:horizon=6", "hidden-labels:counts=4",
    "eos", "brackets", "delayed", "variance", "lm-digits2", "lm-review-noisy",
)  # fmt: skip
SAMPLERS = (
    ("smc", "", (1, 2, 4, 16)), ("smc", "resampling=systematic", (2, 4)),
    ("smc", "resampling=stratified", (2,)), ("smc", "resampling=ssp", (2,)),
    ("smc", "ess_threshold=0.5", (2, 4)),
    ("smc", "ess_threshold=0.8,resample_when=max_weight", (4,)),
    ("smc-rs", "", (1, 2, 4, 16)), ("dmc", "restart=False", (2, 4)), ("alrs", "", (1,)),
    ("quasi-smc", "", (2, 4, 8)),
    ("sis", "", (1, 4)), ("action-is", "", (2, 4)), ("lookahead", "", (2,)),
    ("smc-ind", "", (1, 2, 4, 16)), ("vgb", "stop=visits", (1, 2, 4)), ("best-of-n", "", (1, 2, 4)),
)  # fmt: skip
# of one law with rejection, which may take hundreds of proposals a particle
MEASURED = (("smc", ""), ("smc-rs", "method=enumerate"))


def cases() -> list[Case]:
    """List what a survey looks at: exact laws of small problems, then runs of long ones.

    Returns
    -------
    list of Case
    """
    small = [
        Case(problem, sampler, options, n)
        for problem in TREES
        for sampler, options, sizes in SAMPLERS
        for n in sizes
    ]
    own = [
        Case(problem, sampler, "", n, limit=LIMIT if n > 1 else LONGEST)
        for problem, sampler, n in FAMILIES
    ]
    beyond = [
        Case(problem, sampler, options, n, RUNS)
        for problem in BEYOND
        for sampler, options in MEASURED
        for n in (64, 512)
    ]
    return small + own + beyond


def compare_case(case: Case, seed: int = 0, problem: Problem | None = None) -> list[Comparison]:
    """Compare the error of one case with all statements that speak of it.

    Parameters
    ----------
    case : Case
        The problem and the sampler.
    seed : int, optional
        Of the runs, if there are any.
    problem : Problem, optional
        The problem of the case if it is open already: what was computed of it is known then.

    Returns
    -------
    list of Comparison
        Empty if the law cannot be enumerated and no runs are asked for.
    """
    options = parse_options(case.sampler, case.options.split(",") if case.options else [])
    sampler = make_sampler(case.sampler, case.n_particles, **options)
    try:
        report = check(
            problem or open_problem(case.problem), sampler, n_runs=case.n_runs or None,
            rng=seed, confidence=1 - (1 - CONFIDENCE) / 2, limit=case.limit,
        )  # fmt: skip
    except TooLargeError:
        return []
    return [
        Comparison(v.id, case.problem, case.sampler, case.n_particles, v.value, v.low,
                   v.error.low, v.error.high, v.status)
        for v in report.verdicts
    ]  # fmt: skip


def summarise(found: pd.DataFrame) -> pd.DataFrame:
    """Say of each statement where it was tested, where it bites, and how close the error came.

    Parameters
    ----------
    found : DataFrame
        One row a comparison: columns bound, problem, value, bound_low, low and high (of the
        error).

    Returns
    -------
    DataFrame
        One row a bound: kind; comparisons; problems; `not_vacuous`, the problems with a
        comparison that says something (an upper bound below 1, a lower one above 0);
        `largest_ratio` of error to bound (bound to error for a lower one), the error being
        its certified lower (upper) limit where it is not exact; `undecided` comparisons,
        where the limits of the error lie on both sides; violations; and the verdict on
        all of them.
    """
    columns = ["bound", "kind", "comparisons", "problems", "not_vacuous", "largest_ratio",
               "undecided", "violated", "verdict"]  # fmt: skip
    rows = []
    for name, part in found.groupby("bound", sort=False):
        kind = BOUNDS[str(name)].kind
        value, low, high = (part[c].to_numpy() for c in ("value", "low", "high"))
        status = compare(low, high, RELATIONS[kind], part["bound_low"].to_numpy(), value)
        undecided = int((status == "inconclusive").sum())
        violated = int((status == "violated").sum())
        bites = {"upper": value < 1, "lower": value > 0, "exact": value >= 0}[kind]
        top, bottom = (value, high) if kind == "lower" else (low, value)
        seen = (bottom > 0) & (top > TOLERANCE)  # less is rounding
        ratio = np.divide(top, bottom, out=np.zeros(len(part)), where=seen)
        rows.append(
            (name, kind, len(part), part["problem"].nunique(), part["problem"][bites].nunique(),
             float(ratio.max()), undecided, violated,
             overall(len(part), undecided, violated))
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    order = {name: i for i, name in enumerate(BOUNDS)}
    return table.sort_values("bound", key=lambda c: c.map(order), ignore_index=True)

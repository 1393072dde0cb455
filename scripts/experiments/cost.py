"""Error against PRM evaluations: every registered sampler on five families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.errors import InputError, TooLargeError
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.registry import make_sampler

PROBLEMS = (
    "reference:horizon=4",
    "random-tree:horizon=3,seed=5,n_actions=3,prm=noisy,sigma=0.7",
    "eos:horizon=4",
    "brackets:length=6,prm=greedy,failed_reward=0.05",
    "delayed:horizon=4",
    "random-tree:horizon=4,seed=1,prm=exact",
)
# label: (registered name, options, largest N)
SAMPLERS: dict[str, tuple[str, dict[str, object], int]] = {
    "smc": ("smc", {}, 256),
    "smc, systematic": ("smc", {"resampling": "systematic"}, 256),
    "quasi-smc": ("quasi-smc", {}, 256),
    "smc-restart": ("smc-restart", {}, 64),
    "smc-rs": ("smc-rs", {}, 256),
    "dmc": ("dmc", {}, 256),
    "alrs": ("alrs", {}, 1),
    "lookahead": ("lookahead", {"depth": 1, "rollouts": 2}, 256),
    "smc-ind": ("smc-ind", {}, 256),
    "vgb": ("vgb", {}, 64),
    "pool-mh": ("pool-mh", {}, 64),
    "sis": ("sis", {}, 256),
    "best-of-n": ("best-of-n", {}, 256),
    "action-is": ("action-is", {}, 256),
    "beam": ("beam", {}, 16),
}
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
COST_RUNS, LEAST_COST_RUNS, PILOT_RUNS = 2_000, 100, 50
LEAST_RUNS, DEAR = 200, 2_500  # fewer runs are made of what takes more evaluations than that
LIMIT = 1e6  # cloud transitions of one enumeration


def affordable(runs: int, evaluations: float, least: int = LEAST_RUNS) -> int:
    """Return how many of the runs are made if one takes so many PRM evaluations on average."""
    return max(min(least, runs), int(runs * min(1.0, DEAR / evaluations)))


def mean_cost(problem: Problem, sampler: Sampler, seed: Sequence[int]) -> tuple[float, float]:
    """Return the mean PRM evaluations and model calls; a pilot says of how many other runs."""
    pilot, source = (np.random.SeedSequence([*seed, k]) for k in (1, 3))
    expected = float(sampler.run(problem, PILOT_RUNS, rng=pilot).prm_evaluations.mean())
    drawn = sampler.run(problem, affordable(COST_RUNS, expected, LEAST_COST_RUNS), rng=source)
    return float(drawn.prm_evaluations.mean()), float(drawn.model_calls.mean())


def run_cell(problem: str, label: str, runs: int, seed: int) -> Rows:
    """Return rows (problem, sampler, n, evaluations, model_calls, exact, value, low, high)."""
    given = open_problem(problem)
    p = given if is_path_tree(given) else unfold(given).problem  # one outcome a path
    name, options, most = SAMPLERS[label]
    rows: Rows = []
    for n in (n for n in SIZES if n <= most):
        try:
            sampler = make_sampler(name, n, **options)
            evaluations, model_calls = mean_cost(p, sampler, [seed, n])
        except TooLargeError:
            raise
        except InputError:
            return rows  # not defined here: an infinite C_inf, say
        row: dict[str, object] = {
            "problem": problem, "sampler": label, "n": n, "evaluations": evaluations,
            "model_calls": model_calls,
        }  # fmt: skip
        try:
            tv = sampler.exact_law(p, limit=LIMIT).tv
            rows.append({**row, "exact": True, "value": tv, "low": tv, "high": tv})
        except TooLargeError:
            b = bracket(
                p, sampler, affordable(runs, evaluations), rng=np.random.SeedSequence([seed, n, 2])
            )
            value = min(b.plug_in, b.high)  # biased upwards
            rows.append({**row, "exact": False, "value": value, "low": b.low, "high": b.high})
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a problem and sampler."""
    runs = 5_000 if profile == "quick" else 500_000
    return [
        {"problem": p, "label": label, "runs": runs, "seed": 100 * i + j}
        for i, p in enumerate(PROBLEMS)
        for j, label in enumerate(SAMPLERS)
    ]


COST = Experiment(
    "cost", run_cell, cells,
    seconds=lambda cell: 10.0 if cell["label"] in ("smc-restart", "dmc") else 3.0,
)  # fmt: skip

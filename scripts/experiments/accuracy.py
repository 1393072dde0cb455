"""Accuracy against sampling error on tables of a real model: figure 4 of the paper, exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.language_models.tabulate import tabulate
from simulator.problem.library import open_problem
from simulator.problem.prms import NoisyPRM
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.text.tabular import TabularLM
from theory.criteria import criteria

DIGITS = (1, 2, 4, 9)
FLOOR = 0.3  # reward of a wrong answer; a right one has 1 more
LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


def run_cell(n: int, power: float, sigma: float, seed: int) -> Rows:
    """One row: accuracy, error and chi-square of SMC with V^ = (V* noise)^lambda."""
    problem, correct = task()
    noisy = problem.with_prm(NoisyPRM(sigma, seed))
    log_prm = noisy.log_prm_flat.copy()
    inner = int(problem.model.state_start[-2])
    log_prm[:inner] *= power
    judged = Problem.from_log(problem.model, problem.log_reward, log_prm)
    law = SMC(n).exact_law(judged, on="states")
    return [
        {"n": n, "lambda": power, "seed": seed, "accuracy": float(law.law[correct].sum()),
         "error": law.tv, "chi2": float(max(criteria(judged).chi2)),
         "target_accuracy": float(problem.target[-1][correct].sum())}
    ]  # fmt: skip


def task() -> tuple[Problem, np.ndarray]:
    """Write a three-digit number divisible by 7, with four digits of a real model's table.

    Returns
    -------
    problem : Problem
        r = 1 + FLOOR for a right answer and FLOOR else.
    correct : (S_H,) bool array
    """
    model = tabulate(TabularLM(open_problem("lm-digits2").model), "", DIGITS, 3)
    answers = np.array([100 * a + 10 * b + c for a in DIGITS for b in DIGITS for c in DIGITS])
    correct = answers % 7 == 0
    return Problem(model, FLOOR + correct, "exact", name="divisible by 7"), correct


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a number of particles, power and PRM."""
    seeds = 8 if profile == "full" else 4
    return [
        {"n": n, "power": power, "sigma": 0.3, "seed": seed}
        for n in (3, 2)
        for power in LAMBDAS
        for seed in range(seeds)
    ]


ACCURACY = Experiment("accuracy", run_cell, cells)

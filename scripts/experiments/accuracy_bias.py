"""What accuracy gains or loses against pi*, exactly and by its law, as the PRM is sharpened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from scripts.experiments.accuracy import task
from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.integrated_law import integrated_law
from simulator.problem.model import TabularModel
from simulator.problem.prms import TemperedPRM
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from theory.laws.first_order import first_order_law

MOST = {"divisible by 7": 6.0, "early answer": 4.0}  # lambda
LEVELS, RATIO = 3, 2.0
SIZES = {"divisible by 7": (2, 3, 4, 5), "early answer": (2, 3, 4, 6, 8, 16, 32, 64)}


def early_answer() -> tuple[Problem, npt.NDArray[np.bool_]]:
    """Answer right or wrong with the first token, then add words that do not matter.

    Returns
    -------
    problem : Problem
        pi_ref is right half of the time; r = `RATIO` if it is and 1 else.
    correct : (2,) bool array
    """
    first, coin = [[[0.5, 0.5]]], [[[0.5, 0.5]] * 2]
    stays = [[[0, 0], [1, 1]]]
    model = TabularModel(first + coin * (LEVELS - 1), [[[0, 1]]] + stays * (LEVELS - 1))
    return Problem(model, [1.0, RATIO], "exact", name="early answer"), np.array([False, True])


FAMILIES: dict[str, Callable[[], tuple[Problem, npt.NDArray[np.bool_]]]] = {
    "divisible by 7": task,
    "early answer": early_answer,
}


def run_cell(family: str, power: float) -> Rows:
    """Return rows (family, lambda, n, target, bias, law) of SMC with V^ = (V*)^lambda.

    target is pi*(E), bias N (P(E) - pi*(E)), exact, and law its limit -Cov(1_E, sigma).
    """
    problem, correct = FAMILIES[family]()
    judged = problem.with_prm(TemperedPRM(power))
    law = first_order_law(judged, SMC(2), correct)
    assert law.probability is not None
    assert law.covariance is not None
    return [
        {"family": family, "lambda": power, "n": n, "target": law.probability,
         "bias": n * (float(integrated_law(judged, n)[correct].sum()) - law.probability),
         "law": -law.covariance}
        for n in SIZES[family]
    ]  # fmt: skip


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a family and power; "full" has powers between them."""
    step = 0.5 if profile == "quick" else 0.125
    return [
        {"family": family, "power": float(power)}
        for family, most in MOST.items()
        for power in np.arange(0, most + step / 2, step)
    ]


ACCURACY_BIAS = Experiment("accuracy_bias", run_cell, cells)

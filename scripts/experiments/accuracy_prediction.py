"""What predicts accuracy: exact accuracies of many small problems, and numbers known before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.accuracy import DIGITS, FLOOR
from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.language_model_answers import correct
from simulator.language_models.question_tables import question_tables
from simulator.language_models.tabulate import switch_tables, tabulate
from simulator.measure.cloud_accuracy import SELECT, exact_accuracy
from simulator.problem.events import earning
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.text.tabular import TabularLM
from simulator.typing import Bools
from theory.accuracy.answers import Draws
from theory.accuracy.passed import passed_accuracy
from theory.accuracy.path_means import inverse_means
from theory.accuracy.sampled import sampled_accuracy
from theory.criteria import criteria

LAMBDAS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
NOISE = 0.5  # of log V^ and of the score
TREE_SIZES, TABLE_SIZES = (1, 2, 3, 4), (2, 3)
DIVISORS = (3, 7, 9, 11)
QUESTIONS = "questions to a language model"


def run_cell(source: str, family: int) -> Rows:
    """Rows of one family: SMC on V^ = (V* noise)^lambda, for each N and lambda, all values exact.

    The highest score and the weights of level H are those of a noisy reward to the power lambda;
    chi-square and S1 compare with the target of the reward itself.
    """
    problem, right = TASKS[source](family)
    rng = np.random.default_rng([family, len(source)])
    inner = int(problem.model.state_start[-2])
    off = NOISE * rng.standard_normal(problem.log_prm_flat.size)
    off[0] = 0.0
    value = problem.log_value_flat + off
    score = problem.log_reward + off[inner:]
    chance = float(problem.target[-1][right].sum())
    rows: Rows = []
    for power in LAMBDAS:
        sharpened = np.concatenate([power * value[:inner], problem.log_reward])
        found = criteria(Problem.from_log(problem.model, problem.log_reward, sharpened))
        chi2 = float(max(found.chi2))
        pairs = float(np.sqrt(found.proposal_chi2).sum()) / 2
        judged = Problem.from_log(
            problem.model, power * score, np.concatenate([power * value[:inner], power * score])
        )
        hitting, inside = earning(judged, right), right.astype(np.float64)
        for n in TREE_SIZES if source == "random trees" else TABLE_SIZES:
            smc = SMC(n)
            rows.append(
                {"source": source, "family": family, "n": n, "lambda": power}
                | {select: exact_accuracy(judged, smc, right, select) for select in SELECT}
                | {"p1": sampled_accuracy(judged, smc, right).predicted,
                   "p2": passed_accuracy(judged, smc, right).predicted,
                   "certificate": inverse_means(hitting, n, "smc", [inside], Draws())[0].value,
                   "chi2": chi2, "s1": pairs / n**0.5, "target": chance}
            )  # fmt: skip
    return rows


def random_task(family: int) -> tuple[Problem, Bools]:
    """Return a random binary tree of four levels, and which of its leaves are right.

    Parameters
    ----------
    family : int
        Seed.

    Returns
    -------
    problem : Problem
        r = 1 + FLOOR for a right answer and FLOOR else.
    right : (16,) bool array
    """
    rng = np.random.default_rng(family)
    model = TabularModel.tree([rng.dirichlet([1, 1], 2**h) for h in range(4)])
    right = rng.random(16) < 0.3
    right[rng.integers(16)] = True
    return Problem(model, FLOOR + right, "exact"), right


def table_task(divisor: int) -> tuple[Problem, Bools]:
    """Return three-digit numbers of a real model's table, and which a divisor divides.

    Parameters
    ----------
    divisor : int
        Of right answers.

    Returns
    -------
    problem : Problem
        r = 1 + FLOOR for a right answer and FLOOR else.
    right : (64,) bool array
    """
    model = tabulate(TabularLM(open_problem("lm-digits2").model), "", DIGITS, 3)
    answers = np.array([100 * a + 10 * b + c for a in DIGITS for b in DIGITS for c in DIGITS])
    right = answers % divisor == 0
    return Problem(model, FLOOR + right, "exact"), right


def question_task(number: int) -> tuple[Problem, Bools]:
    """Return a packaged question on four words of a real model, and which texts answer it.

    Parameters
    ----------
    number : int
        0..9, of the questions that one digit answers.

    Returns
    -------
    problem : Problem
        The target is the model that has seen how questions are answered, as in
        `language_model_answers`.
    right : (64,) bool array
    """
    asked = question_tables()[number]
    right = np.array([correct(text, asked.answer) for text in asked.texts])
    return switch_tables(asked.plain, asked.informed), right


TASKS = {
    "random trees": random_task,
    "a language model": table_task,
    QUESTIONS: question_task,
}


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a family."""
    trees = 1000 if profile == "full" else 120
    return [
        *({"source": "random trees", "family": k} for k in range(trees)),
        *({"source": "a language model", "family": k} for k in DIVISORS),
        *({"source": QUESTIONS, "family": k} for k in range(len(question_tables()))),
    ]


ACCURACY_PREDICTION = Experiment("accuracy_prediction", run_cell, cells)

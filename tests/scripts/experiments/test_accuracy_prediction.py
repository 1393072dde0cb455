"""The table of rank correlations, and the packaged questions behind a part of it."""

import numpy as np
import pandas as pd
import pytest

from figures.accuracy_prediction import ACCURACY_PREDICTION
from scripts.experiments.accuracy_prediction import QUESTIONS, question_task, run_cell
from scripts.experiments.language_model_answers import EXAMPLES
from simulator.language_models.question_tables import question_tables, tables_facts
from simulator.samplers.smc.sampler import SMC


def test_questions_are_those_of_the_study_of_answers():
    assert tables_facts()["examples"] == EXAMPLES
    for k, asked in enumerate(question_tables()):
        problem, right = question_task(k)
        assert asked.prompt == tables_facts()["questions"][k]["prompt"]
        told = dict(zip(asked.texts, right, strict=True))
        digit, other = asked.answer, asked.words[3]
        assert told[f" {digit}\n"]
        assert told[f"{digit}  "]
        assert not told[f" {digit}{other}"]
        assert not told[f" {other}\n"]
        # the target is the informed model: the product of its rows along each path
        rows = asked.informed.probs
        leaf = np.arange(64)
        path = rows[0][0, leaf // 16] * rows[1][leaf // 16, leaf // 4 % 4]
        assert problem.target[-1] == pytest.approx(path * rows[2][leaf // 4, leaf % 4], rel=1e-9)
        assert problem.log_z == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_rows_of_a_question_are_exact_accuracies():
    rows = pd.DataFrame(run_cell(QUESTIONS, 0))
    assert sorted(rows["lambda"].unique()) == [0, 0.5, 1, 1.5, 2, 3]
    problem, right = question_task(0)
    plain = rows[(rows["lambda"] == 0) & (rows["n"] == 2)].iloc[0]
    # lambda = 0: all weights are equal, and the output is a draw from pi_ref
    leaves = np.exp(problem.forward_backward.log_forward[-64:])
    assert plain["sample"] == pytest.approx(leaves[right].sum(), rel=1e-9)
    assert plain["any"] >= plain["sample"]
    law = SMC(2).exact_law(problem, on="states").law
    assert law[right].sum() < problem.target[-1][right].sum() < 1


def test_the_table_ranks_each_source_in_each_way():
    x = [0.1, 0.2, 0.3, 0.4]
    rows = pd.DataFrame(
        [{"source": source, "family": k, "n": n, "lambda": lam, "sample": x[i], "any": x[3 - i],
          "best": x[i], "vote": x[i], "p1": x[i], "p2": x[i], "certificate": x[3 - i],
          "chi2": x[i], "s1": x[3 - i]}
         for source in ("random trees", QUESTIONS) for k in range(3)
         for i, (n, lam) in enumerate([(2, 0), (2, 1), (3, 0), (3, 1)])]
    )  # fmt: skip
    assert ACCURACY_PREDICTION.numbers is not None
    found = ACCURACY_PREDICTION.numbers(rows)
    assert len(found) == 2 * (6 + 5)
    first = found.set_index(["problems", "over", "predictor"])
    for source in ("random trees", QUESTIONS):
        assert first.loc[(source, "N and λ", "P1"), "output"] == "1.00 [1.00, 1.00]"
        assert first.loc[(source, "N and λ", "P1"), "pass@N"] == "−1.00 [−1.00, −1.00]"
        assert first.loc[(source, "λ, N > 1", "−χ²"), "output"] == "−1.00 [−1.00, −1.00]"
        assert first.loc[(source, "λ, N > 1", "−S1"), "output"] == "1.00 [1.00, 1.00]"
        assert (source, "λ, N > 1", "N") not in first.index

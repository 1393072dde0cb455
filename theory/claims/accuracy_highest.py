r"""A3: the particle of highest terminal V^ is right, by differences of probabilities of hits.

Problem: rewards of terminal states alone; ties are broken in any way. Algorithm: SMC with
multinomial resampling at every level. Guarantee: **upper and lower**, here, and an **identity**
where scores are distinct: P(y is chosen) = P(hit {score >= r(y)}) - P(hit {score > r(y)}).

>>> print(accuracy_of_the_highest.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Bools
from theory.accuracy.highest import blocks_of_scores, highest_accuracy
from theory.accuracy.instances import answered_trees
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["accuracy_of_the_highest", "by_hits"]

SIZES = (2, 3)


def by_hits(problem: Problem, n: int, right: Bools) -> float:
    """Add up differences of exact probabilities of hits; scores must be distinct.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n : int
        N.
    right : (S_H,) bool array
        The right answers.

    Returns
    -------
    float
        P(the particle of highest score is right).
    """
    total, smc = 0.0, SMC(n)
    for reached, higher in blocks_of_scores(problem, most=problem.reward.size):
        if (right & reached & ~higher).any():
            above = exact_accuracy(problem, smc, higher, "any") if higher.any() else 0.0
            total += exact_accuracy(problem, smc, reached, "any") - above
    return total


@claim(
    id="A3",
    title="accuracy of the highest terminal V^, from both sides",
    reference="differences of the probabilities that claim A2 limits",
    kind="upper",
    statement="P(highest is right) = sum over right y of P(hit {V^ >= V^(y)}) - "
    "P(hit {V^ > V^(y)}); each has the limits of A2",
    latex=r"$\mathbb{P}(\text{highest is right}) = \sum_{y \text{ right}} \left("
    r"\mathbb{P}(\text{hit } \{\hat{V} \ge \hat{V}(y)\}) "
    r"- \mathbb{P}(\text{hit } \{\hat{V} > \hat{V}(y)\})\right)$; "
    r"each has the limits of A2",
)
def accuracy_of_the_highest(thorough: bool) -> Evidence:
    """Compare exact accuracies of the highest particle with limits, with ties and without."""
    rows: list[Row] = []
    useful = 0
    for problem, right in answered_trees(60 if thorough else 24):
        tied = np.where(np.isfinite(problem.log_reward), np.round(problem.log_reward), -np.inf)
        inner = problem.log_prm_flat[: int(problem.model.state_start[-2])]
        ties = Problem.from_log(
            problem.model, tied, np.concatenate([inner, tied]), name=f"{problem.name}, with ties"
        )
        for n in SIZES:
            for subject in (problem, ties)[: 2 if n == 2 or thorough else 1]:
                best = SMC(n, select="best")
                exact = exact_accuracy(subject, best, right, "best")
                limits = highest_accuracy(subject, best, right)
                text = f"accuracy of the highest of N = {n}"
                rows.append(row(subject.name, text, exact, ">=", limits.low))
                rows.append(row(subject.name, text, exact, "<=", limits.high))
                useful += limits.low > 0 and limits.high < 1
            exact = exact_accuracy(problem, SMC(n, select="best"), right, "best")
            rows.append(row(problem.name, f"sum of hits, N = {n}", by_hits(problem, n, right),
                            "=", exact))  # fmt: skip
    return weigh(rows, f"In {useful} cases both limits say something.")

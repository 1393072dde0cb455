r"""A2: one of N proposals is right with probability between E[1/m_E] and 1 - (1 - a)^N.

Problem: any. Algorithm: SMC with multinomial resampling at every level, SMC-RS; SIS exactly.
Guarantee: **upper and lower**, here. Assumptions: none; parts of E behind V^ = 0 are never hit.

>>> print(accuracy_of_proposals.check().status)
holds
"""

from __future__ import annotations

from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.accuracy.instances import answered_trees
from theory.accuracy.passed import passed_accuracy
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["accuracy_of_proposals"]

SAMPLERS: tuple[Sampler, ...] = (SMC(1), SMC(2), SMC(3), SMCRejection(2))


@claim(
    id="A2",
    title="pass@N, from both sides",
    reference="claim A1 with a reward of one on the event, and Jensen over the clouds",
    kind="upper",
    statement="E_{pi*_E}[1/m_E] <= P(a proposal is in E) <= 1 - (1 - a)^N, m_E of reward 1_E",
    latex=r"$\mathbb{E}_{\pi^*_E}[1/m_E] \le \mathbb{P}(\text{a proposal is in } E) "
    r"\le 1 - (1 - a)^N$, $m_E$ of reward $\mathbf{1}_E$",
)
def accuracy_of_proposals(thorough: bool) -> Evidence:
    """Compare exact probabilities of a hit on random trees with both limits."""
    rows: list[Row] = []
    ratios = []
    for problem, right in answered_trees(60 if thorough else 24):
        for sampler in SAMPLERS:
            exact = exact_accuracy(problem, sampler, right, "any")
            limits = passed_accuracy(problem, sampler, right)
            text = f"pass@N of {sampler}"
            rows.append(row(problem.name, text, exact, ">=", limits.low))
            rows.append(row(problem.name, text, exact, "<=", limits.high))
            ratios.append(limits.low / exact if exact > 0 else 1.0)
        sis = SIS(2)
        exact, limits = (
            exact_accuracy(problem, sis, right, "any"), passed_accuracy(problem, sis, right)
        )  # fmt: skip
        rows.append(row(problem.name, "pass@N of SIS", exact, "=", limits.high))
    ratios.sort()
    return weigh(rows, f"Half of the lower limits are above {ratios[len(ratios) // 2]:.3f} of it.")

r"""A1: the output is right with probability between two means of 1/m, whatever N is.

Problem: any. Algorithm: SMC with multinomial resampling at every level, SMC-RS, SIS. Guarantee:
**upper and lower**, sum_E pi*_e/m <= P(output in E) <= 1 - sum_{not E} pi*_e/m; here, from the
Jensen step of arXiv 1312.6432 for each path. Assumptions: none; with lost mass pi*_e is the target
on the paths that V^ keeps.

>>> print(accuracy_of_the_output.check().status)
holds
"""

from __future__ import annotations

from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.accuracy.instances import answered_trees
from theory.accuracy.sampled import sampled_accuracy
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["accuracy_of_the_output"]

SAMPLERS: tuple[Sampler, ...] = (SMC(1), SMC(2), SMC(3), SMCRejection(2), SIS(2))


@claim(
    id="A1",
    title="accuracy of the output, from both sides",
    reference="Jensen under conditional SMC, see Andrieu, Lee and Vihola (arXiv 1312.6432)",
    kind="upper",
    statement="sum_E pi*/m <= P(output in E) <= 1 - sum_{not E} pi*/m, at every N",
    latex=r"$\sum_{y \in E} \frac{\pi^*(y)}{m(y)} \le \mathbb{P}(\text{output in } E) "
    r"\le 1 - \sum_{y \notin E} \frac{\pi^*(y)}{m(y)}$, at every $N$",
)
def accuracy_of_the_output(thorough: bool) -> Evidence:
    """Compare exact accuracies of random trees with both limits."""
    rows: list[Row] = []
    near = 0.0
    for problem, right in answered_trees(60 if thorough else 24):
        for sampler in SAMPLERS:
            exact = exact_accuracy(problem, sampler, right)
            limits = sampled_accuracy(problem, sampler, right)
            text = f"accuracy of {sampler}"
            rows.append(row(problem.name, text, exact, ">=", limits.low))
            rows.append(row(problem.name, text, exact, "<=", limits.high))
            near = max(near, limits.low / exact if exact > 0 else 0.0)
    return weigh(rows, f"The lower limit comes within a factor of {near:.4f} of the accuracy.")

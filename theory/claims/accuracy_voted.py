r"""A4: right answers outweigh wrong ones with probability d^2/E[D^2] at least, if d > 0.

Problem: any. Algorithm: SMC with multinomial resampling at every level, SMC-RS, SIS. Guarantee:
**upper and lower**, here (Cantelli's inequality with an exact second moment, which is
1 - O(1/N)). Assumptions: none; failed runs and tied votes are wrong.

>>> print(accuracy_of_the_vote.check().status)
holds
"""

from __future__ import annotations

from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.accuracy.instances import answered_trees
from theory.accuracy.voted import voted_accuracy
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["accuracy_of_the_vote"]

SAMPLERS: tuple[Sampler, ...] = (SMC(1), SMC(2), SMC(3), SMCRejection(2), SIS(2))


@claim(
    id="A4",
    title="accuracy of the weighted vote, from both sides",
    reference="Cantelli's inequality, with the exact second moment of the vote",
    kind="upper",
    statement="P(D > 0) >= d^2/E[D^2] if d > 0, P(D < 0) >= d^2/E[D^2] if d < 0, "
    "D = (W^_H/Z)(nu^(E) - nu^(not E)), d = pi*(E) - pi*(not E)",
    latex=r"$\mathbb{P}(D > 0) \ge \frac{d^2}{\mathbb{E}[D^2]}$ if $d > 0$, "
    r"$\mathbb{P}(D < 0) \ge \frac{d^2}{\mathbb{E}[D^2]}$ if $d < 0$, "
    r"$D = \frac{\hat{W}_H}{Z} (\hat{\nu}(E) - \hat{\nu}(\lnot E))$, "
    r"$d = \pi^*(E) - \pi^*(\lnot E)$",
)
def accuracy_of_the_vote(thorough: bool) -> Evidence:
    """Compare exact accuracies of the vote with the limits."""
    rows: list[Row] = []
    ours = theirs = 0
    for problem, right in answered_trees(60 if thorough else 24):
        for sampler in SAMPLERS:
            exact = exact_accuracy(problem, sampler, right, "vote")
            limits = voted_accuracy(problem, sampler, right)
            text = f"accuracy of the vote of {sampler}"
            rows.append(row(problem.name, text, exact, ">=", limits.low))
            rows.append(row(problem.name, text, exact, "<=", limits.high))
            ours, theirs = ours + (limits.low > 0), theirs + (limits.high < 1)
    return weigh(
        rows, f"In {ours} cases the vote is right often enough, in {theirs} too seldom to trust it."
    )

r"""Less variance in every resampling step, and yet a larger error than S2 and J give.

Problem: a state a of probability p = .58, or b, and nothing moves afterwards; the PRM is fair to
both at level 1, prefers b by 5.6 to 1 at level 2, and only a is rewarded. Algorithm: SMC with two
particles and stratified, residual, SSP, killing or systematic resampling. After level 1 the
particles have equal weights, so each has one child: where multinomial resampling would often have
copied a, level 2 meets a beside b, and a survives it with probability 2/6.6 only.
Guarantee: **exact**, D_TV = (1-p)^2 + 2 p (1-p) (1 - 2/6.6) = .51596, above the values .51235 of
S2 and .51219 of J, though no sum over a new cloud has more variance given the past. So S2 and J,
which hold for multinomial resampling, are false for the others; S2-plus and J-plus are not.

>>> print(less_variance.check().status)
holds
"""

from __future__ import annotations

from simulator.exact.second_moments import relative_variance
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from theory.bounds.conditional_weight import conditional_weight
from theory.bounds.conditional_weight_limit import conditional_weight_limit
from theory.bounds.weight_variance import weight_variance
from theory.bounds.weight_variance_limit import weight_variance_limit
from theory.claim import Evidence, claim, row, weigh

__all__ = ["less_variance"]

SCHEMES = ("stratified", "residual", "ssp", "killing", "systematic")
SHARE, MISLED = 0.58, 5.6  # pi_ref of state a, and V^ of state b at level 2


def instance(misled: float) -> Problem:
    """Two states that stay, of which the first is rewarded and the second looks better once."""
    model = TabularModel(
        [[[SHARE, 1 - SHARE]], *[[[1.0, 0.0]] * 2] * 2], [[[0, 1]], *[[[0, 0], [1, 1]]] * 2]
    )
    reward = [1 / SHARE, 0.0]
    return Problem(model, reward, [[1.0], [1.0, 1.0], [1.0, misled], reward], name="two states")


@claim(
    id="less-variance",
    title="resampling with less variance may break bounds S2 and J",
    reference="new; an explicit instance, N = 2, H = 3",
    kind="exact",
    statement=(
        "stratified, residual, SSP, killing and systematic resampling: "
        "D_TV = .51596 > S2 = .51235 > J = .51219, and v = 1.195 > 1.050"
    ),
    latex=r"stratified, residual, SSP, killing and systematic resampling: "
    r"$D_{\text{TV}} = .51596 > \text{S2} = .51235 > \text{J} = .51219$, "
    r"and $v = 1.195 > 1.050$",
)
def less_variance(thorough: bool) -> Evidence:
    """Compare exact errors with the values of S2 and J, and with those of their right forms."""
    problem, two = instance(MISLED), SMC(2)
    s2, j = weight_variance(problem, two), conditional_weight(problem, two)
    v = relative_variance(problem, 2)
    meet = 2 * SHARE * (1 - SHARE)
    error = (1 - SHARE) ** 2 + meet * (1 - 2 / (1 + MISLED))
    rows = [
        row(problem.name, "S2", s2, ">", j),
        row(problem.name, "D_TV, multinomial", two.exact_law(problem).tv, "<=", j),
    ]
    for name in SCHEMES:
        sampler = SMC(2, name)
        law = sampler.exact_law(problem)
        assert law.relative_variance is not None
        rows += [
            row(problem.name, f"D_TV, {name}", law.tv, "=", error),
            row(problem.name, f"D_TV against S2, {name}", law.tv, ">", s2),
            row(problem.name, f"v against that of multinomial, {name}",
                law.relative_variance, ">", v),
            row(problem.name, f"D_TV against S2-plus, {name}", law.tv, "<=",
                weight_variance_limit(problem, sampler)),
            row(problem.name, f"D_TV against J-plus, {name}", law.tv, "<=",
                conditional_weight_limit(problem, sampler)),
        ]  # fmt: skip
    return weigh(rows, f"The error is {error:.5f}, S2 gives {s2:.5f} and J {j:.5f}.")

r"""C.5: harmless criteria, exploding prefix variances, and an output that stays accurate.

Problem: `simulator.problem.families.variance`, n = floor(H/2). Algorithm: SMC, multinomial.
Guarantee: **lower**, Var(W^_n) >= (2^n - 3 + 3 2^-n - 4^-n)/N with equality at N = 1, although
chi2_h <= 1, C_act = 1 and C^_act = 2; arXiv 2603.07887v1, C.5, whose constant 2^n - 2 is too
large from n = 2 on. At level H the relative variance is below 1, so that bound S2 stays below 1/2.
Assumptions: H >= 2, V^(root) = 1.

>>> print(prefix_variance.check().status)
holds
"""

from __future__ import annotations

from simulator.problem.families.variance import variance
from simulator.samplers.smc.sampler import SMC
from theory.bounds.weight_variance import weight_variance
from theory.claim import Evidence, claim, row, weigh
from theory.criteria import criteria
from theory.instances.variance import exact_prefix_variance, variance_bound

__all__ = ["prefix_variance"]


@claim(
    id="C.5",
    title="prefix variances explode while the output stays accurate",
    reference="arXiv 2603.07887v1, C.5, with the constant 2^n - 2 of the print corrected",
    kind="lower",
    statement=(
        "chi2_h <= 1, C_act = 1, C^_act = 2, yet Var(W^_n) >= (2^n - 3 + 3 2^-n - 4^-n)/N, "
        "n = floor(H/2), equal at N = 1; at level H the relative variance is below 1"
    ),
    latex=r"$\chi^2_h \le 1$, $C_{\text{act}} = 1$, $\hat{C}_{\text{act}} = 2$, yet "
    r"$\text{Var}(\hat{W}_n) \ge \frac{1}{N} (2^n - 3 + 3 \cdot 2^{-n} - 4^{-n})$, "
    r"$n = \lfloor H/2 \rfloor$, equal at $N = 1$; "
    r"at level $H$ the relative variance is below 1",
)
def prefix_variance(thorough: bool) -> Evidence:
    """Compare exact variances at level n with the bound, and bound S2 with 1/2."""
    rows = []
    for horizon in (2, 5, 8, 20, 40, *([80] if thorough else [])):
        problem, c = variance(horizon), criteria(variance(horizon))
        rows += [
            row(problem.name, "largest chi2_h", float(c.chi2.max()), "<=", 1),
            row(problem.name, "C_act", c.action_coverage, "=", 1),
            row(problem.name, "C^_act", c.prm_coverage, "=", 2),
        ]
        for n in (1, 2, 8):
            rows += [
                row(problem.name, f"Var(W^_n), N = {n}",
                    exact_prefix_variance(problem, horizon // 2, n),
                    "=" if n == 1 else ">=", variance_bound(horizon, n)),
                row(problem.name, f"S2, N = {n}", weight_variance(problem, SMC(n)), "<", 0.5),
            ]  # fmt: skip
    high = max(r["left"] for r in rows if r["quantity"].startswith("Var"))
    s2 = max(r["left"] for r in rows if r["quantity"].startswith("S2"))
    return weigh(
        rows,
        f"Var(W^_n) reaches {high:.3g} with chi2 <= 1, while S2 at level H is at most {s2:.3f}.",
    )

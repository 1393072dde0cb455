"""Product instance: the law of SMC's output is known, and needs N of order sqrt(H)."""

from __future__ import annotations

from simulator.exact.lumped import product_tv
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, EVERY_LEVEL, argument, of_family
from theory.statement import bound

__all__ = ["product_law"]


@bound(
    id="C.8",
    title="exact law on the product instance",
    rate="1/N",
    reference="arXiv 2603.07887v1, C.8 with claim C.9",
    formula="D_TV(Bin(H, p_N), Bin(H, r/(1+r))), p_N = E[rA/(N+(r-1)A)], A ~ Bin(N, 1/2)",
    latex=r"$D_{\text{TV}}(\text{Bin}(H, p_N), \text{Bin}(H, \tfrac{r}{1 + r}))$, "
    r"$p_N = \mathbb{E}\left[\frac{rA}{N + (r - 1)A}\right]$, "
    r"$A \sim \text{Bin}(N, \tfrac{1}{2})$",
    assumptions=(of_family("product"), EVERY_LEVEL, DRAWN),
    kind="exact",
)
def product_law(problem: Problem, sampler: Sampler) -> float:
    r"""Return D_TV(Ber(p_N)^H, Ber(r/(1+r))^H) = Theta(min(1, sqrt(H)/N)), r = 2 in the paper.

    The tokens of the output are independent, each a one with probability
    p_N = E[rA/(N+(r-1)A)], for r = 2 at most 2/3 - (4/27)/N, for every unbiased resampling scheme;
    see `simulator.exact.lumped`.

    Guarantee: exact, arXiv 2603.07887v1, C.8 and claim C.9.

    Parameters
    ----------
    problem : Problem
        An instance of the family "product".
    sampler : Sampler
        SMC that is resampled at every level, by any unbiased scheme, or one that declares this
        law.

    Returns
    -------
    float
        D_TV itself.

    Examples
    --------
    >>> from simulator.problem.families.product import product
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{product_law(product(64), SMC(8)):.3f}")
    0.129
    """
    return product_tv(problem.horizon, sampler.n_particles, argument(problem, "ratio"))

r"""C.2: weights are proper, for every unbiased resampling scheme and any time of resampling.

Problem: any. Algorithm: SMC with any scheme, threshold, block and proposal, SMC-RS, DMC without
restart, SIS, lookahead; the output is drawn from the last weighted cloud. Guarantee: **exact**,
E[W^_H 1{Y = y}] = pi_ref(y) r(y), arXiv 2603.07887v1, C.2, with g = 1{y}; so E[W^_H] = Z.
Assumptions: V^ > 0 along y; a path that meets V^ = 0 is never output, both sides are then 0 (for
samplers that ask for V^ at every prefix).

>>> print(proper_weighting.check().status)
holds
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.problem.families.eos import eos
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.claim import Evidence, claim, row, weigh
from theory.claims.weight_shortfall import lossy

__all__ = ["path_weights", "proper_weighting"]

SCHEMES = ("multinomial", "systematic", "stratified", "residual", "ssp", "killing")
SAMPLERS: tuple[Sampler, ...] = (
    *(SMC(3, scheme, t) for scheme in SCHEMES for t in (1.0, 0.6)),
    SMC(2, proposal="optimal"), SMC(2, proposal="uniform"),
    SMCRejection(3), DiffusionMonteCarlo(3, restart=False),
)  # fmt: skip
# these do not ask for V^ at every prefix, so they lose other paths than those with V^ = 0
SELDOM: tuple[Sampler, ...] = (SMC(2, block=2), SIS(3), Lookahead(2))


def path_weights(problem: Problem, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return pi_ref(y) r(y) of token paths, 0 if V^ = 0 on the way, step by step along each.

    Parameters
    ----------
    tokens : (K, H) int array
        -1 for an outcome that pi_ref does not reach.

    Returns
    -------
    (K,) array

    Examples
    --------
    >>> path_weights(lossy(), np.array([[0, 1], [1, 0]])).tolist()
    [0.5, 0.0]
    """
    model, out = problem.model, np.zeros(len(tokens))
    for k, path in enumerate(tokens):
        state, weight = 0, float((path >= 0).all())
        for h, a in enumerate(path if weight else []):
            weight *= float(model.probs[h][state, a])
            if problem.edge_reward is not None:
                weight *= float(np.asarray(problem.edge_reward[h])[state, a])
            state = int(model.next_state[h][state, a])
            weight *= float(problem.prm[h + 1][state] > 0)
        out[k] = weight * float(problem.reward[state])
    return out


@claim(
    id="C.2",
    title="weights are proper",
    reference="arXiv 2603.07887v1, C.2",
    kind="exact",
    statement="E[W^_H 1{Y = y}] = pi_ref(y) r(y) for each path y on which V^ > 0",
    latex=r"$\mathbb{E}[\hat{W}_H \mathbf{1}\{Y = y\}] = \pi_{\text{ref}}(y)\,r(y)$ "
    r"for each path $y$ on which $\hat{V} > 0$",
)
def proper_weighting(thorough: bool) -> Evidence:
    """Compare E[W 1{Y = y}] from the exact law with pi_ref(y) r(y), path by path."""
    trees = [random_tree(horizon=3, seed=s, sparse=0.2) for s in range(20 if thorough else 1)]
    rows = []
    for problem in [reference(3), eos(3), lossy(), *trees]:
        positive = not problem.lost_states and (problem.reward > 0).all()
        for sampler in (*SAMPLERS, *(SELDOM if positive else ())):
            law = sampler.exact_law(problem)
            assert law.weighted is not None
            assert law.tokens is not None
            gap = np.abs(law.weighted - path_weights(problem, law.tokens) / np.exp(problem.log_z))
            text = f"largest difference over {gap.size} paths, {sampler}"
            rows.append(row(problem.name, text, float(gap.max()), "=", 0.0))
    worst = max(r["left"] for r in rows)
    ways = len(SAMPLERS) + len(SELDOM)
    return weigh(rows, f"Both sides agree to {worst:.1e} of Z for {ways} ways of filtering.")

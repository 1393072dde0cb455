r"""KL: the divergence of pi* from the law of the output is at most E_{pi*}[log m].

Problem: any without lost mass. Algorithm: multinomial SMC at every level, SMC by rejection.
Guarantee: **upper** bounds,

    KL(pi* ‖ nu) <= E_{pi*}[log m(y)] <= log(1 + v),
    E_{pi*}[log m(y)] <= sum_k E_{pi*}[log(1 + (R_k-1)_+/N)],

m the mean weight of conditional SMC (bound J), v the relative variance of W^_H (bound S2) and R_k
the largest coalescence ratio (bound K): nu >= pi*/m path by path, Jensen, and m is at most a
product (first step: see arXiv 1312.6432; divergence of one draw of SMC: see arXiv 1503.00966). With
lost mass the divergence is inf.

>>> print(divergence_to_output.check().status)
holds
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from simulator.exact.coalescence import coalescence
from simulator.exact.second_moments import path_second_moment, relative_variance
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["by_edges", "divergence", "divergence_to_output", "mean_log_weight"]

NUMBERS = (1, 2, 4)


def divergence(problem: Problem, sampler: Sampler) -> float:
    """Return KL(pi* ‖ nu) over paths, exactly.

    Parameters
    ----------
    problem : Problem
        A tree.
    sampler : Sampler
        Any with an exact law.

    Returns
    -------
    float
        inf if a path of pi* is never the output.
    """
    law = sampler.exact_law(problem)
    wanted = law.target > 0
    with np.errstate(divide="ignore"):
        return -float(law.target[wanted] @ np.log(law.law[wanted] / law.target[wanted]))


def mean_log_weight(problem: Problem, n: int, algorithm: str) -> float:
    """Return E_{pi*}[log m(y)] as a sum over the paths of a tree.

    Parameters
    ----------
    problem : Problem
        A tree without lost mass.
    n : int
        N.
    algorithm : {"smc", "smc-rs"}
        Whose m it is.

    Returns
    -------
    float
    """
    actions = range(problem.model.n_actions)
    tokens = list(itertools.product(actions, repeat=problem.horizon))
    target = problem.forward_backward.target_marginal[problem.model.state_start[-2] :]
    wanted = target > 0
    m = path_second_moment(problem, n, np.array(tokens)[wanted], algorithm)
    return float(target[wanted] @ np.log(m))


def by_edges(problem: Problem, n: int, algorithm: str) -> float:
    """Return sum_k E_{pi*}[log(1 + (R_k-1)_+/N)], a sum over edges.

    Parameters
    ----------
    problem : Problem
        Without lost mass.
    n : int
        N.
    algorithm : {"smc", "smc-rs"}
        Whose R_k it is.

    Returns
    -------
    float
    """
    found = coalescence(problem, rejection=algorithm == "smc-rs")
    fb = problem.forward_backward
    mass = fb.alive_target_marginal[fb.edges.source] * np.exp(found.edges.log_posterior)
    excess = np.expm1(np.maximum(found.log_largest, 0.0)) / n
    return float(mass @ np.log1p(excess))


@claim(
    id="KL",
    title="the divergence of the target from the output is at most the mean log weight",
    reference="pi*/m <= nu: see arXiv 1312.6432; divergence of one draw: see arXiv 1503.00966",
    kind="upper",
    statement="KL(pi* ‖ nu) <= E_pi*[log m] <= log(1 + v), and <= sum_k E_pi*[log(1+(R_k-1)_+/N)]",
    latex=r"$\text{KL}(\pi^* \Vert \nu) \le \mathbb{E}_{\pi^*}[\log m] \le \log(1 + v)$, and "
    r"$\le \sum_k \mathbb{E}_{\pi^*}\left[\log\left(1 + \frac{(R_k - 1)_+}{N}\right)\right]$",
)
def divergence_to_output(thorough: bool) -> Evidence:
    """Compare exact divergences with the three bounds."""
    trees = [random_tree(horizon=3, seed=s) for s in range(20 if thorough else 2)]
    rows: list[Row] = []
    for problem in (reference(2), reference(3), *trees):
        for n, kind in itertools.product(NUMBERS, ("smc", "smc-rs")):
            sampler = SMC(n) if kind == "smc" else SMCRejection(n)
            least = mean_log_weight(problem, n, kind)
            far = divergence(problem, sampler)
            name, variance = problem.name, relative_variance(problem, n, kind)
            rows += [
                row(name, f"KL of {sampler} against E log m", far, "<=", least),
                row(name, f"E log m of {sampler}, log(1 + v)", least, "<=", math.log1p(variance)),
                row(name, f"E log m of {sampler}, edges", least, "<=", by_edges(problem, n, kind)),
            ]
    told = [r for r in rows if r["quantity"].startswith("KL") and r["right"] > 1e-9]
    worst = max(r["left"] / r["right"] for r in told)
    return weigh(
        rows,
        f"The divergence is at most {worst:.3f} of E log m, which is below log(1 + v) and below "
        "the sum over edges.",
    )

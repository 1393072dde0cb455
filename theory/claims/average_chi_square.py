r"""AVG: the sum of chi-squares over N is no bound, nor with their square roots added.

Problem: `rare_path` of horizons 2, 3 and 4, and one block of `dips` with four dips, each made for
the N of the sampler. Algorithm: multinomial SMC. Guarantee: **shape**, the exact error divided by
(1/N) sum_h (c_h + sqrt c_h), c_h = chi2(pi*_h ‖ eta_h) of pairs, grows with N beyond all limits.
On rare-path c_h <= 2 and the error is at least q (1 - 1/2), so the ratio is at least N q/(8 H), of
order N^((H-1)/(2H-1)). One level alone has such a bound, (c + sqrt(c (1+c)))/(2 N); for H levels
S1, a sum over square roots of c_h/N, takes its place.

>>> print(average_chi_square.check().status)
holds
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from simulator.problem.families.dips import dips
from simulator.problem.families.rare_path import path_probability, rare_path
from simulator.problem.problem import Problem
from theory.claim import Evidence, claim, row, weigh
from theory.criteria import criteria
from theory.instances.dips import block_law, blocks_error
from theory.instances.surviving_branch import branch_error

__all__ = ["average_chi_square", "candidate"]


def candidate(problem: Problem, n_particles: int) -> float:
    """Return (1/N) sum_h (c_h + sqrt c_h), which one might take for a bound.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_particles : int
        N.

    Examples
    --------
    >>> print(f"{candidate(rare_path(64, 2), 64):.4f}")
    0.0795
    """
    c = criteria(problem).proposal_chi2
    return float((c + np.sqrt(c)).sum() / n_particles)


@claim(
    id="AVG",
    title="the average chi-square over N is no bound",
    reference="counterexamples from bounds E and X; a question beside bound S1",
    kind="shape",
    statement="D_TV/((1/N) sum_h (c_h + sqrt c_h)) grows without limit on rare-path and on dips",
    latex=r"$D_{\text{TV}} \Big/ \frac{1}{N} \sum_h (c_h + \sqrt{c_h})$ grows without limit "
    r"on rare-path and on dips",
)
def average_chi_square(thorough: bool) -> Evidence:
    """Follow the ratio of exact errors to the candidate as N grows."""
    far = [16, 64, 256, *([1024] * thorough)]
    series = [
        ("rare-path, H = 2", partial(_rare_path, horizon=2), [4**k for k in range(2, 9)]),
        ("rare-path, H = 3", partial(_rare_path, horizon=3), far),
        ("rare-path, H = 4", partial(_rare_path, horizon=4), far),
        ("dips, j = 4", partial(_dips, j=4), [16, 32, 64]),
    ]
    rows, ends = [], []
    for name, ratio, sizes in series:
        found = [ratio(n) for n in sizes]
        for (n, before), (m, after) in itertools.pairwise(zip(sizes, found, strict=True)):
            rows.append(row(name, f"ratio at N = {m}, against N = {n}", after, ">", before))
        ends.append(f"{found[-1]:.3g} at N = {sizes[-1]} ({name})")
    for horizon, n in itertools.product((2, 3, 4), (16, 256)):
        proved = n * path_probability(n, horizon) / (8 * horizon)
        text = f"ratio at N = {n}, against the proof"
        rows.append(row(f"rare-path, H = {horizon}", text, _rare_path(n, horizon), ">=", proved))
    rows.append(row("rare-path, H = 2", "ratio at N = 65536", _rare_path(4**8, 2), ">", 3))
    return weigh(rows, f"The error over the candidate reaches {', '.join(ends)}, and still grows.")


def _rare_path(n: int, horizon: int) -> float:
    """Error over candidate on a rare path."""
    problem = rare_path(n, horizon)
    return branch_error(problem, n) / candidate(problem, n)


def _dips(n: int, j: int) -> float:
    """Error over candidate on one block of dips."""
    return blocks_error(block_law(n, n, j), n, 1) / candidate(dips(n, dips=j), n)

"""A statement to copy: change the names, the formula and the docstring, and it is yours.

Problem: any. Algorithm: SIS, which draws N whole paths from pi_ref and outputs one in proportion
to its reward. Guarantee: **upper** bound, attained at N = 1 on some problems.

In a file of your own, ``particlebounds check PROBLEM --sampler sis --statement FILE.py`` checks
it; `theory.check` takes it in ``bounds=``. In this project it becomes a file of theory/bounds/ and
a line of `theory.registry`.
"""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NEVER_RESAMPLED
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["sequence_coverage"]


@bound(
    id="SIS-coverage",  # short, as it stands in tables
    title="sequence-level coverage",  # in words
    reference="Jensen's inequality on E[Z/W^_H | y is drawn]",  # where it is stated or proved
    formula="(C-1)/(N+C-1), C = max pi*/pi_ref",  # plain, for the terminal
    latex=r"$\frac{C-1}{N+C-1}$, $C = \max \pi^*/\pi_{\text{ref}}$",  # for the documentation
    assumptions=(NEVER_RESAMPLED, DRAWN),  # of theory.assumptions; they choose the samplers
    kind="upper",  # of the error; or "lower", or "exact"
)
def sequence_coverage(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (C-1)/(N+C-1), C the largest pi*/pi_ref of a path.

    Given that y is one of the N paths, W^_H/Z is the mean of pi*(y)/pi_ref(y) <= C and of N-1
    variables of mean 1, so its mean m(y) is at most 1 + (C-1)/N. The output law nu satisfies
    nu(y)/pi*(y) >= 1/m(y), and D_TV = sum over y of (pi* - nu)_+ <= 1 - 1/(1 + (C-1)/N).

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SIS, or one that declares its law.

    Returns
    -------
    float
        The bound.

    Examples
    --------
    >>> from simulator import SIS, open_problem
    >>> problem = open_problem("reference:horizon=3")
    >>> for n in (1, 16):
    ...     error = SIS(n).exact_law(problem).tv
    ...     print(f"{error:.4f} <= {sequence_coverage(problem, SIS(n)):.4f}")
    0.1778 <= 0.4000
    0.0103 <= 0.0400
    """
    coverage = criteria(problem).sequence_coverage
    return (coverage - 1) / (sampler.n_particles + coverage - 1)

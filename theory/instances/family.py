"""Recognise problems of one family: some statements are about that family only."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.instances.hidden_labels import label_counts
from theory.statement import Assumption

__all__ = ["FEW", "MYOPIC", "NO_RESTART", "argument", "of_family"]

# Myopic, and blind to the names of the tokens: their law of "good" is the same for all y*.
MYOPIC = ("smc", "smc-rs", "alrs", "dmc", "sis", "best-of-n")
NO_RESTART = Assumption(
    "no restart: a filter that may start again is not myopic",
    lambda problem, sampler: not getattr(sampler, "restart", False),
    True,
)
FEW = Assumption(
    "at most as many particles as levels of delay",
    lambda problem, sampler: sampler.n_particles <= len(label_counts(problem)),
    True,
)


def of_family(*names: str) -> Assumption:
    """Return the assumption that the problem was made by one of these families.

    Parameters
    ----------
    *names : str
        Names of `Problem.instance`.

    Returns
    -------
    Assumption
    """

    def holds(problem: Problem, sampler: Sampler) -> bool:
        return problem.instance is not None and problem.instance.family in names

    return Assumption(f"the instance {' or '.join(names)}", holds, True)


def argument(problem: Problem, name: str) -> float:
    """Return a number with which the family made the problem.

    Parameters
    ----------
    problem : Problem
        With an `instance`.
    name : str

    Returns
    -------
    float
    """
    assert problem.instance is not None
    value = problem.instance.arguments[name]
    assert isinstance(value, (int, float))
    return value

"""Every hypothesis of a statement, once; those about the sampler ask for its facts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from theory.criteria import criteria
from theory.instances.hidden_labels import label_counts

__all__ = [
    "ADAPTIVE",
    "ALONE",
    "AT_MOST_MULTINOMIAL",
    "BRANCHING",
    "DRAWN",
    "EVEN_CELLS",
    "EVERY_LEVEL",
    "FEW",
    "FINITE_ACCURACY",
    "FINITE_COVERAGE",
    "KEEPS_MASS",
    "MULTINOMIAL",
    "MYOPIC",
    "NEGATIVELY_CORRELATED",
    "NEVER_RESAMPLED",
    "NO_MORE_PARTICLES",
    "NO_RESTART",
    "PATH_WEIGHT",
    "PROPER",
    "REJECTION",
    "SECOND_MOMENT",
    "SLOTS",
    "UNBIASED_LEVELS",
    "UNCUT",
    "UNGUIDED",
    "WEIGHT",
    "Assumption",
    "argument",
    "of_family",
]

NEGLIGIBLE = 1e-13  # probability of a run that is cut off
PERFECT = 1e-12  # V*/V^ varies so little within a level: by rounding


@dataclass(frozen=True)
class Assumption:
    """One hypothesis of a statement.

    Parameters
    ----------
    text : str
        What is assumed; it completes "needs: ...".
    holds : callable
        (problem, sampler, facts of the sampler on the problem) to bool.
    structural : bool, optional
        If true, the statement says nothing when this fails: it does not apply. If false, a
        constant is infinite: the statement applies and its value is inf.
    """

    text: str
    holds: Callable[[Problem, Sampler, Facts], bool]
    structural: bool = True


def _law(text: str, holds: Callable[[Facts], bool]) -> Assumption:
    """Assume something of the sampler's facts alone."""
    return Assumption(text, lambda problem, sampler, facts: holds(facts))


def _multinomial(facts: Facts) -> bool:
    return facts.family == "smc" and facts.variance == "multinomial"


def _harmonic(problem: Problem, facts: Facts) -> bool:
    """Whether offspring leave no trace: given its parent, every weight has the same mean."""
    if facts.family != "smc" or criteria(problem).loses_mass:
        return False
    return float(criteria(problem).level_spread.max()) <= 1 + PERFECT


EVERY_LEVEL = _law(
    "SMC that is resampled at every level, tokens drawn from pi_ref",
    lambda facts: facts.family == "smc",
)
MULTINOMIAL = _law(
    "SMC with multinomial resampling at every level, tokens drawn from pi_ref", _multinomial
)
AT_MOST_MULTINOMIAL = _law(
    "SMC, tokens drawn from pi_ref, resampled at every level with no more variance than "
    "multinomial resampling has, or quasi-SMC with no more",
    lambda facts: facts.family in ("smc", "quasi-smc") and facts.variance != "none known",
)
EVEN_CELLS = _law(
    "quasi-SMC whose cells get as many hits as their masses ask for, rounded up or down",
    lambda facts: facts.family == "quasi-smc" and facts.cell_order is not None,
)
SLOTS = _law(
    "SMC, tokens drawn from pi_ref, resampled at every level by a scheme that is known as slots",
    lambda facts: facts.scheme is not None,
)
NEGATIVELY_CORRELATED = _law(
    "SMC, tokens drawn from pi_ref, resampled at every level with negatively correlated offspring",
    lambda facts: _multinomial(facts) or (facts.family == "smc" and facts.negatively_correlated),
)
ADAPTIVE = _law(
    "SMC, tokens drawn from pi_ref, with multinomial resampling where the size of the weights is "
    "below tN, 0 < t < 1",
    lambda facts: facts.adaptive is not None,
)
UNBIASED_LEVELS = _law(
    "SMC that is resampled at every level, tokens drawn from pi_ref, or SMC by rejection",
    lambda facts: facts.family in ("smc", "smc-rs"),
)
UNGUIDED = _law(
    "N particles with tokens drawn from pi_ref: SMC that is resampled at every level, or SIS",
    lambda facts: facts.family in ("smc", "sis"),
)
REJECTION = _law("SMC by rejection", lambda facts: facts.family == "smc-rs")
NEVER_RESAMPLED = _law("SIS, which never resamples", lambda facts: facts.family == "sis")
BRANCHING = _law("independent branching (SMC-IND)", lambda facts: facts.family == "smc-ind")
SECOND_MOMENT = _law(
    "multinomial SMC at every level with tokens from pi_ref, SMC by rejection, or SIS",
    lambda facts: _multinomial(facts) or facts.family in ("smc-rs", "sis"),
)
PATH_WEIGHT = Assumption(
    "SMC, tokens drawn from pi_ref, with multinomial resampling at every level; or with any "
    "unbiased one if V^ = V*",
    lambda problem, sampler, facts: _multinomial(facts) or _harmonic(problem, facts),
)
WEIGHT = Assumption(
    f"{PATH_WEIGHT.text}; SMC by rejection; or SIS",
    lambda problem, sampler, facts: (
        PATH_WEIGHT.holds(problem, sampler, facts) or facts.family in ("smc-rs", "sis")
    ),
)
DRAWN = _law("an output drawn from the last weighted cloud", lambda facts: facts.drawn)
NO_RESTART = _law("that no run is started again", lambda facts: not facts.restarted)
PROPER = _law(
    "proper weighting, E[W^_H 1{Y=y}] = pi_ref(y) r(y) unless y is lost",
    lambda facts: facts.properly_weighted,
)
MYOPIC = _law("a myopic filter that treats tokens alike", lambda facts: facts.myopic)
FEW = Assumption(
    "at most as many particles as levels of delay",
    lambda problem, sampler, facts: sampler.n_particles <= len(label_counts(problem)),
)
ALONE = Assumption("a single particle", lambda problem, sampler, facts: sampler.n_particles == 1)
NO_MORE_PARTICLES = Assumption(
    "at most as many particles as the instance is made for",
    lambda problem, sampler, facts: sampler.n_particles <= argument(problem, "particles"),
)
UNCUT = _law(
    "that no run is cut off, up to a probability of 1e-13", lambda facts: facts.cut <= NEGLIGIBLE
)

KEEPS_MASS = Assumption(
    "no lost mass: V^ > 0 wherever pi* goes",
    # SIS asks for V^ at terminal states only
    lambda problem, sampler, facts: facts.family == "sis" or not criteria(problem).loses_mass,
    structural=False,
)
FINITE_COVERAGE = Assumption(
    "finite action-level coverage (3.1)",
    lambda problem, sampler, facts: math.isfinite(criteria(problem).action_coverage),
    structural=False,
)
FINITE_ACCURACY = Assumption(
    "finite L-infinity accuracy of the PRM (3.3)",
    lambda problem, sampler, facts: math.isfinite(criteria(problem).prm_accuracy),
    structural=False,
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

    def holds(problem: Problem, sampler: Sampler, facts: Facts) -> bool:
        return problem.instance is not None and problem.instance.family in names

    return Assumption(f"the instance {' or '.join(names)}", holds)


def argument(problem: Problem, name: str) -> float:
    """Return a number with which a family made the problem.

    Parameters
    ----------
    problem : Problem
        With an `instance`.
    name : str
        Name of the argument, which must be a number.

    Returns
    -------
    float
    """
    assert problem.instance is not None
    value = problem.instance.arguments[name]
    assert isinstance(value, (int, float))
    return value

"""What a registered statement is; theory/bounds holds one a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.measure.confidence import mean_upper
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.registry import SAMPLERS
from simulator.typing import RngLike
from theory.criteria import criteria

__all__ = [
    "DRAWN",
    "FINITE_ACCURACY",
    "FINITE_COVERAGE",
    "KEEPS_MASS",
    "MULTINOMIAL",
    "NO_RESTART",
    "PROPER",
    "REJECTION",
    "Assumption",
    "Bound",
    "Estimate",
    "Samples",
    "Statement",
    "algorithm",
    "recursion",
    "register",
]


Statement = Callable[[Problem, Sampler], float]
Samples = Callable[[Problem, Sampler, int, RngLike], tuple[npt.NDArray[np.float64], float]]
F = TypeVar("F", bound=Statement)


@dataclass(frozen=True)
class Assumption:
    """One hypothesis of a statement.

    Attributes
    ----------
    text : str
    holds : callable
        (problem, sampler) to bool.
    structural : bool
        If true, the statement says nothing when this fails: it does not apply. If false, a
        constant is infinite: the statement applies and its value is inf.
    """

    text: str
    holds: Callable[[Problem, Sampler], bool]
    structural: bool


def algorithm(sampler: Sampler) -> str:
    """Return the registered name of a sampler, "" if it has none.

    Parameters
    ----------
    sampler : Sampler

    Returns
    -------
    str
    """
    return next((name for name, kind in SAMPLERS.items() if type(sampler) is kind), "")


def _multinomial(problem: Problem, sampler: Sampler) -> bool:
    if getattr(sampler, "block", 1) != 1:
        return False
    if getattr(sampler, "proposal", "reference") != "reference":
        return False
    # With one particle, or one level, nothing is resampled and all schemes have the same law.
    every = getattr(sampler, "ess_threshold", 1.0) >= 1.0
    scheme = getattr(sampler, "resampling", "multinomial")
    return sampler.n_particles == 1 or problem.horizon == 1 or (scheme == "multinomial" and every)


MULTINOMIAL = Assumption(
    "multinomial resampling at every level, tokens drawn from pi_ref", _multinomial, True
)
DRAWN = Assumption(
    "the output is drawn from the last weighted cloud",
    lambda problem, sampler: getattr(sampler, "select", "sample") == "sample",
    True,
)
NO_RESTART = Assumption(
    "that no run is started again",
    lambda problem, sampler: not getattr(sampler, "restart", False),
    True,
)
PROPER = Assumption(
    "proper weighting, E[W^_H 1{Y=y}] = pi_ref(y) r(y) unless y is lost",
    lambda problem, sampler: sampler.properly_weighted,
    True,
)
KEEPS_MASS = Assumption(
    "no lost mass: V^ > 0 wherever pi* goes",
    # SIS asks for V^ at the leaves only
    lambda problem, sampler: algorithm(sampler) == "sis" or not criteria(problem).loses_mass,
    False,
)
FINITE_COVERAGE = Assumption(
    "finite action-level coverage (3.1)",
    lambda problem, sampler: math.isfinite(criteria(problem).action_coverage),
    False,
)
FINITE_ACCURACY = Assumption(
    "finite L-infinity accuracy of the PRM (3.3)",
    lambda problem, sampler: math.isfinite(criteria(problem).prm_accuracy),
    False,
)


REJECTION = ("smc-rs", "dmc", "alrs")  # have the law of SMC by rejection, if not restarted


def recursion(sampler: Sampler) -> str:
    """Name the algorithm under which `simulator.exact.second_moments` knows a sampler.

    Parameters
    ----------
    sampler : Sampler

    Returns
    -------
    {"smc", "smc-rs", "sis"}
    """
    name = algorithm(sampler)
    return "smc-rs" if name in REJECTION else name


class Estimate(NamedTuple):
    """A bound that is a mean, measured: `low` and `high` both hold at the stated confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Bound:
    """A statement about D_TV(law of one output path, pi*).

    Attributes
    ----------
    id, title : str
    reference : str
        Where it is stated or proved.
    kind : {"upper", "lower", "exact"}
    algorithms : tuple of str
        Registered names of the samplers that it speaks of.
    assumptions : tuple of Assumption
    formula : str
    measured : bool
        Whether the value is a mean over the sampler's own randomness: `value` enumerates it on
        small problems, `estimate` measures it on any.
    function : callable
        (problem, sampler) to float.
    samples : callable or None
        Draws independent variables in [0, high] whose mean is the value, and `high`.
    """

    id: str
    title: str
    reference: str
    kind: Literal["upper", "lower", "exact"]
    algorithms: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    formula: str
    measured: bool
    function: Statement
    samples: Samples | None = None

    def why_not(self, problem: Problem, sampler: Sampler) -> str | None:
        """Say why the statement does not speak of this sampler; None if it does.

        Parameters
        ----------
        problem : Problem
        sampler : Sampler

        Returns
        -------
        str or None
        """
        if algorithm(sampler) not in self.algorithms:
            return f"is about {', '.join(self.algorithms)}"
        for a in self.assumptions:
            if a.structural and not a.holds(problem, sampler):
                return f"needs: {a.text}"
        return None

    def applicable(self, problem: Problem, sampler: Sampler) -> bool:
        """Whether the statement speaks of this sampler (its value may still be inf).

        Parameters
        ----------
        problem : Problem
        sampler : Sampler

        Returns
        -------
        bool
        """
        return self.why_not(problem, sampler) is None

    def infinite_because(self, problem: Problem, sampler: Sampler) -> str | None:
        """Name the assumption for want of which the value is inf; None if there is none.

        Parameters
        ----------
        problem : Problem
        sampler : Sampler

        Returns
        -------
        str or None
        """
        for a in self.assumptions:
            if not a.structural and not a.holds(problem, sampler):
                return a.text
        return None

    def _check(self, problem: Problem, sampler: Sampler) -> None:
        reason = self.why_not(problem, sampler)
        if reason is not None:
            raise InputError(f"bound {self.id} {reason}")

    def value(self, problem: Problem, sampler: Sampler) -> float:
        """Return the number that the statement gives; inf if one of its constants is.

        Parameters
        ----------
        problem : Problem
        sampler : Sampler

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the statement does not speak of this sampler.
        TooLargeError
            If the value needs an enumeration that is too large.
        """
        self._check(problem, sampler)
        if self.infinite_because(problem, sampler) is not None:
            return math.inf
        return float(self.function(problem, sampler))

    def estimate(
        self,
        problem: Problem,
        sampler: Sampler,
        n_runs: int,
        rng: RngLike,
        confidence: float = 0.99,
    ) -> Estimate:
        """Measure the value from independent runs, with limits that hold at any sample size.

        Parameters
        ----------
        problem : Problem
        sampler : Sampler
        n_runs : int
        rng : int, SeedSequence or Generator
        confidence : float, optional

        Returns
        -------
        Estimate

        Raises
        ------
        InputError
            If the statement does not speak of this sampler or is not a mean.
        """
        self._check(problem, sampler)
        if self.samples is None:
            raise InputError(f"bound {self.id} is not a mean, it cannot be measured")
        if self.infinite_because(problem, sampler) is not None:
            return Estimate(math.inf, math.inf, math.inf)
        x, top = self.samples(problem, sampler, n_runs, rng)
        if top == 0.0:
            return Estimate(0.0, 0.0, 0.0)
        x = np.clip(x, 0.0, top)  # beyond by rounding only
        half = (1 - confidence) / 2
        low = max(0.0, top - mean_upper(top - x, half, 0.0, top))
        return Estimate(float(x.mean()), low, mean_upper(x, half, 0.0, top))


FOUND: dict[str, Bound] = {}


def register(
    *,
    id: str,
    title: str,
    reference: str,
    formula: str,
    assumptions: tuple[Assumption, ...],
    kind: Literal["upper", "lower", "exact"] = "upper",
    algorithms: tuple[str, ...] = ("smc",),
    measured: bool = False,
    samples: Samples | None = None,
) -> Callable[[F], F]:
    """Register the decorated function (problem, sampler) -> float as a `Bound`.

    Parameters
    ----------
    id, title, reference, formula, assumptions, kind, algorithms, measured, samples
        As in `Bound`.

    Returns
    -------
    callable
        The decorator; it returns the function unchanged.

    Raises
    ------
    ValueError
        If the id is taken.
    """

    def add(function: F) -> F:
        if id in FOUND:
            raise ValueError(f"two statements are called {id!r}")
        FOUND[id] = Bound(
            id, title, reference, kind, algorithms, assumptions, formula, measured, function,
            samples,
        )  # fmt: skip
        return function

    return add

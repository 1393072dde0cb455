"""What a law of accuracy says, how it was computed, and the clouds that it speaks of."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike

__all__ = ["AccuracyLimits", "Draws", "cloud_problem"]


@dataclass(frozen=True)
class AccuracyLimits:
    """Limits of the probability of a right answer, and a guess.

    Parameters
    ----------
    low, high : float
        The probability lies between them.
    predicted : float or None
        A guess that lies near it in most cases, and between no limits; None if there is none.
    confidence : float
        Probability that both limits hold is at least this; 1 if no path was drawn for them.
    """

    low: float
    high: float
    predicted: float | None
    confidence: float


@dataclass(frozen=True)
class Draws:
    """How means over paths are measured where the paths are too many to list.

    Parameters
    ----------
    n : int, optional
        Paths drawn for one mean, at least 2.
    rng : int, SeedSequence or Generator, optional
        Of the draws.
    confidence : float, optional
        Of both limits together, in (0, 1).

    Raises
    ------
    InputError
        If a number is out of range.
    """

    n: int = 2000
    rng: RngLike = 0
    confidence: float = 0.99

    def __post_init__(self) -> None:
        check_int("n_draws", self.n, 2)
        check_real("confidence", self.confidence, 0, 1, above=True, below=True)

    def split(self, k: int) -> list[Draws]:
        """Make draws for k means whose limits hold together.

        Parameters
        ----------
        k : int
            How many.

        Returns
        -------
        list of Draws
            Each with its own randomness, and with 1/k of the error probability.
        """
        each = 1 - (1 - self.confidence) / k
        # a part gets a seed of its own, whatever was spawned before
        seeds = [seed_sequence(int(x)) for x in seed_sequence(self.rng).generate_state(k)]
        return [Draws(self.n, seed, each) for seed in seeds]


def cloud_problem(problem: Problem, sampler: Sampler) -> Problem:
    """Return the problem on which the clouds of a sampler are those of multinomial SMC.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC-RS, or one that declares such a law.

    Returns
    -------
    Problem
        Of the same terminal states.

    Raises
    ------
    InputError
        If the sampler declares nothing of the kind.
    """
    facts = facts_of(sampler, problem)
    if not facts.restarted:
        if facts.family == "smc" and facts.variance == "multinomial":
            return problem
        if facts.family == "smc-rs":
            return fully_adapted(problem)
        if facts.rewritten is not None:
            return facts.rewritten
    raise InputError(
        "law: needs: clouds of SMC with multinomial resampling at every level, or of SMC by "
        "rejection, without restarts"
    )

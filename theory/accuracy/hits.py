"""Probabilities that events are hit by the proposals of level H: limits of several at once (A2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.interval import Interval
from simulator.measure.accuracy_law import pass_upper
from simulator.problem.events import chance_ahead, earning, shortened
from simulator.problem.problem import Problem
from simulator.problem.transforms import in_blocks
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Bools
from theory.accuracy.answers import Draws, cloud_problem
from theory.accuracy.path_means import inverse_means

__all__ = ["Hits"]


@dataclass
class Hits:
    """The proposals of level H of a sampler; what is measured of paths serves all events.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC-RS, SIS, or one that declares one of
        these laws.

    Raises
    ------
    InputError
        If the law does not speak of the sampler.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference")
    >>> hits = Hits(problem, SMC(2))
    >>> right = problem.reward > 2.5
    >>> low, high = hits.at_least([right], Draws())[0], hits.at_most([right], Draws())[0]
    >>> print(f"{low.low:.3f} {high.high:.3f}")
    0.275 0.445
    """

    problem: Problem
    sampler: Sampler
    clouds: Problem | None = field(init=False)

    def __post_init__(self) -> None:
        independent = facts_of(self.sampler, self.problem).family == "sis"
        self.clouds = None if independent else cloud_problem(self.problem, self.sampler)

    def _known(self, event: Bools) -> float | None:
        """Return the probability itself where it is in closed form."""
        n = self.sampler.n_particles
        if self.clouds is None:
            return pass_upper(_reference_chance(self.problem, event), n)
        ahead = chance_ahead(self.clouds, event)
        if not ahead.any():
            return 0.0
        return pass_upper(min(float(ahead[0]), 1.0), n) if self.problem.horizon == 1 else None

    def at_least(self, events: list[Bools], draws: Draws) -> list[Interval]:
        """Lower limits: E_{pi*_E}[1/m_E], or sum_E pi*_e/m if that is larger.

        Parameters
        ----------
        events : list of (S_H,) bool arrays
            Each E.
        draws : Draws
            Where paths are too many to list; all limits hold together.

        Returns
        -------
        list of Interval
            Of which `low` is the limit, and `high` is 1 unless the number is known.
        """
        known = [self._known(event) for event in events]
        asked = [e.astype(np.float64) for e, k in zip(events, known, strict=True) if k is None]
        if self.clouds is None or not asked:
            return [Interval.exactly(k) for k in known if k is not None]
        n, parts = self.sampler.n_particles, draws.split(1 + len(asked))
        outputs = inverse_means(self.clouds, n, "smc", asked, parts[0])
        made = []
        for f, output, part in zip(asked, outputs, parts[1:], strict=True):
            alone = inverse_means(earning(self.clouds, f > 0), n, "smc", [f], part)[0]
            low = min(max(alone.low, output.low), 1.0)
            measured = math.inf in (alone.high, output.high)
            made.append(Interval(low, low, 1.0, draws.confidence if measured else 1.0))
        return _filled(known, made)

    def at_most(self, events: list[Bools], draws: Draws) -> list[Interval]:
        """Upper limits 1 - (1 - a)^N, and predictor P2.

        Parameters
        ----------
        events : list of (S_H,) bool arrays
            Each E.
        draws : Draws
            Where paths are too many to list; all limits hold together.

        Returns
        -------
        list of Interval
            Of which `high` is the limit and `value` the guess; nan if no run survives.
        """
        known = [self._known(event) for event in events]
        asked = [e for e, k in zip(events, known, strict=True) if k is None]
        if self.clouds is None or not asked:
            return [Interval.exactly(k) for k in known if k is not None]
        n, ahead = self.sampler.n_particles, [chance_ahead(self.clouds, e) for e in asked]
        most = [min(float(a.max()), 1.0) for a in ahead]
        functions = [np.maximum(c - a, 0.0) for c, a in zip(most, ahead, strict=True)]
        *gaps, every = inverse_means(
            shortened(self.clouds), n, "smc", [*functions, np.ones_like(ahead[0])], draws
        )
        made = []
        for c, gap in zip(most, gaps, strict=True):
            high = pass_upper(max(c - gap.low, 0.0), n)
            guess = math.nan
            if every.value > 0:
                guess = pass_upper(min(max(c - gap.value / every.value, 0.0), 1.0), n)
            measured = gap.high == math.inf
            made.append(Interval(guess, 0.0, high, draws.confidence if measured else 1.0))
        return _filled(known, made)


def _filled(known: list[float | None], made: list[Interval]) -> list[Interval]:
    """Put what is known and what was made into one order."""
    rest = iter(made)
    return [next(rest) if k is None else Interval.exactly(k) for k in known]


def _reference_chance(problem: Problem, event: Bools) -> float:
    """Probability under pi_ref of paths to E; an edge reward of 0 ends a path before level H."""
    if not chance_ahead(in_blocks(problem, problem.horizon), event).any():
        return 0.0
    edges = problem.edge_reward
    if edges is not None:
        edges = [None if e is None else (e > 0).astype(np.float64) for e in [*edges[:-1], None]]
    log_chance = Problem(problem.model, event.astype(float), "exact", edge_reward=edges).log_z
    return min(math.exp(log_chance), 1.0)

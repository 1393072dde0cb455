"""Which samplers a search tries where none is named: one of each law that statements speak of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from simulator.samplers.base import Sampler
from simulator.samplers.registry import make_sampler, parse_options
from theory.falsify.inequality import Inequality
from theory.falsify.starts import starts

__all__ = ["CANDIDATES", "Candidate", "candidates_for"]

PROBED = 60  # problems of either kind on which a statement may speak


class Candidate(NamedTuple):
    """A sampler as one types it.

    Parameters
    ----------
    name : str
        A registered name.
    options : str, optional
        Texts ``key=value``, joined by commas.
    particles : tuple of int, optional
        Numbers of particles to try.
    """

    name: str
    options: str = ""
    particles: tuple[int, ...] = (2, 3, 4, 1)

    def make(self, n: int) -> Sampler:
        """Return the sampler with N particles.

        Parameters
        ----------
        n : int
            N.

        Returns
        -------
        Sampler
        """
        settings = self.options.split(",") if self.options else []
        return make_sampler(self.name, n, **parse_options(self.name, settings))


CANDIDATES = (
    Candidate("smc"),
    Candidate("smc", "resampling=stratified"),
    Candidate("smc", "ess_threshold=0.5"),
    Candidate("smc", "ess_threshold=0.8,resample_when=max_weight"),
    Candidate("smc-rs"),
    Candidate("quasi-smc"),
    Candidate("sis"),
    Candidate("smc-ind"),
    Candidate("alrs", "", (1,)),
    Candidate("smc", "", (5,)),  # two-branch needs as many
)


def candidates_for(inequality: Inequality, horizon: int, actions: int) -> Iterator[Candidate]:
    """Find the samplers of which a claim speaks on some problem.

    Parameters
    ----------
    inequality : Inequality
        The claim.
    horizon, actions : int
        Largest H and A of random problems.

    Yields
    ------
    Candidate
        In the order of `CANDIDATES`; of one name and options the first that fits.

    Examples
    --------
    >>> from theory.falsify.inequality import of_bound
    >>> from theory.registry import BOUNDS
    >>> [c.name for c in candidates_for(of_bound(BOUNDS["3.8"]), 2, 2)]
    ['smc-rs', 'alrs']
    """
    problems = [
        problem
        for families in (False, True)
        for problem in islice(
            starts(np.random.default_rng(0), horizon, actions, any_horizon=families), PROBED
        )
    ]
    seen = set()
    for one in CANDIDATES:
        if (one.name, one.options) in seen:
            continue
        if any(
            inequality.why_not(problem, one.make(n)) is None
            for n in one.particles
            for problem in problems
            # else it may have the law of another one
            if problem.horizon > 1 and (n > 1 or not one.options)
        ):
            seen.add((one.name, one.options))
            yield one

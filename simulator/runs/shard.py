"""One shard of a sweep: counts and exact sums of its runs, and their totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.law import total_variation
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.runs.cells import Rows
from simulator.runs.sums import exact_sum
from simulator.samplers.registry import Sampler, make_sampler, parse_options

__all__ = ["Total", "read_sampler", "run_shard"]

COUNTS = ("runs", "failed", "prm_evaluations", "model_calls")
SUMS = ("shortfall", "shortfall_squared", "w_over_z", "w_over_z_squared")


def read_sampler(spec: str, particles: int) -> Sampler:
    """Make a sampler from ``NAME`` or ``NAME:key=value,key=value``.

    Raises
    ------
    InputError
        If the name, a key or a value is not known or out of range.

    Examples
    --------
    >>> read_sampler("smc:resampling=systematic,ess_threshold=0.5", 4).ess_threshold
    0.5
    """
    name, colon, rest = spec.partition(":")
    settings = [text.strip() for text in rest.split(",")] if colon else []
    return make_sampler(name, particles, **parse_options(name, settings))


def run_shard(
    problem: str,
    digest: str,
    sampler: str,
    particles: int,
    seed: int,
    first_block: int,
    runs: int,
    opened: Problem | None = None,
    normalise: bool = False,
) -> Rows:
    """Draw the runs of one shard and return their counts and sums, as one row.

    Parameters
    ----------
    problem, digest : str
        What to open, and what must be found there.
    sampler : str
        As in `read_sampler`.
    particles, seed, first_block, runs : int
        The runs are numbers 1024 `first_block` and following.
    opened : Problem, optional
        The problem, where it has been opened already.
    normalise : bool, optional
        How to open it, as in `simulator.problem.files.load_problem`.

    Returns
    -------
    list of one dict
        Counts as ints, sums of (1 - W^_H/Z)_+, W^_H/Z and their squares as texts that
        `fractions.Fraction` reads (None where the sampler has none), and the terminal states
        that were output, with their counts.

    Raises
    ------
    InputError
        If the problem is not the one of the digest.
    """
    p = open_problem(problem, normalise=normalise) if opened is None else opened
    if p.digest != digest:
        raise InputError(f"{problem}: not the problem that was meant, it has changed")
    made = read_sampler(sampler, particles)
    drawn = made.run(p, runs, rng=seed, first_block=first_block)
    states, counts = np.unique(drawn.states[~drawn.failed], return_counts=True)
    row: dict[str, object] = {
        "runs": runs,
        "failed": int(drawn.failed.sum()),
        "prm_evaluations": int(drawn.prm_evaluations.sum()),
        "model_calls": int(drawn.model_calls.sum()),
        **dict.fromkeys(SUMS),
        "states": states,
        "counts": counts.astype(np.int64),
    }
    if drawn.log_w is not None:
        with np.errstate(over="ignore"):
            ratio = np.exp(drawn.log_w - p.log_z)
            row["w_over_z"] = str(exact_sum(ratio))
            row["w_over_z_squared"] = str(exact_sum(ratio * ratio))
        if made.properly_weighted:  # else it says nothing about the output
            shortfall = np.maximum(0.0, 1.0 - ratio)
            row["shortfall"] = str(exact_sum(shortfall))
            row["shortfall_squared"] = str(exact_sum(shortfall * shortfall))
    return [row]


@dataclass
class Total:
    """Totals of one grid point; adding a shard costs no memory beyond the states' counts.

    Parameters
    ----------
    counts : dict
        Of `COUNTS`.
    sums : dict
        Of those of `SUMS` that the sampler has.
    states : (S_H,) int array
        How often each terminal state was output.
    """

    problem: Problem
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    sums: dict[str, Fraction] = field(default_factory=dict)
    states: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.states = np.zeros(int(self.problem.model.n_states[-1]), dtype=np.int64)

    def add(self, row: Mapping[str, object]) -> None:
        """Add the row of a shard.

        Parameters
        ----------
        row : mapping
            From `run_shard`, or as it was stored.
        """
        for name in COUNTS:
            self.counts[name] += int(str(row[name]))
        for name in SUMS:
            text = row[name]
            if isinstance(text, str):
                self.sums[name] = self.sums.get(name, Fraction(0)) + Fraction(text)
        self.states[np.asarray(row["states"], dtype=np.int64)] += np.asarray(
            row["counts"], dtype=np.int64
        )

    def summary(self) -> dict[str, object]:
        """Return means over the runs, rounded once.

        Returns
        -------
        dict
            ``plug_in`` is the total variation distance of the observed frequencies, biased
            upwards; ``shortfall`` the mean of (1 - W^_H/Z)_+, whose expectation bounds the error
            (arXiv 2603.07887, lemma C.3), with its standard error. None where the sampler
            has no weights, or a single run no variance.
        """
        n = self.counts["runs"]
        shortfall, relative = self._moments("shortfall"), self._moments("w_over_z")
        return {
            "runs": n,
            "failure": self.counts["failed"] / n,
            "plug_in": total_variation(self.problem.target[-1], self.states / n),
            "shortfall": shortfall[0],
            "shortfall_se": None if shortfall[1] is None else float(shortfall[1] / n) ** 0.5,
            "mean_w_over_z": relative[0],
            "relative_variance": None if relative[1] is None else float(relative[1]),
            "prm_evaluations": self.counts["prm_evaluations"] / n,
            "model_calls": self.counts["model_calls"] / n,
        }

    def _moments(self, name: str) -> tuple[float | None, Fraction | None]:
        """Mean and unbiased variance; the squares were rounded, so it may miss zero by an ulp."""
        if name not in self.sums:
            return None, None
        n = self.counts["runs"]
        mean = self.sums[name] / n
        if n == 1:
            return float(mean), None
        variance = (self.sums[f"{name}_squared"] - n * mean**2) / (n - 1)
        return float(mean), max(variance, Fraction(0))

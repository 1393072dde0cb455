"""Stored instances: the worst found of every bound, and those that refute false claims."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator.problem.files import load_problem
from simulator.problem.library import make_problem
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.falsify.conjectures import CONJECTURES
from theory.falsify.inequality import Inequality, of_bound
from theory.falsify.samplers import Candidate
from theory.registry import BOUNDS

__all__ = ["FOLDER", "Entry", "atlas", "file_name", "refuted", "write_index"]

FOLDER = Path(__file__).with_name("data")
INDEX, REFUTED = "atlas.json", "refuted.json"


@dataclass(frozen=True)
class Entry:
    """An instance and what was found on it.

    Parameters
    ----------
    statement : str
        Id of the bound, or of the conjecture.
    sampler : str
        A registered name.
    options : str
        Texts ``key=value``, joined by commas; may be empty.
    particles : int
        N.
    problem : str
        A file of the atlas, or a ready problem as `simulator.problem.library.make_problem` reads
        it, for statements about a family.
    ratio : float
        Exact error over the value of an upper bound, value over error of a lower one.
    left, right : float
        The two.
    anyway : bool, optional
        Whether the bound is taken without its assumptions.
    """

    statement: str
    sampler: str
    options: str
    particles: int
    problem: str
    ratio: float
    left: float
    right: float
    anyway: bool = False

    @property
    def inequality(self) -> Inequality:
        """What is claimed."""
        if self.statement in CONJECTURES:
            return CONJECTURES[self.statement]
        return of_bound(BOUNDS[self.statement], anyway=self.anyway)

    def open(self) -> Problem:
        """Load the instance.

        Returns
        -------
        Problem
        """
        if self.problem.endswith(".json"):
            return load_problem(FOLDER / self.problem)
        return make_problem(self.problem)

    def make_sampler(self) -> Sampler:
        """Make the sampler.

        Returns
        -------
        Sampler
        """
        return Candidate(self.sampler, self.options).make(self.particles)


def atlas() -> list[Entry]:
    """Read the stored entries, in the order of the registry.

    Returns
    -------
    list of Entry
        Of one statement and sampler there are up to two: the worst with one particle, and with
        more.

    Examples
    --------
    >>> entry = next(e for e in atlas() if e.statement == "S1" and e.particles == 1)
    >>> print(f"{entry.inequality.ratio(entry.open(), entry.make_sampler()):.6f}")
    1.000000
    """
    return _read(INDEX)


def refuted() -> list[Entry]:
    """Read the instances that refute false claims: conjectures, and bounds for other samplers.

    Returns
    -------
    list of Entry

    Examples
    --------
    >>> entry = next(e for e in refuted() if e.statement == "J")
    >>> entry.sampler, entry.options, entry.ratio > 1
    ('smc', 'resampling=stratified', True)
    """
    return _read(REFUTED)


def _read(name: str) -> list[Entry]:
    file = FOLDER / name
    return [Entry(**row) for row in json.loads(file.read_text())] if file.exists() else []


def file_name(statement: str, sampler: str, options: str, one: bool) -> str:
    """Name the file of an entry.

    Parameters
    ----------
    statement, sampler, options : str
        As in `Entry`.
    one : bool
        Whether N = 1.

    Returns
    -------
    str

    Examples
    --------
    >>> file_name("S1", "smc", "resampling=stratified", False)
    'S1_smc_resampling-stratified.json'
    """
    parts = [statement, sampler, options, "one" if one else ""]
    return "_".join(re.sub(r"[^A-Za-z0-9.]+", "-", p) for p in parts if p) + ".json"


def write_index(entries: Iterable[Entry], name: str = INDEX) -> None:
    """Write an index, a line an entry.

    Parameters
    ----------
    entries : iterable of Entry
        All there are; they are put in order.
    name : str, optional
        Of the index.
    """
    order = [*BOUNDS, *CONJECTURES]
    ordered = sorted(
        entries, key=lambda e: (order.index(e.statement), e.sampler, e.options, e.particles > 1)
    )
    lines = ",\n".join(json.dumps(asdict(e)) for e in ordered)
    (FOLDER / name).write_text(f"[\n{lines}\n]\n")

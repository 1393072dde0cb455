"""Verdicts on a problem that somebody drops, within the time of an answer."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.demo.lessons.said import verdict_rows
from simulator.errors import InputError
from simulator.problem.files import load_problem, save_problem
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.registry import make_sampler
from theory.criteria import criteria
from theory.registry import bounds_for
from theory.verdict import Report, check

__all__ = [
    "EXAMPLES",
    "MOST_BYTES",
    "MOST_PARTICLES",
    "N_RUNS",
    "SAMPLERS",
    "criteria_of",
    "example_file",
    "read",
    "verdicts",
    "verify",
]

SAMPLERS = ("smc", "smc-rs", "sis", "smc-ind", "best-of-n", "beam")
EXAMPLES = ("reference", "eos", "random-tree:horizon=6", "lm-digits2", "lm-review-noisy")
MOST_BYTES, MOST_EDGES, MOST_PARTICLES = 4_000_000, 100_000, 8
TRANSITIONS, N_RUNS, SEED = 1e5, 500, 1


def read(name: str, content: bytes) -> Problem:
    """Read an uploaded problem file.

    Parameters
    ----------
    name : str
        The file's name.

    Raises
    ------
    InputError
        If it is malformed or too large to answer at once; one line that names the file.

    Examples
    --------
    >>> read("mine.json", b"{}")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: mine.json: format: missing
    """
    plain = Path(name).name
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"problem{Path(plain).suffix}"
        file.write_bytes(content)
        try:
            problem = load_problem(file)
        except InputError as fault:
            raise InputError(str(fault).replace(str(file), plain)) from None
    verify(problem, plain)
    return problem


def verify(problem: Problem, name: str) -> None:
    """Complain if a problem is too large to be answered for at once.

    Parameters
    ----------
    name : str
        Of its file.

    Raises
    ------
    InputError
    """
    edges = int(problem.model.n_states[:-1].sum()) * problem.model.n_actions
    if edges > MOST_EDGES:
        raise InputError(
            f"{name}: {edges} transitions, the demo takes up to {MOST_EDGES}; run "
            f"'particlebounds check {name}'"
        )


def example_file(problem: Problem) -> bytes:
    """Return the problem as a JSON file, to change and drop again."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.json"
        save_problem(problem, file)
        return file.read_bytes()


def criteria_of(problem: Problem) -> dict[str, object]:
    """Return what the bounds speak of."""
    c = criteria(problem)
    low, high = c.bellman_ratio
    return {
        "Tokens H": problem.horizon,
        "log Z": problem.log_z,
        "Action-level coverage of V*": c.action_coverage,
        "The same of the reward model": c.prm_coverage,
        "L∞ error of the reward model": c.prm_accuracy,
        "Largest χ² of a level": float(max(c.chi2)),
        "Bellman ratio": f"{low:.4g} to {high:.4g}",
        "Target's mass that V̂ = 0 loses": problem.forward_backward.lost_mass,
    }


def verdicts(
    problem: Problem, sampler: str, n_particles: int
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Compare the sampler's error with every bound that needs no enumeration of clouds.

    Parameters
    ----------
    sampler : str
        Of `SAMPLERS`.
    n_particles : int
        N, up to `MOST_PARTICLES`.

    Returns
    -------
    error : dict of str to object
        Exact where the law takes few transitions, else a 99% bracket from 500 runs.
    rows : list of dict
        One a bound.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> error, rows = verdicts(reference(3), "smc", 2)
    >>> print(f"{error['Exact error']:.6f}")
    0.167576
    >>> {r["Verdict"].partition(",")[0] for r in rows}
    {'holds'}
    """
    made: Sampler = make_sampler(sampler, n_particles)
    ids = [b.id for b in bounds_for(problem, made) if not b.measured]
    report = check(problem, made, N_RUNS, SEED, bounds=ids, limit=TRANSITIONS)
    return _error(report), verdict_rows(report.verdicts)


def _error(report: Report) -> dict[str, object]:
    e = report.error
    if e.exact:
        return {"Exact error": e.low}
    return {"Error, at least": e.low, "Error, at most": e.high, "Confidence": e.confidence}

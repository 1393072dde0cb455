"""Try what is stored for one statement on the others: ``python -m scripts.atlas_loans [ID...]``.

An instance that was found for one statement may be worse for another than what the search for
that one found; so may a random tree of the ratio experiment. Run it after `scripts.atlas`. An
entry is replaced by a worse instance only.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace

from scripts.atlas import LEAST
from scripts.experiments.ratios import random_case
from simulator.problem.files import save_problem
from simulator.problem.problem import Problem
from theory.falsify.atlas import FOLDER, Entry, atlas, file_name, write_index
from theory.falsify.samplers import Candidate
from theory.falsify.score import Budget, Score
from theory.falsify.search import NEAREST, heading
from theory.registry import BOUNDS, bound_named

__all__ = ["loan", "main", "stored_instances"]

TREES = 300  # as many as the quick profile of the ratio experiment has
SEVERAL = (2, 3, 4)
SHARP = 0.98  # of a ratio: little is left to gain


def stored_instances() -> list[Problem]:
    """Open every instance of the atlas that is a file.

    Returns
    -------
    list of Problem
    """
    return [entry.open() for entry in atlas() if entry.problem.endswith(".json")]


def loan(entry: Entry, problems: Sequence[Problem]) -> tuple[Entry, Problem] | None:
    """Look for a worse instance than that of an entry among given ones.

    Parameters
    ----------
    entry : Entry
        Of the atlas.
    problems : sequence of Problem
        Where to look.

    Returns
    -------
    tuple of (Entry, Problem), or None
        What is to take its place; None if nothing is worse.
    """
    one = Candidate(entry.sampler, entry.options)
    score = Score(entry.inequality, Budget(math.inf, math.inf))
    for n in SEVERAL if entry.particles > 1 else (1,):
        for problem in problems:
            score(problem, one.make(n))
    if score.instance is None or score.best < entry.ratio + LEAST:
        return None
    problem, sampler = score.instance
    left, right = score.inequality.sides(problem, sampler)
    problem.name = heading(score.inequality, NEAREST, sampler, score.best)
    n = sampler.n_particles
    name = file_name(entry.statement, entry.sampler, entry.options, n == 1)
    found = replace(entry, particles=n, problem=name, ratio=score.best, left=left, right=right)
    return found, problem


def main(arguments: list[str]) -> None:
    """Try the stored instances on each statement in turn.

    Parameters
    ----------
    arguments : list of str
        Ids; all statements if there is none.
    """
    wanted = {bound_named(a).id for a in arguments} or set(BOUNDS)
    entries = atlas()
    problems = [*stored_instances(), *(random_case(seed)[0] for seed in range(TREES))]
    for i, entry in enumerate(entries):
        if entry.statement not in wanted or entry.ratio > SHARP:
            continue
        found = loan(entry, problems)
        if found is not None:
            entries[i], problem = found
            save_problem(problem, FOLDER / entries[i].problem)
            print(f"{entry.statement} {entry.sampler} {entry.options}: N = {entries[i].particles}, "
                  f"{entry.ratio:.6f} -> {entries[i].ratio:.6f}", flush=True)  # fmt: skip
            write_index(entries)


if __name__ == "__main__":
    main(sys.argv[1:])

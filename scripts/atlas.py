"""Look for worse instances than the atlas holds: ``python -m scripts.atlas SECONDS [ID...]``.

SECONDS are those of one search; there are two for each statement and law of samplers, one of
several particles and a shorter one of a single particle. An entry is replaced by a worse
instance only, and the index is written after each.
"""

from __future__ import annotations

import sys

from simulator.errors import InputError
from simulator.problem.files import save_problem
from theory.falsify.atlas import FOLDER, Entry, atlas, file_name, write_index
from theory.falsify.inequality import of_bound
from theory.falsify.samplers import Candidate, candidates_for
from theory.falsify.search import search
from theory.registry import BOUNDS, bound_named

__all__ = ["improve", "main"]

ALONE = 0.25  # share of the seconds for a single particle
HORIZON, ACTIONS = 4, 3
LEAST = 1e-4  # a ratio that is better by less is not worth another file


def improve(
    statement: str, candidate: Candidate, seconds: float, seed: int, known: dict[str, Entry]
) -> list[Entry]:
    """Search for worse instances of one statement and sampler.

    Parameters
    ----------
    statement : str
        Id of a bound.
    candidate : Candidate
        The sampler.
    seconds : float
        Of a search of several particles.
    seed : int
        Of the searches.
    known : dict of str to Entry
        Entries of the atlas by `file_name`.

    Returns
    -------
    list of Entry
        New ones, whose instances are written.
    """
    out = []
    several = tuple(n for n in candidate.particles if n > 1)
    for sizes, time in ((several, seconds), ((1,), ALONE * seconds)):
        if not sizes or not set(sizes) <= set(candidate.particles):
            continue
        if sizes == (1,) and candidate.options:
            continue  # the law is that of the sampler without options
        name = file_name(statement, candidate.name, candidate.options, sizes == (1,))
        try:
            found = search(
                of_bound(BOUNDS[statement]), candidate.make, particles=sizes, seconds=time,
                seed=seed, horizon=HORIZON, actions=ACTIONS,
            )  # fmt: skip
        except InputError:  # of so many particles it does not speak
            continue
        if found.interrupted:
            raise KeyboardInterrupt
        if found.ratio == 0 or (name in known and found.ratio < known[name].ratio + LEAST):
            continue
        problem = found.problem
        if problem.instance is None:
            save_problem(problem, FOLDER / name)
        where = name if problem.instance is None else problem.name
        out.append(
            Entry(statement, candidate.name, candidate.options, found.sampler.n_particles, where,
                  found.ratio, found.left, found.right)
        )  # fmt: skip
    return out


def main(arguments: list[str]) -> None:
    """Search for each statement in turn.

    Parameters
    ----------
    arguments : list of str
        Seconds of a search, and ids; all statements if there is none.
    """
    seconds = float(arguments[0])
    entries = {file_name(e.statement, e.sampler, e.options, e.particles == 1): e for e in atlas()}
    for statement in [bound_named(a).id for a in arguments[1:]] or BOUNDS:
        for candidate in candidates_for(of_bound(BOUNDS[statement]), HORIZON, ACTIONS):
            for entry in improve(statement, candidate, seconds, len(entries), entries):
                name = file_name(
                    entry.statement, entry.sampler, entry.options, entry.particles == 1
                )
                entries[name] = entry
                print(f"{statement} {candidate.name} {candidate.options}: N = {entry.particles}, "
                      f"{entry.ratio:.6f}", flush=True)  # fmt: skip
                write_index(entries.values())


if __name__ == "__main__":
    main(sys.argv[1:])

"""Look for worse instances than the atlas holds: ``python -m scripts.atlas SECONDS [ID...]``.

With ``refuted`` for ID the false claims of `FALSE` are refuted anew, each within SECONDS.

SECONDS are those of one search; there are two for each statement and law of samplers, one of
several particles and a shorter one of a single particle. An entry is replaced by a worse
instance only, and the index is written after each.
"""

from __future__ import annotations

import sys

from simulator.errors import InputError
from simulator.problem.files import save_problem
from theory.falsify.atlas import FOLDER, REFUTED, Entry, atlas, file_name, write_index
from theory.falsify.conjectures import CONJECTURES
from theory.falsify.inequality import of_bound
from theory.falsify.samplers import Candidate, candidates_for
from theory.falsify.search import search
from theory.registry import BOUNDS, bound_named

__all__ = ["FALSE", "improve", "main", "refute"]

ALONE = 0.25  # share of the seconds for a single particle
HORIZON, ACTIONS = 4, 3
FALSE = (
    ("S1", "single", 4), ("S2", "stratified", 2), ("J", "stratified", 2), ("J", "systematic", 2),
    ("variance-step", "systematic", 4), ("variance-weight", "systematic", 2),
    ("variance-weight", "stratified", 2), ("variance-weight", "residual", 2),
    ("variance-weight", "ssp", 2), ("variance-weight", "killing", 2),
    ("average-chi-square", "multinomial", 2), ("first-order", "multinomial", 2),
    ("one-more", "multinomial", 2),
)  # fmt: skip
STREAMS = 3  # searches that share the time for a false claim
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


def refute(seconds: float) -> list[Entry]:
    """Find an instance against each false claim.

    Parameters
    ----------
    seconds : float
        That each may take.

    Returns
    -------
    list of Entry
        Their instances are written.
    """
    out = []
    for statement, scheme, n in FALSE:
        one = Candidate("smc", f"resampling={scheme}", (n,))
        claimed = CONJECTURES.get(statement) or of_bound(BOUNDS[statement], anyway=True)
        for seed in range(STREAMS):
            found = search(
                claimed, one.make, particles=(n,), seconds=seconds / STREAMS, seed=seed
            )  # fmt: skip
            if found.violated:
                break
        told = "" if found.confirmation is None else found.confirmation.text
        print(f"{found.problem.name}, {found.seconds:.1f} s, {told}", flush=True)
        if found.violated:
            name = "refuted_" + file_name(statement, one.name, one.options, False)
            save_problem(found.problem, FOLDER / name)
            out.append(
                Entry(statement, one.name, one.options, n, name, found.ratio, found.left,
                      found.right, statement in BOUNDS)
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
    if arguments[1:] == ["refuted"]:
        write_index(refute(seconds), REFUTED)
        return
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

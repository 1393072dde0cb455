"""The `falsify` command: the worst instance that a search finds, as a plain dictionary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.problem.problem import Problem
    from simulator.samplers.base import Sampler
    from theory.falsify.inequality import Inequality
    from theory.falsify.score import Watch
    from theory.falsify.search import Found

__all__ = ["falsify", "instance_rows", "named_inequality", "shown", "watched"]

MOST_ROWS = 60  # states of an instance that are printed


def named_inequality(text: str, *, anyway: bool) -> Inequality:
    """Return what is to be refuted.

    Parameters
    ----------
    text : str
        Id of a bound or a conjecture, FILE.py or FILE.py:NAME.
    anyway : bool
        Whether assumptions of a bound are dropped.

    Returns
    -------
    Inequality

    Raises
    ------
    InputError
        If there is none of that name, a file holds several, or a conjecture is to be had without
        its assumptions.
    """
    from scripts.cli.own import named_statements
    from theory.falsify.conjectures import CONJECTURES
    from theory.falsify.inequality import of_bound
    from theory.registry import BOUNDS, RENAMED

    if text in CONJECTURES:
        if anyway:
            raise InputError("falsify: --anyway is for bounds, conjectures have no assumptions")
        return CONJECTURES[text]
    if ".py" not in text and text not in BOUNDS and text not in RENAMED:
        raise InputError(
            f"statement {text!r} is not known; bounds are {', '.join(BOUNDS)}, and conjectures "
            f"{', '.join(CONJECTURES)}"
        )
    bounds = named_statements([text])
    if len(bounds) > 1:
        raise InputError(f"{text}: holds several statements, name one: {text}:NAME")
    return of_bound(bounds[0], anyway=anyway)


def falsify(
    inequality: Inequality,
    make: Callable[[int], Sampler] | None,
    particles: int | None,
    horizon: int,
    actions: int,
    seconds: float | None,
    evaluations: int | None,
    seed: int,
    out: Path | None,
) -> Found:
    """Search, write the instance, and say on stderr how it goes.

    Parameters
    ----------
    inequality : Inequality
        What is to be refuted.
    make : callable or None
        Number of particles to sampler; None for the first of which the claim speaks.
    particles : int or None
        N; None for 1 to 4.
    horizon, actions, seconds, evaluations, seed : int or float or None
        As in `theory.falsify.search.search`; a minute if no budget is given.
    out : Path or None
        File for the instance.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        If the statement speaks of none of the samplers or problems, or the file cannot be written.
    """
    from simulator.problem.files import save_problem
    from theory.falsify.samplers import candidates_for
    from theory.falsify.search import search

    if out is not None and (out.suffix.lower() not in (".json", ".npz") or not out.parent.is_dir()):
        raise InputError(f"{out}: write the instance to a .json or .npz file in a folder")
    sizes: tuple[int, ...] = (2, 3, 4, 1)
    if make is None:
        chosen = next(candidates_for(inequality, horizon, actions), None)
        if chosen is None:
            raise InputError(f"{inequality.id} speaks of no sampler that is tried; give --sampler")
        make, sizes = chosen.make, chosen.particles
    elif particles is None:
        sizes = _possible(make, sizes)
    if particles is not None:
        sizes = (particles,)
    if seconds is None and evaluations is None:
        seconds = 60.0
    with watched() as watch:
        found = search(
            inequality, make, particles=sizes, horizon=horizon, actions=actions, seed=seed,
            seconds=seconds or float("inf"), evaluations=evaluations or float("inf"), watch=watch,
        )  # fmt: skip
    if out is not None:
        save_problem(found.problem, out, note=note_of(found, inequality))
    return found


def note_of(found: Found, inequality: Inequality) -> str:
    """Say in a line what an instance breaks, or how close it comes, for its file.

    Parameters
    ----------
    found : Found
        The instance.
    inequality : Inequality
        What was searched against.
    """
    from theory.falsify.search import label

    told = "broken by" if found.violated else "not broken by"
    note = (
        f"{inequality.text}: {told} {label(found.sampler)}, {found.left:.9g} against "
        f"{found.right:.9g}, ratio {found.ratio:.9g}, the largest of {found.evaluations} tried"
    )
    return note if found.confirmation is None else f"{note}; {found.confirmation.text}"


def _possible(make: Callable[[int], Sampler], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Leave out the numbers of particles that the sampler refuses."""
    fit, refusal = [], InputError("")
    for n in sizes:
        try:
            make(n)
            fit.append(n)
        except InputError as fault:
            refusal = fault
    if not fit:
        raise refusal
    return tuple(fit)


@contextmanager
def watched() -> Iterator[Watch]:
    """Show a bar on a terminal, and elsewhere a line whenever a round has found a worse instance.

    Yields
    ------
    callable
        See `theory.falsify.score.Watch`.
    """
    from scripts.progress import progress_bar, say

    began, last, said = time.monotonic(), "", 0.0
    with progress_bar() as progress:
        task = progress.add_task("falsify", total=100)

        def watch(stage: str, best: float, share: float) -> None:
            nonlocal last, said
            progress.update(task, completed=min(100, int(100 * share)), description=stage)
            if stage != last and last and best > said:
                said = best
                passed = time.monotonic() - began
                say(progress, f"{last}: largest ratio {best:.6g}, {passed:.0f} s")
            last = stage

        yield watch


def shown(found: Found, inequality: Inequality, out: Path | None) -> dict[str, object]:
    """Return what the command prints, all but the instance itself.

    Parameters
    ----------
    found : Found
        The worst instance.
    inequality : Inequality
        What was to be refuted.
    out : Path or None
        Where it was written.

    Returns
    -------
    dict
    """
    from theory.falsify.search import label

    problem = found.problem
    verdict = "violated" if found.violated else "not refuted"
    return {
        "statement": inequality.id,
        "claimed": inequality.text,
        "sampler": label(found.sampler),
        "left": found.left,
        "right": found.right,
        "ratio": found.ratio,
        "verdict": verdict,
        "computed again": None if found.confirmation is None else found.confirmation.text,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
        "interrupted": found.interrupted,
        "name": problem.name,
        "note": note_of(found, inequality),
        "file": None if out is None else str(out),
    }


def instance_rows(problem: Problem) -> list[dict[str, object]]:
    """List the states of an instance, with simple fractions where numbers are such.

    Parameters
    ----------
    problem : Problem
        The instance.

    Returns
    -------
    list of dict
        Empty if there are too many states, or edge rewards.
    """
    model = problem.model
    if int(model.n_states.sum()) > MOST_ROWS or problem.has_edge_reward:
        return []
    rows: list[dict[str, object]] = []
    for h, (prms, values) in enumerate(zip(problem.prm, problem.value, strict=True)):
        for s, (prm, value) in enumerate(zip(prms, values, strict=True)):
            tokens = "end"
            if h < problem.horizon:
                tokens = ", ".join(
                    f"{_text(p)} to {c}"
                    for p, c in zip(model.probs[h][s], model.next_state[h][s], strict=True)
                    if p > 0
                )
            row: dict[str, object] = {"level": h, "state": s, "V^": _text(prm), "V*": _text(value)}
            rows.append(row | {"probability to state": tokens})
    return rows


def _text(x: float) -> str:
    from theory.falsify.rational_tree import SIMPLE, as_fraction

    exact = as_fraction(float(x))
    return str(exact) if exact.denominator <= SIMPLE else f"{x:.6g}"

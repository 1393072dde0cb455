"""Our kernels: against C, against their plain twins, on two threads, and with options on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any

from scripts.bench.c_code import CSMC, CRuns
from scripts.bench.problems import Size, filtering
from scripts.bench.timing import Contestant, race, ratio, speed
from simulator.problem.problem import Problem
from simulator.samplers.backtracking.plain import run_plain as walk_plain
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.baselines.whole_paths import whole_path_filter
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.plain import run_rejection_plain
from simulator.samplers.smc_rejection.sampler import SMCRejection

__all__ = ["SCHEMES", "against_c", "against_twins", "options", "threads"]

Row = dict[str, Any]
SCHEMES = ("multinomial", "systematic")
KEPT = ("tokens", "ess", "genealogy", "clouds")


def against_c(c: CSMC, sizes: Sequence[Size], rounds: int) -> list[Row]:
    """Time the full sampler on one thread against C, after checking that draws are equal.

    Returns
    -------
    list of dict
        ``c`` is our speed over that of C with the same algorithm and draws, ``lanes`` over that
        of C with eight generators; ``limit avx2`` and ``limit avx512``, where the processor has
        them, over that of C with a run a SIMD lane, "" where that is not to be had.

    Raises
    ------
    ArithmeticError
        If C draws anything else.
    """
    rows = []
    for size in sizes:
        problem = filtering(*size[:3])
        for scheme in SCHEMES:
            smc = SMC(size.n_particles, resampling=scheme)
            ours = smc.run(problem, size.n_runs, rng=1)
            same = {"c": _c(c, problem, size, scheme)}
            if size.n_runs > 1:
                same |= {f"limit {x}": _c(c, problem, size, scheme, simd=x) for x in c.simd}
            for name, call in same.items():
                theirs = call()
                if not ((ours.states == theirs.states) & (ours.log_w == theirs.log_w)).all():
                    raise ArithmeticError(f"{name}: other draws at {size.label}, {scheme}")
            calls: dict[str, Callable[[], object]] = {"ours": _smc(smc, problem, size), **same}
            calls["lanes"] = _c(c, problem, size, scheme, lanes=True)
            seconds = race({k: Contestant(f, size.steps) for k, f in calls.items()}, rounds)
            row: Row = {"size": size.label, "scheme": scheme, "speed": speed(seconds["ours"])}
            for name in ("c", "lanes", *(f"limit {x}" for x in c.simd)):
                row[name] = ratio(seconds[name], seconds["ours"]) if name in seconds else ""
            rows.append(row)
    return rows


def threads(c: CSMC | None, sizes: Sequence[Size], rounds: int) -> list[Row]:
    """Time two threads against one, and two halves of the runs in C against all of them.

    Returns
    -------
    list of dict
        ``gain`` is how many times faster two threads are, and ``c`` how many times faster C is,
        which shows what the machine had to give at that time.
    """
    rows = []
    for size, scheme in product(sizes, SCHEMES):
        problem, smc = filtering(*size[:3]), SMC(size.n_particles, resampling=scheme)
        calls = {k: _smc(smc, problem, size, int(k)) for k in ("1", "2")}
        if c is not None:
            half = size._replace(n_runs=size.n_runs // 2)
            calls["c"] = _c(c, problem, size, scheme)
            calls["2 c"] = partial(_at_once, _c(c, problem, half, scheme))
        seconds = race({k: Contestant(call, size.steps) for k, call in calls.items()}, rounds)
        row = {"size": size.label, "scheme": scheme, "gain": ratio(seconds["1"], seconds["2"])}
        rows.append(row if c is None else row | {"c": ratio(seconds["c"], seconds["2 c"])})
    return rows


def options(size: Size, rounds: int) -> list[Row]:
    """Time what is kept against keeping nothing; multinomial resampling.

    Returns
    -------
    list of dict
        ``cost`` is how many times longer a call takes; 1 for a second call that keeps nothing.
    """
    problem, smc = filtering(*size[:3]), SMC(size.n_particles)
    calls = {"nothing": (), "nothing again": ()} | {name: (name,) for name in KEPT}
    seconds = race(
        {
            name: Contestant(
                partial(smc.run, problem, size.n_runs, rng=1, keep=keep, n_threads=1), size.steps
            )
            for name, keep in calls.items()
        },
        rounds,
    )
    return [
        {"size": size.label, "keep": name, "cost": ratio(seconds[name], seconds["nothing"])}
        for name in list(calls)[1:]
    ]


def against_twins(size: Size, rounds: int, share: int = 400) -> list[Row]:
    """Time samplers against their plain twins, which draw the same.

    Parameters
    ----------
    share : int, optional
        The twin does one run of so many.

    Returns
    -------
    list of dict
        ``speed`` counts proposals for SMC-RS, moves of the walk for VGB, else particle steps.
    """
    problem, n = filtering(*size[:3]), size.n_particles
    runs, few = size.n_runs, max(1, size.n_runs // share)
    rejection, walk = SMCRejection(n), Backtracking(n, stop="steps")
    proposals = float(rejection.run(problem, runs, rng=1).prm_evaluations.mean())
    steps, moves = float(problem.horizon * n), float(walk.least(problem))
    pairs: dict[str, tuple[Any, Callable[..., object], Any, float]] = {
        f"SMC, {scheme}": (SMC(n, scheme), run_plain, SMC(n, scheme), steps) for scheme in SCHEMES
    }
    pairs["SIS"] = SIS(n), run_plain, whole_path_filter(problem.horizon, n, "sample"), steps
    pairs["SMC-RS"] = rejection, run_rejection_plain, rejection, proposals
    pairs["VGB"] = walk, walk_plain, walk, moves
    rows = []
    for name, (sampler, plain, like, work) in pairs.items():
        seconds = race(
            {
                "ours": Contestant(_smc(sampler, problem, size), runs * work),
                "twin": Contestant(partial(plain, problem, like, few, 1), few * work),
            },
            rounds,
        )
        twin = ratio(seconds["twin"], seconds["ours"])
        rows.append(
            {"size": size.label, "sampler": name, "speed": speed(seconds["ours"]), "twin": twin}
        )
    return rows


def _smc(sampler: Any, problem: Problem, size: Size, n_threads: int = 1) -> Callable[[], object]:
    return partial(sampler.run, problem, size.n_runs, rng=1, n_threads=n_threads)


def _c(c: CSMC, problem: Problem, size: Size, scheme: str, **how: Any) -> Callable[[], CRuns]:
    return partial(c.run, problem, size.n_particles, scheme, size.n_runs, 1, **how)


def _at_once(call: Callable[[], object]) -> None:
    """Call it in this thread and in another one."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(call)
        call()
        other.result()

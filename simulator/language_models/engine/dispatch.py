"""From a sampler and a language-model problem to the engine that runs it, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from simulator.errors import InputError
from simulator.language_models.problem import LanguageModelProblem
from simulator.samplers.drive import check_run_arguments
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.seeds import RngLike, run_seeds
from simulator.streams.xoshiro import Xoshiro

__all__ = ["KEEP", "engine", "run_on_language_model"]

KEEP = ("tokens", "ess", "genealogy")


@singledispatch
def engine(sampler: object, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    """Do one run a generator, all in one batch; with the optional results that it has.

    Parameters
    ----------
    sampler : Sampler
    problem : LanguageModelProblem
    rngs : list of Xoshiro

    Returns
    -------
    Runs

    Raises
    ------
    InputError
        If this sampler has no engine.
    """
    raise InputError(f"{type(sampler).__name__} runs on tabular problems only")


def run_on_language_model(
    sampler: object,
    problem: LanguageModelProblem,
    n_runs: int,
    *,
    rng: RngLike,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
    first_block: int = 0,
) -> Runs:
    """Draw independent runs, as many at once as the model's batch holds.

    Run r depends on the seed and on r only (up to the rounding of the model's arithmetic,
    which may depend on the size of a batch).

    Parameters
    ----------
    sampler : Sampler
    problem : LanguageModelProblem
    n_runs : int
    rng : int, SeedSequence or Generator
    keep : sequence of str, optional
        Of "tokens", "ess", "genealogy".
    n_threads : int, optional
        For the sake of the samplers' signature; the model's library uses its own threads.
    first_block : int, optional

    Returns
    -------
    Runs
        ``states`` are `LanguageModel.states`; `model_calls` and `prm_evaluations` count what
        was asked for, so texts that have ended cost nothing.
    """
    import simulator.language_models.engine.registry  # noqa: F401  # fills the table

    if not isinstance(problem, LanguageModelProblem):
        raise InputError(f"problem: {problem!r:.60} is not a problem")
    check_run_arguments(n_runs, keep, n_threads, KEEP)
    seeds = run_seeds(rng, n_runs, first_block)
    size = max(1, problem.lm.batch // int(sampler.n_particles))  # type: ignore[attr-defined]
    rngs = [Xoshiro(words.tolist()) for words in seeds]
    parts = [engine(sampler, problem, rngs[i : i + size]) for i in range(0, n_runs, size)]
    runs = concatenate(parts)
    for name in keep:
        if getattr(runs, name) is None:
            raise InputError(f"keep: {type(sampler).__name__} has no {name!r} on language models")
    dropped = {name: None for name in KEEP if name not in keep}
    return Runs(**{**vars(runs), **dropped})

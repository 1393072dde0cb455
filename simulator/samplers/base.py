"""What a sampler is: a frozen dataclass of options that can be run and has an exact law."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.exact.law import DEFAULT_LIMIT, ExactLaw
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.facts import Facts
from simulator.samplers.runs import KEEP, Runs, check_keep, concatenate
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.text.problem import LanguageModelProblem
from simulator.typing import RngLike, Seeds

__all__ = ["Sampler"]

# what runs on language models can keep, by field
TEXT_KEEP = {
    "tokens": ("tokens",),
    "ess": ("ess",),
    "genealogy": ("genealogy",),
    "clouds": ("cloud_tokens", "cloud_log_weights"),
}


class Sampler(ABC):
    """A sampler with N particles; `run` and `exact_law` check what they are given.

    A subclass is a frozen dataclass whose first field is `n_particles` and whose other fields
    are its options. It defines `from_seeds` and `compute_law`, says in `facts` what statements
    may rely on and, if it also runs on language models, defines `on_text`.
    `simulator.samplers.template` is one to copy, `simulator.samplers.contract` tests any.

    Attributes
    ----------
    n_particles : int
        Number of particles N >= 1.
    keeps : tuple of str
        Optional results that `run` can keep on tabular problems.
    text_keeps : tuple of str
        Optional results that `run` can keep on language models.
    """

    n_particles: int
    keeps: ClassVar[tuple[str, ...]] = KEEP
    text_keeps: ClassVar[tuple[str, ...]] = tuple(TEXT_KEEP)

    @property
    def weighted_clouds(self) -> bool:
        """Whether E[W^_H nu^_H(f)] = E_ref[r f] for the last weighted cloud, if no mass is lost."""
        return False

    @property
    def independent_proposals(self) -> bool:
        """Whether the particles of the last cloud are iid given something that was drawn before."""
        return False

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return False

    def facts(self, problem: Problem) -> Facts:
        """Declare what statements may rely on; by default no more than `properly_weighted`.

        Parameters
        ----------
        problem : Problem
            What the sampler would run on.

        Returns
        -------
        Facts
        """
        del problem
        return Facts(properly_weighted=self.properly_weighted)

    def caution(self, problem: Problem | LanguageModelProblem) -> str | None:
        """Say in a line where options do not suit a problem; the command line prints it.

        Parameters
        ----------
        problem : Problem or LanguageModelProblem
            What the sampler would run on.

        Returns
        -------
        str or None
            None, by default, where there is nothing to say.
        """
        del problem
        return None

    def run(
        self,
        problem: Problem | LanguageModelProblem,
        n_runs: int,
        *,
        rng: RngLike,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
        first_block: int = 0,
    ) -> Runs:
        """Draw independent runs.

        Run r depends on the seed and on r only, not on `n_runs` or `n_threads` (on language
        models up to the rounding of the model's arithmetic, which may depend on the batch).

        Parameters
        ----------
        problem : Problem or LanguageModelProblem
            What is sampled.
        n_runs : int
            Number of runs R >= 1.
        rng : int, SeedSequence or Generator
            The only source of randomness.
        keep : sequence of str, optional
            Optional results, of `keeps`; on language models of "tokens", "ess",
            "genealogy" and "clouds" (the particles of the last level with their weights).
        n_threads : int, optional
            By default as many as there are cores; the library of a language model uses its own.
        first_block : int, optional
            Start at run ``1024 * first_block``, to go on where another call has stopped.

        Returns
        -------
        Runs
            On language models `Runs.states` are those of `LanguageModel.states`, and texts that
            have ended cost nothing.

        Raises
        ------
        InputError
            If an argument is out of range, or the sampler cannot run on the problem.
        TooLargeError
            If a limit among the options is met.
        """
        check_int("n_runs", n_runs, 1)
        if n_threads is not None:
            check_int("n_threads", n_threads, 1)
        if isinstance(problem, Problem):
            check_keep(keep, self.keeps)
            seeds = run_seeds(rng, n_runs, first_block)
            return self.from_seeds(problem, seeds, tuple(keep), n_threads)
        if isinstance(problem, LanguageModelProblem):
            check_keep(keep, self.text_keeps)
            seeds = run_seeds(rng, n_runs, first_block)
            return concatenate(list(self._batches(problem, seeds, keep)))
        raise InputError(f"problem: {problem!r:.60} is not a problem")

    def run_in_batches(
        self,
        problem: LanguageModelProblem,
        n_runs: int,
        *,
        rng: RngLike,
        keep: Sequence[str] = (),
    ) -> Iterator[Runs]:
        """Draw the runs of `run` on a language model, and hand out each batch when it is done.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled.
        n_runs : int
            Number of runs R >= 1.
        rng : int, SeedSequence or Generator
            The only source of randomness.
        keep : sequence of str, optional
            As in `run`.

        Returns
        -------
        iterator of Runs
            Put behind each other they are what `run` returns; a batch is as many runs as the
            model's `batch` holds.

        Raises
        ------
        InputError
            As in `run`.
        """
        if not isinstance(problem, LanguageModelProblem):
            raise InputError(f"problem: {problem!r:.60} is not one of a language model")
        check_int("n_runs", n_runs, 1)
        check_keep(keep, self.text_keeps)
        return self._batches(problem, run_seeds(rng, n_runs), keep)

    @abstractmethod
    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """Draw one run from each generator.

        Parameters
        ----------
        problem : Problem
            What is sampled.
        seeds : (R, 4) uint64 array
            States of the generators; left where the runs left them.
        keep : sequence of str, optional
            Optional results, of `keeps`.
        n_threads : int, optional
            By default as many as there are cores.

        Returns
        -------
        Runs
        """

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """Do one run a generator on a language model, all in one batch.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled.
        rngs : list of Xoshiro
            The generator of each run.

        Returns
        -------
        Runs
            With all optional results that there are.

        Raises
        ------
        InputError
            If the sampler runs on tabular problems only.
        """
        raise InputError(f"{type(self).__name__} runs on tabular problems only")

    def _batches(
        self, problem: LanguageModelProblem, seeds: Seeds, keep: Sequence[str]
    ) -> Iterator[Runs]:
        """As many runs at once as the model's batch holds."""
        size = max(1, problem.lm.batch // int(self.n_particles))
        rngs = [Xoshiro(words.tolist()) for words in seeds]
        for i in range(0, len(rngs), size):
            runs = self.on_text(problem, rngs[i : i + size])
            dropped: dict[str, None] = {}
            for name, fields in TEXT_KEEP.items():
                if name not in keep:
                    dropped |= dict.fromkeys(fields)
                elif any(getattr(runs, field) is None for field in fields):
                    raise InputError(
                        f"keep: {type(self).__name__} has no {name!r} on language models"
                    )
            yield Runs(**{**vars(runs), **dropped})

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output without sampling.

        Parameters
        ----------
        problem : Problem
            What is sampled.
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest amount of work, in what the sampler's law is made of: transitions between
            particle clouds, paths, steps of a walk or values of an integrand.
        shortfall : bool
            Whether to compute E[(1 - W^_H/Z)_+] as well, where there is a W^_H.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If there is more to do than `limit`.
        InputError
            If an argument is out of range, or the problem is a language model's.
        """
        check_tabular(problem, "exact_law")
        check_choice("on", on, ("paths", "states"))
        return self.compute_law(problem, on, limit, shortfall=shortfall)

    @abstractmethod
    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """Compute what `exact_law` returns; the arguments are checked already.

        Parameters
        ----------
        problem : Problem
            As in `exact_law`.
        on : {"paths", "states"}
            As in `exact_law`.
        limit : float
            As in `exact_law`.
        shortfall : bool
            As in `exact_law`.

        Returns
        -------
        ExactLaw
        """

"""Beam search and its case N = 1, greedy decoding: no randomness at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Ints, Seeds

__all__ = ["Beam", "Greedy"]


@dataclass(frozen=True)
class Beam(Sampler):
    r"""Beam search: keep the N prefixes of largest pi_ref(prefix) V^(prefix).

    At each level all children of the kept prefixes are scored, and the N best of positive
    score stay; among scores that agree to a relative 1e-9 the prefix that comes first in
    lexicographic order of its tokens. The output is the best path of the last level; without a
    child of positive score the run has failed. A prefix is a token path, also where paths
    share states. Of k kept prefixes, a level costs k A evaluations and k model calls. It
    estimates no Z and has one output, so that its error is 1 - pi*(output).

    Parameters
    ----------
    n_particles : int
        Number of prefixes N >= 1.
    draws : int, optional
        M: on language models, draw M continuations of each prefix from pi_ref in place of looking
        at all, and keep the N distinct ones of largest V^. So steps and served models, whose
        continuations cannot be listed, can be searched; runs differ then. 0 looks at all.

    Raises
    ------
    InputError
        If N or M is out of range; or M > 0 on a table, where all are at hand.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> runs = Beam(2).run(reference(3), 1, rng=1, keep=("tokens",))
    >>> runs.tokens.tolist(), runs.prm_evaluations.tolist(), runs.model_calls.tolist()
    ([[1, 0, 1]], [10], [5])
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    text_keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    n_particles: int
    draws: int = 0

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_int("draws", self.draws, 0)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`: one search, and that many copies."""
        del n_threads
        n_runs = len(seeds)
        tokens, state, calls = self._search(problem)
        path = np.full(problem.horizon, -1) if tokens is None else tokens
        return Runs(
            states=np.full(n_runs, state, dtype=np.int64),
            log_w=None,
            failed=np.full(n_runs, tokens is None),
            prm_evaluations=np.full(n_runs, calls * problem.model.n_actions, dtype=np.int64),
            model_calls=np.full(n_runs, calls, dtype=np.int64),
            tokens=np.tile(path.astype(np.int32), (n_runs, 1)) if "tokens" in keep else None,
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`."""
        from simulator.samplers.baselines.beam_drawn_text import run_drawn_beam
        from simulator.samplers.baselines.beam_text import run_beam

        if self.draws:
            return run_drawn_beam(self.n_particles, self.draws, problem, rngs)
        return run_beam(self.n_particles, problem, len(rngs))

    def _search(self, problem: Problem) -> tuple[Ints | None, int, int]:
        """Return the output, None for failure, its state, and how many prefixes were extended."""
        from simulator.samplers.baselines.beam_kernel import search

        if self.draws:
            raise InputError("draws: tables have all continuations at hand; leave it at 0")
        tokens = np.empty(problem.horizon, dtype=np.int64)
        state, calls = search(self.n_particles, *problem.tables.args, problem.log_prm_flat, tokens)
        return (None if state < 0 else tokens), state, calls

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: a point mass at the output."""
        del shortfall  # there is no W^
        tokens, _, _ = self._search(problem)
        out = outcomes(problem, on, limit, one_reward=False)
        law = np.zeros(out.target.size)
        if tokens is not None:
            state = 0
            for h, token in enumerate(tokens):
                state = int(out.tree.model.next_state[h][state, token])
            law[state] = 1.0
        return ExactLaw(
            law=law,
            failure=float(tokens is None),
            tv=total_variation(out.target, law),
            mean_w_over_z=None,
            relative_variance=None,
            shortfall=None,
            target=out.target,
            weighted=None,
            tokens=out.tokens,
        )


@dataclass(frozen=True)
class Greedy(Beam):
    """Greedy decoding: beam search that keeps one prefix.

    Parameters
    ----------
    n_particles : int, optional
        1, and nothing else.
    draws : int, optional
        As in `Beam`.

    Raises
    ------
    InputError
        If it is something else.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> Greedy().run(reference(3), 1, rng=1).prm_evaluations.tolist()
    [6]
    """

    n_particles: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_particles != 1:
            raise InputError(
                f"n_particles: {self.n_particles}, but greedy keeps 1 prefix; beam keeps more"
            )

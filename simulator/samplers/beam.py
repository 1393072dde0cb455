"""Beam search and its case N = 1, greedy decoding: no randomness at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw
from simulator.exact.outcomes import outcomes
from simulator.kernels.beam import search
from simulator.problem.problem import Problem
from simulator.samplers.drive import check_run_arguments
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.streams.seeds import RngLike, run_seeds

__all__ = ["Beam", "Greedy"]

Ints = npt.NDArray[np.int64]


@register("beam")
@dataclass(frozen=True)
class Beam:
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

    Raises
    ------
    InputError
        If N is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> runs = Beam(2).run(reference(3), 1, rng=1, keep=("tokens",))
    >>> runs.tokens.tolist(), runs.prm_evaluations.tolist(), runs.model_calls.tolist()
    ([[1, 0, 1]], [10], [5])
    """

    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Always false: it has no weight."""
        return False

    def run(
        self,
        problem: Problem,
        n_runs: int,
        *,
        rng: RngLike,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
        first_block: int = 0,
    ) -> Runs:
        """Search once and return that many copies.

        Parameters
        ----------
        problem : Problem
        n_runs : int
        rng : int, SeedSequence or Generator
            Without effect, like `n_threads` and `first_block`.
        keep : sequence of str, optional
            "tokens" at most.
        n_threads : int, optional
        first_block : int, optional

        Returns
        -------
        Runs

        Raises
        ------
        InputError
            If an argument is out of range.
        """
        check_run_arguments(n_runs, keep, n_threads, offered=("tokens",))
        run_seeds(rng, 1, first_block)  # complains as the other samplers do
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

    def _search(self, problem: Problem) -> tuple[Ints | None, int, int]:
        """Return the output, None for failure, its state, and how many prefixes were extended."""
        tokens = np.empty(problem.horizon, dtype=np.int64)
        state, calls = search(self.n_particles, *problem.tables.args, problem.log_prm_flat, tokens)
        return (None if state < 0 else tokens), state, calls

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Return the point mass at the output.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest number of paths to list.
        shortfall : bool
            Changes nothing: there is no W^.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If there are more paths than `limit`.
        """
        out = outcomes(problem, on, limit, one_reward=False)
        tokens, _, _ = self._search(problem)
        law = np.zeros(out.target.size)
        if tokens is not None:
            state = 0
            for h, token in enumerate(tokens):
                state = int(out.tree.model.next_state[h][state, token])
            law[state] = 1.0
        return ExactLaw(
            law=law,
            failure=float(tokens is None),
            tv=float(np.maximum(out.target - law, 0).sum()),
            mean_w_over_z=None,
            relative_variance=None,
            shortfall=None,
            target=out.target,
            weighted=None,
            tokens=out.tokens,
        )


@register("greedy")
@dataclass(frozen=True)
class Greedy(Beam):
    """Greedy decoding: beam search that keeps one prefix.

    Parameters
    ----------
    n_particles : int, optional
        1, and nothing else.

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

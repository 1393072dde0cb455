"""VGB, the random walk that backtracks (arXiv 2510.03149)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.branching.sampler import chance_of_cut, log_weight
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["Backtracking"]

STOPS = ("leaf", "steps", "visits")


@dataclass(frozen=True)
class Backtracking(Sampler):
    r"""VGB: a random walk on the tree of prefixes, which takes tokens back at random.

    From x the walk goes to the child x a with probability pi_ref(a|x) V^(x a)/(V^(x) + S(x)),
    S(x) = sum_a pi_ref(a|x) V^(x a), and back to the parent with V^(x)/(V^(x) + S(x)); from a
    leaf it goes to the leaf's parent, from the state s above the root to the root.

    N is the length of the walk in round trips from s to a leaf and back, 2(H+1) steps each:

    * ``stop="leaf"`` (default): from the root, T = H + (N-1) · steps steps, then on until the
      walk is at a leaf. Exact for V^ = V*. Otherwise its limit for long walks is near pi* but
      not equal: leaves followed by long gaps weigh more; see
      `simulator.samplers.backtracking.exact`.
    * ``stop="steps"``: the place after T steps if it is a leaf, else failure. Given success
      the limit is pi* whatever V^ is; for V^ = V* success has probability about 1/(H+1).
    * ``stop="visits"``: from s until the N-th return to s; the output is uniform over the
      leaves visited, failure if there is none. By [E.1] of arXiv 2603.07887 this has the law
      of SMC-IND with N particles, and W^_H = V^(root) K/N for K visits of leaves.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    stop : {"leaf", "steps", "visits"}
        Where the walk ends and what it puts out, as above.
    steps : int
        Steps for each particle after the first; 0 means 2(H+1). Not used by "visits". For
        "steps", T - H must be even, as the walk is never at a leaf otherwise.
    max_steps : int
        A walk that has not stopped after so many steps fails. E[W^_H 1{Y=y}] can only drop
        by that, so that lemma C.3 stays true of "visits".

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(3)
    >>> for n in (1, 4, 16):
    ...     print(f"{Backtracking(n).exact_law(problem).tv:.4f}")
    0.1539
    0.1135
    0.1123
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    text_keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    n_particles: int
    stop: str = "leaf"
    steps: int = 0
    max_steps: int = 10_000_000

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_choice("stop", self.stop, STOPS)
        check_int("steps", self.steps, 0)
        check_int("max_steps", self.max_steps, 1)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return self.stop == "visits"

    def least(self, problem: Problem | LanguageModelProblem) -> int:
        """Return T, or the number of returns to s for "visits".

        Parameters
        ----------
        problem : Problem or LanguageModelProblem
            What is sampled; only its H matters.

        Returns
        -------
        int

        Raises
        ------
        InputError
            If T has not the parity of H though "steps" needs it, or T is beyond `max_steps`.

        Examples
        --------
        >>> from simulator.problem.families.reference import reference
        >>> Backtracking(3).least(reference(4)), Backtracking(3, steps=6).least(reference(4))
        (24, 16)
        """
        if self.stop == "visits":
            return self.n_particles
        more = (self.n_particles - 1) * (self.steps or 2 * (problem.horizon + 1))
        if self.stop == "steps" and more % 2:
            raise InputError(
                f"steps: after {problem.horizon} + {more} steps the walk is never at a leaf; "
                "(particles - 1) * steps must be even"
            )
        if problem.horizon + more > self.max_steps:
            raise InputError(
                f"max_steps: {self.max_steps} steps, but the walk takes {problem.horizon + more}"
            )
        return problem.horizon + more

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: from visit to visit those of SMC-IND (E.1)."""
        lost = problem.forward_backward.lost_mass
        if self.stop != "visits":
            return Facts(lost_mass=lost)
        cut = chance_of_cut(problem, self.n_particles, self.most_visits)
        return Facts(properly_weighted=True, drawn=True, family="smc-ind", cut=cut, lost_mass=lost)

    @property
    def most_visits(self) -> int:
        """Visits below the root that `max_steps` has room for: M of them take 2 (N + M) steps."""
        return self.max_steps // 2 - self.n_particles

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; ``log_w`` is None unless ``stop="visits"``.

        Cost: a prefix that is no leaf asks for V^ of its A children and for one next-token
        distribution whenever it is entered from its parent (the start counts). Coming back
        from a child is free, since the path in hand is remembered; nothing else is. Under
        the coupling [E.1] this is the cost of SMC-IND. If V^ leaves no leaf in reach, a "leaf"
        walk stops at T and fails.
        """
        from simulator.samplers.backtracking.kernel import WalkOutputs, run_walk, stop_code
        from simulator.samplers.branching.moves import move_tables
        from simulator.streams.threads import spread

        n_runs = len(seeds)
        least = self.least(problem)
        hopeless = bool(np.isneginf(problem.forward_backward.log_z_alive))
        depth = problem.horizon if "tokens" in keep else 0
        states, leaves, entered = np.empty((3, n_runs), dtype=np.int64)
        tokens = np.full((n_runs, depth), -1, dtype=np.int32)
        out = WalkOutputs(states, leaves, entered, tokens)
        tables, code = move_tables(problem), stop_code(self.stop, hopeless)

        def part(begin: int, end: int) -> None:
            run_walk(seeds, tables, code, least, self.max_steps, out, begin, end)

        length = 2 * problem.horizon * least if self.stop == "visits" else least
        spread(part, n_runs, float(n_runs) * length, n_threads)
        log_w = None
        if self.stop == "visits":
            leaves = np.where(states < 0, 0, leaves)
            log_w = log_weight(problem, self.n_particles, leaves)
        return Runs(
            states=states,
            log_w=log_w,
            failed=states < 0,
            prm_evaluations=problem.model.n_actions * entered,
            model_calls=entered,
            tokens=tokens if "tokens" in keep else None,
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`."""
        from simulator.samplers.backtracking.text import run_one

        least = self.least(problem)
        return concatenate(
            [run_one(problem, g, self.n_particles, self.stop, least, self.max_steps) for g in rngs]
        )

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: by the walk's transition matrix on the tree of prefixes.

        For "visits" it is that of SMC-IND, after [E.1], which the tests prove by linear
        algebra on small trees.
        """
        if self.stop == "visits":
            from simulator.samplers.branching.exact import branching_law

            return branching_law(
                problem, self.n_particles, on, limit, with_shortfall=shortfall,
                most=self.most_visits,
            )  # fmt: skip
        from simulator.samplers.backtracking.exact import walk_law

        return walk_law(
            problem, self.least(problem), first_leaf=self.stop == "leaf", most=self.max_steps,
            on=on, limit=limit,
        )  # fmt: skip

"""SMC-IND: particles branch independently of each other (arXiv 2603.07887, algorithm 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulator.checks import check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats, Ints, Seeds

__all__ = ["SMCIndependent", "chance_of_cut", "log_weight"]


@dataclass(frozen=True)
class SMCIndependent(Sampler):
    r"""SMC-IND: each particle has Geom-many children, independently; a uniform leaf is the output.

    A particle at x has D children, P(D = k) = (1-p)^k p, p = V^(x)/(V^(x) + S(x)),
    S(x) = sum_a pi_ref(a|x) V^(x a), whose tokens are ∝ pi_ref V^. If K of the descendants of
    N particles at the root are leaves, W^_H = V^(root) K/N, and the run fails if K = 0.

    Proper weighting. Particle numbers have the means E[K_x] = N pi_ref(x) V^(x)/V^(root), by
    induction: E[D · share of a] = S/V^ · pi_ref(a|x) V^(x a)/S. The output is y with
    probability K_y/K, so E[W^_H 1{Y=y}] = V^(root)/N · E[K · K_y/K] = pi_ref(y) r(y), and
    lemma C.3 gives D_TV <= E[(1 - W^_H/Z)_+]. Cutting off runs at `max_particles` only lowers
    E[W^_H 1{Y=y}], like lost mass, so that this bound stays true.

    V^ = V* leaves the extinction of all N families, of probability (H/(H+1))^N, as the only
    error: the population is critical, so N must be of order H.

    Parameters
    ----------
    n_particles : int
        N >= 1, particles at the root.
    max_particles : int
        A run that makes more particles than this below the root, all levels together, fails
        (with W^_H = 0) as soon as it does. The expected number is
        N sum_{h>=1} Z^_h/V^(root); exact laws are those of the uncut sampler, and refused
        unless the cut has a probability below 1e-13.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(3)
    >>> runs = SMCIndependent(8).run(problem, 100_000, rng=1)
    >>> print(f"{runs.failure_rate:.2f} {np.exp(runs.log_w).mean() / np.exp(problem.log_z):.2f}")
    0.13 1.00
    >>> print(f"{SMCIndependent(8).exact_law(problem).failure:.2f}")
    0.13
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    text_keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    n_particles: int
    max_particles: int = 4_000_000

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_int("max_particles", self.max_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`."""
        return Facts(
            properly_weighted=True, drawn=True, family="smc-ind",
            cut=chance_of_cut(problem, self.n_particles, self.max_particles),
            lost_mass=problem.forward_backward.lost_mass,
        )  # fmt: skip

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`.

        Cost: each particle of levels 0..H-1 asks for V^ of its A children and for one next-token
        distribution.
        """
        from simulator.samplers.branching.kernel import BranchingOutputs, run_branching
        from simulator.samplers.branching.moves import move_tables
        from simulator.streams.threads import spread

        n_runs = len(seeds)
        depth = problem.horizon if "tokens" in keep else 0
        states, leaves, expanded = np.empty((3, n_runs), dtype=np.int64)
        tokens = np.full((n_runs, depth), -1, dtype=np.int32)
        out = BranchingOutputs(states, leaves, expanded, tokens)
        tables = move_tables(problem)

        def part(begin: int, end: int) -> None:
            run_branching(seeds, tables, self.n_particles, self.max_particles, out, begin, end)

        spread(part, n_runs, float(n_runs) * problem.horizon * self.n_particles, n_threads)
        return Runs(
            states=states,
            log_w=log_weight(problem, self.n_particles, np.where(states < 0, 0, leaves)),
            failed=states < 0,
            prm_evaluations=problem.model.n_actions * expanded,
            model_calls=expanded,
            tokens=tokens if "tokens" in keep else None,
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`."""
        from simulator.samplers.branching.text import run_one

        runs = [run_one(problem, rng, self.n_particles, self.max_particles) for rng in rngs]
        return concatenate(runs)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: from generating functions."""
        from simulator.samplers.branching.exact import branching_law

        return branching_law(
            problem, self.n_particles, on, limit, most=self.max_particles,
            with_shortfall=shortfall,
        )  # fmt: skip


def chance_of_cut(problem: Problem, n: int, most: int) -> float:
    """Bound the probability that a run makes more than `most` particles below the root.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n : int
        N.
    most : int
        Largest number of particles.
    """
    from simulator.samplers.branching.exact import log_chance_beyond

    return math.exp(min(log_chance_beyond(problem, n, most), 0.0))


def log_weight(problem: Problem, n: int, leaves: Ints) -> Floats:
    """log W^_H = log(V^(root) K/N) of runs that reached K leaves.

    Parameters
    ----------
    n : int
        N.
    leaves : (R,) int array
        K.

    Returns
    -------
    (R,) array
        -inf where K = 0.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> np.exp(log_weight(reference(1), 2, np.array([0, 4]))).round(12).tolist()
    [0.0, 3.0]
    """
    with np.errstate(divide="ignore"):
        return np.log(leaves) + (float(problem.log_prm_flat[0]) - math.log(n))

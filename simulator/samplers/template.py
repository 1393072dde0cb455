"""A sampler to copy: change the names, the draws and the law, and it is yours.

`simulator.check_sampler` tests what `Sampler` asks for; ``particlebounds check PROBLEM --sampler
FILE.py:PathRejection`` compares its error with every statement that its facts allow. A sampler of
this project has a folder beside this file, a line of `simulator.samplers.registry`, and, where
speed matters, a compiled kernel with this as its plain twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulator.checks import check_int
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.typing import Floats, Seeds

__all__ = ["PathRejection"]


@dataclass(frozen=True)
class PathRejection(Sampler):
    r"""Rejection of whole paths: N paths from pi_ref, each accepted with probability r/max r.

    The output is uniform among the K accepted paths; a run without any has failed. So it is a draw
    from pi* or a failure, and D_TV = P(K = 0) = (1 - Z/max r)^N. With W^_H = max r · K/N,
    E[W^_H 1{Y = y}] = pi_ref(y) r(y).

    Parameters
    ----------
    n_particles : int
        N >= 1.

    Raises
    ------
    InputError
        If N is out of range.

    Examples
    --------
    >>> from simulator import check_sampler, open_problem
    >>> problem = open_problem("reference:horizon=2")
    >>> [round(PathRejection(n).exact_law(problem).tv, 4) for n in (1, 4)]
    [0.5, 0.0625]
    >>> check_sampler(PathRejection(3))
    """

    n_particles: int
    keeps = ("tokens",)  # optional results of `run`

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: what is not declared counts as not known."""
        return Facts(properly_weighted=True, drawn=True)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        n_runs, horizon = len(seeds), problem.horizon
        states, log_w = np.full(n_runs, -1), np.full(n_runs, -np.inf)
        tokens = np.full((n_runs, horizon), -1, dtype=np.int32)
        log_top = log_largest_reward(problem)
        for r, words in enumerate(seeds):
            rng = np.random.default_rng(words)  # run r draws from its own stream only
            paths, ends, log_reward = self._paths(problem, rng)
            accepted = np.flatnonzero(np.log(rng.random(len(ends))) < log_reward - log_top)
            if accepted.size:
                chosen = rng.choice(accepted)
                states[r], tokens[r] = ends[chosen], paths[chosen]
                log_w[r] = log_top + np.log(accepted.size / self.n_particles)
        cost = np.full(n_runs, self.n_particles)
        return Runs(
            states=states,
            log_w=log_w,
            failed=states < 0,
            prm_evaluations=cost,  # the rewards of N paths
            model_calls=cost * horizon,
            tokens=tokens if "tokens" in keep else None,
        )

    def _paths(
        self, problem: Problem, rng: np.random.Generator
    ) -> tuple[list[list[int]], list[int], Floats]:
        """Draw N paths from pi_ref: tokens, terminal states and log rewards."""
        model, paths, ends, rewards = problem.model, [], [], []
        for _ in range(self.n_particles):
            state, path, log_reward = 0, list[int](), 0.0
            for h in range(problem.horizon):
                token = int(rng.choice(model.n_actions, p=model.probs[h][state]))
                log_reward += float(edge_log_rewards(problem, h)[state, token])
                state = int(model.next_state[h][state, token])
                path.append(token)
            paths.append(path)
            ends.append(state)
            rewards.append(log_reward + float(problem.log_reward[state]))
        return paths, ends, np.array(rewards)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: in closed form for any N."""
        from scipy.stats import binom  # slow to load, so only where it is used

        out, n = outcomes(problem, on, limit, one_reward=False), self.n_particles
        accepts = np.exp(problem.log_z - log_largest_reward(problem))
        failure = float((1 - accepts) ** n)
        law = out.target * (1 - failure)
        k = np.arange(n + 1)
        short = float(binom.pmf(k, n, accepts) @ np.maximum(1 - k / (n * accepts), 0))
        return ExactLaw(
            law=law,
            failure=failure,
            tv=total_variation(out.target, law),
            mean_w_over_z=1.0,
            relative_variance=float((1 / accepts - 1) / n),
            shortfall=short if shortfall else None,
            target=out.target,
            weighted=out.target,
            tokens=out.tokens,
        )


def edge_log_rewards(problem: Problem, h: int) -> Floats:
    """log of the edge rewards of a stage, (S_h, A)."""
    fb = problem.forward_backward.edges
    first, last = list(pairwise(fb.start.tolist()))[h]
    return fb.log_factor[first:last].reshape(-1, problem.model.n_actions)


def log_largest_reward(problem: Problem) -> float:
    """log of the largest reward of a path that pi_ref can take, by a backward recursion."""
    best = problem.log_reward
    for h in range(problem.horizon - 1, -1, -1):
        ahead = edge_log_rewards(problem, h) + best[problem.model.next_state[h]]
        best = np.where(problem.model.probs[h] > 0, ahead, -np.inf).max(axis=1)
    return float(best[0])

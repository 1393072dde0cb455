"""SMC with another weighting rule than the ratio of values; see `rules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from simulator.checks import check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.reweighted.limits import get_rule
from simulator.samplers.reweighted.rule import Rule
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Seeds

__all__ = ["AuditedSMC"]


@dataclass(frozen=True)
class AuditedSMC(Sampler):
    """SMC with another weighting rule: see which law it has, and which it converges to.

    Resampling is multinomial at every level. A run on shared states walks on the tree of their
    token paths, because most rules look at the whole path.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    rule : str or Rule
        One of `simulator.samplers.reweighted.rules.RULES` or ``aggregations.AGGREGATIONS``, or
        what `aggregation` makes of your own function.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> [round(AuditedSMC(n).exact_law(reference(3)).tv, 3) for n in (1, 4)]
    [0.178, 0.202]
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens", "ess", "genealogy")
    n_particles: int
    rule: str | Rule = "absolute"

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        get_rule(self.rule)

    @property
    def _filter(self) -> SMC:
        return SMC(self.n_particles, select=get_rule(self.rule).select)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; without ``log_w``: no rule but the ratio estimates Z."""
        from simulator.samplers.smc.compiled import options_of, run_compiled

        unfolded = None if is_path_tree(problem) else unfold(problem)
        tree = problem if unfolded is None else unfolded.problem
        runs, levels = run_compiled(
            get_rule(self.rule).rewrite(tree), tree, options_of(self._filter),
            seeds, keep=keep, n_threads=n_threads,
        )  # fmt: skip
        states = runs.states
        if unfolded is not None:
            states = np.where(runs.failed, -1, unfolded.terminal[np.maximum(states, 0)])
        cost = self.n_particles * levels
        return replace(runs, states=states, log_w=None, prm_evaluations=cost, model_calls=cost)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: the particle clouds are enumerated; there is no shortfall."""
        from simulator.exact.cloud import exact_law

        del shortfall
        law = exact_law(
            problem, self._filter, on=on, limit=limit, rewrite=get_rule(self.rule).rewrite,
            whole_paths=True,
        )  # fmt: skip
        return replace(law, mean_w_over_z=None, relative_variance=None, weighted=None)

"""Particle filters whose weights are not the ratio of values; see `simulator.audit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.audit import get_rule
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.drive import check_run_arguments, drive
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike, run_seeds

__all__ = ["AuditedSMC"]

KEEP = ("tokens", "ess", "genealogy")


@register("audit")
@dataclass(frozen=True)
class AuditedSMC:
    """SMC with another weighting rule: see which law it has, and which it converges to.

    Resampling is multinomial at every level. A run on shared states walks on the tree of their
    token paths, because most rules look at the whole path.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    rule : str
        One of `simulator.audit.RULES`.

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

    n_particles: int
    rule: str = "absolute"

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        get_rule(self.rule)

    @property
    def properly_weighted(self) -> bool:
        """Whether W^_H is an estimate of Z: no rule but the ratio gives one at each step."""
        return False

    @property
    def _filter(self) -> SMC:
        return SMC(self.n_particles, select=get_rule(self.rule).select)

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
        """Draw independent runs.

        Parameters
        ----------
        problem : Problem
        n_runs : int
        rng : int, SeedSequence or Generator
        keep : sequence of str, optional
            Of "tokens", "ess", "genealogy".
        n_threads, first_block : int, optional
            As in `SMC.run`.

        Returns
        -------
        Runs
            Without `log_w`.

        Raises
        ------
        InputError
            If an argument is out of range or the rule gives every path weight zero.
        TooLargeError
            If the model shares states and has too many paths.
        """
        check_run_arguments(n_runs, keep, n_threads, KEEP)
        unfolded = None if is_path_tree(problem) else unfold(problem)
        tree = problem if unfolded is None else unfolded.problem
        runs, levels = drive(
            get_rule(self.rule).rewrite(tree), tree, self._filter.options,
            run_seeds(rng, n_runs, first_block), keep=keep, n_threads=n_threads,
        )  # fmt: skip
        states = runs.states
        if unfolded is not None:
            states = np.where(runs.failed, -1, unfolded.terminal[np.maximum(states, 0)])
        cost = self.n_particles * levels
        return replace(runs, states=states, log_w=None, prm_evaluations=cost, model_calls=cost)

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output by enumerating clouds; see `simulator.exact.cloud`.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
        limit : float
            Largest number of cloud transitions.
        shortfall : bool
            Not defined for these samplers, and left None.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If more transitions than `limit` may be needed.
        """
        del shortfall
        law = exact_law(
            problem, self._filter, on=on, limit=limit, rewrite=get_rule(self.rule).rewrite,
            whole_paths=True,
        )  # fmt: skip
        return replace(law, mean_w_over_z=None, relative_variance=None, weighted=None)

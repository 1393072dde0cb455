"""Sequential Monte Carlo, the particle filter (arXiv 2603.07887, Algorithm 1, Option 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.checks import check_choice, check_int, check_real
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.problem.transforms import PROPOSALS, in_blocks, with_proposal
from simulator.resampling.schemes import SCHEMES, known_as
from simulator.resampling.when import RULES, Rule
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Ints, Seeds

__all__ = ["SMC"]


SELECT = ("sample", "best")


@dataclass(frozen=True)
class SMC(Sampler):
    r"""SMC: propagate with pi_ref, weight by V^(child)/V^(parent), resample.

    W^_H = V^(root) · prod over resampling times, and the end, of the mean of the weights
    accumulated since the time before. If all weights are zero the run has failed and W^_H = 0.
    With ``select="sample"``, E[W^_H 1{Y=y}] = pi_ref(y) r(y) for every scheme and threshold
    (lemma C.2), unless V^ = 0 somewhere where V* > 0.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    resampling : str
        Scheme: "multinomial", "systematic", "stratified", "residual", "ssp", "killing" or
        "single"; see `simulator.resampling`.
    ess_threshold : float
        t in [0, 1]. 1: resample at every level 1..H-1, as Algorithm 1 does, by either rule and
        also where all weights are equal (to keep those is another law). Below 1: resample where
        the size of the weights is below tN; see `resample_when`. 0: never (SIS).
    select : {"sample", "best"}
        Output a draw from the last weighted cloud, or its particle of highest V^ (of those of
        positive weight; ties, up to a relative 1e-9, uniformly).
    block : int
        B: ask for V^, and resample, at levels B, 2B, ... and H only.
    proposal : {"reference", "optimal", "uniform", "tempered"}
        Law q of the next token; the weight is pi_ref V^(child)/(q V^(parent)). See
        `simulator.problem.transforms.with_proposal`, which also takes arrays. "optimal" asks for
        V^ of all children.
    resample_when : {"ess", "max_weight"}
        The size that `ess_threshold` is compared with: the effective sample size 1/sum W_i^2 of
        the normalised weights, or 1/max W_i, so that a cloud is resampled where N max W > 1/t.
        The second resamples wherever the first does; see `simulator.resampling.when`.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> runs = SMC(2).run(problem, 100_000, rng=1)
    >>> print(f"{runs.states.mean():.1f} {np.exp(runs.log_w).mean():.1f}")
    0.6 2.0
    >>> SMC(2).exact_law(problem).law.round(12).tolist()
    [0.375, 0.625]
    """

    n_particles: int
    resampling: str = "multinomial"
    ess_threshold: float = 1.0
    select: str = "sample"
    block: int = 1
    proposal: str = "reference"
    resample_when: str = "ess"

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_choice("resampling", self.resampling, SCHEMES)
        check_real("ess_threshold", self.ess_threshold, 0, 1)
        check_choice("select", self.select, SELECT)
        check_int("block", self.block, 1)
        check_choice("proposal", self.proposal, PROPOSALS)
        check_choice("resample_when", self.resample_when, RULES)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return self.select == "sample"

    @property
    def weighted_clouds(self) -> bool:
        """Always true, whatever is selected from the last cloud."""
        return True

    @property
    def independent_proposals(self) -> bool:
        """See `Sampler.independent_proposals`: so they are if parents are, or are never chosen.

        Under "single" they are iid given their one parent; of other schemes the offspring depend
        on each other, and an adaptive rule may leave particles with different parents.
        """
        iid = self.resampling in ("multinomial", "single") and self.ess_threshold >= 1
        return iid or self.ess_threshold == 0 or self.n_particles == 1

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`; with one particle or level the scheme makes no difference."""
        still = self.n_particles == 1 or problem.horizon == 1
        plain = self.block == 1 and self.proposal == "reference"
        scheme = SCHEMES["multinomial"] if still else known_as(self.resampling, self.n_particles)
        every = plain and (still or self.ess_threshold >= 1)
        adaptive, rewritten = None, None
        if plain and self.resampling == "multinomial" and 0 < self.ess_threshold < 1:
            adaptive = Rule(self.resample_when, float(self.ess_threshold))
        if not plain and (still if self.block > 1 else still or self._multinomial):
            rewritten = self.as_plain(problem)
        return Facts(
            properly_weighted=self.properly_weighted,
            drawn=self.select == "sample",
            family="smc" if every else "other",
            variance=scheme.variance if every else "none known",
            resampling=self.resampling if every else None,
            negatively_correlated=every and scheme.negatively_correlated,
            adaptive=adaptive,
            rewritten=rewritten,
            myopic=True,
            lost_mass=self.as_plain(problem).forward_backward.lost_mass,
            evaluations=float(problem.horizon) if plain else None,
        )

    @property
    def _multinomial(self) -> bool:
        return self.resampling == "multinomial" and self.ess_threshold >= 1

    def as_plain(self, problem: Problem) -> Problem:
        """Return the problem on which this sampler is SMC with pi_ref as proposal.

        Parameters
        ----------
        problem : Problem
            What is sampled.

        Returns
        -------
        Problem
            Of the same tokens, states and target; see `simulator.problem.transforms`.
        """
        return in_blocks(with_proposal(problem, self.proposal), self.block)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        from simulator.samplers.smc.compiled import options_of, run_compiled

        runs, levels = run_compiled(
            self.as_plain(problem), problem, options_of(self), seeds, keep=keep, n_threads=n_threads
        )
        return replace(
            runs,
            prm_evaluations=self._evaluations(problem, levels),
            model_calls=self.n_particles * levels,
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`."""
        from simulator.samplers.smc.text import run_smc

        return run_smc(self, problem, rngs)

    def _evaluations(self, problem: Problem, levels: Ints) -> Ints:
        """PRM evaluations of runs that went through so many levels."""
        if self.proposal == "optimal":
            return self.n_particles * problem.model.n_actions * levels
        if self.block == 1:
            return self.n_particles * levels
        last = (levels == problem.horizon) & (levels % self.block > 0)
        return self.n_particles * (levels // self.block + last)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: the particle clouds are enumerated."""
        from simulator.exact.cloud import exact_law

        plain = self.proposal == "reference" and self.block == 1
        return exact_law(
            problem, self, on=on, limit=limit, shortfall=shortfall,
            rewrite=None if plain else self.as_plain,
        )  # fmt: skip

"""Quasi-SMC: parent and token drawn together, with less randomness than N independent draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from simulator.checks import check_choice, check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.quasi.codes import ORDERS, RULES
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["QuasiSMC"]

EACH = ("auto", *ORDERS)
LONG = 64  # levels, above which the order of prefixes may copy what should be mixed


@dataclass(frozen=True)
class QuasiSMC(Sampler):
    r"""SMC whose parents and tokens are drawn together from one line of cells.

    The cloud is a map from prefixes to weights W. A cell is a pair (prefix, token) of mass
    q = W(prefix) pi_ref(token|prefix); masses sum to 1. A rule picks at most N cells with random
    masses m of mean q; a picked child weighs m V^(child)/V^(parent), W^ is multiplied by the sum,
    the weights are normalised, and the output is drawn from the last cloud. SMC is the rule that
    draws N cells independently. On finite problems without lost mass the error is of order
    1/N^2, as both factors of nu - pi* = -Cov(nu^_H, W^_H/Z) are of order 1/N, at the same cost:
    V^ is asked of picked cells only, and next-token probabilities are those of the base model.

    Where it loses: under an order by prefixes that copies what should be mixed, most of all on a
    long horizon (take "state" where states are shared; `caution` says so above 64 levels), and with
    two or three particles and a biased PRM.

    Parameters
    ----------
    n_particles : int
        N >= 1: at most so many cells a level.
    rule : {"pivotal", "stratified", "systematic", "threshold", "adapted"}
        How cells are picked; see `simulator.samplers.quasi.rules`.
    order : {"auto", "lexicographic", "state", "token"}
        Of the cells: by prefix and token; by state, token, prefix; or by token, prefix. "auto" is
        "state" on tabular problems (on prefix trees that is lexicographic) and "token" on texts.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = reference(3)
    >>> for n in (2, 4, 8):
    ...     print(f"{SMC(n).exact_law(problem).tv:.4f} {QuasiSMC(n).exact_law(problem).tv:.4f}")
    0.1676 0.1061
    0.1071 0.0455
    0.0571 0.0161
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens", "genealogy", "clouds")
    text_keeps: ClassVar[tuple[str, ...]] = keeps
    n_particles: int
    rule: str = "pivotal"
    order: str = "auto"

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_choice("rule", self.rule, tuple(RULES))
        check_choice("order", self.order, EACH)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return True

    @property
    def weighted_clouds(self) -> bool:
        """Always true: the output is drawn from the cloud."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`; tokens of equal V^ are not treated alike: they have places."""
        even = self.rule in ("pivotal", "systematic", "threshold")
        less = self.rule in ("pivotal", "stratified")
        return Facts(
            properly_weighted=True, drawn=True, family="quasi-smc",
            variance="at most multinomial" if less else "none known",
            cell_order=self.order_on(problem) if even else None,
            lost_mass=problem.forward_backward.lost_mass,
        )  # fmt: skip

    def order_on(self, problem: Problem | LanguageModelProblem) -> str:
        """Name the order in use.

        Parameters
        ----------
        problem : Problem or LanguageModelProblem
            What is sampled.

        Returns
        -------
        str
        """
        if self.order != "auto":
            return self.order
        return "state" if isinstance(problem, Problem) else "token"

    def caution(self, problem: Problem | LanguageModelProblem) -> str | None:
        """See `Sampler.caution`: of the order of prefixes, where there are over 64 levels."""
        if self.order_on(problem) != "lexicographic" or problem.horizon <= LONG:
            return None
        better = "state" if isinstance(problem, Problem) else "token"
        return (
            f"order=lexicographic on {problem.horizon} levels may give all particles the same "
            f"tokens and err more than smc; order={better} does not"
        )

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        from simulator.samplers.quasi.compiled import run_compiled

        n, order = int(self.n_particles), self.order_on(problem)
        return run_compiled(problem, n, self.rule, order, seeds, keep, n_threads)

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; a level is one token, and texts have no states to order by."""
        from simulator.samplers.quasi.text import run_quasi_text

        return run_quasi_text(
            problem, rngs, int(self.n_particles), self.rule, self.order_on(problem)
        )

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: the weighted clouds are enumerated on the tree of paths."""
        from simulator.samplers.quasi.exact import exact_law

        n, order = int(self.n_particles), self.order_on(problem)
        return exact_law(problem, n, self.rule, order, on, limit, shortfall=shortfall)

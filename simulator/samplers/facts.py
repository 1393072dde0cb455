"""What a sampler declares about itself; statements of `theory` ask for this and never for names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from simulator.errors import InputError
from simulator.resampling.when import Rule

if TYPE_CHECKING:
    from simulator.problem.problem import Problem

__all__ = ["Facts", "facts_of"]

Family = Literal["smc", "quasi-smc", "smc-rs", "sis", "smc-ind", "other"]
Variance = Literal["multinomial", "at most multinomial", "none known"]


@dataclass(frozen=True)
class Facts:
    """Facts of a sampler on one problem. What is not declared counts as not known.

    Parameters
    ----------
    properly_weighted : bool
        E[W^_H 1{Y = y}] = pi_ref(y) r(y) for each output y, or less for outputs that zeros of V^
        lose (lemma C.2), with log W^_H in ``runs.log_w``.
    drawn : bool
        The output is a draw from the last weighted cloud, in proportion to the weights.
    family : {"smc", "quasi-smc", "smc-rs", "sis", "smc-ind", "other"}
        Law of the weighted clouds: that of SMC (arXiv 2603.07887, algorithm 1) with `n_particles`
        particles that move by pi_ref, weigh V^(child)/V^(parent) and are resampled at every
        level without bias (a weight W_j has N W_j offspring on average); of SMC whose parents and
        tokens are drawn together (quasi-SMC), of the same means; of SMC by rejection (algorithm
        2); of N paths that are never resampled; of independent branching (algorithm 4); or
        something else.
    variance : {"multinomial", "at most multinomial", "none known"}
        Variance class of the resampling, for family "smc" and "quasi-smc": multinomial at every
        level; given the past, no sum over the new cloud has a larger variance than under
        multinomial resampling; or neither is known.
    resampling : str or None
        For family "smc": the scheme of `simulator.resampling.schemes` whose offspring it has at
        every level, given the particles in the order in which runs keep them; None for one that
        is not there. Multinomial variance says "multinomial".
    negatively_correlated : bool
        For family "smc": given the weighted cloud, the offspring counts N_j of different particles
        are never positively correlated, and Var(N_j) <= E N_j.
    cell_order : str or None
        For family "quasi-smc": the order of the cells (prefix, token) in which each cell, and each
        initial part of them, gets as many hits of 1/N or less as its mass asks for, rounded up or
        down; None if no order has this.
    adaptive : Rule or None
        For SMC as in family "smc", but with multinomial resampling at those of the levels 1..H-1
        alone where this rule asks for it, and the weights gathered until then.
    myopic : bool
        At most `n_particles` particles a level, each a child of one of the level before, and what
        happens up to a level does not depend on V^ of later levels (F.1); and tokens of equal
        pi_ref and V^ are treated alike, whatever their names.
    restarted : bool
        Runs are accepted or started again.
    cut : float
        For family "smc-ind": at most the probability that a limit cuts a run off.
    lost_mass : float
        At least this much of pi* is never output, however large N is: paths that meet V^ = 0 where
        the sampler asks for V^. So the error is at least this.
    rewritten : Problem or None
        For another proposal or for blocks: the problem of the same target but other tables on
        which the sampler is of family "smc" with multinomial variance.
    evaluations : float or None
        PRM evaluations of a run divided by N, in the limit of many particles; None if not known.
    """

    properly_weighted: bool = False
    drawn: bool = False
    family: Family = "other"
    variance: Variance = "none known"
    resampling: str | None = None
    negatively_correlated: bool = False
    cell_order: str | None = None
    adaptive: Rule | None = None
    myopic: bool = False
    restarted: bool = False
    cut: float = 0.0
    lost_mass: float = 0.0
    rewritten: Problem | None = None
    evaluations: float | None = None

    @property
    def scheme(self) -> str | None:
        """Name of the scheme of family "smc", also where only its variance was declared."""
        if self.family != "smc":
            return None
        return "multinomial" if self.variance == "multinomial" else self.resampling


def facts_of(sampler: object, problem: Problem) -> Facts:
    """Return what a sampler declares on a problem, whatever class it is of.

    Parameters
    ----------
    sampler : object
        With a method ``facts(problem)``, or at least an attribute `properly_weighted`; one that
        has neither declares nothing.
    problem : Problem
        What it would run on.

    Returns
    -------
    Facts

    Raises
    ------
    InputError
        If ``facts(problem)`` gives something else.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> facts = facts_of(SMC(4), open_problem("reference"))
    >>> facts.family, facts.variance, facts.properly_weighted
    ('smc', 'multinomial', True)
    >>> facts_of("something else", open_problem("reference")).properly_weighted
    False
    """
    declared = getattr(sampler, "facts", None)
    if callable(declared):
        found = _remembered(sampler, problem) if _frozen(sampler) else declared(problem)
        if not isinstance(found, Facts):
            raise InputError(f"facts: {type(sampler).__name__} declares {found!r:.60}, not Facts")
        return found
    return Facts(properly_weighted=getattr(sampler, "properly_weighted", False) is True)


@lru_cache(maxsize=2)  # `check` asks for the same ones for every statement
def _remembered(sampler: Any, problem: Problem) -> object:
    return sampler.facts(problem)


def _frozen(sampler: object) -> bool:
    """Whether a sampler cannot change, as a frozen dataclass with such fields."""
    params = vars(type(sampler)).get("__dataclass_params__")
    if params is None or not params.frozen:
        return False
    try:
        hash(sampler)
    except TypeError:
        return False
    return True

"""Process reward models: rules that make V^ from V* for any problem.

A PRM is only a guess of the value V*(x) = E_ref[r | x] (arXiv 2603.07887, section 2).
Each rule here spoils the exact value in one way that reward models are known for: noise,
a wrong temperature, being one step late, knowing nothing, or a ceiling. All keep
V^ = r at the leaves and V^(root) > 0; where V* = 0 below the leaves, V^ = 0 too unless the
rule says otherwise. To use values of one's own, give `Problem` a list of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.checks import check_choice, check_int, check_real
from simulator.errors import InputError
from simulator.problem.forward_backward import reach
from simulator.typing import Floats

if TYPE_CHECKING:
    from simulator.problem.problem import PRM, Problem

__all__ = [
    "PRM_NAMES",
    "CappedPRM",
    "ConstantPRM",
    "DelayedPRM",
    "ExactPRM",
    "NoisyPRM",
    "TemperedPRM",
    "named_prm",
]

# beyond it V^ and its squares leave the range of floats
MOST_SIGMA = 100.0

PRM_NAMES = ("exact", "noisy", "tempered", "delayed", "constant", "capped")
AGREE = 1e-12


@dataclass(frozen=True)
class ExactPRM:
    """The perfect PRM, V^ = V*.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(3).with_prm(ExactPRM())
    >>> bool((problem.log_prm_flat == problem.log_value_flat).all())
    True
    """

    def log_values(self, problem: Problem) -> Floats:
        """Return log V*.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.
        """
        return problem.log_value_flat


@dataclass(frozen=True)
class NoisyPRM:
    """Independent lognormal factors: V^(x) = V*(x) exp(sigma g_x), g_x standard normal.

    One factor a state at levels 1..H-1; the root keeps V* and the leaves keep r. The
    factors have median 1. This is the model of independent errors under which
    action-level rejection sampling errs by about sigma sqrt(H) (arXiv 2510.03149).

    Parameters
    ----------
    sigma : float
        Standard deviation of log V^ - log V*, >= 0.
    seed : int, optional
        Of the generator of the g_x, which are drawn in flat order.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(2).with_prm(NoisyPRM(0.5, seed=1))
    >>> [v.round(4).tolist() for v in problem.prm]
    [[1.5], [2.0107, 1.9661], [1.0, 2.0, 3.0, 1.0]]
    """

    sigma: float
    seed: int = 0

    def __post_init__(self) -> None:
        check_real("sigma", self.sigma, 0)
        if self.sigma > MOST_SIGMA:
            raise InputError(f"sigma: {self.sigma!r} is larger than {MOST_SIGMA:g}")
        check_int("seed", self.seed, 0, 2**63)

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.
        """
        out = problem.log_value_flat.copy()
        inner = slice(1, int(problem.model.state_start[-2]))
        noise = np.random.default_rng(self.seed).standard_normal(out.size)
        out[inner] += self.sigma * noise[inner]
        return out


@dataclass(frozen=True)
class TemperedPRM:
    """A PRM with another temperature: V^ = V*^beta below level H.

    beta < 1 flattens the values, beta > 1 sharpens them, beta = 0 only tells a dead end
    (V* = 0) from the rest. Beyond 1 it is the inverse temperature of Fig. 4 of
    arXiv 2603.07887.

    Parameters
    ----------
    beta : float
        Exponent, >= 0.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(2).with_prm(TemperedPRM(2.0))
    >>> [v.round(4).tolist() for v in problem.prm]
    [[2.25], [1.7778, 2.7778], [1.0, 2.0, 3.0, 1.0]]
    """

    beta: float

    def __post_init__(self) -> None:
        check_real("beta", self.beta, 0)

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.

        Raises
        ------
        InputError
            If the problem has edge rewards and beta is not 1: the values of paths through
            a state then have powers of different products and no common V^.
        """
        if self.beta != 1:
            _refuse_edge_rewards(problem, "tempered")
        out = problem.log_value_flat.copy()
        inner = out[: problem.model.state_start[-2]]
        inner[np.isfinite(inner)] *= self.beta
        return out


@dataclass(frozen=True)
class DelayedPRM:
    """A PRM that is one step late: V^(y_1:h) = V*(y_1:h-1) for 1 <= h < H.

    The root keeps V* and the leaves keep r. At level h the weights tell the quality of
    the token before, so that a sampler which keeps no spare particles draws every token
    but the last from pi_ref (arXiv 2510.03149; the recursive form of it is the hard
    instance of arXiv 2603.07887, Theorem 3.9).

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(2).with_prm(DelayedPRM())
    >>> [v.round(4).tolist() for v in problem.prm]
    [[1.5], [1.5, 1.5], [1.0, 2.0, 3.0, 1.0]]
    """

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order; unreachable ones keep V*.

        Raises
        ------
        InputError
            If two paths into a state come from parents of different value, so that the
            state does not determine V^; or if an edge reward is 0 where V* > 0 before it.
        """
        model, t = problem.model, problem.tables
        start, a = model.state_start, model.n_actions
        value = problem.log_value_flat
        reached = reach(t)
        out = value.copy()
        for h in range(model.horizon - 1):
            rows = np.flatnonzero(reached[start[h] : start[h + 1]])
            cells = (rows[:, None] * a + np.arange(a)).ravel()
            cells = cells[np.isfinite(t.log_prob[t.table_start[h] + cells])]
            parent = value[start[h] + cells // a]
            factor = t.log_factor[t.factor_start[h] + cells]
            child = t.next_state[t.table_start[h] + cells]
            if (np.isneginf(factor) & np.isfinite(parent)).any():
                row = cells[np.argmax(np.isneginf(factor) & np.isfinite(parent))] // a
                raise InputError(
                    f"prm: stage {h}, row {row}: a delayed PRM cannot show the value before "
                    "an edge reward of 0"
                )
            late = parent - np.where(np.isneginf(factor), 0.0, factor)
            size = int(start[h + 2] - start[h + 1])
            low, high = np.full(size, np.inf), np.full(size, -np.inf)
            np.minimum.at(low, child, late)
            np.maximum.at(high, child, late)
            seen = low < np.inf
            with np.errstate(invalid="ignore"):
                same = (low == high) | (high - low <= AGREE * np.maximum(1.0, np.abs(high)))
            apart = seen & ~same
            if apart.any():
                raise InputError(
                    f"prm: stage {h + 1}, row {int(np.argmax(apart))}: parents of different "
                    "value, so a delayed PRM is not a function of the state (unfold it)"
                )
            out[start[h + 1] : start[h + 2]][seen] = high[seen]
        return out


@dataclass(frozen=True)
class ConstantPRM:
    """A PRM that knows nothing: V^ = 1 below level H, then r.

    With it SMC is importance sampling that draws from pi_ref, with resampling that does
    nothing until the last weight. States with V* = 0 keep V^ = 1.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> [v.round(4).tolist() for v in reference(2).with_prm(ConstantPRM()).prm]
    [[1.0], [1.0, 1.0], [1.0, 2.0, 3.0, 1.0]]
    """

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.

        Raises
        ------
        InputError
            If the problem has edge rewards, since the same state then stands for paths
            of different V^/product.
        """
        _refuse_edge_rewards(problem, "constant")
        out = problem.log_value_flat.copy()
        out[: problem.model.state_start[-2]] = 0.0
        return out


@dataclass(frozen=True)
class CappedPRM:
    """A PRM with a ceiling: V^ = min(V*, cap Z) below level H, then r.

    The ceiling is relative to Z = V*(root), so that it does not depend on the scale of
    the reward: the PRM never reports more than `cap` times the average. It cannot tell the
    very good prefixes from the good ones.

    Parameters
    ----------
    cap : float
        Ceiling in units of Z, > 0.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> problem = reference(2).with_prm(CappedPRM(1.1))
    >>> [v.round(4).tolist() for v in problem.prm]
    [[1.5], [1.3333, 1.65], [1.0, 2.0, 3.0, 1.0]]
    """

    cap: float

    def __post_init__(self) -> None:
        check_real("cap", self.cap, 0, above=True)

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            What is sampled; its V* is used, its own V^ is not.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.

        Raises
        ------
        InputError
            If the problem has edge rewards, since V* of a path is then not the state's.
        """
        _refuse_edge_rewards(problem, "capped")
        out = problem.log_value_flat.copy()
        inner = out[: problem.model.state_start[-2]]
        np.minimum(inner, problem.log_z + np.log(self.cap), out=inner)
        return out


def named_prm(
    name: str, *, sigma: float = 0.5, beta: float = 0.5, cap: float = 1.5, seed: int = 0
) -> PRM:
    """Make a PRM from its name, as the ready problems do.

    Parameters
    ----------
    name : str
        One of `PRM_NAMES`.
    sigma, beta, cap : float, optional
        Of the noisy, tempered and capped PRM; the others ignore them.
    seed : int, optional
        Of the noisy PRM.

    Returns
    -------
    PRM

    Raises
    ------
    InputError
        If the name is not known or a parameter is out of range.

    Examples
    --------
    >>> named_prm("tempered", beta=2.0)
    TemperedPRM(beta=2.0)
    """
    check_choice("prm", name, PRM_NAMES)
    made: dict[str, PRM] = {
        "exact": ExactPRM(),
        "noisy": NoisyPRM(sigma, seed),
        "tempered": TemperedPRM(beta),
        "delayed": DelayedPRM(),
        "constant": ConstantPRM(),
        "capped": CappedPRM(cap),
    }
    return made[name]


def _refuse_edge_rewards(problem: Problem, kind: str) -> None:
    if problem.has_edge_reward:
        raise InputError(f"prm: a {kind} PRM needs a problem without edge rewards (unfold it)")

r"""The sums of `theory.laws.path_sums` for models with many edges, from numbers of states alone.

Every density that sigma is made of is a number of the parent times V* of the child, or a number of
the child, so that along a path s_{h-1} = e^a(x_{h-1}) V*(x_h) + m (e^b(x_h) + s_h), where m is
V*(x_h)/V*(x_{h-1}) for SIS, else 1. No edge is ever written down: the pass reads the tables that
stages share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError, TooLargeError
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.streams.threads import spread
from simulator.typing import Floats

__all__ = ["DensitySum"]


@dataclass(frozen=True)
class DensitySum:
    """sigma of one family, as `theory.laws.path_sums.PathSum` has it.

    Parameters
    ----------
    problem : Problem
        What is sampled; it loses no mass and has no edge rewards.
    family : {"smc", "smc-rs", "sis"}
        Law of the clouds.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from theory.laws.sigma import sigma
    >>> problem = reference(3)
    >>> f = np.arange(8.0)
    >>> for family in ("smc", "smc-rs", "sis"):
    ...     one, other = DensitySum(problem, family), sigma(problem, family)
    ...     print(np.allclose([one.mean(f), *one.limits()], [other.mean(f), *other.limits()]))
    True
    True
    True
    """

    problem: Problem
    family: str

    def __post_init__(self) -> None:
        if not self.problem.tables.plain:
            raise InputError("law: sums of densities need a problem without edge rewards")

    @cached_property
    def _densities(self) -> tuple[Floats, Floats, bool, float]:
        """a and b of all states, whether m is a ratio, and s_H."""
        p, start = self.problem, self.problem.model.state_start
        value, prm = p.log_value_flat, p.log_prm_flat
        never = np.full_like(value, -np.inf)
        if self.family == "sis":
            return never, never, True, 1.0
        gain = np.repeat(p.forward_backward.log_z_hat - p.log_z, p.model.n_states)
        with np.errstate(invalid="ignore"):  # where pi* does not go
            gain -= prm
            if self.family == "smc":
                return gain, never, False, 0.0
            gain += value
        gain[int(start[-2]) :] = -np.inf
        return never, gain, False, 0.0

    def values(self, tokens: npt.ArrayLike) -> Floats:
        """Return the numbers of given paths.

        Parameters
        ----------
        tokens : (P, H) int array
            Token paths that pi* takes.

        Returns
        -------
        (P,) array
        """
        states = path_edges(self.problem.model, tokens)[0]
        value = self.problem.log_value_flat
        a, b, relative, end = self._densities
        total = np.full(len(states), end)
        for h in range(self.problem.horizon - 1, -1, -1):
            here, child = states[:, h], states[:, h + 1]
            total += np.exp(b[child])
            if relative:
                total *= np.exp(value[child] - value[here])
            total += np.exp(a[here] + value[child])
        return total

    def mean(self, f: Floats) -> float:
        """Return E_{pi*}[s_0(y) f(y_H)].

        Parameters
        ----------
        f : (S_H,) array
            A function of terminal states.

        Returns
        -------
        float
        """
        return self._all[0] if (f == 1).all() else self._pass(f)[0]

    def limits(self) -> tuple[float, float]:
        """Return the least and the largest number of a path that pi* takes.

        Returns
        -------
        low, high : float
            Not finite where it, or a number on the way, is beyond the range of floats.
        """
        return self._all[1:]

    @cached_property
    def _all(self) -> tuple[float, float, float]:
        return self._pass(np.ones(int(self.problem.model.n_states[-1])))

    def _pass(self, f: Floats) -> tuple[float, float, float]:
        """Mean against f, least and largest number."""
        from theory.laws import density_sums_kernel as kernel

        p, t, start = self.problem, self.problem.tables, self.problem.model.state_start
        value, marginal = p.log_value_flat, p.forward_backward.target_marginal
        a, b, relative, end = self._densities
        ones = bool((f == 1).all())
        widest = int(p.model.n_states.max())
        column, rows, kept = np.empty(widest), np.empty((widest, 4)), np.empty((widest, 3))
        now, later = np.empty(widest), np.empty(widest)
        later[: f.size] = f
        kept[: f.size, 0], kept[: f.size, 1:] = end * f, end
        for h in range(p.horizon - 1, -1, -1):
            here, below = slice(start[h], start[h + 1]), slice(start[h + 1], start[h + 2])
            top = kernel.children(value[below], b[below], relative, later, kept, column, rows)
            part = partial(
                kernel.level, t.n_actions, t.table_start[h], t.log_prob, t.next_state, t.prob,
                value[here], value[below], marginal[here], a[here], relative, rows, top, later,
                ones, now, kept,
            )  # fmt: skip
            size = int(start[h + 1] - start[h])
            spread(part, size, float(size) * t.n_actions, None)
            now, later = later, now
        if np.isnan(kept[0]).any():
            raise TooLargeError("law: sigma may be beyond the range of floats")
        return float(kept[0, 0]), float(kept[0, 1]), float(kept[0, 2])

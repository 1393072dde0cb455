r"""The sums of `theory.laws.path_sums` for models with many edges, from numbers of states alone.

Every density that sigma is made of is a number of the parent times one of the child, so that along
a path s_{h-1} = e^(a(x_{h-1}) + b(x_h)) + e^(c(x_{h-1}) + d(x_h)) s_h. No edge is ever written
down: the passes read the tables that stages share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError, TooLargeError
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
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
    def _logs(self) -> tuple[Floats, Floats, Floats, Floats, float]:
        """a, b, c and d of all states, and s_H."""
        p, start = self.problem, self.problem.model.state_start
        value, prm = p.log_value_flat, p.log_prm_flat
        scale = p.forward_backward.log_z_hat - p.log_z
        level = np.repeat(np.arange(p.horizon + 1), p.model.n_states)
        zero, never = np.zeros_like(value), np.full_like(value, -np.inf)
        with np.errstate(invalid="ignore"):  # where pi* does not go
            if self.family == "smc":
                return scale[level] - prm, value, zero, zero, 0.0
            if self.family == "smc-rs":
                gain = value - prm + scale[level]
                gain[int(start[-2]) :] = -np.inf
                return zero, gain, zero, zero, 0.0
            return never, zero, -value, value, 1.0

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
        a, b, c, d, end = self._logs
        total = np.full(len(states), end)
        for h in range(self.problem.horizon - 1, -1, -1):
            here, child = states[:, h], states[:, h + 1]
            total = np.exp(a[here] + b[child]) + np.exp(c[here] + d[child]) * total
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
        from theory.laws.density_sums_kernel import sums

        p, t = self.problem, self.problem.tables
        found: tuple[float, float, float] = sums(
            t.n_actions, t.state_start, t.table_start, t.log_prob, t.next_state, t.prob,
            p.log_value_flat, p.forward_backward.target_marginal, *self._logs, f,
        )  # fmt: skip
        if np.isnan(found[0]):
            raise TooLargeError("law: sigma may be beyond the range of floats")
        return found

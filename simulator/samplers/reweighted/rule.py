"""What a weighting rule is: a factor for each node, and how the output is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["Rule", "along_paths", "steps_of"]


@dataclass(frozen=True)
class Rule:
    """How particles are weighted and one of them chosen.

    Parameters
    ----------
    name : str
        By which `get_rule` finds it.
    text : str
        What it does, in a line.
    factors : callable
        Tree problem to log G of every node, in flat order, 0 at the root.
    select : {"sample", "best"}, optional
        Draw the output from the last weighted cloud, or take the particle of highest V^.
    """

    name: str
    text: str
    factors: Callable[[Problem], Floats]
    select: str = "sample"

    def rewrite(self, tree: Problem) -> Problem:
        """Return the tree problem on which SMC weights particles by this rule.

        Parameters
        ----------
        tree : Problem
            Every state is reached by one path.

        Returns
        -------
        Problem

        Raises
        ------
        InputError
            If the rule gives every path weight zero.
        """
        log_prm = along_paths(tree, self.factors(tree))
        ends = slice(int(tree.model.state_start[-2]), None)
        if np.isneginf(log_prm[ends][tree.forward_backward.reached[ends]]).all():
            raise InputError(f"rule {self.name}: V^ = 0 somewhere on every path, none has weight")
        return Problem.from_log(
            tree.model, log_prm[tree.model.state_start[-2] :], log_prm, name=tree.name
        )


def along_paths(tree: Problem, log_factor: Floats) -> Floats:
    """Sum of `log_factor` over the nodes of the path to each node.

    Parameters
    ----------
    tree : Problem
        Every state is reached by one path.
    log_factor : (n,) array
        Of each node, in flat order.

    Returns
    -------
    (n,) array
    """
    out = log_factor.copy()
    for source, target in steps_of(tree):
        out[target] = out[source] + log_factor[target]
    return out


def steps_of(tree: Problem) -> list[tuple[Ints, Ints]]:
    """Return parents and children of each level, over the edges that pi_ref takes.

    Parameters
    ----------
    tree : Problem
        Every state is reached by one path.

    Returns
    -------
    list of (array, array)
        Of states in flat order, one pair a level.
    """
    e, used = tree.forward_backward.edges, tree.forward_backward.taken
    parts = [slice(int(a), int(b)) for a, b in zip(e.start[:-1], e.start[1:], strict=True)]
    return [(e.source[p][used[p]], e.target[p][used[p]]) for p in parts]

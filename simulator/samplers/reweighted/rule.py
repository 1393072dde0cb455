"""What a weighting rule is: a factor for each node, and how the output is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.typing import Floats

__all__ = ["Rule", "along_paths"]


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
    e = tree.forward_backward.edges
    used = tree.forward_backward.taken
    for begin, end in zip(e.start[:-1], e.start[1:], strict=True):
        part = slice(int(begin), int(end))
        source, target = e.source[part][used[part]], e.target[part][used[part]]
        out[target] = out[source] + log_factor[target]
    return out

"""Where a search begins: every family of the package, and random problems of many kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simulator.errors import InputError
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.random_tree import random_tree
from simulator.problem.library import make_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["FAMILIES", "starts"]

# a member of each family, small enough that its law can be enumerated, by random arguments
FAMILIES: dict[str, Callable[[np.random.Generator], str]] = {
    "reference": lambda rng: f"horizon={rng.integers(1, 5)}",
    "product": lambda rng: f"horizon={rng.integers(1, 13)}",
    "two-branch": lambda rng: f"horizon={rng.integers(2, 17)},s={rng.choice([0.1, 0.5, 0.9])}",
    "all-or-nothing": lambda rng: f"horizon={rng.integers(2, 13)},ratio={rng.integers(2, 5)}",
    "dips": lambda rng: f"particles={rng.integers(1, 5)},dips={rng.integers(1, 10)}",
    "rare-path": lambda rng: f"particles={rng.integers(1, 5)},horizon={rng.integers(1, 9)}",
    "variance": lambda rng: f"horizon={rng.integers(2, 7)}",
    "eos": lambda rng: f"horizon={rng.integers(1, 5)}",
    "brackets": lambda rng: f"length=4,prm={rng.choice(['exact', 'greedy', 'constant'])}",
    "delayed": lambda rng: f"horizon={rng.integers(1, 4)},seed={rng.integers(1000)}",
    "hidden-labels": lambda rng: (
        f"counts={rng.integers(2, 9)},theta={rng.choice([0.5, 0.75, 0.9])}"
    ),
    "recursive-delay": lambda rng: f"counts={rng.integers(2, 13)},gamma={rng.choice([0.25, 0.4])}",
    "late-labels": lambda rng: f"horizon={rng.integers(2, 5)},delay=1",
}


def starts(
    rng: np.random.Generator, horizon: int, actions: int, *, any_horizon: bool = False
) -> Iterator[Problem]:
    """Draw problems without end.

    Parameters
    ----------
    rng : Generator
        The only source of randomness.
    horizon, actions : int
        Largest H and A of random problems, and of members of families unless `any_horizon`.
    any_horizon : bool, optional
        Draw members of the families only, of every size: for statements about families.

    Yields
    ------
    Problem

    Examples
    --------
    >>> found = starts(np.random.default_rng(1), 3, 2)
    >>> problems = [next(found) for _ in range(20)]
    >>> max(p.horizon for p in problems) <= 3, max(p.model.n_actions for p in problems)
    (True, 2)
    """
    families = list(FAMILIES)
    kinds = (_tree, _branches, _automaton, _branches)
    count = 0
    while True:
        count += 1
        if any_horizon or count % 5 == 0:
            name = families[count // (1 if any_horizon else 5) % len(families)]
            try:
                problem = make_problem(f"{name}:{FAMILIES[name](rng)}")
            except InputError:  # arguments that do not go together
                continue
            small = problem.horizon <= horizon and problem.model.n_actions <= actions
            if any_horizon or small:
                yield problem
            continue
        h, a = int(rng.integers(1, horizon + 1)), int(rng.integers(2, actions + 1))
        yield kinds[count % 5 - 1](rng, h, a)


def _tree(rng: np.random.Generator, horizon: int, actions: int) -> Problem:
    return random_tree(
        actions,
        horizon,
        int(rng.integers(2**31)),
        concentration=float(rng.choice([0.5, 1.0, 5.0])),
        zero_rewards=float(rng.choice([0.0, 0.0, 0.3])),
        sparse=float(rng.choice([0.0, 0.0, 0.3])),
        prm=str(rng.choice(["exact", "noisy", "noisy"])),
        sigma=float(rng.choice([0.1, 0.5, 1.0, 2.0])),
    )


def _automaton(rng: np.random.Generator, horizon: int, actions: int) -> Problem:
    seed, states = int(rng.integers(2**31)), int(rng.integers(2, 4))
    return random_automaton(states, actions, horizon, seed=seed)


def _branches(rng: np.random.Generator, horizon: int, actions: int) -> Problem:
    """Choose a branch, and stay: all that happens later is what V^ says of it."""
    first = rng.dirichlet(np.ones(actions))
    stay = np.eye(actions)
    moves = np.repeat(np.arange(actions)[:, None], actions, axis=1)
    model = TabularModel(
        [first[None]] + [stay] * (horizon - 1), [np.arange(actions)[None]] + [moves] * (horizon - 1)
    )
    reward = np.exp(rng.normal(0, 1.5, actions))
    reward[rng.integers(actions)] *= rng.choice([0.0, 1.0])  # actions >= 2: one reward is left
    prm = [np.exp(rng.normal(0, 1.5, actions)) for _ in range(horizon - 1)]
    return Problem(model, reward, [[1.0], *prm, reward], name="branches")

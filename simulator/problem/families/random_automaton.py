"""Random automata: few states, any horizon."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int, check_real
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.prms import named_prm
from simulator.problem.problem import PRM, Problem

__all__ = ["random_automaton"]

MAX_CELLS = 2**24


def random_automaton(
    n_states: int = 8,
    n_actions: int = 3,
    horizon: int = 32,
    seed: int = 0,
    *,
    concentration: float = 1.0,
    zero_rewards: float = 0.0,
    edge_sigma: float = 0.0,
    prm: str | PRM = "noisy",
    sigma: float = 0.3,
    beta: float = 0.5,
    cap: float = 1.5,
) -> Problem:
    """Return a random deterministic automaton read by a random base model.

    After the first token the model is in one of S states, and all levels share one table::

        pi_ref(. | s) ~ Dirichlet(concentration, ..., concentration)
        next(s, a)    uniform over the S states
        r(s)          ~ Exp(1), set to 0 with probability zero_rewards
        edge reward   exp(edge_sigma g), g ~ N(0, 1), one a (state, token)

    With ``edge_sigma = 0`` there are no edge rewards; the values of far-away levels are
    then nearly constant, because the chain forgets. With edge rewards they matter at every
    level.

    Parameters
    ----------
    n_states, n_actions, horizon : int, optional
        S, A and H, each >= 1.
    seed : int, optional
        Of pi_ref, the next states, the rewards and the noisy PRM.
    concentration : float, optional
        Below 1: peaked rows; above: flat ones.
    zero_rewards : float, optional
        Fraction in [0, 1]; one reachable state keeps its reward.
    edge_sigma : float, optional
        Spread of the logarithms of the edge rewards, >= 0.
    prm : str or PRM, optional
        A name of `simulator.problem.prms.PRM_NAMES`, or a rule.
    sigma, beta, cap : float, optional
        Of the noisy, tempered and capped PRM.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = random_automaton(horizon=1000, seed=2)
    >>> problem.model
    TabularModel(horizon=1000, n_actions=3, max_states=8)
    """
    check_int("n_states", n_states, 1, MAX_CELLS)
    check_int("n_actions", n_actions, 1, 4096)
    check_horizon(horizon)
    check_int("seed", seed, 0, 2**63)
    check_int("n_states * n_actions", n_states * n_actions, 1, MAX_CELLS)
    check_int("n_states * horizon", n_states * horizon, 1, 4 * MAX_CELLS)
    check_real("concentration", concentration, 0.01, 1e6)
    check_real("zero_rewards", zero_rewards, 0.0, 1.0)
    check_real("edge_sigma", edge_sigma, 0.0, 100.0)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
    alpha = np.full(n_actions, concentration)
    first, later = (streams[0].dirichlet(alpha, size=k) for k in (1, n_states))
    fork, move = (streams[1].integers(n_states, size=(k, n_actions)) for k in (1, n_states))
    model = TabularModel(
        [first] + [later] * (horizon - 1),
        [fork] + [move] * (horizon - 1),
        n_terminal=n_states,
    )
    full = streams[2].standard_exponential(n_states)
    reward = np.where(streams[3].random(n_states) < zero_rewards, 0.0, full)
    gain: list[np.ndarray | None] | None = None
    if edge_sigma > 0:
        head, table = (
            np.exp(edge_sigma * streams[4].standard_normal((k, n_actions))) for k in (1, n_states)
        )
        gain = [head, *[table] * (horizon - 1)]
    reach = _reached(first, later, fork, move, horizon)
    if not (reward[reach] > 0).any():
        reward[reach[0]] = full[reach[0]]
    rule = (
        named_prm(prm, sigma=sigma, beta=beta, cap=cap, seed=seed) if isinstance(prm, str) else prm
    )
    name = (
        f"random-automaton:n_states={n_states},n_actions={n_actions},horizon={horizon},seed={seed}"
    )
    return Problem(model, reward, rule, edge_reward=gain, name=name)


def _reached(
    first: np.ndarray, later: np.ndarray, fork: np.ndarray, move: np.ndarray, horizon: int
) -> np.ndarray:
    """List the states of level H that some sequence of positive probability ends in."""
    here = np.unique(fork[first > 0])
    seen: dict[bytes, int] = {}
    sets: list[np.ndarray] = []
    # sets of states, so their sequence is periodic from the first repetition on
    for h in range(1, horizon):
        key = here.tobytes()
        if key in seen:
            start, period = seen[key], h - seen[key]
            return sets[start - 1 + (horizon - start) % period]
        seen[key] = h
        sets.append(here)
        here = np.unique(move[here][later[here] > 0])
    return here

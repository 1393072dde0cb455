"""Random prefix trees: the general case, with no structure to exploit."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int, check_real
from simulator.problem.families.checks import check_horizon, check_tree_size
from simulator.problem.model import TabularModel
from simulator.problem.prms import named_prm
from simulator.problem.problem import PRM, Problem

__all__ = ["random_tree"]


def random_tree(
    n_actions: int = 2,
    horizon: int = 4,
    seed: int = 0,
    *,
    concentration: float = 1.0,
    zero_rewards: float = 0.0,
    sparse: float = 0.0,
    prm: str | PRM = "noisy",
    sigma: float = 0.5,
    beta: float = 0.5,
    cap: float = 1.5,
) -> Problem:
    """Return a full tree with random rows, rewards and PRM.

    Independently, for every node x and leaf y::

        pi_ref(. | x) ~ Dirichlet(concentration, ..., concentration)
        r(y)          ~ Exp(1), set to 0 with probability zero_rewards

    An entry of pi_ref is set to 0 with probability `sparse` (never the whole row), and the
    row is rescaled. If no sequence of positive probability keeps a reward, the likeliest
    leaf gets its reward back. Each ingredient has its own random stream, so that changing
    one option leaves the rest of the tree as it was.

    Parameters
    ----------
    n_actions, horizon : int, optional
        A >= 1 and H >= 1.
    seed : int, optional
        Of pi_ref, the rewards and the noisy PRM.
    concentration : float, optional
        Below 1: peaked rows; above: flat ones.
    zero_rewards, sparse : float, optional
        Fractions in [0, 1).
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
    >>> tree = random_tree(horizon=3, seed=1, sparse=0.3)
    >>> tree.horizon, tree.is_tree, len(tree.reward)
    (3, True, 8)
    """
    check_int("n_actions", n_actions, 1, 4096)
    check_horizon(horizon)
    check_int("seed", seed, 0, 2**63)
    check_real("concentration", concentration, 1e-6, 1e6)
    check_real("zero_rewards", zero_rewards, 0.0, 1.0)
    check_real("sparse", sparse, 0.0, 1.0)
    check_tree_size(n_actions, horizon)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
    probs = []
    log_reach = np.zeros(1)
    for h in range(horizon):
        shape = (n_actions**h, n_actions)
        # exp of the log-gamma form of the Dirichlet law: no row underflows to 0/0
        gamma = streams[0].standard_gamma(concentration + 1, shape)
        boost = np.log1p(-streams[0].random(shape)) / concentration
        logit = np.log(gamma) + boost
        drop = streams[1].random(shape) < sparse
        drop[np.arange(shape[0]), streams[1].integers(n_actions, size=shape[0])] = False
        logit[drop] = -np.inf
        row = np.exp(logit - logit.max(axis=1, keepdims=True))
        row /= row.sum(axis=1, keepdims=True)
        probs.append(row)
        with np.errstate(divide="ignore"):
            log_reach = (log_reach[:, None] + np.log(row)).ravel()
    full = streams[2].standard_exponential(n_actions**horizon)
    reward = np.where(streams[3].random(full.size) < zero_rewards, 0.0, full)
    if not (reward[np.isfinite(log_reach)] > 0).any():
        best = int(np.argmax(log_reach))
        reward[best] = full[best]
    rule = (
        named_prm(prm, sigma=sigma, beta=beta, cap=cap, seed=seed) if isinstance(prm, str) else prm
    )
    name = f"random-tree:n_actions={n_actions},horizon={horizon},seed={seed}"
    return Problem(TabularModel.tree(probs), reward, rule, name=name)

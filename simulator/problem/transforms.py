r"""Problems on which plain SMC is another sampler: same tokens, same states, other tables.

A particle filter only sees three things of a step x -> x' by token a: the probability of the
token, the factor it collects, and the values at both ends. So a filter that proposes from
another law, asks for V^ at some levels only, or looks one step ahead before it resamples is
SMC (arXiv 2603.07887, algorithm 1) on a rewritten problem, and all exact laws, kernels and
bounds of SMC serve it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.typing import Floats

__all__ = ["PROPOSALS", "fully_adapted", "in_blocks", "one_step_value", "with_proposal"]


PROPOSALS = ("reference", "optimal", "uniform", "tempered")
TEMPER = 0.5  # "tempered" proposes from pi_ref^(1/2)

_CACHE: WeakKeyDictionary[Problem, dict[str, Problem]] = WeakKeyDictionary()


def _cached(problem: Problem, key: str, make: Callable[[], Problem]) -> Problem:
    made = _CACHE.setdefault(problem, {})
    if key not in made:
        made[key] = make()
    return made[key]


def one_step_value(problem: Problem) -> Floats:
    """log S(x) = log E_ref[V^(x_{h+1}) | x] for all states before the last level.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Returns
    -------
    (n_inner,) array
        In flat order, edge rewards of the step included; -inf where V^ = 0 at all children.
    """
    e = problem.forward_backward.edges
    term = e.log_prob + e.log_factor + problem.log_prm_flat[e.target]
    return np.asarray(np.logaddexp.reduce(term.reshape(-1, problem.model.n_actions), axis=1))


def with_proposal(problem: Problem, proposal: str | Sequence[npt.ArrayLike]) -> Problem:
    r"""Propose from q instead of pi_ref, with weight pi_ref V^(child) / (q V^(parent)).

    pi_ref/q joins the edge rewards, so that Z, V* and the target stay what they are.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    proposal : {"reference", "optimal", "uniform", "tempered"} or sequence of (S_h, A) arrays
        "optimal": q ∝ pi_ref V^(child), which makes the weight S(x)/V^(x), S(x) =
        E_ref[V^(child)|x]; "uniform" over the tokens of positive pi_ref; "tempered":
        q ∝ pi_ref^(1/2). Arrays hold q of each stage.

    Returns
    -------
    Problem
        Of the same states, reward, V* and target.

    Raises
    ------
    InputError
        If the proposal is not known, or q = 0 where pi_ref V^(child) > 0: those paths would
        never be seen.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> optimal = with_proposal(reference(2), "optimal")
    >>> [float(x) for x in optimal.model.probs[0][0].round(4)], round(optimal.log_z, 6)
    ([0.7059, 0.2941], 0.405465)
    """
    if isinstance(proposal, str):
        check_choice("proposal", proposal, PROPOSALS)
        if proposal == "reference":
            return problem
        name = proposal
        return _cached(problem, name, lambda: _propose(problem, _named(problem, name)))
    given = TabularModel(proposal, problem.model.next_state, n_terminal=len(problem.reward))
    if given.n_actions != problem.model.n_actions:
        raise InputError(f"proposal: {given.n_actions} tokens, not {problem.model.n_actions}")
    return _propose(problem, _log(np.concatenate([q.ravel() for q in given.probs])))


def _named(problem: Problem, name: str) -> Floats:
    """log q of all edges in flat order."""
    e, a = problem.forward_backward.edges, problem.model.n_actions
    if name == "uniform":
        log_q = np.where(np.isfinite(e.log_prob), 0.0, -np.inf)
    elif name == "tempered":
        log_q = TEMPER * e.log_prob
    else:
        log_q = e.log_prob + e.log_factor + problem.log_prm_flat[e.target]
        hopeless = np.isneginf(log_q.reshape(-1, a)).all(axis=1)
        log_q = np.where(np.repeat(hopeless, a), e.log_prob, log_q)
    rows = log_q.reshape(-1, a)
    return np.asarray((rows - np.logaddexp.reduce(rows, axis=1)[:, None]).ravel())


def _propose(problem: Problem, log_q: Floats) -> Problem:
    e = problem.forward_backward.edges
    wanted = e.log_prob + e.log_factor
    alive = np.isfinite(problem.log_prm_flat)
    missed = np.isneginf(log_q) & np.isfinite(wanted) & alive[e.target] & alive[e.source]
    if missed.any():
        h, row = problem.forward_backward.state_of(int(e.source[np.argmax(missed)]))
        raise InputError(
            f"proposal: stage {h}, row {row}: q = 0 for a token that pi_ref and V^ allow"
        )
    with np.errstate(invalid="ignore"):
        log_factor = np.where(np.isneginf(log_q), -np.inf, wanted - log_q)
    return _rebuilt(problem, log_q, log_factor, problem.log_prm_flat)


def fully_adapted(problem: Problem) -> Problem:
    r"""Look one step ahead before resampling: multinomial SMC on it is SMC-RS on `problem`.

    Tokens are drawn from q ∝ pi_ref V^(child) and the value of x_h, h < H, is S(x_h) =
    E_ref[V^(x_{h+1}) | x_h]. Then the weight of a particle of level h < H is S(x_h)/V^(x_h)
    and that of level H is 1, so given the past the particles of a level are independent
    draws from mu_h ∝ sum over parents of pi_ref(.|x) V^(.)/V^(x) (arXiv 2603.07887,
    algorithm 2), and W^_H is the same.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Returns
    -------
    Problem
        Its target leaves out the paths that meet V^ = 0. If there is no other path, every run
        fails, and the target is arbitrary.
    """
    return _cached(problem, "adapted", lambda: _adapt(problem))


def _adapt(problem: Problem) -> Problem:
    e = problem.forward_backward.edges
    ahead = one_step_value(problem)
    hopeless = np.isneginf(ahead)
    log_q = _named(problem, "optimal")
    value = problem.log_prm_flat[e.target]
    live = np.isfinite(ahead[e.source]) & np.isfinite(value) & np.isfinite(log_q)
    log_factor = np.full(log_q.size, -np.inf)
    log_factor[live] = ahead[e.source[live]] - value[live]
    log_reward = problem.log_reward
    if problem.forward_backward.log_z_alive == -np.inf:
        # a problem must have Z > 0: let states without hope earn, where no particle goes on
        log_factor[hopeless[e.source]] = 0.0
        log_reward = np.zeros_like(log_reward)
        if hopeless[0]:
            ahead = np.where(np.arange(ahead.size) == 0, 0.0, -np.inf)
    return _rebuilt(problem, log_q, log_factor, np.concatenate([ahead, log_reward]), log_reward)


def in_blocks(problem: Problem, block: int) -> Problem:
    """Ask for V^ at levels B, 2B, ... and H only: it counts as 1 elsewhere (edge rewards apart).

    Weights over a block of B tokens then multiply to V^(end)/V^(start).

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    block : int
        B >= 1.

    Returns
    -------
    Problem
    """
    if block == 1:
        return problem

    def make() -> Problem:
        level = np.repeat(np.arange(problem.horizon + 1), problem.model.n_states)
        skipped = (level % block != 0) & (level < problem.horizon)
        log_prm = np.where(skipped, 0.0, problem.log_prm_flat)
        return Problem.from_log(
            problem.model, problem.log_reward, log_prm, edge_reward=problem.edge_reward,
            name=problem.name,
        )  # fmt: skip

    return _cached(problem, f"block {block}", make)


def _rebuilt(
    problem: Problem,
    log_q: Floats,
    log_factor: Floats,
    log_prm: Floats,
    log_reward: Floats | None = None,
) -> Problem:
    """Put flat tables together again; stages whose numbers agree share one table."""
    model, a, start = problem.model, problem.model.n_actions, problem.forward_backward.edges.start
    q = np.exp(log_q)
    with np.errstate(over="ignore"):
        factor = np.exp(log_factor)
    if np.isinf(factor).any():
        h, row = problem.forward_backward.state_of(int(np.argmax(np.isinf(factor))) // a)
        raise InputError(f"stage {h}, row {row}: values of V^ differ by more than e^709")
    probs: list[Floats] = []
    edges: list[Floats] = []
    shared: dict[tuple[str, int, bytes], Floats] = {}
    for h, (i, j) in enumerate(pairwise(start.tolist())):
        for kind, flat, out in (("q", q, probs), ("edge", factor, edges)):
            block = flat[i:j].reshape(-1, a)
            key = (kind, int(model.stage_table[h]), block.tobytes())
            out.append(shared.setdefault(key, block))
    return Problem.from_log(
        TabularModel(probs, model.next_state, n_terminal=int(model.n_states[-1])),
        problem.log_reward if log_reward is None else log_reward, log_prm,
        edge_reward=edges, name=problem.name,
    )  # fmt: skip


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x))

r"""Problems made of a problem and an event E of terminal states: what E asks of the last cloud.

A cloud of level H - 1 does not see what level H earns. So SMC on a problem with another terminal
reward has the same clouds up to there, and the same proposals of level H: with the reward 1_E its
runs fail if and only if no proposal is in E, and with r 1_E its W^_H is the part of E in that of
the problem itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.typing import Bools, Floats

__all__ = ["chance_ahead", "check_event", "earning", "restricted", "shortened"]


def check_event(problem: Problem, event: npt.ArrayLike) -> Bools:
    """Return an event as an array of truth values.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    event : (S_H,) bool array
        Which terminal states are in it.

    Returns
    -------
    (S_H,) bool array

    Raises
    ------
    InputError
        If it is something else.
    """
    chosen = np.asarray(event)
    size = int(problem.model.n_states[-1])
    if chosen.dtype != np.bool_ or chosen.shape != (size,):
        raise InputError(
            f"correct: not an array of truth values, one of each of the {size} terminal states"
        )
    return chosen


def chance_ahead(problem: Problem, event: Bools) -> Floats:
    """P_ref(E | x) of the states of level H - 1 that a particle can be at.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref and PRM.
    event : (S_H,) bool array
        E.

    Returns
    -------
    (S_{H-1},) array
        0 at states where no particle can be.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> chance_ahead(reference(2), np.array([True, False, False, True])).round(6).tolist()
    [0.666667, 0.666667]
    """
    model, last = problem.model, problem.horizon - 1
    ahead = (model.probs[last] * event[model.next_state[last]]).sum(axis=1)
    start = int(model.state_start[last])
    here = problem.forward_backward.log_forward_alive[start : start + ahead.size]
    alive = np.isfinite(here) & np.isfinite(problem.log_prm[last])
    return np.where(alive, ahead, 0.0)


def earning(problem: Problem, event: Bools) -> Problem:
    """Let terminal states of an event earn 1 and the others nothing; edges of the last stage too.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    event : (S_H,) bool array
        E; a path to it must be possible.

    Returns
    -------
    Problem
        Of the same V^ up to level H - 1.
    """
    edges = problem.edge_reward
    return _with_terminal(
        problem, np.where(event, 0.0, -np.inf), None if edges is None else [*edges[:-1], None]
    )


def restricted(problem: Problem, event: Bools) -> Problem:
    """Take the reward away from terminal states outside of an event.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    event : (S_H,) bool array
        E; a path to it must have a reward.

    Returns
    -------
    Problem
        Of the same V^ up to level H - 1; its Z is pi*(E) Z.
    """
    return _with_terminal(
        problem, np.where(event, problem.log_reward, -np.inf), problem.edge_reward
    )


def _with_terminal(
    problem: Problem, log_reward: Floats, edges: list[Floats | None] | None
) -> Problem:
    inner = problem.log_prm_flat[: int(problem.model.state_start[-2])]
    return Problem.from_log(
        problem.model, log_reward, np.concatenate([inner, log_reward]), edge_reward=edges,
        name=problem.name,
    )  # fmt: skip


def shortened(problem: Problem) -> Problem:
    """Stop one level earlier, with V^ as the reward there: the target becomes pi^_{H-1}.

    Parameters
    ----------
    problem : Problem
        What is sampled; at least two levels.

    Returns
    -------
    Problem
        SMC on it is SMC on `problem` up to level H - 1.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> shortened(reference(2)).horizon
    1
    """
    model, edges = problem.model, problem.edge_reward
    stop = int(model.state_start[-2])
    return Problem.from_log(
        TabularModel(model.probs[:-1], model.next_state[:-1], n_terminal=int(model.n_states[-2])),
        problem.log_prm[-2], problem.log_prm_flat[:stop],
        edge_reward=None if edges is None else edges[:-1], name=problem.name,
    )  # fmt: skip

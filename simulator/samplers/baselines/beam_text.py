"""Beam search and greedy decoding on a language model; no randomness."""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError
from simulator.samplers.baselines.beam_kernel import top
from simulator.samplers.runs import Runs
from simulator.text.drawing import WAIT, chosen
from simulator.text.particles import cut_children
from simulator.text.problem import LanguageModelProblem

__all__ = ["run_beam"]


def run_beam(n_particles: int, problem: LanguageModelProblem, n_runs: int) -> Runs:
    """Search once, and return that many copies.

    Parameters
    ----------
    n_particles : int
        Number of prefixes N.
    problem : LanguageModelProblem
        What is searched.
    n_runs : int
        Copies.
    """
    if problem.delimiters:
        raise InputError("delimiters: all continuations of a block cannot be asked for")
    session, prm_session = problem.lm.start(problem.prompt, 1), problem.prm.start(problem, 1)
    paths, ended = np.zeros((1, 0), dtype=np.int64), np.zeros(1, dtype=np.bool_)
    log_path, log_v = np.zeros(1), np.zeros(1)
    evaluations = calls = 0
    failed = False
    for h in range(problem.horizon):
        table = session.next_logprobs()
        last = np.full(table.shape, h + 1 == problem.horizon)
        last[:, problem.ends] = True
        calls += int((~ended).sum())
        evaluations += int((~ended).sum()) * table.shape[1]
        value = prm_session.child_log_values(table, last)
        if problem.force_end:
            value[cut_children(table.shape, last, problem.ends)] = -np.inf
        score = log_path[:, None] + table + value
        # a text that has ended has one child, itself, in the place of its first
        score[ended], value[ended] = -np.inf, -np.inf
        score[ended, 0], value[ended, 0] = log_path[ended] + log_v[ended], log_v[ended]
        kept = top(score.ravel(), n_particles)
        if kept.size == 0:
            failed = True
            break
        rows = kept // table.shape[1]
        tokens = np.where(ended[rows], WAIT, kept % table.shape[1])
        gains = chosen(table[rows], tokens)
        session.reorder(rows)
        prm_session.reorder(rows)
        session.extend(tokens)
        prm_session.extend(tokens, gains)
        log_path, log_v = log_path[rows] + gains, value.ravel()[kept]
        paths = np.column_stack([paths[rows], tokens])
        ended = ended[rows] | np.isin(tokens, problem.ends)
    path = np.full(problem.horizon, WAIT, dtype=np.int32)
    if not failed:
        best = paths[top(log_path + log_v, 1)[0]]
        path[:] = np.where(best == WAIT, WAIT if problem.eos is None else problem.eos, best)
    state = -1 if failed else int(problem.states(path[None])[0])
    return Runs(
        states=np.full(n_runs, state),
        log_w=None,
        failed=np.full(n_runs, failed),
        prm_evaluations=np.full(n_runs, evaluations),
        model_calls=np.full(n_runs, calls),
        tokens=np.tile(path, (n_runs, 1)),
    )

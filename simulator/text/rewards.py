"""Rewards of texts that are there already."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.text.drawing import WAIT
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats

__all__ = ["log_rewards"]


def log_rewards(
    problem: LanguageModelProblem, tokens: npt.ArrayLike, log_probs: npt.ArrayLike | None = None
) -> Floats:
    """Ask the PRM for log r of whole texts.

    Parameters
    ----------
    problem : LanguageModelProblem
        What was sampled.
    tokens : (n, T) int array
        Token paths, padded as `Runs.tokens` are.
    log_probs : (n, T) array, optional
        log pi_ref of the tokens, which some PRMs need; by default the problem's model is asked.

    Returns
    -------
    (n,) array

    Raises
    ------
    InputError
        If the paths are not those of whole texts of this problem.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.text.tabular import as_language_model
    >>> problem = reference(2)
    >>> found = log_rewards(as_language_model(problem), [[0, 0], [1, 0]])
    >>> bool(np.allclose(np.exp(found), problem.reward[[0, 2]]))
    True
    """
    paths = np.array(tokens, dtype=np.int64)
    if paths.ndim != 2 or paths.shape[1] != problem.max_tokens:
        raise InputError(f"tokens: shape {paths.shape}, but (n, {problem.max_tokens}) is needed")
    closed = problem.closes(paths)
    behind = np.cumsum(closed, axis=1) - closed > 0
    paths[behind] = WAIT
    cut = (paths == WAIT).any(axis=1) & ~closed.any(axis=1)
    if cut.any() and not problem.delimiters:
        raise InputError(f"tokens: text {int(np.argmax(cut))} has not ended")
    if log_probs is None:
        log_probs = problem.lm.score(problem.prompt, paths)
    session = problem.prm.start(problem, len(paths))
    for column, log_prob in zip(paths.T, np.asarray(log_probs).T, strict=True):
        session.extend(column, log_prob)
    return session.log_values(np.arange(len(paths)), np.ones(len(paths), dtype=np.bool_))

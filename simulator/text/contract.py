"""What every language model must do, whatever it runs on; for test suites and for new backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.text.drawing import WAIT, find_cells, pick_token, powers
from simulator.text.language_model import LanguageModel, Prompt, Session
from simulator.typing import Floats

__all__ = ["check_draws", "check_sessions"]


def check_sessions(
    lm: LanguageModel,
    full: Callable[[Sequence[int]], Floats],
    prompt: Prompt,
    n: int,
    reorders: int,
    *,
    seed: int,
    tolerance: float,
    allowed: Sequence[int] | None = None,
    every: int = 1,
) -> None:
    """Check that random tokens, waits, reorders and a fork keep the laws of texts, and its draws.

    Parameters
    ----------
    lm : LanguageModel
        What is checked.
    full : callable
        Tokens behind the prompt to log M(. | text), (V,), found without any session.
    prompt : str or sequence of int
        What all texts continue.
    n : int
        Number of texts, >= 2.
    reorders : int
        How often texts are copied and dropped.
    seed : int
        Of what is done.
    tolerance : float
        Largest difference of log-probabilities.
    allowed : sequence of int, optional
        Tokens that are put behind texts; by default all.
    every : int, optional
        Compare after every so many reorders, and at the end.

    Raises
    ------
    AssertionError
        If laws differ, or are none.
    """
    rng = np.random.default_rng(seed)
    tokens_ = np.arange(lm.n_tokens) if allowed is None else np.asarray(allowed)
    session = lm.start(prompt, n)
    texts: list[list[int]] = [[] for _ in range(n)]
    for done in range(1, reorders + 1):
        if rng.random() < 0.7:
            tokens = rng.choice(tokens_, n)
            if rng.random() < 0.4:
                tokens[rng.random(n) < 0.5] = WAIT
            session.extend(tokens)
            texts = [t if a == WAIT else [*t, int(a)] for t, a in zip(texts, tokens, strict=True)]
        ancestors = rng.integers(0, n, n)
        session.reorder(ancestors)
        texts = [texts[i] for i in ancestors]
        if done % every == 0:
            _compare(session, full, texts, tolerance)
    _compare(session, full, texts, tolerance)
    check_draws(session, seed=seed, tolerance=tolerance)
    forked = session.fork([n - 1, 0])
    first, second = (int(t) for t in tokens_[:2])
    forked.extend([first, second])
    _compare(session, full, texts, tolerance)
    _compare(forked, full, [[*texts[-1], first], [*texts[0], second]], tolerance)


def check_draws(session: Session, *, seed: int, tolerance: float) -> None:
    """Check that what a session draws is of the laws that it states.

    A token may differ where the uniform is as close to a cumulative probability as the
    tolerance.

    Parameters
    ----------
    session : Session
        Of any texts; it is not moved.
    seed : int
        Of the uniforms.
    tolerance : float
        Largest difference of log-probabilities.

    Raises
    ------
    AssertionError
        If a token, a cell or a log-probability is another one.
    """
    rng, table = np.random.default_rng(seed), session.next_logprobs()
    n = len(table)
    rows, uniforms = rng.integers(0, n, 4 * n), rng.random(4 * n)
    for power in (1.0, 0.5):
        q = powers(table, power)[rows]
        drawn = session.draw(rows, uniforms, power=power)
        other = drawn.tokens != pick_token(q, uniforms)
        ends = np.cumsum(np.exp(q[other]), axis=1)
        gap = np.abs(ends - uniforms[other, None]).min(axis=1, initial=1.0)
        assert (gap <= tolerance).all(), "draw: another token"
        _close(drawn.log_probs, table[rows, drawn.tokens], tolerance, "draw: log M")
        _close(drawn.log_proposal, q[np.arange(4 * n), drawn.tokens], tolerance, "draw: log q")
    tokens = pick_token(table, rng.random(n))
    _close(session.log_probs_of(tokens), table[np.arange(n), tokens], tolerance, "log_probs_of")
    mass = rng.dirichlet(np.ones(n))
    points = np.sort(rng.random(n))
    for token_first in (False, True):
        cells = session.locate(mass, points, token_first=token_first)
        right = find_cells(table, mass, points, token_first=token_first)
        _close(cells.log_probs, table[cells.rows, cells.tokens], tolerance, "locate: log M")
        for side in ("low", "high"):
            _close(getattr(cells, side), getattr(right, side), tolerance, f"locate: {side}")


def _compare(
    session: Session,
    full: Callable[[Sequence[int]], Floats],
    texts: Sequence[Sequence[int]],
    tolerance: float,
) -> None:
    found = session.next_logprobs()
    assert found.dtype == np.float64
    assert np.abs(np.logaddexp.reduce(found, axis=1)).max() < 1e-9
    for row, text in zip(found, texts, strict=True):
        _close(row, full(text), tolerance, f"log-probabilities behind {list(text)}")


def _close(found: Floats, right: Floats, tolerance: float, what: str) -> None:
    with np.errstate(invalid="ignore"):
        off = np.where(found == right, 0.0, np.abs(found - right))
    assert (off <= tolerance).all(), f"{what}: off by {np.max(off):.3g}"

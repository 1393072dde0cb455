"""Test of a language model before its first use: sessions against plain forward passes.

What a cache may hold, and what a model does with it, differs from model to model. So nothing
is taken for granted: on a few tokens a session is started, extended with texts that wait,
reordered and forked, and each of its laws is compared with that of a forward pass over a whole
text, one row without a cache. Such a pass gives the laws of the text's beginnings too; if it
looks ahead they are not what a session says, so a model that is not causal fails as well.

Laws differ by the root mean square, over the tokens, of the difference of log-probabilities,
divided by the standard deviation of the log-probabilities. `TOLERANCE` is the most that
rounding may explain. Sound sessions of tiny models of many kinds, and of one of 135 million
weights, were off by at most 3e-6 in float32, 8e-3 in float16 and 2e-2 in bfloat16; the laws of
two texts are off by about 1. Models that compute a part of theirs in float32 whatever the
dtype are read anew in float64, or refused there.
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, TypeAlias

import numpy as np

from simulator.errors import InputError
from simulator.language_models.cached_session import CachedSession
from simulator.language_models.context import windows
from simulator.language_models.loading import one_line
from simulator.language_models.reader import Reader
from simulator.language_models.reread_session import RereadSession
from simulator.text.language_model import WAIT
from simulator.typing import Bools, Floats, Ints

__all__ = [
    "SESSIONS",
    "TOLERANCE",
    "Examined",
    "ReadingSession",
    "fitting_session",
    "gap",
    "sample_tokens",
    "tolerance",
]

ReadingSession: TypeAlias = CachedSession | RereadSession

SESSIONS: tuple[type[ReadingSession], ...] = (CachedSession, RereadSession)  # best first

# some models attend in float32 whatever their weights are
TOLERANCE = {"float64": 1e-5, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.15}

PROMPT, STEPS = 3, 4  # tokens
SMALL = 1e-9  # of a law that is uniform
LONGEST = 64  # windows of at most so many tokens are outgrown


class Examined(Protocol):
    """What is asked of a model to choose the tokens of its test and what rounding explains."""

    model: Any
    config: Any
    name: str
    n_tokens: int
    context: int | None
    known: Bools


def fitting_session(lm: Reader) -> type[ReadingSession]:
    """Return the first kind of session whose laws are those of plain forward passes.

    Parameters
    ----------
    lm : Reader
        Its temperature and nucleus do not count.

    Returns
    -------
    type
        One of `SESSIONS`.

    Raises
    ------
    InputError
        If no kind is right, or forward passes contradict each other.
    """
    bare = copy.copy(lm)
    bare.temperature = bare.top_p = 1.0
    tokens = sample_tokens(bare)
    length = len(tokens) - STEPS
    reason = ""
    for kind in SESSIONS:
        try:
            worst = _largest_gap(bare, kind, tokens[:length], tokens[length:])
        except Exception as fault:  # no cache, or one of its own
            reason = one_line(fault)
            continue
        if worst <= tolerance(bare):
            return kind
        reason = f"{lm.name}: log-probabilities of a session are off by {worst:.2g} of their spread"
    try:
        _check_plain(bare, tokens)
    except InputError:
        raise
    except Exception as fault:  # what is no model of texts fails in many ways
        raise InputError(f"{lm.name}: it does not read texts: {one_line(fault)}") from None
    raise InputError(reason)


def sample_tokens(lm: Examined) -> Ints:
    """Return a prompt and `STEPS` more tokens, spread over the vocabulary.

    Parameters
    ----------
    lm : Examined
        Its windows are outgrown, and the tokens by which some count positions are among these.

    Returns
    -------
    (k,) int array

    Raises
    ------
    InputError
        If it reads too few tokens for any text.
    """
    prompt = PROMPT + max((w for w in windows(lm.config) if w <= LONGEST), default=0)
    if lm.context is not None:
        prompt = min(prompt, lm.context - STEPS)
    if prompt < 1:
        raise InputError(f"{lm.name} reads at most {lm.context} tokens, too few for any text")
    ids = np.flatnonzero(lm.known)
    tokens = ids[np.arange(1, prompt + STEPS + 1) * 7919 % ids.size]
    # some models count positions by these, whoever has put them there
    special = [getattr(lm.config, name, None) for name in ("pad_token_id", "eos_token_id")]
    for k, token in enumerate(special if special[0] != special[1] else special[:1]):
        if isinstance(token, int) and 0 <= token < lm.n_tokens and lm.known[token]:
            tokens[prompt + 1 + k] = token
    return tokens


def tolerance(lm: Examined) -> float:
    """Return the largest gap that rounding may explain.

    Parameters
    ----------
    lm : Examined
        Its weights say how finely it counts.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If its numbers are not in the table `TOLERANCE`.
    """
    dtype = str(lm.model.dtype).removeprefix("torch.")
    if dtype not in TOLERANCE:
        raise InputError(f"{lm.name}: its numbers are {dtype}, not {', '.join(TOLERANCE)}")
    return TOLERANCE[dtype]


def _plain(lm: Reader, texts: Ints) -> Floats:
    """Return the laws behind all tokens of texts of one length, from one pass over them."""
    length = texts.shape[1]
    logits = lm.forward(texts, length).logits
    if logits.ndim != 3 or logits.shape[1] != length:
        raise InputError(
            f"{lm.name}: no logits for each token; is it a model that continues texts?"
        )
    laws = [lm.law(logits[:, k], texts[:, : k + 1], 1).table() for k in range(length)]
    return np.array(laws).transpose(1, 0, 2)


def _check_plain(lm: Reader, tokens: Ints) -> None:
    """Refuse a model that draws, looks ahead, or whose texts disturb each other."""
    texts = np.array([tokens, tokens[::-1]])
    whole = _plain(lm, texts[:1])[0]
    bound = tolerance(lm)
    if gap(whole, _plain(lm, texts[:1])[0]) > bound:
        raise InputError(f"{lm.name}: equal texts get different laws, so it draws some numbers")
    if gap(whole[:-1], _plain(lm, texts[:1, :-1])[0]) > bound:
        raise InputError(f"{lm.name}: it looks at tokens that come later, so it is not causal")
    if gap(whole, _plain(lm, texts)[0]) > bound:
        raise InputError(f"{lm.name}: texts of one batch change each other's laws")


def _largest_gap(lm: Reader, kind: type[ReadingSession], prompt: Ints, steps: Ints) -> float:
    """Run a session through all that sessions do; return how far it is off at worst."""
    a, b, c, d = (int(t) for t in steps)
    start = tuple(int(t) for t in prompt)
    right: dict[tuple[int, ...], Floats] = {}
    for text in ((*start, b, c, a, c), (*start, b, d, a), (*start, a, d)):
        laws = _plain(lm, np.array([text]))[0]  # those of its beginnings too, as it is causal
        right.update((text[: k + 1], laws[k]) for k in range(len(text)))

    def off(session: ReadingSession, *texts: tuple[int, ...]) -> float:
        laws = session.next_logprobs()
        drawn = session.draw(np.arange(len(texts)), np.full(len(texts), 0.5))
        said = laws.copy()  # and what is drawn, where the logits are, is of the same law
        said[np.arange(len(texts)), drawn.tokens] = drawn.log_probs
        right_laws = np.array([right[(*start, *t)] for t in texts])
        return max(gap(laws, right_laws), gap(said, right_laws))

    session = kind(lm, list(start), 3)
    gaps = [off(session, (), (), ())]
    session.extend([a, b, WAIT])
    gaps.append(off(session, (a,), (b,), ()))
    session.reorder([1, 2, 0, 1])
    session.extend([c, WAIT, d, WAIT])
    gaps.append(off(session, (b, c), (), (a, d), (b,)))
    fork = session.fork([3, 1, 0])
    fork.extend([d, a, a])
    gaps.append(off(fork, (b, d), (a,), (b, c, a)))
    fork.extend([a, d, c])
    gaps.append(off(fork, (b, d, a), (a, d), (b, c, a, c)))
    gaps.append(off(session, (b, c), (), (a, d), (b,)))  # the fork has not touched it
    return max(gaps)


def gap(laws: Floats, right: Floats) -> float:
    """Return by how much laws are off at worst, in units of the spread of the right ones.

    Parameters
    ----------
    laws, right : (n, k) array
        Logarithms; the spread is taken along the rows.

    Returns
    -------
    float

    Examples
    --------
    >>> float(gap(np.array([[0.0, 2.0]]), np.array([[0.0, 1.0]]))) == 2**0.5
    True
    """
    with np.errstate(invalid="ignore"):
        off = np.where(laws == right, 0.0, laws - right)  # also where both are -inf
    finite = np.isfinite(right)
    spread = np.array([row[at].std() for row, at in zip(right, finite, strict=True)])
    size = np.sqrt((off**2).sum(axis=1) / finite.sum(axis=1))
    return float((size / np.maximum(spread, SMALL)).max())

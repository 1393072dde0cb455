"""From a language model to the laboratory: its next-token tables over a few words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.prms import ExactPRM
from simulator.problem.problem import Problem
from simulator.text.language_model import LanguageModel, Prompt, Session
from simulator.typing import Floats, Ints

__all__ = ["alpha_values", "switch_tables", "tabulate", "word_tokens"]


def word_tokens(lm: LanguageModel, vocabulary: Sequence[str | int]) -> Ints:
    """Return the token of each word.

    Parameters
    ----------
    vocabulary : sequence of str or int
        Words that are one token each, or tokens.

    Returns
    -------
    (V,) int array

    Raises
    ------
    InputError
        If a word is not one token, or one is named twice.
    """
    tokens = []
    for word in vocabulary:
        found = [word] if isinstance(word, int) else lm.encode(word)
        if len(found) != 1 or not 0 <= found[0] < lm.n_tokens:
            raise InputError(f"vocabulary: {word!r} is {len(found)} tokens of this model, not one")
        tokens.append(int(found[0]))
    if not tokens or len(set(tokens)) < len(tokens):
        raise InputError("vocabulary: empty, or a token is named twice")
    return np.array(tokens)


def tabulate(
    lm: LanguageModel, prompt: Prompt, vocabulary: Sequence[str | int], horizon: int
) -> TabularModel:
    r"""Tabulate M(. | prompt, prefix) of all prefixes over a sub-vocabulary.

    Each row is restricted to the sub-vocabulary and renormalised, so the result is the law
    of a model that may use these tokens only. It has V^H leaves.

    Parameters
    ----------
    lm : LanguageModel
        The model that is asked for its next-token laws.
    prompt : str or sequence of int
        What all prefixes continue: a text, or its tokens.
    vocabulary : sequence of str or int
        V words that are one token each, or tokens.
    horizon : int
        H.

    Returns
    -------
    TabularModel
        A tree; token a is ``vocabulary[a]``.

    Raises
    ------
    InputError
        If the vocabulary is not made of tokens, or the tree has more than 10^6 leaves.

    Examples
    --------
    >>> from simulator.text.tabular import TabularLM
    >>> from simulator.problem.families.eos import eos
    >>> lm = TabularLM(eos(3).model, ["a", "b", "<eos>"])
    >>> tabulate(lm, "", ["b", "a"], 2).probs[1].round(4).tolist()
    [[0.3333, 0.6667], [0.3333, 0.6667]]
    """
    tokens = word_tokens(lm, vocabulary)
    v = tokens.size
    if not isinstance(horizon, int) or horizon < 1 or v**horizon > 1e6:
        raise InputError(
            f"horizon: {horizon!r} gives no tree of at most 10^6 leaves over {v} words"
        )
    tables = [np.empty((v**h, v)) for h in range(horizon)]

    def visit(session: Session, first: int, size: int, h: int) -> None:
        """Fill the rows of `size` prefixes of level h and all below them."""
        rows = session.next_logprobs()[:, tokens]
        total = np.logaddexp.reduce(rows, axis=1)
        if np.isneginf(total).any():
            raise InputError("vocabulary: a prefix gives no probability to any of its words")
        tables[h][first : first + size] = np.exp(rows - total[:, None])
        if h == horizon - 1:
            return
        part = max(1, lm.batch // v)
        for i in range(0, size, part):
            some = np.arange(i, min(i + part, size))
            child = session.fork(np.repeat(some, v))
            child.extend(np.tile(tokens, some.size))
            visit(child, (first + i) * v, some.size * v, h + 1)

    visit(lm.start(prompt, 1), 0, 1, 0)
    return TabularModel.tree(tables)


def switch_tables(
    reference: TabularModel,
    target: TabularModel,
    belief: TabularModel | None = None,
    alpha: float = 0.0,
    *,
    name: str = "prompt switch",
) -> Problem:
    r"""Pose prompt switching on tables of the same words: exactly what `PromptSwitching` is.

    Parameters
    ----------
    reference, target : TabularModel
        Trees under p_ref and p*.
    belief : TabularModel, optional
        The tree under p; by default p*.
    alpha : float, optional
        V^ = V* · (M(.|p) / M(.|p*))^((1 - h/H) alpha).

    Returns
    -------
    Problem
        Z = 1, and the target is the law of `target`.

    Examples
    --------
    >>> calm, loud = TabularModel.tree([[[0.5, 0.5]]]), TabularModel.tree([[[0.8, 0.2]]])
    >>> switch_tables(calm, loud).target[-1].round(12).tolist()
    [0.8, 0.2]
    """
    masses = [tree_log_mass(m) for m in (reference, target, belief or target)]
    flat = masses[1] - masses[0] + alpha_values(masses[1], masses[2], reference, alpha)
    reward = flat[reference.state_start[-2] :]
    prm = flat if alpha > 0 else ExactPRM()
    return Problem.from_log(reference, reward, prm, name=name)


def tree_log_mass(model: TabularModel) -> Floats:
    """log M(prefix) of all prefixes in flat order.

    Parameters
    ----------
    model : TabularModel
        A tree.

    Returns
    -------
    (n_states,) array
    """
    levels = [np.zeros(1)]
    for p in model.probs:
        with np.errstate(divide="ignore"):
            levels.append((levels[-1][:, None] + np.log(p)).ravel())
    return np.concatenate(levels)


def alpha_values(target: Floats, belief: Floats, model: TabularModel, alpha: float) -> Floats:
    """log of (M(.|p) / M(.|p*))^((1 - h/H) alpha) of all prefixes.

    Parameters
    ----------
    target, belief : (n_states,) arrays
        log M.
    model : TabularModel
        Tells the levels.

    Returns
    -------
    (n_states,) array
    """
    level = np.repeat(np.arange(model.horizon + 1), model.n_states)
    return (1 - level / model.horizon) * alpha * (belief - target)

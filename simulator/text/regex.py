"""A regular expression as PRM: V^ is 1 while a text can still come to match, else 0."""

from __future__ import annotations

from copy import copy

import numpy as np

from simulator.errors import InputError
from simulator.problem.regular.automaton import Automaton, Words
from simulator.problem.regular.token_table import TokenTable
from simulator.text.language_model import WAIT, LanguageModel
from simulator.text.problem import LanguageModelProblem, LanguagePRM, PRMSession
from simulator.typing import Bools, Floats, Ints

__all__ = ["RegexPRM"]


class RegexPRM(LanguagePRM):
    r"""V^ = 1 if a text can still match within the limit of length, else 0; r = 1 if it matches.

    The target is pi_ref given that the text matches. All of the text must match, that is the
    continuation without the prompt and the token that ends it. All children of a text are judged
    at once, so the proposal "optimal", beam search and every other sampler that asks for them can
    use it: with the proposal "optimal" each draw is among the tokens that can still match.

    V^ knows the vocabulary and how many tokens are left, not pi_ref: a token of probability 0
    counts as one that may come. Where levels are blocks it takes each of them to be as long as it
    may. Tokens that add nothing to a text have V^ = 0. Texts are read as UTF-8, so a token may be
    a part of a character where the model tells its bytes (`LanguageModel.words`). A pattern whose
    automaton is large, such as ``[ab]*a[ab]{20}``, takes long.

    Parameters
    ----------
    pattern : str
        In the syntax of `re`, where ``\d``, ``\s`` and ``\w`` are those of ASCII; without
        anchors, references to groups and looking ahead or behind.

    Raises
    ------
    InputError
        If the pattern cannot be read, is no regular language or matches nothing.

    Examples
    --------
    >>> from simulator.text.tabular import TabularLM
    >>> from simulator.problem.model import TabularModel
    >>> lm = TabularLM(TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]]), ["a", "b"])
    >>> problem = LanguageModelProblem(lm, "", 2, RegexPRM("a*b"))
    >>> session = problem.prm.start(problem, 2)
    >>> session.extend(np.array([0, 1]), np.zeros(2))
    >>> np.exp(session.child_log_values(np.zeros((2, 2)), np.ones((2, 2), dtype=bool))).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """

    certain_zeros = True

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.automaton = Automaton(pattern)
        self._made: tuple[LanguageModel, _TokenTable] | None = None

    def start(self, problem: LanguageModelProblem, n: int) -> PRMSession:
        """Begin with n empty texts; see `LanguagePRM.start`.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled; it holds the model, the prompt and where texts stop.
        n : int
            Number of texts.

        Returns
        -------
        PRMSession
            With one row a text.

        Raises
        ------
        InputError
            If no match is made of so few tokens of this model, or a table gets too large.
        """
        if self._made is None or self._made[0] is not problem.lm:
            self._made = problem.lm, _TokenTable(self.automaton, Words(problem.lm.words()))
        table = self._made[1]
        alive = table.alive(problem)
        if not alive[-1, 0]:
            raise InputError(
                f"pattern: {self.pattern!r:.60} has no match that {problem.max_tokens} tokens of "
                f"{problem.lm.name} spell"
            )
        return _RegexSession(table, alive, problem.ends, n)


class _TokenTable(TokenTable):
    """The moves by token, and which states can still come to match."""

    def alive(self, problem: LanguageModelProblem) -> Bools:
        """Whether a text can come to match, by the number of tokens left and its state.

        Parameters
        ----------
        problem : LanguageModelProblem
            Tells how many tokens there are, and whether a text may end before the last.

        Returns
        -------
        (max_tokens + 1, S + 1) bool array
        """
        usable = np.ones(self.next.shape[1], dtype=np.bool_)
        usable[list(problem.ends)] = False
        pairs = [(s, t) for s, row in enumerate(self.next) for t in np.unique(row[usable])]
        origin, target = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        stops = self.final & bool(problem.ends or problem.delimiters)
        out = np.zeros((problem.max_tokens + 1, self.final.size), dtype=np.bool_)
        out[0] = self.final & (not problem.force_end)
        for left in range(1, len(out)):
            out[left] = stops
            out[left, origin[out[left - 1, target]]] = True
        return out


class _RegexSession(PRMSession):
    """State and number of tokens left of each text."""

    def __init__(self, table: _TokenTable, alive: Bools, ends: tuple[int, ...], n: int) -> None:
        self.table, self.alive, self.ends = table, alive, list(ends)
        self.states = np.zeros(n, dtype=np.int64)
        self.left = np.full(n, len(alive) - 1)

    def log_values(self, rows: Ints, final: Bools) -> Floats:
        states = self.states[rows]
        return _log(np.where(final, self.table.final[states], self.alive[self.left[rows], states]))

    def child_log_values(self, log_probs: Floats, last: Bools) -> Floats:
        behind = self.table.next[self.states]
        left = np.maximum(self.left - 1, 0)[:, None]
        value = np.where(last, self.table.final[behind], self.alive[left, behind])
        value[:, self.ends] = self.table.final[self.states][:, None]
        return _log(value)

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        moving = tokens != WAIT
        self.left = self.left - moving
        spelt = moving & ~np.isin(tokens, self.ends)
        behind = self.table.next[self.states, tokens]
        self.states = np.where(spelt, behind, self.states)

    def reorder(self, ancestors: Ints) -> None:
        self.states, self.left = self.states[ancestors], self.left[ancestors]

    def fork(self, rows: Ints) -> PRMSession:
        new = copy(self)
        new.reorder(rows)
        return new


def _log(alive: Bools) -> Floats:
    return np.where(alive, 0.0, -np.inf)

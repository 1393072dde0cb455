"""An n-gram model times a regular expression: states that are shared by all texts alike.

A state is a pair (context, state of the automaton), met by all texts that end and match alike, so
that a horizon of hundreds needs no more states than one of ten. One row stands for all texts that
can no longer match, one for those that ended in a match.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.checks import check_int
from simulator.errors import InputError, TooLargeError
from simulator.problem.model import TabularModel
from simulator.problem.ngrams.backoff import Backoff, ContextRows
from simulator.problem.problem import PRM, Problem
from simulator.problem.regular.automaton import Automaton, Words
from simulator.problem.regular.token_table import TokenTable
from simulator.typing import Bools, Floats, Ints

__all__ = ["Constraint", "ExpectedPRM"]

MAX_HORIZON = 100_000
LIMIT = 2 * 10**7  # entries of a table


class Constraint:
    """All texts of at most H tokens under an n-gram model, of which those that match are wanted.

    The reward is 1 if all of a text matches the pattern when it ends, or has H tokens without an
    end, else 0; so pi* is the model given that the text matches.

    Parameters
    ----------
    model : Backoff
        pi_ref.
    pattern : str
        As in `simulator.RegexPRM`: the syntax of `re`, without anchors.
    horizon : int
        H, tokens.

    Attributes
    ----------
    contexts, matched : (S,) int arrays
        Context and state of the automaton of each state but the last one or two, which are "no
        match any more" and, if the model has a token that ends a text, "ended in a match".
    rows : ContextRows
        Of the model.

    Raises
    ------
    InputError
        If the pattern cannot be read, or nothing of so many tokens matches it.
    TooLargeError
        If there are more than 2 10^7 pairs of a state and a token.

    Examples
    --------
    >>> from simulator.problem.ngrams.counts import count_ngrams
    >>> constraint = Constraint(count_ngrams("abaab", 2), "(ab?)*", 3)
    >>> problem = constraint.problem()
    >>> problem.model.n_states.tolist(), f"{np.exp(problem.log_z):.4f}"
    ([1, 3, 3, 3], '0.5015')
    """

    def __init__(self, model: Backoff, pattern: str, horizon: int) -> None:
        check_int("horizon", horizon, 1, MAX_HORIZON)
        self.model, self.pattern, self.horizon = model, pattern, horizon
        automaton = Automaton(pattern)
        spelt = ["" if i == model.end else word for i, word in enumerate(model.tokens)]
        later = Words([(model.separator * bool(word) + word).encode() for word in spelt])
        first = Words([word.encode() for word in spelt]) if model.separator else None
        self.table = TokenTable(automaton, later, first)
        self.spelling: Ints = np.array([i for i in range(len(spelt)) if i != model.end])
        self._check_match(automaton)
        self.rows: ContextRows = model.rows()
        self.contexts, self.matched = self._reachable()

    def _check_match(self, automaton: Automaton) -> None:
        """Refuse a pattern that no text of H tokens matches."""
        moves, final = self.table.next[:, self.spelling], self.table.final
        alive, before = final, None
        for _ in range(self.horizon):
            before, alive = alive, alive[moves].any(axis=1) | (final & (self.model.end is not None))
            if (alive == before).all():
                break
        if alive[0]:
            return
        strange = sorted(set(automaton.classes) - set(self.model.separator.join(self.model.tokens)))
        also = f"; of its characters the model lacks {''.join(strange)!r:.60}" if strange else ""
        raise InputError(
            f"pattern: {self.pattern!r:.60} has no match that {self.horizon} tokens spell{also}"
        )

    def _reachable(self) -> tuple[Ints, Ints]:
        """Pairs that a text of one token or more can come to and that may still match."""
        size, dead = len(self.rows.contexts), len(self.table.final) - 1
        met: Bools = np.zeros(dead * size, dtype=np.bool_)
        contexts, matched = np.array([self.rows.start]), np.array([0])
        while contexts.size:
            if (np.count_nonzero(met) + contexts.size) * len(self.model.tokens) > LIMIT:
                raise TooLargeError(
                    f"constraint: more than {LIMIT} pairs of a state and a token; a lower order, a "
                    "smaller vocabulary or a simpler pattern has fewer"
                )
            behind, context = (
                x[:, self.spelling]
                for x in (self.table.next[matched], self.rows.next_context[contexts])
            )
            pair = (behind.astype(np.int64) * size + context)[behind < dead]
            fresh = np.zeros_like(met)
            fresh[pair] = True
            fresh &= ~met
            met |= fresh
            matched, contexts = np.divmod(np.flatnonzero(fresh), size)
        matched, contexts = np.divmod(np.flatnonzero(met), size)
        return contexts, matched

    @cached_property
    def tabular_model(self) -> TabularModel:
        """pi_ref; all stages but the first share one table."""
        size, end = self.contexts.size, self.model.end
        n_states = size + 1 + (end is not None)
        number = np.full((len(self.table.final), len(self.rows.contexts)), size)
        number[self.matched, self.contexts] = np.arange(size)
        probs = np.empty((n_states, len(self.model.tokens)))
        move = np.full(probs.shape, size)
        probs[:size] = self.rows.probs[self.contexts]
        probs[size] = self.rows.probs[0]  # what is written when all is lost does not matter
        move[:size] = self._moves(number, self.matched, self.contexts)
        if end is not None:
            probs[-1] = np.arange(probs.shape[1]) == end
            move[-1] = size + 1
        start = np.array([self.rows.start])
        later = self.horizon - 1
        return TabularModel(
            [self.rows.probs[start], *[probs] * later],
            [self._moves(number, np.array([0]), start), *[move] * later],
            n_terminal=n_states,
        )

    def _moves(self, number: Ints, matched: Ints, contexts: Ints) -> Ints:
        move: Ints = number[self.table.next[matched], self.rows.next_context[contexts]]
        if self.model.end is not None:
            lost = self.contexts.size
            move[:, self.model.end] = np.where(self.table.final[matched], lost + 1, lost)
        return move

    def problem(self, prm: PRM | str = "exact", name: str = "constrained") -> Problem:
        """Make the problem.

        Parameters
        ----------
        prm : PRM or "exact", optional
            A rule that makes V^.
        name : str, optional
            Of the problem.

        Returns
        -------
        Problem
        """
        reward = np.zeros(int(self.tabular_model.n_states[-1]))
        reward[: self.matched.size] = self.table.final[self.matched]
        if self.model.end is not None:
            reward[-1] = 1.0
        return Problem(self.tabular_model, reward, prm, name=name)


@dataclass(frozen=True)
class ExpectedPRM:
    """What a model of lower order expects: V^ is its own V*, the chance of a match by its laws.

    Parameters
    ----------
    constraint : Constraint
        Whose problem is judged, no other.
    order : int
        Of the n-gram model that judges, from 1 to that of the constraint's.

    Examples
    --------
    >>> from simulator.problem.ngrams.counts import count_ngrams
    >>> constraint = Constraint(count_ngrams("abaab", 2), "(ab?)*", 3)
    >>> problem = constraint.problem(ExpectedPRM(constraint, 1))
    >>> print(f"{problem.prm[0][0]:.4f} {problem.value[0][0]:.4f}")
    0.4665 0.5015
    """

    constraint: Constraint
    order: int

    def __post_init__(self) -> None:
        check_int("expected_order", self.order, 1, self.constraint.model.order)

    def log_values(self, problem: Problem) -> Floats:
        """Return log V^.

        Parameters
        ----------
        problem : Problem
            Of the constraint; its reward is used.

        Returns
        -------
        (n_states,) array
            All states of all levels, in flat order.
        """
        above = self.constraint
        model = above.model.lowered(self.order)
        below = Constraint(model, above.pattern, above.horizon)
        size, start = len(below.rows.contexts), problem.model.state_start
        shorter = np.array([below.rows.contexts[model.longest(c)] for c in above.rows.contexts])
        number = np.full(len(below.table.final) * size, -1)
        number[below.matched * size + below.contexts] = np.arange(below.contexts.size)
        place = number[above.matched * size + shorter[above.contexts]]
        others = np.arange(below.contexts.size, int(below.tabular_model.n_states[-1]))
        place = np.concatenate([place, others])
        values = below.problem().log_value
        out = problem.log_value_flat.copy()
        out[0] = values[0][0]
        for h in range(1, problem.horizon):
            out[start[h] : start[h + 1]] = values[h][place]
        return out

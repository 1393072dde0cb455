"""A tabular model behind the language-model interface, so that runs on texts meet exact laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.text.language_model import WAIT, LanguageModel, Prompt, Session
from simulator.text.problem import LanguageModelProblem, LanguagePRM, PRMSession
from simulator.typing import Bools, Floats, Ints

__all__ = ["TabularLM", "TabularPRM", "as_language_model"]


class TabularLM(LanguageModel):
    """Tables as a language model.

    Parameters
    ----------
    models : TabularModel or mapping of str to TabularModel
        One model for every prompt, or one a prompt, of equal horizon and vocabulary.
    vocabulary : sequence of str, optional
        Text of each token; by default "0 ", "1 ", ...
    eos : int, optional
        Token that ends a text; by default none does.
    batch : int, optional
        Rows that fit into one session.

    Raises
    ------
    InputError
        If the models or the vocabulary do not fit together.

    Examples
    --------
    >>> lm = TabularLM(TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]]), ["a", "b"])
    >>> session = lm.start("", 2)
    >>> session.extend([0, 1])
    >>> np.exp(session.next_logprobs()).round(3).tolist()
    [[0.9, 0.1], [0.2, 0.8]]
    >>> lm.decode([1, 0])
    'ba'
    """

    def __init__(
        self,
        models: TabularModel | Mapping[str, TabularModel],
        vocabulary: Sequence[str] | None = None,
        *,
        eos: int | None = None,
        batch: int = 4096,
    ) -> None:
        self.models = {None: models} if isinstance(models, TabularModel) else dict(models)
        if len({(m.n_actions, m.horizon) for m in self.models.values()}) != 1:
            raise InputError("models: one vocabulary and one horizon are needed")
        first = next(iter(self.models.values()))
        self.n_tokens, self.horizon = first.n_actions, first.horizon
        self.vocabulary = vocabulary or [f"{a} " for a in range(self.n_tokens)]
        if len(self.vocabulary) != self.n_tokens:
            raise InputError(f"vocabulary: {len(self.vocabulary)} words for {self.n_tokens} tokens")
        self.eos, self.batch, self.name = eos, batch, "tabular"

    @property
    def same_support(self) -> bool:
        """Whether no text is impossible under one prompt and possible under another.

        So it is if nothing is impossible, or the tables have their zeros in the same places.
        """
        first, *others = self.models.values()
        return all(_same_zeros(first, m) for m in others) or all(
            (p > 0).all() for m in self.models.values() for p in m.probs
        )

    def model(self, prompt: Prompt) -> TabularModel:
        """Return the tables of a prompt.

        Parameters
        ----------
        prompt : str
            A key of `models`; any prompt will do where one model serves them all.

        Returns
        -------
        TabularModel

        Raises
        ------
        InputError
            If there are none.
        """
        key = None if None in self.models else prompt
        if not isinstance(key, str | None) or key not in self.models:
            raise InputError(f"prompt: {prompt!r:.60} has no tables")
        return self.models[key]  # type: ignore[index]

    def start(self, prompt: Prompt, n: int) -> TabularSession:
        """Begin n copies of a prompt; see `LanguageModel.start`.

        Parameters
        ----------
        prompt : str
            As in `model`.
        n : int
            Number of copies.

        Returns
        -------
        TabularSession
            With one row a copy.
        """
        return TabularSession(self.model(prompt), n)

    def states(self, prompt: Prompt, tokens: npt.NDArray[np.int32]) -> Ints:
        """Return the states in which texts end; see `LanguageModel.states`.

        Parameters
        ----------
        prompt : str
            As in `model`.
        tokens : (n, T) int32 array
            Token paths, one a row.

        Returns
        -------
        (n,) int array
            States of the level that each text has reached.
        """
        session = self.start(prompt, len(tokens))
        for column in tokens.T:
            session.extend(column)
        return session.states

    def encode(self, text: str) -> list[int]:
        """Read a text word by word, the longest fitting word first.

        Parameters
        ----------
        text : str
            Words of the vocabulary, one behind the other.

        Returns
        -------
        list of int
            Its tokens.

        Raises
        ------
        InputError
            If it is not made of them.
        """
        out = []
        words = sorted(range(self.n_tokens), key=lambda a: -len(self.vocabulary[a]))
        while text:
            token = next((a for a in words if text.startswith(self.vocabulary[a])), None)
            if token is None:
                raise InputError(f"text: {text!r:.60} is not made of the vocabulary")
            out.append(token)
            text = text[len(self.vocabulary[token]) :]
        return out

    def decode(self, tokens: Sequence[int]) -> str:
        """Join the words of tokens.

        Parameters
        ----------
        tokens : sequence of int
            Tokens, without `WAIT`.

        Returns
        -------
        str
            Their words without anything in between.

        Raises
        ------
        InputError
            If one is no token.
        """
        for token in tokens:
            if not 0 <= token < self.n_tokens:
                raise InputError(f"tokens: {token} is none of {self.n_tokens}")
        return "".join(self.vocabulary[a] for a in tokens)


class TabularSession(Session):
    """States and levels of a batch of texts."""

    def __init__(self, model: TabularModel, n: int) -> None:
        self.tables = model
        self.states, self.levels = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def next_logprobs(self) -> Floats:
        """Look up log pi_ref(. | state); rows at the end of the tables count as uniform."""
        a = self.tables.n_actions
        out = np.full((self.states.size, a), -np.log(a))
        for h in np.unique(self.levels[self.levels < self.tables.horizon]):
            rows = self.levels == h
            with np.errstate(divide="ignore"):
                out[rows] = np.log(self.tables.probs[h][self.states[rows]])
        return out

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Move to the next states."""
        column = np.asarray(tokens, dtype=np.int64)
        moving = column != WAIT
        if (self.levels[moving] >= self.tables.horizon).any():
            raise InputError(f"text: longer than the {self.tables.horizon} levels of the tables")
        for h in np.unique(self.levels[moving]):
            rows = moving & (self.levels == h)
            self.states[rows] = self.tables.next_state[h][self.states[rows], column[rows]]
        self.levels += moving

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Copy states and levels."""
        self.states, self.levels = self.states[ancestors], self.levels[ancestors]  # type: ignore[index]

    def fork(self, rows: npt.ArrayLike) -> TabularSession:
        """Return a session of some rows."""
        new = TabularSession(self.tables, 0)
        new.states, new.levels = self.states[rows], self.levels[rows]  # type: ignore[index]
        return new


class TabularPRM(LanguagePRM):
    """V^ of a tabular problem, its edge rewards included."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.log_z = problem.log_z

    def start(self, problem: LanguageModelProblem, n: int) -> TabularPRMSession:
        """Begin with n roots; see `LanguagePRM.start`."""
        return TabularPRMSession(self.problem, problem.eos, n)


class TabularPRMSession(PRMSession):
    """States of a batch of texts and the products of their edge rewards.

    Parameters
    ----------
    eos : int or None
        Token that pads a finished text up to level H.
    """

    def __init__(self, problem: Problem, eos: int | None, n: int) -> None:
        self.problem, self.eos = problem, eos
        self.session = TabularSession(problem.model, n)
        self.product = np.zeros(n)

    def log_values(self, rows: Ints, final: Bools) -> Floats:
        """Look up V^; a finished text has the reward that it has at level H."""
        states, levels = self.session.states[rows], self.session.levels[rows]
        return self._value(states, levels, final) + self.product[rows]

    def _value(self, states: Ints, levels: Ints, final: Bools) -> Floats:
        """log V^ of states, padded up to level H where the text has ended."""
        for h in range(self.problem.horizon if self.eos is not None else 0):
            ended = final & (levels == h)
            states[ended] = self.problem.model.next_state[h][states[ended], self.eos]
            levels[ended] += 1
        return self.problem.log_prm_flat[self.problem.model.state_start[levels] + states]

    def child_log_values(self, log_probs: Floats, last: Bools) -> Floats:
        """Look up V^ of all children; rows at the end of the tables get V^ = 0."""
        a = self.problem.model.n_actions
        out = np.full((self.product.size, a), -np.inf)
        for h in np.unique(self.session.levels[self.session.levels < self.problem.horizon]):
            rows = np.flatnonzero(self.session.levels == h)
            children = self.problem.model.next_state[h][self.session.states[rows]]
            level = np.full(children.shape, h + 1)
            value = self._value(children, level, last[rows])
            out[rows] = value + self._factor(rows, np.arange(a))
        return out + self.product[:, None]

    def _factor(self, rows: Ints, tokens: Ints) -> Floats:
        """log of the edge rewards, (rows, tokens)."""
        t = self.problem.tables
        cell = t.factor_start[self.session.levels[rows]] + self.session.states[rows] * t.n_actions
        return t.log_factor[cell[:, None] + tokens]

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        """Collect the edge rewards and move on."""
        moving = np.flatnonzero(tokens != WAIT)
        factor = self._factor(moving, tokens[moving][:, None] * np.ones(1, dtype=np.int64))
        self.product[moving] += factor[:, 0]
        self.session.extend(tokens)

    def reorder(self, ancestors: Ints) -> None:
        """Copy states and products."""
        self.session.reorder(ancestors)
        self.product = self.product[ancestors]

    def fork(self, rows: Ints) -> TabularPRMSession:
        """Return a new one of some rows."""
        new = TabularPRMSession(self.problem, self.eos, 0)
        new.session, new.product = self.session.fork(rows), self.product[rows]
        return new


def as_language_model(problem: Problem, *, eos: int | None = None) -> LanguageModelProblem:
    """Pose a tabular problem as a language-model problem.

    Parameters
    ----------
    eos : int, optional
        Token after which a state keeps its number up to level H.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> runs = SMC(4).run(as_language_model(reference(3)), 3, rng=1, keep=("tokens",))
    >>> runs.tokens.shape, runs.prm_evaluations.tolist()
    ((3, 3), [12, 12, 12])
    """
    lm = TabularLM(problem.model, eos=eos)
    return LanguageModelProblem(lm, "", problem.horizon, TabularPRM(problem), name=problem.name)


def _same_zeros(a: TabularModel, b: TabularModel) -> bool:
    """Whether two models have the same states and moves, and the same moves of probability 0."""
    moves = zip(a.next_state, b.next_state, strict=True)
    zeros = zip(a.probs, b.probs, strict=True)
    return all(np.array_equal(x, y) for x, y in moves) and all(
        np.array_equal(x > 0, y > 0) for x, y in zeros
    )

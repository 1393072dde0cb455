"""A language-model problem: model, prompt, length, where texts stop, and a PRM."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, is_int
from simulator.errors import InputError
from simulator.text.language_model import WAIT, LanguageModel, Prompt, check_prompt
from simulator.typing import Bools, Floats, Ints

__all__ = ["LanguageModelProblem", "LanguagePRM", "PRMSession"]


class PRMSession(ABC):
    """A PRM at work on a batch of texts that grow as those of a `Session` do."""

    @abstractmethod
    def log_values(self, rows: Ints, final: Bools) -> Floats:
        """Return log V^ of some texts.

        Parameters
        ----------
        rows : (m,) int array
            Which texts, by their rows.
        final : (m,) bool array
            Whether the text has ended; V^ is the reward then.

        Returns
        -------
        (m,) array
        """

    def child_log_values(self, log_probs: Floats, last: Bools) -> Floats:
        """Return log V^ of all children of all texts, where this can be had at once.

        Parameters
        ----------
        log_probs : (n, V) array
            log pi_ref of the children.
        last : (n, V) bool array
            Whether the child ends the text.

        Returns
        -------
        (n, V) array

        Raises
        ------
        InputError
            If this PRM cannot.
        """
        raise InputError("prm: this one judges texts one by one, not all continuations at once")

    @abstractmethod
    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        """Follow `Session.extend`.

        Parameters
        ----------
        tokens : (n,) int array
            The next token of each text; `WAIT` leaves a row as it is.
        log_probs : (n,) array
            log pi_ref of the tokens; 0 where a row waits.
        """

    @abstractmethod
    def reorder(self, ancestors: Ints) -> None:
        """Follow `Session.reorder`.

        Parameters
        ----------
        ancestors : (m,) int array
            Row i becomes a copy of row ``ancestors[i]``.
        """

    @abstractmethod
    def fork(self, rows: Ints) -> PRMSession:
        """Follow `Session.fork`.

        Parameters
        ----------
        rows : (m,) int array
            Which texts, by their rows; one may be named more than once.

        Returns
        -------
        PRMSession
        """


class LanguagePRM(ABC):
    """A PRM for texts.

    Attributes
    ----------
    log_z : float or None
        log E_ref[r], where it is known.
    certain_zeros : bool
        Whether V^ = 0 only where every continuation has reward 0, so that draws may stop there.
    """

    log_z: float | None = None
    certain_zeros: bool = False

    def log_z_of(self, problem: LanguageModelProblem) -> float | None:
        """Return log E_ref[r] of a problem, where it is known.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled.

        Returns
        -------
        float or None
            By default `log_z`.
        """
        return self.log_z

    @abstractmethod
    def start(self, problem: LanguageModelProblem, n: int) -> PRMSession:
        """Begin with n empty continuations.

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
        """


@dataclass(frozen=True, eq=False)
class LanguageModelProblem:
    """What is sampled: continuations of a prompt, weighted by a PRM.

    A text ends with the token `eos` or one of `stops`, or after `horizon` levels; one that has
    ended keeps its value, which is its reward, and waits for the others. A level is one token; with
    `delimiters` it is a block of tokens that ends with one of them, with the text, or after
    `block_tokens` tokens.

    Parameters
    ----------
    lm : LanguageModel
        The model whose texts are sampled.
    prompt : str or sequence of int
        What all texts continue: a text, or its tokens.
    horizon : int
        H, number of levels.
    prm : LanguagePRM
        V^ of texts; its value where a text ends is the reward.
    eos : int, str or None, optional
        A token, or a text that is one. By default that of the model, with its further `stops`; None
        means that no token ends a text.
    stops : sequence of int or str, optional
        Further tokens that end a text; one alone may be given as it is.
    delimiters : sequence of int or str, optional
        Tokens that end a block; one alone may be given as it is.
    block_tokens : int, optional
        Largest number of tokens a block.
    force_end : bool, optional
        Whether a text must have ended by level H: one that has not gets a token that ends it as its
        last one, and is weighted by the probability of ending there, so that the target is pi* of
        the texts that end. Without it a text is cut at level H, and its reward is that of what
        there is.
    name : str, optional
        Shown in messages and tables.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> from simulator.text.tabular import as_language_model
    >>> from simulator.problem.families.reference import reference
    >>> as_language_model(reference(3)).max_tokens
    3
    """

    lm: LanguageModel
    prompt: Prompt
    horizon: int
    prm: LanguagePRM
    eos: int | None = -1  # texts are read as tokens when the problem is made
    stops: Sequence[int] = ()
    delimiters: Sequence[int] = ()
    block_tokens: int = 1
    force_end: bool = False
    name: str = "language model"

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        if not isinstance(self.prm, LanguagePRM):
            raise InputError(
                f"prm: {self.prm!r:.60} is not a LanguagePRM; TextPRM makes one of a function"
            )
        for name in ("stops", "delimiters"):
            object.__setattr__(self, name, self._tokens(name, getattr(self, name)))
        if self.eos is not None and self.eos != -1:
            object.__setattr__(self, "eos", self._tokens("eos", self.eos)[0])
        for name, value in (("horizon", self.horizon), ("block_tokens", self.block_tokens)):
            check_int(name, value, 1)
        if self.block_tokens > 1 and not self.delimiters:
            raise InputError("block_tokens: only with delimiters, which end a block of tokens")
        if self.eos == -1:
            object.__setattr__(self, "eos", self.lm.eos)
            object.__setattr__(self, "stops", (*self.stops, *self.lm.stops))
        if self.force_end and (self.eos is None or self.delimiters):
            raise InputError("force_end: needs an eos, and levels of one token (no delimiters)")
        if self.eos is None and self.stops:
            raise InputError("stops: they come on top of eos, which is None")
        for token in (*self.delimiters, *self.ends):
            if not 0 <= token < self.lm.n_tokens:
                raise InputError(f"token {token} is not one of the {self.lm.n_tokens}")

    def _tokens(self, name: str, given: object) -> tuple[int, ...]:
        """Read tokens that are given as numbers or as texts of one token each, one or several."""
        several = list(given) if isinstance(given, (list, tuple, set, np.ndarray)) else [given]
        out = []
        for item in several:
            if isinstance(item, str):
                try:
                    found = self.lm.encode(item)
                except InputError as fault:
                    raise InputError(f"{name}: {fault}") from None
                if len(found) != 1:
                    raise InputError(f"{name}: {item!r:.60} is {len(found)} tokens, not one")
                item = found[0]
            if not is_int(item):
                raise InputError(f"{name}: {item!r:.60} is no token")
            out.append(int(item))  # type: ignore[arg-type]
        return tuple(out)

    @property
    def max_tokens(self) -> int:
        """Largest length of a text, in tokens."""
        return self.horizon * (self.block_tokens if self.delimiters else 1)

    @property
    def ends(self) -> tuple[int, ...]:
        """All tokens that end a text."""
        return () if self.eos is None else (self.eos, *self.stops)

    def closes(self, tokens: Ints) -> Bools:
        """Whether tokens end a text.

        Parameters
        ----------
        tokens : int array
            With `WAIT` where there is none.

        Returns
        -------
        bool array
            Of the same shape.
        """
        return np.asarray(np.isin(tokens, self.ends) | self.lm.ends_text(tokens))

    @property
    def log_z(self) -> float | None:
        """log Z, where it is known: 0 in prompt switching, unless a nucleus cuts the laws."""
        return self.prm.log_z_of(self)

    def text(self, tokens: Sequence[int] | Ints) -> str:
        """Return what a path adds to the text of the prompt, without the padding.

        Parameters
        ----------
        tokens : sequence of int
            A token path; it is cut at the first token that ends a text.

        Returns
        -------
        str
        """
        path = [int(a) for a in tokens if a != WAIT]
        end = next((k for k, a in enumerate(path) if a in self.ends), len(path))
        return self.lm.continuation(self.prompt, path[:end])

    def states(self, tokens: npt.NDArray[np.int32]) -> Ints:
        """Give paths numbers; see `LanguageModel.states`.

        Parameters
        ----------
        tokens : (R, T) int32 array
            Token paths, one a row.

        Returns
        -------
        (R,) int array
        """
        return self.lm.states(self.prompt, tokens)

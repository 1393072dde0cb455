"""A language-model problem: model, prompt, length, where texts stop, and a PRM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.language_models.prms import LanguagePRM
from simulator.language_models.protocol import WAIT, LanguageModel, Prompt, check_prompt

__all__ = ["LanguageModelProblem"]

Ints = npt.NDArray[np.int64]


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
    prompt : str or sequence of int
    horizon : int
        H, number of levels.
    prm : LanguagePRM
    eos : int or None, optional
        By default that of the model, with its further `stops`; None means that no token ends
        a text.
    stops : sequence of int, optional
        Further tokens that end a text.
    delimiters : sequence of int, optional
        Tokens that end a block.
    block_tokens : int, optional
        Largest number of tokens a block.
    name : str, optional

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> from simulator.language_models.tabular import as_language_model
    >>> from simulator.problem.families.reference import reference
    >>> as_language_model(reference(3)).max_tokens
    3
    """

    lm: LanguageModel
    prompt: Prompt
    horizon: int
    prm: LanguagePRM
    eos: int | None = -1
    stops: Sequence[int] = ()
    delimiters: Sequence[int] = ()
    block_tokens: int = 1
    name: str = "language model"

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        for name, value in (("horizon", self.horizon), ("block_tokens", self.block_tokens)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise InputError(f"{name}: {value!r} is not a whole number >= 1")
        if self.eos == -1:
            object.__setattr__(self, "eos", self.lm.eos)
            object.__setattr__(self, "stops", (*self.stops, *self.lm.stops))
        if self.eos is None and self.stops:
            raise InputError("stops: they come on top of eos, which is None")
        for token in (*self.delimiters, *self.ends):
            if not 0 <= token < self.lm.n_tokens:
                raise InputError(f"token {token} is not one of the {self.lm.n_tokens}")

    @property
    def max_tokens(self) -> int:
        """Largest length of a text, in tokens."""
        return self.horizon * (self.block_tokens if self.delimiters else 1)

    @property
    def ends(self) -> tuple[int, ...]:
        """All tokens that end a text."""
        return () if self.eos is None else (self.eos, *self.stops)

    @property
    def log_z(self) -> float | None:
        """log Z, where it is known: 0 in prompt switching."""
        return self.prm.log_z

    def text(self, tokens: Sequence[int] | Ints) -> str:
        """Return the text of a path, without the prompt and the padding.

        Parameters
        ----------
        tokens : sequence of int

        Returns
        -------
        str
        """
        path = [int(a) for a in tokens if a != WAIT]
        end = next((k for k, a in enumerate(path) if a in self.ends), len(path))
        return self.lm.decode(path[:end])

    def states(self, tokens: npt.NDArray[np.int32]) -> Ints:
        """Give paths numbers; see `LanguageModel.states`.

        Parameters
        ----------
        tokens : (R, T) int32 array

        Returns
        -------
        (R,) int array
        """
        return self.lm.states(self.prompt, tokens)

"""Process reward models for texts: what judges a batch of prefixes, called in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem, LanguagePRM, PRMSession
from simulator.typing import Bools, Floats, Ints

__all__ = ["EndReward", "TextPRM", "as_numbers", "majority", "pass_rate"]

TextFunction = Callable[[Sequence[str]], npt.ArrayLike]
EndFunction = Callable[[Sequence[str], Bools], npt.ArrayLike]  # also told which texts have ended


class TextPRM(LanguagePRM):
    """A function of texts as PRM.

    Parameters
    ----------
    value : callable
        Sequence of continuations (without the prompt) to V^ >= 0, one a text.
    reward : callable, optional
        The same for finished texts; by default `value`.
    batch : int, optional
        Largest number of texts a call.
    tells_end : bool, optional
        Whether `reward` takes a second argument: of each text, True if a token has ended it and
        False if it was cut at the last level.

    Raises
    ------
    InputError
        If the reward is to be told of ends, but there is none.

    Attributes
    ----------
    calls, texts : int
        Calls made so far, and texts judged.

    Examples
    --------
    >>> prm = TextPRM(lambda texts: [1.0 + t.count("!") for t in texts])
    >>> from simulator.text.tabular import TabularLM
    >>> from simulator.problem.model import TabularModel
    >>> lm = TabularLM(TabularModel.tree([[[0.5, 0.5]]]), ["!", "."])
    >>> session = prm.start(LanguageModelProblem(lm, "", 1, prm), 2)
    >>> session.extend(np.array([0, 1]), np.zeros(2))
    >>> np.exp(session.log_values(np.arange(2), np.ones(2, dtype=bool))).tolist(), prm.calls
    ([2.0, 1.0], 1)
    """

    def __init__(
        self,
        value: TextFunction,
        reward: TextFunction | EndFunction | None = None,
        *,
        batch: int = 1024,
        tells_end: bool = False,
    ) -> None:
        if tells_end and reward is None:
            raise InputError("tells_end: needs a reward, which is told whether a text has ended")
        self.value, self.reward, self.batch = value, reward or value, batch
        self.tells_end = tells_end
        self.calls = self.texts = 0

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
        """
        return _TextSession(self, problem, n)

    def log_values_of(
        self, texts: Sequence[str], final: bool, closed: Bools | None = None
    ) -> Floats:
        """Return log V^ of texts that have all ended, or have all not.

        Parameters
        ----------
        texts : sequence of str
            Continuations, without the prompt.
        final : bool
            Whether they have ended: then `reward` is called, else `value`.
        closed : (n,) bool array, optional
            Of texts that have ended: whether a token did it; for a reward that is told.

        Returns
        -------
        (n,) array

        Raises
        ------
        InputError
            If the function does not give one finite number >= 0 a text.
        """
        function: Callable[..., object] = self.reward if final else self.value
        parts = []
        for i in range(0, len(texts), self.batch):
            part = texts[i : i + self.batch]
            told = (closed[i : i + self.batch],) if closed is not None else ()
            found = as_numbers(function(part, *told))
            if found.shape != (len(part),):
                raise InputError(f"prm: shape {found.shape} came back for {len(part)} texts")
            bad = ~np.isfinite(found) | (found < 0)
            if bad.any():
                k = int(np.argmax(bad))
                raise InputError(f"prm: {found[k]} for {part[k]!r:.60}, not a number >= 0")
            self.calls += 1
            self.texts += len(part)
            parts.append(found)
        with np.errstate(divide="ignore"):
            return np.log(np.concatenate([np.zeros(0), *parts]))


def as_numbers(values: object) -> Floats:
    """Return what a user's function gave as an array of floats.

    Parameters
    ----------
    values : array, tensor, sequence or generator
        Numbers; tensors of any precision, with or without gradient, on any device.

    Returns
    -------
    array

    Raises
    ------
    InputError
        If they are texts, complex, beyond the range of floats, or no numbers at all.

    Examples
    --------
    >>> as_numbers(x / 2 for x in (1, 2)).tolist()
    [0.5, 1.0]
    """
    if hasattr(values, "detach"):  # a tensor; numpy knows neither bfloat16 nor gradients
        values = values.detach().cpu().double().numpy()
    elif isinstance(values, (Mapping, str, bytes)) or not isinstance(values, Iterable):
        raise InputError(f"prm: {values!r:.60} came back, not a sequence of numbers")
    elif not isinstance(values, np.ndarray):
        values = [v.item() if hasattr(v, "item") else v for v in values]
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = np.array([float(v) for v in array.ravel()]).reshape(array.shape)
        if array.dtype.kind in "biuf":
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"prm: {values!r:.60} came back, not numbers in the range of floats")


class _TextSession(PRMSession):
    def __init__(self, prm: TextPRM, problem: LanguageModelProblem, n: int) -> None:
        self.prm, self.problem = prm, problem
        self.paths: list[list[int]] = [[] for _ in range(n)]

    def log_values(self, rows: Ints, final: Bools) -> Floats:
        texts = [self.problem.text(self.paths[i]) for i in rows]
        out = np.empty(len(texts))
        for end in (False, True):
            at = np.flatnonzero(final == end)
            closed = None
            if end and self.prm.tells_end:
                paths = [np.array(self.paths[rows[i]], dtype=np.int64) for i in at]
                closed = np.array([self.problem.closes(path).any() for path in paths], dtype=bool)
            out[at] = self.prm.log_values_of([texts[i] for i in at], end, closed)
        return out

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        self.paths = [
            path if a == WAIT else [*path, int(a)]
            for path, a in zip(self.paths, tokens, strict=True)
        ]

    def reorder(self, ancestors: Ints) -> None:
        self.paths = [self.paths[i] for i in ancestors]

    def fork(self, rows: Ints) -> PRMSession:
        new = copy(self)
        new.reorder(rows)
        return new


def EndReward(reward: TextFunction) -> TextPRM:  # noqa: N802
    """Return the PRM that is 1 until the text ends, and the reward then.

    Parameters
    ----------
    reward : callable
        Sequence of finished continuations to r >= 0.

    Returns
    -------
    TextPRM
    """
    return TextPRM(lambda texts: np.ones(len(texts)), reward)


def majority(votes: Sequence[str], answer: Callable[[str], str] = str.strip) -> TextFunction:
    """Reward a text by the share of earlier texts that have the same answer.

    Parameters
    ----------
    votes : sequence of str
        Texts drawn before, for instance by SMC with a constant PRM.
    answer : callable
        Text to answer.

    Returns
    -------
    callable
        For `EndReward`.

    Raises
    ------
    InputError
        If there is no vote.

    Examples
    --------
    >>> majority(["4", " 4", "5", "6"])(["4", "7"]).tolist()
    [0.5, 0.0]
    """
    given = [answer(v) for v in votes]
    if not given:
        raise InputError("votes: there is none, so no answer has a share of them")
    return lambda texts: np.array([given.count(answer(t)) / len(given) for t in texts])


def pass_rate(checks: Sequence[Callable[[str], bool]], floor: float = 0.0) -> TextFunction:
    """Reward a text by the share of checks that it passes.

    Parameters
    ----------
    checks : sequence of callable
        Text to whether it passes, like unit tests of a program.
    floor : float
        Added, so that a text which passes none is not given up.

    Returns
    -------
    callable
        For `EndReward`.

    Raises
    ------
    InputError
        If there is no check.

    Examples
    --------
    >>> pass_rate([str.isdigit, lambda t: len(t) == 2])(["12", "1", "abc"]).tolist()
    [1.0, 0.5, 0.0]
    """
    if not checks:
        raise InputError("checks: there is none, so no text has a share of them")
    return lambda texts: np.array([floor + np.mean([bool(c(t)) for c in checks]) for t in texts])

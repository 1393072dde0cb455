"""What judges the texts of a question: votes, a function of a user's own, a reward model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from scripts.answers.questions import Question, extractor, with_prompt
from scripts.cli.own import guarded, named_object
from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.language_models.judge import KINDS
from simulator.language_models.reward_prm import RewardPRM, load_reward_prm
from simulator.samplers.option_texts import read_options
from simulator.text.prms import EndReward, TextFunction, TextPRM, as_numbers, majority
from simulator.text.problem import LanguagePRM
from simulator.typing import Floats

__all__ = ["MAJORITY", "Judge", "remembered"]

MAJORITY = "majority"


@dataclass(frozen=True)
class Judge:
    """What judges texts, as it is named on the command line.

    Parameters
    ----------
    prm : str or None
        "majority", or FILE.py:NAME of a function of texts or of a `TextPRM`.
    reward_model : str or None
        Name or folder of a reward model, in place of `prm`.
    kind : {"sequence", "token", "causal"}
        What it classifies; "causal" is a language model with a good and a bad word.
    end_only : bool
        Whether V^ = 1 until a text has ended; votes count only then in any case.
    extract : str or None
        FILE.py:FUNCTION that takes the answer out of a text, for votes.
    device : str
        Where the reward model runs.
    reward_options : sequence of str
        Texts key=value, options of `RewardPRM`.

    Raises
    ------
    InputError
        If both a PRM and a reward model are given, the kind is not known, or an option of the
        reward model is not right or has none.
    """

    prm: str | None = None
    reward_model: str | None = None
    kind: str = "sequence"
    end_only: bool = False
    extract: str | None = None
    device: str = "cpu"
    reward_options: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.prm is not None and self.reward_model is not None:
            raise InputError("--prm and --reward-model: give one of the two")
        check_choice("--kind", self.kind, KINDS)
        if self.reward_options and self.reward_model is None:
            raise InputError("--reward-option: only with --reward-model")
        _options(self.reward_options)

    @property
    def by_votes(self) -> bool:
        """Whether texts are judged by votes, which must be drawn before."""
        return self.prm == MAJORITY

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.prm or self.reward_model or "none"

    def load(self) -> object:
        """Return what the file holds, or the reward model; None for votes and for no judge.

        Raises
        ------
        InputError
            If it cannot be loaded or is of the wrong kind.
        """
        if self.reward_model is not None:
            options = tuple(self.reward_options)
            return _reward_model(self.reward_model, self.kind, self.device, options, self.end_only)
        if self.prm is None or self.by_votes:
            return None
        found = named_object(self.prm, "prm")
        if isinstance(found, TextPRM):
            if self.end_only:
                raise InputError(
                    f"--end-only: {self.prm} is a TextPRM, which says itself what it asks"
                )
            return found
        if isinstance(found, type) or not callable(found):
            raise InputError(f"{self.prm}: is neither a function of texts nor a TextPRM")
        return found

    def prm_of(self, question: Question, votes: Sequence[str]) -> LanguagePRM:
        """Return the PRM of one question; equal texts are judged once.

        Parameters
        ----------
        question : Question
            What was asked.
        votes : sequence of str
            Texts of pi_ref, where votes decide.
        """
        if self.by_votes:
            return _by_votes(votes, extractor(self.extract, question.prompt))
        found = self.load()
        if found is None:
            return TextPRM(lambda texts: np.ones(len(texts)))
        if isinstance(found, TextPRM):
            return found
        if isinstance(found, RewardPRM):  # the loaded one serves other questions too
            return found.with_prompt(question.prompt)
        assert callable(found)
        assert self.prm is not None
        value = remembered(with_prompt(guarded(self.prm, found), question.prompt))
        return EndReward(value) if self.end_only else TextPRM(value)


def _by_votes(votes: Sequence[str], answer: Callable[[str], str | None]) -> TextPRM:
    """Reward by the share of votes, and before the end by its mean over pi_ref, as votes have it.

    With V^ = 1 before the end a text would be resampled away as soon as it has ended.
    """
    share = majority(votes, answer)  # type: ignore[arg-type]  # None is an answer like others
    before = float(as_numbers(share(votes)).mean())
    return TextPRM(lambda texts: np.full(len(texts), before), share)


def remembered(function: Callable[[Sequence[str]], object]) -> TextFunction:
    """Make a function of texts that asks about each text once.

    Parameters
    ----------
    function : callable
        Texts to numbers.

    Examples
    --------
    >>> ask = remembered(lambda texts: [print(t) or len(t) for t in texts])
    >>> ask(["a", "bb", "a"]).tolist(), ask(["bb"]).tolist()
    a
    bb
    ([1.0, 2.0, 1.0], [2.0])
    """
    known: dict[str, float] = {}

    def ask(texts: Sequence[str]) -> Floats:
        new = [t for t in dict.fromkeys(texts) if t not in known]
        if new:
            found = as_numbers(function(new))
            if found.shape != (len(new),):
                raise InputError(f"prm: shape {found.shape} came back for {len(new)} texts")
            known.update(zip(new, found.tolist(), strict=True))
        return np.array([known[t] for t in texts])

    return ask


@cache
def _reward_model(
    name: str, kind: str, device: str, options: tuple[str, ...], end_only: bool
) -> RewardPRM:
    return load_reward_prm(name, kind, device=device, end_only=end_only, **_options(options))


def _options(texts: Sequence[str]) -> dict[str, Any]:
    """Read options of `RewardPRM`; the prompt is the question's, and `end_only` the judge's."""
    defaults = {
        name: option.default
        for name, option in signature(RewardPRM).parameters.items()
        if option.kind is option.KEYWORD_ONLY and name not in ("prompt", "end_only")
    }
    return read_options("a reward model", texts, defaults)

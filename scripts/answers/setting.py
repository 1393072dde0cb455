"""How the texts of questions are written, and what the model itself answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from scripts.answers.questions import Question
from scripts.cli.served import check_served, served_model
from scripts.experiments.language_model_switching import loaded
from simulator.errors import InputError
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import EndReward
from simulator.text.problem import LanguageModelProblem, LanguagePRM

__all__ = ["Setting", "reference_texts"]


@dataclass(frozen=True)
class Setting:
    """How the texts of all questions are written.

    Parameters
    ----------
    model, device : str
        As in `load_language_model`; or an address, where a model is served.
    horizon : int
        H, number of levels.
    stops : tuple of str
        Texts of tokens that end a text, besides that of the model.
    delimiters : tuple of str
        Texts of tokens that end a step; a level is a step then.
    step_tokens : int
        Most tokens a step.
    name, unseeded, concurrency, timeout
        Of a served model; see `scripts.cli.served.served_model`.

    Raises
    ------
    InputError
        If an option goes with served models only, or does not go with them.
    """

    model: str
    device: str = "cpu"
    horizon: int = 16
    stops: tuple[str, ...] = ()
    delimiters: tuple[str, ...] = ()
    step_tokens: int = 32
    name: str | None = None
    unseeded: bool = False
    concurrency: int = 8
    timeout: float = 120.0

    def __post_init__(self) -> None:
        if self.served and self.stops:
            raise InputError("--stop: a served model says itself where a text ends")

    @property
    def served(self) -> bool:
        """Whether the model is behind a server; a level is a piece of its text then."""
        return check_served(self.model, self.name, self.unseeded)

    def language_model(self) -> Any:
        """Return the model, the same each time.

        Raises
        ------
        InputError
            If it cannot be had.
        """
        if not self.served:
            return loaded(self.model, self.device)
        return served_model(
            self.model, self.name or "", self.delimiters, self.step_tokens, self.unseeded,
            self.concurrency, self.timeout,
        )  # fmt: skip

    def problem(self, question: Question, prm: LanguagePRM) -> LanguageModelProblem:
        """Pose a question to the model.

        Parameters
        ----------
        question : Question
            What is asked.
        prm : LanguagePRM
            What judges the texts.

        Raises
        ------
        InputError
            If the model cannot be had, or has no chat, or a text is not one token of it.
        """
        lm = self.language_model()
        if question.chat and not hasattr(lm, "chat"):
            raise InputError(f"chat: {lm.name} has no chat template; use a plain prompt")
        prompt = lm.chat(question.prompt) if question.chat else question.prompt
        steps = self.delimiters if not self.served else ()
        return LanguageModelProblem(
            lm, prompt, self.horizon, prm,
            delimiters=steps,  # type: ignore[arg-type]  # texts are read as tokens
            block_tokens=self.step_tokens if steps else 1,
            stops=self.stops,  # type: ignore[arg-type]
        )  # fmt: skip


@cache
def reference_texts(
    setting: Setting, question: Question, n_texts: int, seed: int, number: int
) -> tuple[tuple[str, ...], int]:
    """Draw texts of pi_ref, with the number of model calls that they took.

    They are remembered, as all samplers of a question have the same votes.

    Parameters
    ----------
    setting : Setting
        How they are written.
    question : Question
        What is asked.
    n_texts : int
        How many.
    seed, number : int
        Seed of all draws, and place of the question.
    """
    problem = setting.problem(question, EndReward(lambda texts: np.ones(len(texts))))
    rng = np.random.SeedSequence([seed, number]).spawn(2)[0]
    runs = SMC(1).run(problem, n_texts, rng=rng, keep=("tokens",))
    assert runs.tokens is not None
    return tuple(problem.text(path) for path in runs.tokens), int(runs.model_calls.sum())

"""Accuracy on questions of a user's own, with the accuracy law beside it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.cli.own import file_of, make_named_sampler
from scripts.experiments.experiment import Rows
from scripts.experiments.judges import Judge
from scripts.experiments.language_model_switching import loaded
from scripts.experiments.questions import Marker, Question, extractor, marker
from simulator.errors import InputError
from simulator.interval import Interval
from simulator.measure.accuracy_law import pass_upper, weighted_law
from simulator.measure.answers import cloud_scores
from simulator.measure.confidence import hoeffding_interval
from simulator.samplers.base import Sampler
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import EndReward, TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats

__all__ = [
    "COSTS",
    "LAW",
    "MEASURED",
    "Averages",
    "Setting",
    "average",
    "cells",
    "make_sampler_of",
    "run_cell",
]

NAME = "lm_own_answers"
CONFIDENCE = 0.95
KEEP = ("tokens", "clouds", "genealogy")
# columns of the table, with what they are called
MEASURED = {
    "output": "output",
    "sampled": "sampled from cloud",
    "best": "highest reward",
    "vote": "weighted vote",
    "majority": "right outweighs wrong",
    "passed": "pass@N",
}
LAW = {
    "proposal": "a, one proposal is right",
    "pass_law": "1 - (1 - a)^N >= pass@N",
    "target": "pi*(right), limit of sampled",
    "vote_low": "right outweighs wrong, >=",
    "vote_high": "right outweighs wrong, <=",
    "effective_runs": "runs that decide these, fewest",
}
COSTS = {
    "model_calls": "next-token laws a run",
    "prm_evaluations": "PRM evaluations a run",
    "vote_calls": "next-token laws of the votes",
    "failed": "failed runs, in all",
}


@dataclass(frozen=True)
class Setting:
    """How the texts of all questions are written.

    Parameters
    ----------
    model, device : str
        As in `load_language_model`.
    horizon : int
        H, number of levels.
    stops : tuple of str
        Texts of tokens that end a text, besides that of the model.
    delimiters : tuple of str
        Texts of tokens that end a step; a level is a step then.
    step_tokens : int
        Most tokens a step.
    """

    model: str
    device: str = "cpu"
    horizon: int = 16
    stops: tuple[str, ...] = ()
    delimiters: tuple[str, ...] = ()
    step_tokens: int = 32

    def problem(self, question: Question, prm: TextPRM) -> LanguageModelProblem:
        """Pose a question to the model.

        Parameters
        ----------
        question : Question
            What is asked.
        prm : TextPRM
            What judges the texts.

        Raises
        ------
        InputError
            If the model cannot be had, or has no chat, or a text is not one token of it.
        """
        lm: Any = loaded(self.model, self.device)
        if question.chat and not hasattr(lm, "chat"):
            raise InputError(f"chat: {lm.name} has no chat template; use a plain prompt")
        prompt = lm.chat(question.prompt) if question.chat else question.prompt
        return LanguageModelProblem(
            lm, prompt, self.horizon, prm,
            delimiters=self.delimiters,  # type: ignore[arg-type]  # texts are read as tokens
            block_tokens=self.step_tokens if self.delimiters else 1,
            stops=self.stops,  # type: ignore[arg-type]
        )  # fmt: skip


def make_sampler_of(text: str, particles: int, options: Sequence[str]) -> Sampler:
    """Make a sampler of NAME, NAME:key=value,... or FILE.py:CLASS.

    Parameters
    ----------
    text : str
        The sampler.
    particles : int
        N.
    options : sequence of str
        Options key=value.

    Raises
    ------
    InputError
        As in `make_named_sampler`; or if it does not run on language models.
    """
    name, settings = text, list(options)
    if ".py" not in text and ":" in text:
        name, _, rest = text.partition(":")
        settings = [x.strip() for x in rest.split(",")] + settings
    made = make_named_sampler(name, particles, settings)
    if type(made).on_text is Sampler.on_text:
        raise InputError(f"{type(made).__name__} runs on tabular problems only")
    return made


def cells(
    questions: Sequence[Question],
    samplers: Sequence[tuple[str, Sequence[str]]],
    particles: int,
    runs: int,
    setting: Setting,
    judge: Judge,
    votes: int,
    seed: int,
) -> list[Mapping[str, object]]:
    """Return one cell a question and sampler, which is all that its numbers depend on.

    Parameters
    ----------
    questions : sequence of Question
        What is asked.
    samplers : sequence of (str, sequence of str)
        As in `make_sampler_of`, with options.
    particles, runs : int
        N; runs a question.
    setting : Setting
        How texts are written.
    judge : Judge
        What judges them.
    votes : int
        Texts of pi_ref that vote, where votes judge.
    seed : int
        Of all draws.
    """
    named = [judge.prm, judge.extract, *(text for text, _ in samplers)]
    return [
        {
            "question": asdict(question), "number": k, "sampler": text, "options": list(options),
            "particles": particles, "runs": runs, "setting": _plain(setting),
            "judge": _plain(judge), "votes": votes if judge.by_votes else 0, "seed": seed,
            "files": _digests([*named, question.checker]),
        }
        for k, question in enumerate(questions)
        for text, options in samplers
    ]  # fmt: skip


def _plain(thing: Setting | Judge) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(thing).items()}


def _digests(named: Sequence[str | None]) -> dict[str, str]:
    """Digests of the files that are named, so that a changed one is run again."""
    files = {str(file_of(t)): file_of(t) for t in named if t is not None and ".py" in t}
    return {name: hashlib.sha256(Path(f).read_bytes()).hexdigest() for name, f in files.items()}


def run_cell(
    question: Mapping[str, Any],
    number: int,
    sampler: str,
    options: Sequence[str],
    particles: int,
    runs: int,
    setting: Mapping[str, Any],
    judge: Mapping[str, Any],
    votes: int,
    seed: int,
    files: Mapping[str, str],
) -> Rows:
    """One row: accuracy of one sampler on one question, the law beside it, and the cost."""
    del files  # they are part of what the cell is
    asked, judged = Question(**question), Judge(**judge)
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in setting.items()}
    written = Setting(**lists_as_tuples)  # type: ignore[arg-type]
    made = make_sampler_of(sampler, particles, options)
    seeds = np.random.SeedSequence([seed, number]).spawn(2)
    drawn, calls = _votes(written, asked, votes, seed, number) if votes else ((), 0)
    prm = judged.prm_of(asked, drawn)
    problem = written.problem(asked, prm)
    keep = tuple(name for name in KEEP if name in made.text_keeps)
    found = made.run(problem, runs, rng=seeds[1], keep=keep)
    nothing = judged.name == "none"  # a constant is no PRM that anybody would have to ask
    row: dict[str, object] = {
        "question": asked.id, "sampler": " ".join([sampler, *options]), "n": made.n_particles,
        "runs": runs, "model": written.model, "prm": judged.name,
        "failed": int(found.failed.sum()), "model_calls": float(found.model_calls.mean()),
        "prm_evaluations": 0.0 if nothing else float(found.prm_evaluations.mean()),
        "vote_calls": calls,
    }  # fmt: skip
    mark = cache(marker(asked, judged.extract))
    assert found.tokens is not None
    texts = [problem.text(path) for path in found.tokens[~found.failed]]
    said = Counter(map(extractor(judged.extract, asked.prompt), texts)).most_common(1)
    row |= {
        "output": sum(mark(text)[1] for text in texts) / runs,
        "said": "" if not said or said[0][0] is None else said[0][0],
    }
    return [row | _scores(problem, prm, found, made, mark)]


def _scores(
    problem: LanguageModelProblem, prm: TextPRM, runs: Runs, sampler: Sampler, mark: Marker
) -> dict[str, float]:
    """Say of the last clouds what is right; what this sampler cannot say is left out."""
    out: dict[str, float] = {}
    if runs.cloud_tokens is None:
        return out
    particles = [[problem.text(path) for path in cloud] for cloud in runs.cloud_tokens]
    marks = [[mark(text) for text in cloud] for cloud in particles]
    hits = np.array([[hit for _, hit in cloud] for cloud in marks])
    numbers: dict[object, int] = {}
    answers = [[numbers.setdefault(a, len(numbers)) for a, _ in cloud] for cloud in marks]
    scores = cloud_scores(runs, hits, answers, _rewards(problem, prm, runs, particles))
    assert scores.best is not None
    for name in ("sampled", "best", "vote", "majority", "passed"):
        out[name] = float(getattr(scores, name).mean())
    out["proposal"] = float(scores.share.mean())
    if sampler.independent_proposals:
        out["pass_law"] = pass_upper(out["proposal"], sampler.n_particles)
    if sampler.weighted_clouds and runs.log_w is not None:
        law = weighted_law(scores.sampled, runs.log_w)
        out |= {} if law is None else asdict(law)
    return out


def _rewards(
    problem: LanguageModelProblem, prm: TextPRM, runs: Runs, texts: list[list[str]]
) -> Floats:
    """log r of all particles; the function remembers them, so this costs nothing."""
    assert runs.cloud_tokens is not None
    flat = [text for cloud in texts for text in cloud]
    closed = np.isin(runs.cloud_tokens, problem.ends).any(axis=2).ravel()
    found = prm.log_values_of(flat, True, closed if prm.tells_end else None)
    return found.reshape(runs.cloud_tokens.shape[:2])


@cache
def _votes(
    setting: Setting, question: Question, votes: int, seed: int, number: int
) -> tuple[tuple[str, ...], int]:
    """Texts of pi_ref, with the number of next-token laws that they took."""
    problem = setting.problem(question, EndReward(lambda texts: np.ones(len(texts))))
    rng = np.random.SeedSequence([seed, number]).spawn(2)[0]
    runs = SMC(1).run(problem, votes, rng=rng, keep=("tokens",))
    assert runs.tokens is not None
    return tuple(problem.text(path) for path in runs.tokens), int(runs.model_calls.sum())


@dataclass(frozen=True)
class Averages:
    """Averages of one sampler over the questions.

    Parameters
    ----------
    sampler : str
        With its options.
    questions : int
        How many.
    n, runs : int
        N; runs a question.
    measured : dict of str to Interval
        By the keys of `MEASURED`, with limits; those that the sampler gives.
    law, costs : dict of str to float
        By the keys of `LAW` and `COSTS`; estimates, and counts.
    """

    sampler: str
    questions: int
    n: int
    runs: int
    measured: dict[str, Interval]
    law: dict[str, float]
    costs: dict[str, float]


def average(table: pd.DataFrame) -> list[Averages]:
    """Average the rows of each sampler over the questions.

    The questions are fixed and the runs are random: limits are for the average over these
    questions of the rate on each, which independent runs on unlike questions estimate.

    Parameters
    ----------
    table : DataFrame
        Rows of `run_cell`, as many runs on every question.

    Returns
    -------
    list of Averages
        In the order of the table.
    """
    out = []
    for sampler, rows in table.groupby("sampler", sort=False):
        runs, given = int(rows["runs"].sum()), set(rows.columns[rows.notna().all()])
        out.append(
            Averages(
                str(sampler), len(rows), int(rows["n"].iloc[0]), int(rows["runs"].iloc[0]),
                {k: hoeffding_interval(float(rows[k].mean()), runs, CONFIDENCE)
                 for k in MEASURED if k in given},
                {k: float(rows[k].min() if k == "effective_runs" else rows[k].mean())
                 for k in LAW if k in given},
                {k: float(rows[k].sum() if k == "failed" else rows[k].mean()) for k in COSTS},
            )
        )  # fmt: skip
    return out

"""One question and one sampler: accuracy, the accuracy law beside it, and the cost."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from scripts.answers.judges import Judge
from scripts.answers.questions import Marker, Question, extractor, marker
from scripts.answers.setting import Setting, reference_texts
from scripts.cli.own import file_of, make_named_sampler
from simulator.errors import InputError
from simulator.measure.accuracy_law import pass_upper, weighted_law
from simulator.measure.answers import cloud_scores
from simulator.runs.cells import Rows
from simulator.samplers.base import Sampler
from simulator.samplers.runs import Runs
from simulator.text.problem import LanguageModelProblem
from simulator.text.rewards import log_rewards
from simulator.typing import Floats

__all__ = ["NAME", "PACE", "cells", "make_sampler_of", "run_cell"]

NAME = "lm_own_answers"
KEEP = ("tokens", "clouds", "genealogy")
PACE = ("concurrency", "timeout")  # of a setting: no part of a cell, as texts are the same


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
    kind: type = type(made)  # a file may hold what only looks like a sampler
    if not issubclass(kind, Sampler) or kind.on_text is Sampler.on_text:
        raise InputError(f"{kind.__name__} runs on tabular problems only")
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
            "particles": particles, "runs": runs,
            "setting": {k: v for k, v in _plain(setting).items() if k not in PACE},
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
    return {name: hashlib.sha256(f.read_bytes()).hexdigest() for name, f in files.items()}


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
    pace: Mapping[str, Any] = MappingProxyType({}),
) -> Rows:
    """One row: accuracy of one sampler on one question, the law beside it, and the cost.

    Samplers of one question have one seed, so that those which draw alike judge the same texts.
    How fast a server is asked, the `PACE` of a setting, comes beside the cell.
    """
    del files  # they are part of what the cell is
    asked, judged = Question(**question), Judge(**judge)
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in setting.items()}
    written = Setting(**lists_as_tuples, **pace)  # type: ignore[arg-type]
    made = make_sampler_of(sampler, particles, options)
    seeds = np.random.SeedSequence([seed, number]).spawn(2)
    drawn, calls = reference_texts(written, asked, votes, seed, number) if votes else ((), 0)
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
    return [row | _scores(problem, found, made, mark)]


def _scores(
    problem: LanguageModelProblem, runs: Runs, sampler: Sampler, mark: Marker
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
    scores = cloud_scores(runs, hits, answers, _rewards(problem, runs))
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


def _rewards(problem: LanguageModelProblem, runs: Runs) -> Floats:
    """log r of the particles of positive weight; a function has been asked about them before."""
    assert runs.cloud_tokens is not None
    assert runs.cloud_log_weights is not None
    out = np.full(runs.cloud_tokens.shape[:2], -np.inf)
    live = np.isfinite(runs.cloud_log_weights[:, -1]) & ~runs.failed[:, None]
    paths = runs.cloud_tokens[live]
    out[live] = log_rewards(problem, paths, np.zeros(paths.shape))  # no judge here asks for these
    return out

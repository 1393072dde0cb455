"""The `lm answers` command on a file of questions: run what is not done, average, print."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from scripts.answers.averages import CONFIDENCE, COSTS, LAW, MEASURED, Averages, average
from scripts.answers.cells import NAME, PACE, cells, make_sampler_of, run_cell
from scripts.answers.judges import Judge
from scripts.answers.questions import Question, extractor, read_questions
from scripts.answers.setting import Setting
from scripts.cli.lm_study import compute
from scripts.cli.show import emit
from simulator.errors import InputError
from simulator.samplers.registry import option_names, parse_options

__all__ = ["answer"]

FEW = 24  # questions
NOTE = (
    "output is what the sampler returns; the others look at its last cloud. Questions are fixed, "
    "runs random: {percent:g}% limits of the average over the questions of the rate on each "
    "(Hoeffding 1963). What the law says are estimates from the same runs, not limits. By "
    "question: how often the output is right, and the answer that it gives most."
)


def answer(
    file: Path,
    samplers: list[str],
    options: list[str],
    *,
    particles: int,
    runs: int,
    setting: Setting,
    judge: Judge,
    votes: int,
    chat: bool,
    seed: int,
    jobs: int,
    out: Path,
    as_json: bool,
) -> None:
    """Ask the questions of a file and print what came out.

    Parameters
    ----------
    file : Path
        JSON lines; see `scripts.answers.questions`.
    samplers, options : list of str
        As in `make_sampler_of`; an option goes to the samplers that know it, and one must.
    particles, runs, votes, seed : int
        N; runs a question; texts that vote; the seed of all draws.
    setting : Setting
        How texts are written.
    judge : Judge
        What judges them.
    chat : bool
        Whether all questions are messages to a chat.
    jobs : int
        Worker processes.
    out : Path
        Folder of results; finished questions are kept there.
    as_json : bool
        Whether to print JSON.

    Raises
    ------
    InputError
        If the file, a function, a sampler or an option is not right: before a model is loaded.
    """
    questions = read_questions(file, judge.extract)
    if chat:
        questions = [replace(q, chat=True) for q in questions]
    if setting.served:
        _check_served(questions, setting, jobs)
    if judge.extract is not None:
        extractor(judge.extract, "")
    if judge.reward_model is None:
        judge.load()
    chosen = [(text, _known(text, options)) for text in samplers]
    for option in options:
        if not any(option in known for _, known in chosen):
            parse_options(samplers[0].partition(":")[0], [option])  # tells what there is
    labels = [text for text, _ in chosen]
    if len(set(labels)) < len(labels):
        raise InputError(f"--sampler: {max(labels, key=labels.count)!r} is given twice")
    for text, known in chosen:
        make_sampler_of(text, particles, known)
    asked = cells(questions, chosen, particles, runs, setting, judge, votes, seed)
    pace = {name: getattr(setting, name) for name in PACE}
    table, path = compute(
        NAME, f"lm_answers_{file.stem}", asked, setting.model, jobs, out,
        partial(run_cell, pace=pace),
    )  # fmt: skip
    found = average(table)
    if as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        averages = [_numbers(a) for a in found]
        emit({"averages": averages, "questions": rows, "table": str(path)}, True)
        return
    first = found[0]
    emit(
        {
            f"{first.questions} questions, {first.runs} runs each, N = {first.n}": [
                {"": title} | {a.sampler: _measured(a, key) for a in found}
                for key, title in MEASURED.items()
            ],
            "the accuracy law, estimated": [
                {"": title} | {a.sampler: _plain(a.law, key) for a in found}
                for key, title in LAW.items()
            ],
            "cost": [
                {"": title} | {a.sampler: _plain(a.costs, key) for a in found}
                for key, title in COSTS.items()
            ],
            **_by_question(table),
        },
        False,
    )
    print(f"{NOTE.format(percent=100 * CONFIDENCE)}\n{path}")


def _check_served(questions: list[Question], setting: Setting, jobs: int) -> None:
    """Refuse what a server cannot do, before it is asked."""
    if any(question.chat for question in questions):
        raise InputError("chat: a served model goes on with plain prompts; its template is its own")
    if jobs > 1:
        raise InputError("--jobs: a server is asked by one process, --concurrency requests at once")
    setting.language_model()


def _by_question(table: pd.DataFrame) -> dict[str, object]:
    """How often the output is right and what it says most, of files that one may look over."""
    if table["question"].nunique() > FEW:
        return {}
    rows = [
        {"": str(name)}
        | {str(r["sampler"]): f"{r['output']:.3f} {r['said']}" for _, r in part.iterrows()}
        for name, part in table.groupby("question", sort=False)
    ]
    return {"by question": rows}


def _known(text: str, options: list[str]) -> list[str]:
    """Options that a sampler knows; all, if it is of a file."""
    if ".py" in text:
        return options
    names = option_names(text.partition(":")[0])
    return [option for option in options if option.partition("=")[0] in names]


def _numbers(found: Averages) -> dict[str, object]:
    measured = {
        key: {"value": x.value, "low": x.low, "high": x.high} for key, x in found.measured.items()
    }
    return {
        "sampler": found.sampler, "questions": found.questions, "n": found.n, "runs": found.runs,
        "confidence": CONFIDENCE, "measured": measured, "law": found.law, "costs": found.costs,
    }  # fmt: skip


def _measured(found: Averages, key: str) -> str:
    x = found.measured.get(key)
    return "–" if x is None else f"{x.value:.3f} [{x.low:.2f}, {x.high:.2f}]"


def _plain(numbers: dict[str, float], key: str) -> str:
    return f"{numbers[key]:.4g}" if key in numbers else "–"

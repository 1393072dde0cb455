"""Chapter 2: two sliders, coverage and the error of the PRM; exact law and bounds move live."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import again, choice, slider
from scripts.demo.drawings import coverage as picture
from scripts.demo.lessons import coverage as lesson
from scripts.demo.lessons.said import verdict_rows
from scripts.demo.parts import Note, Numbers, Part, Table, Text

__all__ = ["CHAPTER"]

COVERAGE = slider("coverage", "Coverage C", [1 + k / 2 for k in range(15)], 2.0,
                  (1.0, 2.0, 3.0, 4.0, 6.0, 8.0))  # fmt: skip
SIGMA = slider("sigma", "PRM error σ", [k / 10 for k in range(21)], 0.5,
               (0.0, 0.2, 0.5, 1.0, 2.0))  # fmt: skip
HORIZON = slider("horizon", "Tokens H", tuple(lesson.MOST), 3)
PARTICLES = slider("n", "Particles N", range(1, 9), 4)
SAMPLER = choice("sampler", "Sampler", list(lesson.SAMPLERS), "SMC")
NOISE = again("noise", "Other noise", exported=2)


def show(
    coverage: float, sigma: float, horizon: int, n: int, sampler: str, noise: int
) -> dict[str, Part]:
    """Show error, criteria and bounds."""
    most = lesson.MOST[horizon]
    shown = min(n, most)
    made = lesson.study(sampler, coverage, sigma, horizon, shown, noise)
    problem = lesson.coverage_problem(coverage, sigma, horizon, noise)
    capped = (
        f"Capped: with {horizon} tokens the law is enumerated up to N = {most}, to answer at "
        f"once; N = {most} is shown."
        if n > most
        else f"Dots: the exact error, N up to {most} here. Shaded: bounds that say nothing."
    )
    return {
        "capped": Note(capped),
        "errors": picture.drawing(made, sampler, shown),
        "numbers": Numbers(
            f"With N = {shown}",
            {f"Exact error of {sampler}": made.report.error.high, **lesson.criteria_of(problem)},
        ),
        "bounds": Table("Bounds", verdict_rows(made.report.verdicts)),
    }


def answer(coverage: float, sigma: float, horizon: int, n: int, noise: int) -> dict[str, Part]:
    """Take each of the two reasons alone."""
    place = (horizon, min(n, lesson.MOST[horizon]), noise)
    only_coverage = lesson.study("SMC", coverage, 0.0, *place).report.error.high
    only_error = lesson.study("SMC", 1.0, sigma, *place).report.error.high
    rejection = lesson.study("SMC-RS", coverage, 0.0, *place).report.error.high
    return {
        "answer": Text(
            f"Each alone is enough. With C = {coverage:g} and a perfect reward model the error is "
            f"{only_coverage:.4f}; with C = 1 and σ = {sigma:g} it is {only_error:.4f}. Every "
            "bound for SMC grows with both sliders, and none is 0 for σ = 0: SMC weights "
            "particles *after* their token is drawn, so that even true values make uneven "
            "weights. SMC-RS draws the token by rejection, which costs more proposals as C "
            "grows, but when σ = 0 no error is left but rounding "
            f"({max(rejection, 0.0):.1g}): its bounds (3.8, S-RS) speak of χ² only. Look also at "
            "the slopes: theorem 3.2 and S1 fall like 1/√N, the error itself and the bounds J, "
            "F-star and T like 1/N."
        )
    }


CHAPTER = Chapter(
    "coverage_and_error",
    "Coverage and the error of the reward model",
    12,
    "Two sliders, one for each reason to fail; the exact law of the sampler and every bound "
    "move with them.",
    "The target tosses fair coins, but the base model picks token 1 with probability 1/(2C) "
    "only: its *action-level coverage* is C (assumption 3.1). The reward model reports the "
    "true value times exp(σ · normal noise).",
    "Set the error of the reward model to 0, then the coverage to 1. Which of the two alone "
    "still leaves an error, and which bounds notice?",
    (Panel("law", (COVERAGE, SIGMA, HORIZON, PARTICLES, SAMPLER, NOISE), show, picture.CHARTS),),
    Panel("answer", (COVERAGE, SIGMA, HORIZON, PARTICLES, NOISE), answer),
)

"""Chapter 4: for many particles the error is A/N, and A is a drift or a random walk."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import choice, slider
from scripts.demo.drawings import first_order as picture
from scripts.demo.lessons import first_order as lesson
from scripts.demo.parts import Note, Numbers, Part, Text

__all__ = ["CHAPTER"]

INSTANCE = choice("instance", "Instance", lesson.NAMES, "product")
HORIZON = slider("horizon", "Tokens H", lesson.HORIZONS, 64)
PARTICLES = slider("n", "Particles N", lesson.PARTICLES, 16)
LENGTH = slider("length", "Tokens H", lesson.HORIZONS, 64)


def show_law(instance: str, horizon: int, n: int) -> dict[str, Part]:
    """Show N times the error beside A."""
    a, scaled = lesson.constant(instance, horizon), lesson.scaled_error(instance, horizon, n)
    return {
        "sizes": picture.sizes_drawing(instance, horizon, n),
        "growth": picture.growth_drawing(instance, horizon),
        "numbers": Numbers(
            f"{instance}, H = {horizon}, N = {n}",
            {
                "A": a.value,
                "A, at least": a.low,
                "A, at most": a.high,
                "N · error, at least": scaled.low,
                "N · error, at most": scaled.high,
                "The law's guess of the error, A/N": a.value / n,
            },
        ),
        "how": Note(
            "A comes from the problem alone: no sampler is run. Where paths are too many to "
            "list it is a mean over 20,000 of them, with 99% limits. The error is exact on "
            "product; on two-branch it lies between two exact limits (shaded), which are wide "
            "where N is small against √H. The law says what happens for many particles: at a "
            "given N it bounds nothing."
        ),
    }


def show_walks(length: int) -> dict[str, Part]:
    """Show the sums that A is made of."""
    return {
        "walks": picture.walk_drawing(length),
        "spread": Numbers(
            f"12 paths of each, H = {length}",
            {
                f"Standard deviation at the end, {name}": float(
                    lesson.sums(name, length)[:, -1].std()
                )
                for name in lesson.NAMES
            }
            | {
                f"Paths that go one way, {name}": lesson.straight(name, length)
                for name in lesson.NAMES
            },
        ),
    }


def answer() -> dict[str, Part]:
    """Say why one grows like √H and the other like H."""
    first, last = lesson.HORIZONS[0], lesson.HORIZONS[-1]
    grown = [lesson.constant(of, last).value / lesson.constant(of, first).value
             for of in lesson.NAMES]  # fmt: skip
    doubled = [lesson.constant(of, 128).value / lesson.constant(of, 64).value
               for of in lesson.NAMES]  # fmt: skip
    return {
        "answer": Text(
            f"From H = 64 to 128 A grows by {doubled[0]:.2f} on product, about √2, and by "
            f"{doubled[1]:.2f} on two-branch; from {first} to {last} by {grown[0]:.1f} and "
            f"{grown[1]:.1f}. A is half the mean distance of σ from its mean, and σ is a sum "
            "over levels: what a path loses at each resampling. On product the steps of a path "
            "have both signs and do not know of each other: a *random walk*, √H. On two-branch "
            "the first bit decides which way a path goes on: a *drift*, H. Both reward models "
            "are perfect, and coverage and χ² of a step are bounded on both: what differs is "
            "whether errors of different levels agree. And the law speaks late where errors "
            "agree: on two-branch with H = 256 N · error is "
            f"{lesson.scaled_error('two-branch', 256, 128).value:.1f} at N = 128, where A is "
            f"{lesson.constant('two-branch', 256).value:.1f}."
        )
    }


CHAPTER = Chapter(
    "first_order",
    "Drift or random walk",
    8,
    "For many particles the error is A/N. Why A grows like √H on one instance and like H on "
    "another, both with a perfect reward model.",
    "The two instances of chapter 3 again. The *first-order law* says that N · error tends to a "
    "number A, which is computed without running a sampler.",
    "Double the tokens on each instance. By what factor does A grow, and how many particles does "
    "it take until N · error is near A?",
    (
        Panel(
            "law",
            (INSTANCE, HORIZON, PARTICLES),
            show_law,
            {"sizes": picture.sizes_chart, "growth": picture.growth_chart},
        ),
        Panel(
            "walks",
            (LENGTH,),
            show_walks,
            {"walks": picture.walk_chart},
            "What A is made of",
            "Paths drawn from the target, and what each has lost (above 0) or gained after h "
            "levels, to first order, against the mean path: σ − E σ. A is half the mean distance "
            "from 0 at the end.",
        ),
    ),
    Panel("answer", (), answer),
)

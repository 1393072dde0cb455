"""Chapter 6: a sharper PRM gives more right answers from a worse sampler."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import slider
from scripts.demo.drawings import accuracy as picture
from scripts.demo.lessons import accuracy as lesson
from scripts.demo.parts import Note, Numbers, Part, Text

__all__ = ["CHAPTER"]

POWER = slider("power", "Sharpness λ", lesson.LAMBDAS, 1.0)
SIGMA = slider("sigma", "Noise σ", lesson.SIGMAS, 0.3)
PARTICLES = slider("n", "Particles N", lesson.PARTICLES, 3)


def show(power: float, sigma: float, n: int) -> dict[str, Part]:
    """Show accuracy, error and chi-square."""
    here = lesson.row(n, power, sigma)
    return {
        "accuracy": picture.accuracy_drawing(n, power, sigma),
        "scatter": picture.scatter_drawing(n, power, sigma),
        "numbers": Numbers(
            f"λ = {power:g}, σ = {sigma:g}, N = {n}",
            {
                "Accuracy": here["accuracy"],
                "Accuracy of the target": here["target"],
                "Exact sampling error": here["error"],
                "Largest χ² of a level": here["chi2"],
            },
        ),
        "capped": Note(
            "Dotted: the accuracy of the target. Capped at N = 3: the law over 64 answers is "
            "enumerated exactly."
        ),
    }


def answer(sigma: float, n: int) -> dict[str, Part]:
    """Say which sharpness is best for what."""
    made = lesson.curve(n, sigma)
    best = max(range(len(made)), key=lambda i: made[i]["accuracy"])
    least = min(range(len(made)), key=lambda i: made[i]["error"])
    return {
        "answer": Text(
            f"With N = {n} and σ = {sigma:g} the accuracy is highest at λ = "
            f"{lesson.LAMBDAS[best]:g} ({made[best]['accuracy']:.3f}, where the target has "
            f"{made[best]['target']:.3f}), the error least at λ = {lesson.LAMBDAS[least]:g} "
            f"({made[least]['error']:.3f}; at the best accuracy it is {made[best]['error']:.3f}). "
            "The target itself is often wrong, since wrong answers keep a reward of 0.3. A sharp "
            "reward model draws the filter to right answers, away from the target. The criteria "
            "of the theorems govern how well one *samples the target*; whether the target is what "
            "one wants is another question (Fig. 4 of the paper)."
        )
    }


CHAPTER = Chapter(
    "accuracy_and_error",
    "Accuracy is not sampling error",
    8,
    "A sharper reward model gives more right answers from a worse sampler.",
    "A real language model writes three-digit numbers (digits 1, 2, 4 and 9) that are to be "
    "divisible by 7. The reward is 1.3 for a right answer and 0.3 for another one, and "
    "V̂ is V* times noise, to the power λ: λ = 1 without noise is perfect, a larger λ is a "
    "sharper, worse guess.",
    "Find the sharpness λ with the most right answers. Is it the one with the least error?",
    (
        Panel(
            "accuracy",
            (POWER, SIGMA, PARTICLES),
            show,
            {"accuracy": picture.accuracy_chart, "scatter": picture.scatter_chart},
        ),
    ),
    Panel("answer", (SIGMA, PARTICLES), answer),
)

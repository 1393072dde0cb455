"""Chapter 7: when a worse sampler answers better, and how the particles should answer."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import slider
from scripts.demo.drawings import better as picture
from scripts.demo.lessons import better as lesson
from scripts.demo.parts import Note, Numbers, Part, Table, Text

__all__ = ["CHAPTER"]

POWER = slider("power", "Inverse temperature λ", lesson.POWERS, 1.0)
HORIZON = slider("horizon", "Bits H", lesson.HORIZONS, 60)
PARTICLES = slider("n", "Particles N", lesson.PARTICLES, 32)
EARLY_POWER = slider("early", "Inverse temperature λ", lesson.EARLY_POWERS, 4.0)
FEW = slider("few", "Particles N", lesson.EARLY_PARTICLES, 4)


def show_sharpened(power: float, horizon: int, n: int) -> dict[str, Part]:
    """Show accuracy, error and chi-square on the product instance."""
    here = lesson.sharpened(horizon, n, power)
    return {
        "sharpened": picture.sharpened_drawing(horizon, n, power),
        "chi_square": picture.chi_square_drawing(horizon, n, power),
        "numbers": Numbers(
            f"λ = {power:g}, H = {horizon}, N = {n}",
            {
                "Accuracy": here["accuracy"],
                "Accuracy, at least (law A1)": here["low"],
                "Accuracy, at most (law A1)": here["high"],
                "Accuracy of the target": here["target"],
                "Exact error of the output": here["error"],
                "Largest χ² below level H": here["chi2"],
            },
        ),
        "shaded": Note(
            "Shaded: limits that are proved at this N. Dotted: the accuracy of the target. A χ² "
            "below 0.001 is drawn there."
        ),
    }


def show_early(early: float, few: int) -> dict[str, Part]:
    """Show accuracy over N, and ways to answer, where the first token decides."""
    here = lesson.early(early, few)
    target, covariance = lesson.early_law(early)
    return {
        "early": picture.early_drawing(early, few),
        "numbers": Numbers(
            f"λ = {early:g}, N = {few}",
            {
                "Accuracy of the output": here["accuracy"],
                "The same by the first-order law": target - covariance / few,
                "Accuracy for the target": target,
                "Error of the output": here["error"],
            },
        ),
        "ways": Table("What the cloud answers", lesson.ways(early, few)),
        "how": Note(
            "All exact; limits are laws A1 to A4. Highest reward and pass@N are equal here, as "
            "every right answer has the higher reward: what is best picks a right one if there is "
            "one. The law is one for many particles, and may leave the range of probabilities "
            "for few."
        ),
    }


def answer() -> dict[str, Part]:
    """Say why, and what it does not mean."""
    plain, sharp = lesson.sharpened(60, 32, 1.0), lesson.sharpened(60, 32, 3.0)
    four, many = lesson.early(4.0, 4), lesson.early(4.0, 64)
    target, _ = lesson.early_law(4.0)
    return {
        "answer": Text(
            f"With λ = 1 the reward model is perfect: χ² is 0, the error {plain['error']:.3f}, and "
            f"the output right with probability {plain['accuracy']:.3f}, under the target with "
            f"{plain['target']:.3f}. With λ = 3 χ² is {sharp['chi2']:.0f} and the error "
            f"{sharp['error']:.3f}, and it is right with probability {sharp['accuracy']:.3f}. "
            "Errors count in both directions: a sampler "
            "that leaves the target for right answers errs as much as one that leaves it for "
            "wrong ones. Where the first token decides, a sharp model (λ = 4) over-weights right "
            "answers early and takes that back at the end. By then all of four particles are often "
            "right ones, and there is no other to prefer: they are right with probability "
            f"{four['accuracy']:.3f}; with 64 it is "
            f"{many['accuracy']:.3f}, on the way to the target's {target:.3f}. *More particles "
            "make it worse*, at the rate that the first-order law says. So small error does mean "
            "an accuracy near that of the target, but not the other way round; to compare "
            "samplers by right answers one needs the sign of their error, as laws A1 to A5 do."
        )
    }


CHAPTER = Chapter(
    "better_answers",
    "When a worse sampler answers better",
    10,
    "χ² explodes and accuracy goes to 1; four particles that beat the target; and four ways in "
    "which a cloud can answer.",
    "The product instance: H fair bits, a one is worth 1.5 zeros. An output is *right* if two "
    "thirds of its bits are ones. The reward model is the true value to the power λ.",
    "Find the λ for which the output follows the target best. Then look for the λ that is right "
    "most often. What does χ² say of the two?",
    (
        Panel(
            "sharpened",
            (POWER, HORIZON, PARTICLES),
            show_sharpened,
            {"sharpened": picture.sharpened_chart, "chi_square": picture.chi_square_chart},
        ),
        Panel(
            "early",
            (EARLY_POWER, FEW),
            show_early,
            {"early": picture.early_chart},
            "Few particles that beat the target",
            "Now the first token is the answer, right half of the time under the base model and "
            "worth twice as much if it is; two more tokens do not matter. V̂ is again the true "
            "value to the power λ.",
        ),
    ),
    Panel("answer", (), answer),
)

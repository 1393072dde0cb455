"""Chapter 3: instances without PRM error that need many particles, and the repair by rejection."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import slider
from scripts.demo.drawings import perfect as picture
from scripts.demo.lessons import perfect as lesson
from scripts.demo.parts import Note, Numbers, Part, Table, Text

__all__ = ["CHAPTER"]

TOKENS = slider("tokens", "Tokens H", [2**k for k in range(2, 15)], 64)
PARTICLES = slider("n", "Particles N", lesson.PARTICLES, 8)
LENGTH = slider("length", "Tokens H", [2**k for k in range(1, 13)], 64)
CLOUD = slider("cloud", "Particles N", [2**k for k in range(8)], 16)


def show_product(tokens: int, n: int) -> dict[str, Part]:
    """Show the exact error on the product instance."""
    return {
        "product": picture.product_drawing(tokens, n, scaled=False),
        "scaled": picture.product_drawing(tokens, n, scaled=True),
        "numbers": Numbers(
            f"H = {tokens}, N = {n}",
            {
                "Exact error of SMC": lesson.product_curve(tokens)[lesson.PARTICLES.index(n)],
                "N / √H": n / tokens**0.5,
                "Particles for an error of 0.1": lesson.enough(tokens, 0.1),
            },
        ),
    }


def show_branches(length: int, cloud: int) -> dict[str, Part]:
    """Show the bias on the two-branch instance."""
    return {
        "branches": picture.two_branch_drawing(length, cloud),
        "bias": Numbers(f"H = {length}, N = {cloud}", lesson.bias(length, cloud)),
        "capped": Note(
            f"Capped at N = {lesson.TWO_BRANCH_MOST}: the exact chain on 0..N takes longer "
            "beyond. The lower bound is proved for N ≥ 5."
        ),
    }


def show_repair(tokens: int, n: int) -> dict[str, Part]:
    """Show what rejection makes of it."""
    return {
        "repair": Table(
            f"The product instance with H = {tokens}", lesson.repair(tokens, n)
        ),
        "certified": Note(
            "The error of SMC-RS is certified by bound S-RS, which is 0 here; what is shown of it "
            "is rounding. Its evaluations are a mean of 16 runs."
        ),
    }  # fmt: skip


def answer() -> dict[str, Part]:
    """Say how errors add up on the two instances."""
    asked = {h: lesson.enough(h, 0.1) for h in (64, 256, 1024)}
    wide = [lesson.bias(h, 32)["Exact bias"] for h in (8, 32)]
    return {
        "answer": Text(
            "Four doublings are a factor 16 in H and about √16 = 4 in N: "
            + ", ".join(f"{n} particles for H = {h}" for h, n in asked.items())
            + ". The bits are independent, and each errs by about 4/(27N); H such errors add up "
            "like √H/N. With two branches the errors have one sign and add up like H/N: with "
            f"N = 32 the bias is {wide[0]:.4f} for H = 8 and {wide[1]:.4f} for H = 32. Bound "
            "F-star says that H/N is the worst that a perfect reward model with bounded coverage "
            "allows."
        )
    }


CHAPTER = Chapter(
    "perfect_prm",
    "A perfect reward model is not enough",
    10,
    "Two instances without any error of the reward model that still need N of order √H or H, "
    "and rejection, which needs one particle.",
    "Here V̂ = V*: the reward model knows the value of every prefix. In the *product instance* "
    "(C.8) each of H bits is fair under the base model, and a one is worth twice a zero.",
    "Double the number of tokens four times. How many more particles keep the error at 0.1?",
    (
        Panel("product", (TOKENS, PARTICLES), show_product, picture.CHARTS),
        Panel(
            "branches",
            (LENGTH, CLOUD),
            show_branches,
            {"branches": picture.two_branch_chart},
            "Two branches: N of order H",
            "The first bit chooses a branch, each with probability ½ under the target. Branch 0 "
            "is quiet. In branch 1 every later bit multiplies the value by 0.5 or 1.5. Whenever "
            "weights there fluctuate, the branch loses a little of its share, and nothing gives "
            "it back.",
        ),
        Panel(
            "repair",
            (TOKENS, PARTICLES),
            show_repair,
            title="Rejection repairs it",
            lead="SMC-RS (Algorithm 2) proposes a parent and a token, and accepts with "
            "probability proportional to V̂(child)/V̂(parent). If V̂ = V* one particle is enough, "
            "at the price of more evaluations a token. H and N are those of the first sliders.",
        ),
    ),
    Panel("answer", (), answer),
)

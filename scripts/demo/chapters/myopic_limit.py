"""Chapter 5: the recursive trap; filters fall for it and lookahead escapes."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import again, slider
from scripts.demo.drawings import labels
from scripts.demo.lessons import myopic as lesson
from scripts.demo.parts import Note, Part, Table, Text

__all__ = ["CHAPTER"]

PARTICLES = slider("n", "Particles N", (1, 2, 3, 4, 8, 16, 32, 64), 1)
RUN = again("run", "Other runs", exported=6)
DEEP_PARTICLES = slider("deep", "Particles N", lesson.DEEP_PARTICLES, 2)


def show_trap() -> dict[str, Part]:
    """Show when a label is chosen and when V^ shows what it is worth."""
    return {"trap": labels.trap_drawing()}


def show_simple(n: int, run: int) -> dict[str, Part]:
    """Show outputs of each sampler, and how often they are in E."""
    return {
        "labels": labels.labels_drawing(lesson.good_labels(n, run)),
        "often": Table(f"How often outputs are in E, N = {n}", lesson.simple(n)),
        "runs": Note(
            "From 2000 runs each, 16,000/N if that is less. The theorem limits the mean over "
            "hidden bits; 1 means anything. Lookahead judges a particle by the mean of V̂ one "
            "token ahead."
        ),
    }


def show_deep(deep: int) -> dict[str, Part]:
    """Show how often outputs are in E with two levels."""
    return {
        "deep": Table(f"How often, N = {deep}", lesson.deep(deep)),
        "runs": Note(
            "60 runs each, and N up to 128, to answer at once; `particlebounds reproduce hard` "
            "runs three levels and more samplers. The best of all myopic filters is the exact "
            "value of a game."
        ),
    }


def answer() -> dict[str, Part]:
    """Say what each number of particles can do."""
    one = {r["Sampler"]: r["P(E)"] for r in lesson.simple(1)}
    four = {r["Sampler"]: r["P(E)"] for r in lesson.simple(4)}
    two_best = {r["Sampler"]: r["P(E)"] for r in lesson.deep(2)}
    three = {r["Sampler"]: r["P(E)"] for r in lesson.deep(3)}
    many = {r["Sampler"]: r["P(E)"] for r in lesson.deep(128)}
    return {
        "answer": Text(
            "One particle has to guess each label: it ends in E with probability "
            f"{one['SMC']:.3f}, while the target does with {one['target']:.3f}. Two particles "
            "*could* hold both labels until the reveal, but SMC holds them by luck only: with "
            f"N = 4 it is at {four['SMC']:.2f}. Looking one token ahead shows the label at once; "
            f"with rejection one particle is then enough ({one['lookahead SMC-RS']:.2f}). With "
            "two levels no myopic filter whatsoever with N = 2 exceeds "
            f"{two_best['best of all myopic filters']:.3f}; with three the best one reaches "
            f"{three['best of all myopic filters']:.2f}, and a filter that holds both labels half "
            f"of the time {three['time-sharing of labels']:.2f}. SMC with 128 is at "
            f"{many['SMC']:.2f}. n levels defeat every myopic filter with n particles; the "
            "horizon that this takes grows so fast that theorem 3.9 rules out "
            "N(H) = log H/(4 log log H) particles, no more."
        )
    }


CHAPTER = Chapter(
    "myopic_limit",
    "The myopic limit",
    12,
    "A trap for every filter that judges particles by what is seen so far, and how looking "
    "ahead escapes it.",
    "A label is a fair bit. If it equals a hidden bit it multiplies the reward by 1 + θ, else by "
    "1 − θ; but the reward model takes it into account only at the *reveal*, when it can no "
    "longer be changed. A filter is *myopic* if it keeps at most N prefixes and judges them by "
    "V̂ up to the present token.",
    "Watch SMC with one particle, then add particles. Then ask the same of two levels: how many "
    "does SMC need there, and how many does the best filter need?",
    (
        Panel("trap", (), show_trap, {"trap": labels.trap_chart}),
        Panel(
            "simple",
            (PARTICLES, RUN),
            show_simple,
            {"labels": labels.labels_chart},
            "One level",
            "The event E: at least 12 of the 16 labels are good (θ = 0.75). Six outputs of each "
            "sampler:",
        ),
        Panel(
            "deep",
            (DEEP_PARTICLES,),
            show_deep,
            title="Two levels",
            lead="Now a label is revealed only after a whole block of 42 inner labels (θ = 0.5, "
            "5,848 tokens). E: in at least 43 of the 68 copies the outer label is good and at "
            "least 27 of its inner labels are.",
        ),
    ),
    Panel("answer", (), answer),
)

"""Chapter 1: a particle filter on a small tree, step by step, and the genealogy of a longer run."""

from __future__ import annotations

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import again, choice, player, slider
from scripts.demo.drawings import genealogy, tree
from scripts.demo.lessons import particles as lesson
from scripts.demo.parts import Numbers, Part, Text

__all__ = ["CHAPTER"]

TREE = choice("tree_of", "Tree with", lesson.TREES, lesson.TREES[0])
PARTICLES = slider("n", "Particles N", range(1, lesson.MOST_PARTICLES + 1), 6)
RUN = again("run", "New run", exported=6)
STEP = player("step", "Step", last=9)
LINEAGES = slider("lineages", "Particles N", range(2, 33), 12, (2, 4, 8, 12, 16, 24, 32))
SCHEME = choice("scheme", "Resampling", list(lesson.SCHEMES), "multinomial, every level")
RERUN = again("rerun", "Another run", exported=6)


def show_film(tree_of: str, n: int, run: int, step: int) -> dict[str, Part]:
    """Show one moment of a run."""
    problem, law = lesson.tree(tree_of), lesson.exact_law(tree_of, n)
    film = lesson.film(problem, n, run)
    at = min(step, len(film.frames) - 1)
    frame = film.frames[at]
    return {
        "said": Text(f"**Step {at} of {len(film.frames) - 1}.** {frame.text}"),
        "tree": tree.drawing(problem, frame, law.law),
        "numbers": Numbers("In numbers", lesson.numbers(problem, film, frame, law)),
    }


def show_genealogy(lineages: int, scheme: str, rerun: int) -> dict[str, Part]:
    """Show who descends from whom."""
    family = lesson.genealogy(scheme, lineages, rerun)
    return {
        "genealogy": genealogy.drawing(family),
        "ancestors": Numbers(
            "Of the last cloud",
            {
                "Ancestors at level 1": int(family.survivors[1]),
                "Ancestors at level 16": int(family.survivors[16]),
                "One common ancestor up to level": family.common,
            },
        ),
    }


def answer(tree_of: str, n: int) -> dict[str, Part]:
    """Say which leaf is favoured, and what more particles do."""
    law = lesson.exact_law(tree_of, n)
    leaf, got, wanted = lesson.most_favoured(law)
    errors = lesson.errors(tree_of)
    return {
        "answer": Text(
            f"With N = {n}, leaf **{leaf}** comes out with probability {got:.3f} where the target "
            f"gives {wanted:.3f}. The estimate of Z is right on average for every N (its mean is "
            f"{law.mean_w_over_z:.6g} Z), yet the law of one output is not the target: weights "
            "are divided by their sum, and a cloud of lucky weights counts no more than one of "
            "poor ones. More particles help: the exact error is "
            + ", ".join(f"{e:.4f} with N = {k}" for k, e in errors.items())
            + ". Resampling keeps the cloud where the value is, and pays with lineages: soon all "
            "particles share their first tokens. Systematic resampling, and resampling only when "
            "the weights have become uneven, keep more of them alive."
        )
    }


CHAPTER = Chapter(
    "particle_filter",
    "What a particle filter does",
    10,
    "Particles walk down a tree of prefixes, are weighted by a reward model and copied. "
    "Lineages die out; the exact target stands beside the cloud.",
    "A base model writes tokens; the number under a node is the guess V̂ of a reward model how "
    "good the prefix will turn out. Thick branches are likely ones. The filter wants to draw "
    "leaves in proportion to likelihood × reward: the blue bars.",
    "Press *Next* until the end, several times with *New run*. Which leaf wins too often, and "
    "would more particles help?",
    (
        Panel("film", (TREE, PARTICLES, RUN, STEP), show_film, {"tree": tree.chart}),
        Panel(
            "lineages",
            (LINEAGES, SCHEME, RERUN),
            show_genealogy,
            {"genealogy": genealogy.chart},
            "The genealogy collapses",
            "A longer run, on the product instance of chapter 3 with a perfect reward model. "
            "Blue lineages reach the end, grey ones died.",
        ),
    ),
    Panel("answer", (TREE, PARTICLES), answer),
)

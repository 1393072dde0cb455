"""Chapter 8: drop a problem file and see its criteria, its error and a verdict on every bound."""

from __future__ import annotations

from functools import partial

from scripts.demo.chapter import Chapter, Panel
from scripts.demo.controls import choice, file, slider
from scripts.demo.lessons import own as lesson
from scripts.demo.parts import Note, Numbers, Part, Table, Text
from simulator.problem.library import open_problem

__all__ = ["CHAPTER"]

FILE = file("file", "Drop a problem file (.json or .npz)")
EXAMPLE = choice("example", "Or an example", lesson.EXAMPLES, "reference")
SAMPLER = choice("sampler", "Sampler", lesson.SAMPLERS, "smc")
PARTICLES = slider("n", "Particles N", range(1, lesson.MOST_PARTICLES + 1), 4, (1, 2, 4, 8))


def show(
    example: str, sampler: str, n: int, file: tuple[str, bytes] | None = None
) -> dict[str, Part]:
    """Show criteria, error and verdicts; of an example if there is no file."""
    problem = open_problem(example) if file is None else lesson.read(*file)
    name = example if file is None else file[0]
    error, rows = lesson.verdicts(problem, sampler, n)
    links = ", ".join(f"[{of}]({_file_name(of)})" for of in lesson.EXAMPLES)
    return {
        "error": Numbers(f"{name}: {sampler}, N = {n}", error),
        "criteria": Numbers("The problem", lesson.criteria_of(problem)),
        "bounds": Table("Bounds" if rows else "No bound speaks of it.", rows),
        "files": Note(f"The examples as files, to change and drop: {links}."),
        "capped": Note(
            f"Capped: files up to {lesson.MOST_BYTES // 10**6} MB, N up to "
            f"{lesson.MOST_PARTICLES}; the error is exact where enumerating takes no time, else a "
            f"certified bracket from {lesson.N_RUNS} runs. The bounds T and Z are left to "
            "`particlebounds check FILE`, which has no such limits."
        ),
    }


def answer() -> dict[str, Part]:
    """Say what bounds follow, and what the error follows."""
    return {
        "answer": Text(
            "The bounds that hold at every level at once, L and F-star, follow the single worst "
            "node, however rarely it is visited. 3.2 and S1 weigh it by the target (χ²), and J "
            "path by path. The error moves only as far as the target cares about the node. A zero "
            "where the target goes (lost mass) makes 1.1, 3.2, C.4, S1, S2, L and F-star "
            "infinite; J and the profiles 3.5 and C.6 count the lost outputs. No number of "
            "particles brings them back."
        )
    }


def _file_name(example: str) -> str:
    return example.replace(":", "-").replace("=", "-") + ".json"


def _content(example: str) -> bytes:
    return lesson.example_file(open_problem(example))


CHAPTER = Chapter(
    "your_model",
    "Your own model",
    8,
    "Drop a problem file: its criteria, its error, and a verdict on every bound.",
    "A problem file is a table of next-token probabilities for each stage, a reward for each "
    "end, and the reward model's guesses level by level.",
    "Save the example as a file, change one number of its reward model (`prm`), and drop it. "
    "Which bound notices first, and does the error follow?",
    (Panel("verdicts", (FILE, EXAMPLE, SAMPLER, PARTICLES), show),),
    Panel("answer", (), answer),
    {_file_name(example): partial(_content, example) for example in lesson.EXAMPLES},
)

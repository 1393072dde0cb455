"""The chapters in the order in which they are taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHAPTERS", "FOLDER", "INDEX", "Chapter"]

FOLDER = Path(__file__).with_name("chapters")
INDEX = FOLDER / "index.py"


@dataclass(frozen=True)
class Chapter:
    """A chapter.

    Attributes
    ----------
    name : str
        Of its notebook and of its address.
    title : str
    minutes : int
        What a lecturer needs for it.
    promise : str
        What is to be seen in it.
    """

    name: str
    title: str
    minutes: int
    promise: str

    @property
    def notebook(self) -> Path:
        """The notebook's file."""
        return FOLDER / f"{self.name}.py"


CHAPTERS = (
    Chapter(
        "particle_filter", "What a particle filter does", 10,
        "Particles walk down a tree of prefixes, are weighted by a reward model and copied. "
        "Lineages die out; the exact target stands beside the cloud.",
    ),
    Chapter(
        "coverage_and_error", "Coverage and the error of the reward model", 12,
        "Two sliders, one for each reason to fail; the exact law of the sampler and every bound "
        "move with them.",
    ),
    Chapter(
        "perfect_prm", "A perfect reward model is not enough", 10,
        "Two instances without any error of the reward model that still need N of order √H or H, "
        "and rejection, which needs one particle.",
    ),
    Chapter(
        "myopic_limit", "The myopic limit", 12,
        "A trap for every filter that judges particles by what is seen so far, and how looking "
        "ahead escapes it.",
    ),
    Chapter(
        "accuracy_and_error", "Accuracy is not sampling error", 8,
        "A sharper reward model gives more right answers from a worse sampler.",
    ),
    Chapter(
        "your_model", "Your own model", 8,
        "Drop a problem file: its criteria, its error, and a verdict on every bound.",
    ),
)  # fmt: skip

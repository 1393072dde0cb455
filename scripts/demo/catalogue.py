"""The chapters in the order in which they are taught."""

from __future__ import annotations

from scripts.demo.chapter import Chapter
from scripts.demo.chapters import (
    accuracy_and_error,
    better_answers,
    coverage_and_error,
    first_order,
    myopic_limit,
    particle_filter,
    perfect_prm,
    your_model,
)

__all__ = ["CHAPTERS"]

CHAPTERS: tuple[Chapter, ...] = tuple(
    module.CHAPTER
    for module in (
        particle_filter,
        coverage_and_error,
        perfect_prm,
        first_order,
        myopic_limit,
        accuracy_and_error,
        better_answers,
        your_model,
    )
)

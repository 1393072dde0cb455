"""What a sampler says of a problem before it draws, in one line on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.problem.problem import Problem
    from simulator.samplers.base import Sampler
    from simulator.text.problem import LanguageModelProblem

__all__ = ["print_caution"]


def print_caution(sampler: Sampler, problem: Problem | LanguageModelProblem) -> None:
    """Print `Sampler.caution`, if there is one.

    Parameters
    ----------
    sampler : Sampler
        That is about to run; a class of one's own need not be a `Sampler`.
    problem : Problem or LanguageModelProblem
        On what.
    """
    caution = getattr(sampler, "caution", None)
    line = caution(problem) if caution else None
    if line is not None:
        print(f"particlebounds: {line}", file=sys.stderr)

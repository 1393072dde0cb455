"""N-gram models in ARPA files as problems: texts that match a pattern."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.errors import InputError
from simulator.problem.families.constrained import constrained_rule
from simulator.problem.importers.imported import Imported
from simulator.problem.ngrams.arpa import read_arpa
from simulator.problem.ngrams.constraint import Constraint
from simulator.problem.problem import PRM

__all__ = ["import_arpa"]


def import_arpa(
    path: str | os.PathLike[str],
    *,
    pattern: str,
    horizon: int,
    unit: str = "words",
    prm: str | PRM = "mask",
) -> Imported:
    """Read an n-gram model as the problem of drawing texts that match.

    Parameters
    ----------
    path : str or path
        An ARPA file, see `simulator.problem.ngrams.arpa`.
    pattern : str
        What all of a text must match, in the syntax of `re`, without anchors.
    horizon : int
        H, tokens of a text.
    unit : {"words", "characters"}, optional
        What the file's tokens are.
    prm : str or PRM, optional
        As in `simulator.problem.families.constrained.constrained`.

    Returns
    -------
    Imported
        Rows of few digits are divided by their sums; `Imported.largest_change` says by how much.

    Raises
    ------
    InputError
        If the file is malformed, or no text of H tokens matches; one line that begins with the
        file.

    Examples
    --------
    >>> import_arpa("missing.arpa", pattern="a*", horizon=3)
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.arpa: no such file
    """
    model = read_arpa(path, unit=unit)
    try:
        constraint = Constraint(model, pattern, horizon)
        problem = constraint.problem(constrained_rule(constraint, prm), Path(path).stem)
    except InputError as fault:
        raise type(fault)(f"{path}: {fault}") from None
    return Imported(problem, constraint.rows.largest_change)

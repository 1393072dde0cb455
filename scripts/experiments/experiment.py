"""What an experiment is: a list of independent cells and the function that runs one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Experiment", "Rows"]

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Experiment:
    """One table of `reproduce`.

    Attributes
    ----------
    name : str
        Name of the table and of the figure that reads it.
    run_cell : callable
        Makes the rows of one cell; importable by worker processes.
    cells : callable
        Profile ("quick" or "full") to the list of arguments of `run_cell`.
    missing : callable
        What has to be installed before the cells can run; None if nothing.
    prepare : callable
        Done once before workers start, for what each of them would do otherwise.
    seconds : callable
        A cell to about how long it takes, so that long ones begin first; 1 says that it is short.
    """

    name: str
    run_cell: Callable[..., Rows]
    cells: Callable[[str], list[Mapping[str, object]]]
    missing: Callable[[], str | None] = lambda: None
    prepare: Callable[[], object] = lambda: None
    seconds: Callable[[Mapping[str, Any]], float] = lambda cell: 1.0

"""The progress of long jobs, on stderr: a bar with the time left, or a line a stage.

The bar is gone when the job ends. Where stderr is no terminal but a file, each stage is one line,
which comes with the first part that is done: a fault before it stays one line.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["announce_compilation", "console", "progress_bar", "say"]

NARROWEST = 20  # columns


def console(*, stderr: bool = False) -> Console:
    """Return a console; where the terminal has no width, or nearly none, it is 80 columns.

    Parameters
    ----------
    stderr : bool
        Whether it prints on stderr.
    """
    made = Console(stderr=stderr)
    return made if made.width >= NARROWEST else Console(stderr=stderr, width=80)


class Stages(Progress):
    """A bar; where it cannot be shown, a line a stage, when the first of its parts is done."""

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Move on; parameters are those of `rich.progress.Progress.advance`."""
        stage = next(task for task in self.tasks if task.id == task_id)
        if self.disable and stage.completed == 0:
            say(self, f"{stage.description}, {stage.total:g} parts")
        super().advance(task_id, advance)


def progress_bar() -> Progress:
    """Make a bar that leaves nothing behind, so that a fault stays one line.

    Where stderr is not a terminal there is a line a stage in its place.
    """
    return Stages(
        TextColumn("{task.description:>22}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(),
        console=console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip


def say(progress: Progress, line: str) -> None:
    """Print a line on stderr above the bar."""
    progress.console.print(f"particlebounds: {line}", soft_wrap=True, markup=False, highlight=False)


def announce_compilation() -> None:
    """Have one line on the terminal when a kernel is compiled: later runs find it in the cache."""
    if not sys.stderr.isatty():
        return
    from numba.core import event

    class Announcer(event.Listener):  # type: ignore[misc]
        said = False

        def on_start(self, event: object) -> None:
            if not self.said:
                self.said = True
                print("particlebounds: compiling kernels; only first runs do", file=sys.stderr)

        def on_end(self, event: object) -> None:
            pass

    event.register("numba:compile", Announcer())

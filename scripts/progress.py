"""The progress bar of long jobs: on stderr, with the time left, gone when the job ends."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
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


def progress_bar() -> Progress:
    """Make a bar that leaves nothing behind, so that a fault stays one line.

    There is none where stderr is not a terminal.
    """
    return Progress(
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

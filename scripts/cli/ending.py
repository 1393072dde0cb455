"""How the command ends: one line on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys
import threading
from multiprocessing.dummy import DummyProcess
from typing import NoReturn

__all__ = [
    "INTERRUPTED", "discard_output", "fail", "given", "interrupted", "lacks_command",
    "print_anything",
]  # fmt: skip

INTERRUPTED = 130


def print_anything() -> None:
    """Print what the encoding of the terminal lacks as an escape, rather than fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Send what is left to be printed to nowhere, as where it was going takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str) -> NoReturn:
    """End after bad input: the message on one line of stderr, exit code 2."""
    _say(message)
    sys.exit(2)


def interrupted() -> NoReturn:
    """End after Ctrl-C, at once if a pool of threads is at work.

    Its threads may be long in compiled code or wait for a server, and an exit in good order would
    wait for them, or abort the process when one of them asks for the interpreter.
    """
    _say("interrupted; finished parts are kept")
    if any(
        isinstance(thread, DummyProcess) or thread.name.startswith("ThreadPoolExecutor")
        for thread in threading.enumerate()
    ):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    sys.exit(INTERRUPTED)


def lacks_command(fault: Exception) -> bool:
    """Tell whether a group of commands was called alone: the message is then its help.

    Parameters
    ----------
    fault : Exception
        A usage error.

    Returns
    -------
    bool
        Whether the command-line library means its help by it.
    """
    return type(fault).__name__ == "NoArgsIsHelpError"


def given(fault: Exception) -> str:
    """Return the value that was refused, where the command-line library keeps it to itself.

    Parameters
    ----------
    fault : Exception
        A usage error.

    Returns
    -------
    str
        To be put behind its message; perhaps empty.
    """
    errors = getattr(fault.__cause__, "errors", None)
    if errors is None:
        return ""
    value = f"{errors()[0]['input']!r:.60}"
    return "" if value in str(fault) else f", but {value} was given"


def _say(message: str) -> None:
    line = " ".join(message.split())
    if line:
        print(f"particlebounds: {line}", file=sys.stderr)

"""What a call has cost its process: processor time, and the most memory it has held so far."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

__all__ = ["Spent", "peak_memory", "spend"]

T = TypeVar("T")


class Spent(NamedTuple):
    """What a call has cost.

    Parameters
    ----------
    seconds : float
        Processor time of the process, all its threads together.
    memory : int or None
        The most memory that the process has held since its program started, in bytes.
    """

    seconds: float
    memory: int | None


def peak_memory() -> int | None:
    """Return the most memory that this process has held since its program started.

    Returns
    -------
    int or None
        Bytes; None where the operating system does not tell.

    Examples
    --------
    >>> peak_memory() > 1e6
    True
    """
    # getrusage would begin with what the process held that started this one
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # no Unix
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit


def spend(call: Callable[[], T]) -> tuple[T, Spent]:
    """Do a call and say what it has cost.

    Parameters
    ----------
    call : callable
        Without arguments.

    Returns
    -------
    found : object
        What the call returns.
    spent : Spent

    Examples
    --------
    >>> found, spent = spend(lambda: sum(range(1000)))
    >>> found, spent.seconds < 1
    (499500, True)
    """
    begin = time.process_time()
    found = call()
    return found, Spent(time.process_time() - begin, peak_memory())

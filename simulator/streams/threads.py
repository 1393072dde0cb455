"""Spread independent runs over threads; the kernels let go of the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["available_threads", "parts_for", "share_of_threads", "spread"]

# particle-steps below which a thread is not worth starting
SMALL = 200_000
PART = 20_000  # and below which a part of the runs is not worth handing out
# a context variable, so that each thread of a sweep has its own share
_SHARE: ContextVar[int | None] = ContextVar("share", default=None)


@contextmanager
def share_of_threads(threads: int) -> Iterator[None]:
    """Let samplers use at most so many threads, as workers side by side must.

    Examples
    --------
    >>> with share_of_threads(1):
    ...     available_threads()
    1
    """
    token = _SHARE.set(threads)
    try:
        yield
    finally:
        _SHARE.reset(token)


def available_threads() -> int:
    """Return the number of cores this process may use.

    Returns
    -------
    int
        At most ``NUMBA_NUM_THREADS`` and this worker's share, if it is one of several.

    Examples
    --------
    >>> available_threads() >= 1
    True
    """
    import numba

    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    share = _SHARE.get()
    limits = (cores, int(numba.config.NUMBA_NUM_THREADS), cores if share is None else share)
    return max(1, min(limits))


def spread(
    function: Callable[[int, int], None], n_runs: int, work: float, n_threads: int | None
) -> None:
    """Call ``function(begin, end)`` on ranges that together are all runs.

    Threads of our own rather than numba's: its default pool must not be entered by two
    threads of the caller at once, nor survive a fork.

    Parameters
    ----------
    function : callable
        Results must not depend on the ranges.
    work : float
        Particle-steps of all runs together.
    n_threads : int or None
        None means all available cores.
    """
    threads = available_threads() if n_threads is None else n_threads
    threads = int(min(threads, n_runs, 1 + work // SMALL))
    if threads == 1:
        function(0, n_runs)
        return
    parts = iter(parts_for(n_runs, threads, int(n_runs * PART / work) + 1))

    def take() -> None:
        for begin, end in parts:
            function(begin, end)

    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(take) for _ in range(threads - 1)]
        try:
            take()  # this thread works, too
        finally:  # after a fault or Ctrl-C the others have nothing left to take
            for _ in parts:
                pass
    for other in others:
        other.result()


def parts_for(n_runs: int, threads: int, least: int) -> list[tuple[int, int]]:
    """Cut runs into ranges that become shorter, so that all threads end at about the same time.

    Parameters
    ----------
    least : int
        Runs that are worth handing out together.

    Returns
    -------
    list of (begin, end)

    Examples
    --------
    >>> parts_for(20, 2, 2)
    [(0, 5), (5, 8), (8, 11), (11, 13), (13, 15), (15, 17), (17, 19), (19, 20)]
    """
    parts, begin = [], 0
    while begin < n_runs:
        left = n_runs - begin
        end = begin + min(left, max(least, left // (2 * threads)))
        parts.append((begin, end))
        begin = end
    return parts

"""Processes that compile one after the other, so that each kernel is compiled once."""

from __future__ import annotations

import os
import threading
from functools import cache

__all__ = ["compile_in_turn"]


@cache
def compile_in_turn() -> None:
    """Have this process wait while another one that has called this compiles.

    numba looks for a kernel in its cache, compiles it and writes it there under one lock of the
    process, and tells listeners before it asks for that lock. A process that had to wait then
    finds the kernel in the cache. Where files cannot be locked, nothing changes.

    Examples
    --------
    >>> compile_in_turn()
    """
    try:
        import fcntl
    except ImportError:  # no Unix
        return
    from numba.core import event

    class Turn(event.Listener):  # type: ignore[misc]
        """Holds the lock of this file from the first start to the last end."""

        def __init__(self) -> None:
            self.within, self.depth = threading.Lock(), 0
            self.file: int | None = None

        def on_start(self, event: object) -> None:
            with self.within:
                if self.depth == 0:
                    try:
                        self.file = os.open(__file__, os.O_RDONLY)
                        fcntl.flock(self.file, fcntl.LOCK_EX)
                    except OSError:
                        pass  # a file system without locks: it may be compiled twice
                self.depth += 1

        def on_end(self, event: object) -> None:
            with self.within:
                self.depth -= 1
                if self.depth == 0 and self.file is not None:
                    os.close(self.file)  # which ends the lock
                    self.file = None

    event.register("numba:compiler_lock", Turn())

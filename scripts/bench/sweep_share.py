"""How much of a sweep's time is spent in compiled kernels: `python -m scripts.bench.sweep_share`.

The calls of the kernel are timed where the sampler makes them, so the rest is all that Python
does: seeds, arrays, exact sums, tables, and stored shards.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from simulator.runs.sweep import Grid, run_sweep
from simulator.samplers.smc import compiled
from simulator.streams.threads import share_of_threads

__all__ = ["Share", "main", "measure"]

SAMPLERS = ("smc", "smc:resampling=systematic")
HORIZON = 100


class Share(NamedTuple):
    """Seconds of one sweep.

    Attributes
    ----------
    particles, runs : int
    kernels, all : float
        Processor seconds in kernels, and of the whole sweep; on one thread.
    """

    particles: int
    runs: int
    kernels: float
    all: float

    def __str__(self) -> str:
        return (
            f"H={HORIZON}, N={self.particles}, R={self.runs}, two schemes: "
            f"{self.kernels:.2f} of {self.all:.2f} s in kernels, {self.kernels / self.all:.1%}"
        )


@contextmanager
def _clocked(seconds: list[float]) -> Iterator[None]:
    kernel = vars(compiled)["run_smc"]

    def clocked(*arguments: object) -> None:
        begin = time.process_time()
        kernel(*arguments)
        seconds.append(time.process_time() - begin)

    with patch.object(compiled, "run_smc", clocked):
        yield


def measure(particles: int, steps: int) -> Share:
    """Time one sweep of a product problem, stored as ``sweep`` stores it.

    Parameters
    ----------
    particles : int
        N.
    steps : int
        Particle steps H N R of each of the two schemes.

    Examples
    --------
    >>> share = measure(8, 10**5)
    >>> 0 < share.kernels < share.all
    True
    """
    runs = max(1, steps // (HORIZON * particles))
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder, share_of_threads(1):
        small = Grid((f"product:horizon={HORIZON}",), SAMPLERS, (particles,), 1, seed=1)
        run_sweep(small, Path(folder) / "first")  # imports and compiles
        grid = Grid(small.problems, SAMPLERS, (particles,), runs, seed=1)
        with _clocked(seconds):
            begin = time.process_time()
            run_sweep(grid, Path(folder) / "timed")
            total = time.process_time() - begin
    return Share(particles, runs, sum(seconds), total)


def main() -> None:
    """Print the share at few and at many particles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10**9, help="particle steps H N R a scheme")
    steps = parser.parse_args().steps
    for particles in (2, 8, 32, 1024):
        print(measure(particles, steps), flush=True)


if __name__ == "__main__":
    main()

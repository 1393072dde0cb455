"""Random streams: run r always draws from the same stream, whatever is run around it.

Runs are cut into blocks of 1024. Block b owns a `SeedSequence` whose spawn key ends in b; it
yields four words a run, the starting state of that run's generator. So the draws of run r
depend on the seed and on r only: not on the number of runs, threads, processes or calls.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, is_int
from simulator.errors import InputError
from simulator.typing import RngLike

__all__ = ["BLOCK", "run_seeds", "seed_sequence"]

BLOCK = 1024
FEW = 64  # runs
# keeps the blocks apart from children that a caller spawns of the same sequence
BRANCH = 0x72756E73


def seed_sequence(rng: RngLike) -> np.random.SeedSequence:
    """Turn any accepted source of randomness into a `SeedSequence`.

    Parameters
    ----------
    rng : int, SeedSequence or Generator
        An int or a SeedSequence always gives the same result. A Generator is drawn from, so a
        second call gives another one.

    Raises
    ------
    InputError
        If `rng` is something else or a negative int.

    Examples
    --------
    >>> seed_sequence(5).entropy
    5
    """
    if isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence([int(w) for w in rng.integers(0, 2**32, size=8)])
    if is_int(rng):
        if rng < 0:
            raise InputError(f"rng: the seed {rng} is negative")
        return np.random.SeedSequence(int(rng))
    raise InputError(f"rng: {rng!r} is not an int, a SeedSequence or a Generator")


def run_seeds(rng: RngLike, n_runs: int, first_block: int = 0) -> npt.NDArray[np.uint64]:
    """Make the starting states of the generators of `n_runs` runs.

    Parameters
    ----------
    first_block : int, optional
        Start at run ``1024 * first_block``, to go on where another call has stopped. Pass an
        int or a SeedSequence then: a Generator moves on with every call.

    Returns
    -------
    (n_runs, 4) uint64 array

    Raises
    ------
    InputError
        If an argument is of the wrong kind or negative.

    Examples
    --------
    >>> a, b = run_seeds(1, 1030), run_seeds(1, 6, first_block=1)
    >>> bool((a[1024:] == b).all())
    True
    """
    check_int("n_runs", n_runs, 1, 2**62)
    check_int("first_block", first_block, 0, 2**62)
    root = seed_sequence(rng)
    seeds = np.empty((n_runs, 4), dtype=np.uint64)
    for k, start in enumerate(range(0, n_runs, BLOCK)):
        block = np.random.SeedSequence(
            root.entropy,
            spawn_key=(*root.spawn_key, BRANCH, first_block + k),
            pool_size=root.pool_size,
        )
        part = seeds[start : start + BLOCK]
        if len(part) <= FEW:  # the same words, without compiled code, which texts do not need
            part[:] = block.generate_state(part.size, np.uint64).reshape(part.shape)
        else:
            from simulator.streams.xoshiro import seed_words

            seed_words(block.pool, part.reshape(-1))
    return seeds

"""Types that stand in many signatures, once."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "Floats", "Ints", "RngLike", "Seeds"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Seeds: TypeAlias = npt.NDArray[np.uint64]  # (R, 4): state of the generator of each run
RngLike: TypeAlias = int | np.random.SeedSequence | np.random.Generator

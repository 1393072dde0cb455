"""The grid in s = log t of the trapezoidal rule; see `simulator.exact.quadrature`."""

from __future__ import annotations

import math

__all__ = ["LEFT", "PHASES", "RIGHT", "STEP"]

PHASES = 3  # nodes to a doubling of t
STEP = math.log(2.0) / PHASES
LEFT = 39.0  # exp(-39) = 1e-17: what lies to the left of the grid, relative to the scale 1/E[u]
RIGHT = 45.0  # exp(-45), to the right of it, relative to 1/min u

"""What `--normalise` has changed, in one line."""

from __future__ import annotations

import sys

__all__ = ["print_change"]


def print_change(largest: float) -> None:
    """Say how far the sums of rows were from 1.

    Parameters
    ----------
    largest : float
        The largest distance.
    """
    print(f"particlebounds: rows normalised: largest change {largest:.2g}", file=sys.stderr)

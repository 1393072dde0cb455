"""A number that is known exactly, or up to limits that hold at a stated confidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Interval"]


@dataclass(frozen=True)
class Interval:
    """A number with limits that both hold at the stated confidence.

    Parameters
    ----------
    value, low, high : float
        An estimate and its limits; all equal if the number is exact.
    confidence : float
        Probability that both limits hold is at least this; 1 if no run was needed for them.
    """

    value: float
    low: float
    high: float
    confidence: float

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """Make the interval of a number that is known.

        Parameters
        ----------
        value : float
            The number.

        Returns
        -------
        Interval
        """
        return Interval(value, value, value, 1.0)

    @classmethod
    def between(cls, low: float, high: float, confidence: float = 1.0) -> Interval:
        """Make an interval of its limits alone; the estimate lies midway.

        Parameters
        ----------
        low, high : float
            The limits.
        confidence : float, optional
            Probability that both hold.

        Returns
        -------
        Interval
        """
        return Interval((low + high) / 2, low, high, confidence)

    @property
    def exact(self) -> bool:
        """Whether the number is known exactly."""
        return self.low == self.high and self.confidence == 1.0

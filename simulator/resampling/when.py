r"""When a cloud is resampled: where the size of its weights falls below a share t of N.

A size is N where all weights are equal and 1 where one particle holds all the weight: the
effective sample size 1/sum W_i^2, or 1/max W_i. The second is never larger, as
sum W_i^2 <= max W_i, so that what it keeps the first would keep too. Where nothing is resampled
below t < 1,

    "ess":         N sum W_i^2 <= 1/t, and N max W_i <= 1 + sqrt((N-1)(1/t-1));
    "max_weight":  N max W_i <= 1/t, and so N sum W_i^2 <= 1/t

(the largest weight under "ess" is had where the other particles share the rest).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.typing import Bools, Floats

__all__ = ["RULES", "Rule"]

RULES = ("ess", "max_weight")
TIE = 1e-9  # a size that equals its threshold up to rounding does not resample


@dataclass(frozen=True)
class Rule:
    """Resample where the size of the weights is below tN.

    Parameters
    ----------
    name : {"ess", "max_weight"}
        Which size: 1/sum W_i^2 or 1/max W_i.
    threshold : float
        t in [0, 1]. From 1 on always, whatever the weights; with 0 never.

    Examples
    --------
    >>> weights = np.array([[2.0, 1.0, 1.0], [1.0, 1.0, 1.0]])  # sizes 8/3 and 2; 3 and 3
    >>> [Rule(name, 0.75).resamples(weights).tolist() for name in RULES]
    [[False, False], [True, False]]
    >>> Rule("max_weight", 1.0).resamples(weights).tolist()
    [True, True]
    """

    name: str
    threshold: float

    def resamples(self, weights: Floats) -> Bools:
        """Tell which clouds are resampled.

        Parameters
        ----------
        weights : (C, N) array
            Of C clouds, at any scale; each has a positive one.

        Returns
        -------
        (C,) bool array
        """
        if self.threshold >= 1:
            return np.ones(len(weights), dtype=np.bool_)
        total = weights.sum(axis=1)
        if self.name == "ess":
            size = total**2 / (weights**2).sum(axis=1)
        else:
            size = total / weights.max(axis=1)
        return np.asarray(size < self.threshold * weights.shape[1] * (1 - TIE))

    @property
    def kept_squares(self) -> float:
        """The most that N sum W_i^2 can be where nothing is resampled: 1/t."""
        return 1 / (self.threshold * (1 - TIE)) if self.threshold > 0 else math.inf

    def kept_largest(self, n: int) -> float:
        """Return the most that N max W_i can be where nothing is resampled.

        Parameters
        ----------
        n : int
            Number of particles N.

        Returns
        -------
        float
            In [1, N].

        Examples
        --------
        >>> [round(Rule(name, 0.5).kept_largest(5), 6) for name in RULES]
        [3.0, 2.0]
        """
        most = max(1.0, self.kept_squares)
        if self.name == "ess":
            most = 1 + math.sqrt((n - 1) * (most - 1))
        return min(float(n), most)

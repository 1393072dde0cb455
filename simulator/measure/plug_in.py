"""The distance of the observed law from pi*, with its bias."""

from __future__ import annotations

import math

import numpy as np

from simulator.exact.law import total_variation
from simulator.samplers.runs import Runs
from simulator.typing import Floats

__all__ = ["PlugIn"]


class PlugIn:
    r"""D_TV(mean of independent random laws, pi*), for laws whose mean is the sampler's law nu.

    Each run gives one law p_r: a point mass at its output, or, after Rao and Blackwell, its
    last weighted cloud, from which the output is drawn. By Jensen the distance is above D_TV
    on average, by at most E[sum (nu - mean p)_+] <= (1/2) sum_y sd(p(y))/sqrt(R), which is at
    most sqrt(K/R)/2. One run moves it by at most 1/R, so that D_TV is below it plus
    sqrt(log(1/delta)/(2R)) with probability 1 - delta (McDiarmid 1989).

    Parameters
    ----------
    target : (K,) array
    clouds : bool
        Whether to use the last clouds; runs must have kept them.
    """

    def __init__(self, target: Floats, clouds: bool) -> None:
        self._target, self._clouds, self._n = target, clouds, 0
        self._sum, self._squares = np.zeros(target.size), np.zeros(target.size)

    def add(self, runs: Runs) -> None:
        """Take more runs into account."""
        self._n += len(runs)
        k = self._target.size
        if not self._clouds:
            hits = np.bincount(runs.states[~runs.failed], minlength=k)
            self._sum += hits
            self._squares += hits
            return
        assert runs.cloud_states is not None
        assert runs.cloud_log_weights is not None
        states, logs = runs.cloud_states[:, -1], runs.cloud_log_weights[:, -1]
        top = logs.max(axis=1, keepdims=True)
        weights = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
        share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        live = share > 0
        key = (states + k * np.arange(len(runs))[:, None])[live]
        if k <= states.shape[1]:  # a sum for each outcome takes less than a sorting of particles
            cell, where = np.arange(k * len(runs)), key
        else:
            cell, where = np.unique(key, return_inverse=True)
        mass = np.bincount(where, share[live], cell.size)
        self._sum += np.bincount(cell % k, mass, k)
        self._squares += np.bincount(cell % k, mass * mass, k)

    @property
    def value(self) -> float:
        """The distance."""
        return total_variation(self._target, self._sum / self._n)

    @property
    def bias(self) -> float:
        """About how much it is above D_TV on average, at most."""
        mean = self._sum / self._n
        variance = np.maximum(self._squares / self._n - mean * mean, 0.0)
        return 0.5 * float(np.sqrt(variance / self._n).sum())

    def upper(self, delta: float) -> float:
        """Upper limit of D_TV.

        Parameters
        ----------
        delta : float
            Largest probability that the limit is below D_TV.
        """
        return self.value + math.sqrt(math.log(1 / delta) / (2 * self._n))

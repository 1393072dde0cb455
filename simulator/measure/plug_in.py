"""The distance of the observed law from pi*, with its bias."""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import InputError
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
        if not self._clouds:
            hits = np.bincount(runs.states[~runs.failed], minlength=self._target.size)
            self._sum += hits
            self._squares += hits
            return
        assert runs.cloud_states is not None
        assert runs.cloud_log_weights is not None
        from simulator.measure.plug_in_kernel import add_shares

        states = np.asarray(runs.cloud_states[:, -1], dtype=np.int64)
        logs = np.asarray(runs.cloud_log_weights[:, -1], dtype=np.float64)
        if not add_shares(states, logs, self._sum, self._squares):
            raise InputError("cloud_states: a particle with weight stands in no terminal state")

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

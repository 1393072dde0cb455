"""The plug-in distance of weighted clouds against a sum by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure.plug_in import PlugIn


class _Runs(SimpleNamespace):
    def __len__(self):
        return len(self.cloud_states)


def _clouds(states, weights):
    states, weights = np.array(states)[:, None], np.array(weights, dtype=float)[:, None]
    with np.errstate(divide="ignore"):
        return _Runs(cloud_states=states, cloud_log_weights=np.log(weights) + 800.0)


def test_each_cloud_adds_its_shares_and_their_squares():
    """Equal outcomes within a cloud count together; dead particles and clouds add nothing."""
    target = np.array([0.2, 0.3, 0.5])
    found = PlugIn(target, clouds=True)
    found.add(_clouds([[0, 2, 0], [1, -1, 2], [-1, -1, -1]], [[1, 2, 1], [3, 0, 1], [0, 0, 0]]))
    shares = np.array([[0.5, 0, 0.5], [0, 0.75, 0.25], [0, 0, 0]])
    mean = shares.mean(axis=0)
    assert found.value == pytest.approx(np.maximum(target - mean, 0).sum(), rel=1e-14)
    variance = (shares**2).mean(axis=0) - mean**2
    assert found.bias == pytest.approx(0.5 * np.sqrt(variance / 3).sum(), rel=1e-12)


@pytest.mark.parametrize("state", [3, -1])
def test_weight_outside_the_terminal_states_is_refused(state):
    with pytest.raises(InputError, match="no terminal state"):
        PlugIn(np.full(3, 1 / 3), clouds=True).add(_clouds([[0, state]], [[1, 1]]))

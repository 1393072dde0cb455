"""All weighted particles of runs on texts (T0)."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.samplers.registry import make_sampler
from simulator.samplers.smc.sampler import SMC
from simulator.text.tabular import as_language_model

PROBLEM = reference(3)
TEXT = as_language_model(PROBLEM)


def states(tokens):
    row = np.zeros(tokens.shape[:-1], dtype=np.int64)
    for h in range(PROBLEM.horizon):
        row = PROBLEM.model.next_state[h][row, tokens[..., h]]
    return row


@pytest.mark.parametrize("sampler", [SMC(4), SMC(4, "systematic", 0.7), make_sampler("sis", 4)])
def test_their_weights_are_those_of_the_kernel(sampler):
    """The text engine draws as the kernel does, by inversion for alias: laws agree, not draws."""
    runs = sampler.run(TEXT, 30, rng=3, keep=("clouds", "tokens"))
    assert runs.cloud_tokens.shape == (30, 4, 3)
    assert runs.cloud_log_weights.shape == (30, 3, 4)
    for r in range(30):
        final = states(runs.cloud_tokens[r])
        assert states(runs.tokens[r][None])[0] in final
        if sampler == SMC(4):  # weights of the last level alone: V^(x_H)/V^(x_{H-1})
            parents = np.zeros(4, dtype=np.int64)
            for h in range(2):
                parents = PROBLEM.model.next_state[h][parents, runs.cloud_tokens[r, :, h]]
            want = PROBLEM.log_prm[3][final] - PROBLEM.log_prm[2][parents]
            assert runs.cloud_log_weights[r, -1] == pytest.approx(want, abs=1e-12)


def test_samplers_without_clouds_say_so():
    with pytest.raises(InputError, match="clouds"):
        make_sampler("beam", 2).run(TEXT, 1, rng=1, keep=("clouds",))
    assert SMC(2).run(TEXT, 1, rng=1).cloud_tokens is None

"""Tables behind the interface of language models: the contract, on a model of many levels."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.text.contract import check_sessions
from simulator.text.tabular import TabularLM

LEVELS, TOKENS = 60, 3


@pytest.fixture(scope="module")
def model():
    """A chain whose state is the last token."""
    rng = np.random.default_rng(4)
    probs = [rng.dirichlet(np.ones(TOKENS), 1 if h == 0 else TOKENS) for h in range(LEVELS)]
    following = [np.tile(np.arange(TOKENS), (len(p), 1)) for p in probs]
    return TabularModel(probs, following)


@pytest.mark.parametrize("n", [1, 6])
def test_contract_after_fifty_reorders(model, n):
    def full(tokens):
        state = tokens[-1] if tokens else 0
        return np.log(model.probs[len(tokens)][state])

    check_sessions(TabularLM(model), full, "", n, 50, seed=1, tolerance=1e-12)


def test_prompts_without_tables_and_tokens_that_are_none_are_refused(model):
    lm = TabularLM({"a": model, "b": model})
    for prompt in ("c", [0, 1], None):
        with pytest.raises(InputError, match=r"prompt: .* has no tables"):
            lm.start(prompt, 1)
    for tokens in ([-1], [0, TOKENS]):
        with pytest.raises(InputError, match="is none of 3"):
            lm.decode(tokens)

"""Measures on a language model are those on the tables behind it, where Z and r are known."""

import dataclasses

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure.diversity import diversity
from simulator.measure.log_normalising_constant import log_z_error
from simulator.measure.outputs import expected_reward
from simulator.problem.families.eos import eos
from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.rewards import log_rewards
from simulator.text.tabular import as_language_model


@pytest.fixture(params=[reference(3), eos(3)], ids=["reference", "eos"])
def pair(request):
    table = request.param
    return table, as_language_model(table)


def test_measures_are_those_of_the_tables(pair):
    table, text = pair
    runs = SMC(2).run(text, 200, rng=1, keep=("tokens",))
    assert log_z_error(text, runs) == log_z_error(table, runs)
    r_max = float(table.reward.max())
    assert expected_reward(text, runs, r_max=r_max) == expected_reward(table, runs)
    ours, right = diversity(text, runs), diversity(table, runs)
    assert ours.collision == right.collision
    assert ours.distinct.value == right.distinct.value
    assert ours.entropy.low == right.entropy.low
    assert ours.entropy.high >= right.entropy.high  # the number of texts is only known from above


def test_rewards_of_texts_are_those_of_terminal_states(pair):
    table, text = pair
    runs = SMC(2).run(table, 50, rng=2, keep=("tokens",))
    there = ~runs.failed
    found = log_rewards(text, runs.tokens[there])
    assert found == pytest.approx(table.log_reward[runs.states[there]], abs=1e-12)


def test_a_failed_run_earns_nothing():
    text = as_language_model(reference(3))
    runs = SMC(2).run(text, 20, rng=1, keep=("tokens",))
    tokens = runs.tokens.copy()
    tokens[0] = -1
    failed = np.arange(20) == 0
    states = np.where(failed, -1, runs.states)
    some = dataclasses.replace(runs, failed=failed, tokens=tokens, states=states)
    whole, left = (expected_reward(text, r, r_max=4.0).value for r in (runs, some))
    first = float(np.exp(log_rewards(text, runs.tokens[:1])[0]))
    assert whole - left == pytest.approx(first / 20, rel=1e-12)


def test_what_is_missing_is_named():
    text = as_language_model(reference(2))
    runs = SMC(2).run(text, 4, rng=1, keep=("tokens",))
    bare = dataclasses.replace(runs, tokens=None)
    for call, named in (
        (lambda: expected_reward(text, runs), "r_max"),
        (lambda: expected_reward(text, runs, r_max=0.1), "above r_max"),
        (
            lambda: expected_reward(text, bare, r_max=9.0),
            "tokens",
        ),
        (lambda: log_rewards(text, [[0]]), "shape"),
        (lambda: log_rewards(text, [[0, -1]]), "has not ended"),
        (lambda: log_z_error(unknown(text), runs), "not known"),
    ):
        with pytest.raises(InputError, match=named):
            call()


def unknown(text):
    """The same texts under a PRM of which nobody knows Z."""
    return LanguageModelProblem(text.lm, "", 2, TextPRM(lambda texts: np.ones(len(texts))))

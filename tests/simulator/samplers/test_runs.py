"""Results of runs: checked when made, put behind each other."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.samplers.runs import KEEP, Runs, check_keep, concatenate
from simulator.samplers.smc.sampler import SMC

NAMES = ["states", "log_w", "failed", "prm_evaluations", "model_calls"]
OPTIONAL = ["tokens", "ess", "genealogy", "cloud_states", "cloud_log_weights"]


@pytest.fixture(scope="module")
def runs():
    return SMC(3).run(open_problem("reference:horizon=3"), 7, rng=1, keep=KEEP)


def test_length_and_failure_rate_count_runs():
    states = np.array([-1, 4, -1, 0])
    log_w, one = np.where(states < 0, -np.inf, 0.0), np.ones(4, dtype=int)
    made = Runs(states, log_w, states < 0, one, one)
    assert len(made) == 4
    assert made.failure_rate == 0.5


def test_parts_concatenate_to_the_whole(runs):
    problem = open_problem("reference:horizon=3")
    parts = [SMC(3).run(problem, k, rng=k, keep=KEEP) for k in (1, 4, 2)]
    whole = concatenate(parts)
    assert len(whole) == 7
    for name in NAMES + OPTIONAL:
        joined = [x for part in parts for x in getattr(part, name).tolist()]
        assert getattr(whole, name).tolist() == joined


def test_results_that_no_part_has_stay_away(runs):
    bare = replace(runs, **dict.fromkeys(OPTIONAL))
    assert all(getattr(concatenate([bare, bare]), name) is None for name in OPTIONAL)


def test_nothing_cannot_be_concatenated():
    with pytest.raises(InputError, match=r"\Aruns: nothing"):
        concatenate([])


@pytest.mark.parametrize("name", OPTIONAL)
def test_parts_must_have_the_same_results(runs, name):
    with pytest.raises(InputError, match=rf"\Aruns: [^\n]*{name}"):
        concatenate([runs, replace(runs, **{name: None})])


@pytest.mark.parametrize("name", OPTIONAL)
def test_parts_must_have_the_same_shapes(runs, name):
    other = replace(runs, **{name: getattr(runs, name)[:, :2]})
    with pytest.raises(InputError, match=rf"\Aruns: {name} differs in shape\Z"):
        concatenate([runs, other])


@pytest.mark.parametrize("name", NAMES + OPTIONAL)
@pytest.mark.parametrize("cut", [np.s_[1:], np.s_[..., None]], ids=["shorter", "one axis more"])
def test_arrays_that_do_not_fit_are_refused_by_name(runs, name, cut):
    wrong = "runs" if name == "states" else name
    with pytest.raises(InputError, match=rf"\Aruns: [^\n]*{wrong}"):
        replace(runs, **{name: getattr(runs, name)[cut]})


def test_nan_is_refused(runs):
    with pytest.raises(InputError, match="log_w holds NaN"):
        replace(runs, log_w=np.full(7, np.nan))


@pytest.mark.parametrize("state", [-1, 0])
def test_failed_and_states_must_agree(runs, state):
    with pytest.raises(InputError, match="states must be -1"):
        replace(runs, states=np.full(7, state), failed=np.full(7, state == 0))


@pytest.mark.parametrize("keep", ["tokens", ("token",), ("ess", "weights")])
def test_unknown_results_are_refused_in_one_line(keep):
    with pytest.raises(InputError, match=r"\Akeep: [^\n]*\Z"):
        check_keep(keep)

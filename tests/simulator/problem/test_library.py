"""Ready problems by name, and the tables of a real language model."""

import re
from importlib.resources import files

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure.error import bracket
from simulator.problem.families.eos import eos
from simulator.problem.families.language_model_table import (
    language_model_table,
    table_facts,
    target_model,
)
from simulator.problem.families.random_tree import random_tree
from simulator.problem.files import save_problem
from simulator.problem.library import make_problem, open_problem, ready_problems
from simulator.samplers.smc.sampler import SMC


@pytest.mark.parametrize("name", ready_problems())
def test_every_ready_problem_opens_under_its_name(name):
    problem = open_problem(name)
    assert problem.name == name
    assert np.isfinite(problem.log_z)
    assert problem.lost_states == []
    assert "\n" not in ready_problems()[name][1]


def test_a_spec_sets_parameters_of_the_declared_types():
    made = make_problem("random-tree:n_actions=3, horizon=2,seed=5,sigma=1e-1,prm=noisy")
    assert made.digest == random_tree(3, 2, 5, sigma=0.1, prm="noisy").digest
    assert made.name == "random-tree:n_actions=3, horizon=2,seed=5,sigma=1e-1,prm=noisy"
    assert make_problem("eos:stop=.5,prm=capped,cap=2").digest == eos(
        stop=0.5, prm="capped", cap=2.0
    ).digest  # fmt: skip


BAD_SPECS = {
    "nonsense": ["'nonsense'", "reference", "lm-review"],
    "": ["''"],
    "Reference": ["'Reference'"],
    "reference:": ["reference", "key=value"],
    "reference:horizon": ["'horizon'", "key=value"],
    "reference:horizon=": ["key=value"],
    "reference:=3": ["key=value"],
    "reference:horizon=3,": ["key=value"],
    "reference:horizon=3;seed=1": ["horizon=3;seed=1", "whole number"],
    "reference:horizon=3.5": ["horizon=3.5", "whole number"],
    "reference:horizon=0": ["horizon", "0", "from 1"],
    "reference:horizon=-1": ["horizon", "-1"],
    "reference:horizon=40": ["2^40", "too large"],
    "reference:depth=3": ["'depth'", "only horizon is"],
    "eos:stop=half": ["stop=half", "a number"],
    "eos:stop=nan": ["stop", "nan"],
    "eos:stop=0": ["stop", "0"],
    "eos:stop=0.5,stop=0.5": ["stop is given twice"],
    "random-tree:prm=perfect": ["'perfect'", "exact, noisy"],
    "random-tree:sigma=-1": ["sigma", "-1"],
    "random-tree:sigma=inf": ["sigma", "inf"],
    "random-tree:seed=-1": ["seed", "-1"],
    "brackets:length=5": ["length", "odd"],
    "brackets:prm=noisy": ["'noisy'"],
    "lm-digits2:table=review": ["'table'"],
    "product:horizon=" + "9" * 5000: ["whole number"],
    "product:horizon=100000000": ["100000000"],
}


@pytest.mark.parametrize("spec", BAD_SPECS, ids=lambda s: s[:40])
def test_a_bad_spec_is_told_in_one_line(spec):
    with pytest.raises(InputError) as fault:
        open_problem(spec)
    message = str(fault.value)
    assert "\n" not in message
    assert message.removeprefix("'").startswith(spec.partition(":")[0])
    for word in BAD_SPECS[spec]:
        assert word in message


def test_files_are_opened_by_path(tmp_path, monkeypatch):
    problem = open_problem("reference:horizon=2")
    for name in ("p.json", "p.npz"):
        save_problem(problem, tmp_path / name)
        for spec in (tmp_path / name, str(tmp_path / name)):
            assert open_problem(spec).digest == problem.digest
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reference").write_text("{")
    assert open_problem("p.json").digest == problem.digest
    assert open_problem("reference").horizon == 3  # a file of that name does not hide it
    (tmp_path / "mine").write_text("{")
    with pytest.raises(InputError, match=re.escape("mine: a problem file must end in")):
        open_problem("mine")
    with pytest.raises(InputError, match="nowhere"):
        open_problem("nowhere/p")


# the tables of a real language model

TABLES = {"digits2": (10, 4, 0.819, 23.4), "review": (8, 5, 0.734, 58.3)}


def sequence_laws(name):
    """p(prefix) under both prompts, level by level, straight from the stored arrays."""
    source = files("simulator.problem").joinpath("data", f"lm_{name}.npz")
    with source.open("rb") as stream, np.load(stream) as stored:
        for side in ("ref", "target"):
            law = [np.ones(1)]
            for h in range(TABLES[name][1]):
                law.append((law[-1][:, None] * stored[f"{side}{h}"]).ravel())
            yield law


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_prompt_switching_turns_the_first_law_into_the_second(name):
    size, horizon, _, _ = TABLES[name]
    ref, target = sequence_laws(name)
    problem = language_model_table(name)
    assert (problem.model.n_actions, problem.horizon) == (size, horizon)
    assert problem.log_z == pytest.approx(0, abs=1e-12)
    for h in range(horizon + 1):
        assert problem.value[h] == pytest.approx(target[h] / ref[h], rel=1e-12)
        assert problem.prm[h] == pytest.approx(target[h] / ref[h], rel=1e-12)
        assert problem.target[h] == pytest.approx(target[h], abs=1e-12)
    for h, table in enumerate(target_model(name).probs):
        after = (target[h][:, None] * table).ravel()
        assert after == pytest.approx(target[h + 1], abs=1e-13)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_have_the_numbers_that_their_notes_state(name):
    _, _, tv, second_moment = TABLES[name]
    ref, target = (law[-1] for law in sequence_laws(name))
    assert np.abs(ref - target).sum() / 2 == pytest.approx(tv, abs=5e-4)
    assert (target**2 / ref).sum() == pytest.approx(second_moment, abs=0.05)
    reward = language_model_table(name).reward
    assert (ref * reward**2).sum() == pytest.approx(second_moment, abs=0.05)


@pytest.mark.parametrize("name", TABLES)
def test_table_facts_fit_the_arrays(name):
    facts = table_facts(name)
    assert len(facts["vocabulary"]) == TABLES[name][0]
    assert facts["horizon"] == TABLES[name][1]
    assert facts["prompt_ref"] != facts["prompt_target"]


def test_the_noisy_tables_differ_from_the_exact_ones_in_the_prm_only():
    exact, noisy = open_problem("lm-digits2"), open_problem("lm-digits2-noisy")
    assert (exact.log_value_flat == noisy.log_value_flat).all()
    gap = noisy.log_prm_flat - exact.log_prm_flat
    start = exact.model.state_start
    assert (gap[1 : start[-2]] != 0).all()
    assert gap[0] == 0
    assert (gap[start[-2] :] == 0).all()


def test_an_unknown_table_is_refused():
    for ask in (language_model_table, table_facts, target_model):
        with pytest.raises(InputError, match="table: 'digits3' is not known, only digits2, review"):
            ask("digits3")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n", "seen"),
    [("digits2", 2, 0.658), ("digits2", 8, 0.265), ("digits2", 32, 0.087),
     ("review", 2, 0.591), ("review", 8, 0.268), ("review", 32, 0.079)],
)  # fmt: skip
def test_smc_has_the_errors_that_the_notes_state_within_their_bias(name, n, seen):
    # the notes give plug-in values of 10^6 runs, rounded, and biased up by at most 0.015; the
    # bracket fails with probability below 1e-9 and is at most 0.06 wide: it would catch that much
    b = bracket(open_problem(f"lm-{name}"), SMC(n), 150_000, rng=5, confidence=1 - 1e-9)
    assert b.low <= seen + 0.0005
    assert b.high >= seen - 0.015 - 0.0005
    assert b.high - b.low < 0.06

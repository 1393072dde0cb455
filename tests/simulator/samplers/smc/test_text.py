"""The SMC engine against the plain twin, draw by draw, and against exact laws."""

import numpy as np
import pytest

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.tabular import as_language_model


def invert(problem, tables, h, state, rng: Xoshiro) -> int:
    """The token that a language model's engine draws, in place of the alias method."""
    p = problem.model.probs[h][state]
    sums = np.cumsum(p)
    return int(min(np.searchsorted(sums, rng.uniform() * sums[-1], "right"), np.flatnonzero(p)[-1]))


SAMPLERS = [
    *(SMC(5, name) for name in SCHEMES),
    *(SMC(6, name, ess_threshold=0.6) for name in ("multinomial", "systematic")),
    SMC(4, ess_threshold=0.0),
    SMC(6, ess_threshold=0.6, resample_when="max_weight"),
    SMC(4, select="best"),
    SMC(4, block=2),
    SMC(3, "systematic", block=3, select="best", ess_threshold=0.9),
    *(SMC(4, proposal=q) for q in ("optimal", "uniform", "tempered")),
    SMC(4, proposal="optimal", block=2),
    SMC(1),
]
PROBLEMS = {
    "reference": lambda: reference(4),
    "zeros": lambda: random_tree(4, 3, seed=3),
    "edges": lambda: open_problem("two-branch:horizon=5"),
    "brackets": lambda: open_problem("brackets"),
    "variance": lambda: open_problem("variance:horizon=6"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_equal_uniforms_give_the_runs_of_the_plain_twin(monkeypatch, name, sampler):
    monkeypatch.setattr(smc_plain, "draw_token", invert)
    problem = PROBLEMS[name]()
    twin = smc_plain.run_plain(problem, sampler, 12, 7)
    runs = sampler.run(
        as_language_model(problem), 12, rng=7, keep=("tokens", "ess", "genealogy")
    )  # fmt: skip
    for field in ("states", "failed", "tokens", "genealogy", "prm_evaluations", "model_calls"):
        assert (getattr(runs, field) == getattr(twin, field)).all(), field
    assert runs.log_w == pytest.approx(twin.log_w, rel=1e-9, abs=1e-9)
    due = np.arange(1, problem.horizon + 1) % sampler.block == 0  # V^ is known there
    assert runs.ess[:, due] == pytest.approx(twin.ess[:, due], rel=1e-9, abs=1e-12)

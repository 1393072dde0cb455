"""Wrong functions in the plain twin of SMC by rejection show on the same draws."""

import numpy as np
import pytest

from simulator.problem.families.reference import reference
from simulator.samplers.smc_rejection import plain as twin
from simulator.samplers.smc_rejection.sampler import SMCRejection


def always_first(right):
    return lambda n, u: 0


# name: (function of the twin, the wrong one made of the right one)
MUTANTS = {
    "weight without the ratio": (
        "_log_weight",
        lambda right: lambda p, h, state, a: right(p, h, state, a) + p.log_prm[h][state],
    ),
    "weight of the level before": ("_log_weight", lambda right: twin._log_factor),
    "no edge reward": ("_log_factor", lambda right: lambda p, h, state, a: 0.0),
    "eta at the child": (
        "_log_acceptance",
        lambda right: lambda p, h, state, a, eta: right(p, h, state, a, eta + p.log_prm[h][state]),
    ),
    "no eta": ("_log_acceptance", lambda right: lambda *move: right(*move[:-1], 0.0)),
    "one parent, asked until it accepts": ("_draw_parent", always_first),
    "rejected proposals not counted": (
        "_accepted", lambda right: lambda *arguments: (*right(*arguments)[:2], 1)
    ),
    "W without V^(root)": ("_log_root", lambda right: lambda p: 0.0),
    "W of the children": (
        "_log_mean_weight",
        lambda right: lambda p, h, parents: right(p, min(h, 1), [0] * len(parents)),
    ),
    "sum for mean": ("_log_mean", lambda right: lambda x: right(x) + np.log(len(x))),
    "output is the first": ("_draw_output", always_first),
}  # fmt: skip


def differs(a, b):
    return [
        name
        for name in ("states", "failed", "prm_evaluations", "tokens", "genealogy", "cloud_states")
        if not np.array_equal(getattr(a, name), getattr(b, name))
    ] + ["log_w"] * (not np.allclose(a.log_w, b.log_w, rtol=1e-11, atol=1e-11))


def problem_with_edges():
    problem = reference(4)
    edges = [np.ones(p.shape) * (1 + h) for h, p in enumerate(problem.model.probs)]
    return type(problem)(problem.model, problem.reward, problem.prm, edge_reward=edges)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_function_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    function, wrong = MUTANTS[name]
    problem, sampler = problem_with_edges(), SMCRejection(4)
    kernel = sampler.run(problem, 40, rng=1, keep=SMCRejection.keeps)
    assert differs(kernel, twin.run_rejection_plain(problem, sampler, 40, 1)) == []
    monkeypatch.setattr(twin, function, wrong(getattr(twin, function)))
    assert differs(kernel, twin.run_rejection_plain(problem, sampler, 40, 1))

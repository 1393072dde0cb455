"""Wrong lines in the plain twin of SMC by rejection show on the same draws."""

import inspect

import numpy as np
import pytest

from simulator.problem.families.reference import reference
from simulator.samplers.smc_rejection import plain as twin
from simulator.samplers.smc_rejection.sampler import SMCRejection

# name: (function of the twin, right text, wrong text)
MUTANTS = {
    "weight without the ratio": ("_log_weight", " - float(problem.log_prm[h][state])", ""),
    "weight of the level before": ("_log_weight", "log_prm[h + 1][child]", "log_prm[h][state]"),
    "no edge reward": ("_log_weight", "return gain +", "return"),
    "eta at the child": (
        "_run",
        "- log_eta",
        "- log_eta - float(problem.log_prm[h][parents[i]])",
    ),
    "no eta": ("_run", "- log_eta", ""),
    "one parent, asked until it accepts": ("_run", "int(rng.uniform() * n)\n                t",
                                           "int(rng.uniform() * 0)\n                t"),
    "rejected proposals not counted": (
        "_run", "proposals += 1\n", "proposals += int(proposals < n * (h + 1))\n"
    ),
    "W without V^(root)": ("_run", "float(problem.log_prm_flat[0])", "0.0"),
    "W of the children": (
        "_run", "_log_ratio(problem, h, x) for x", "_log_ratio(problem, min(h, 1), 0) for x"
    ),
    "sum for mean": ("_log_mean", " - math.log(len(x))", ""),
    "output is the first": ("_run", "failed = int(rng.uniform() * n)", "failed = 0"),
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


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_line_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    function, right, wrong = MUTANTS[name]
    problem, sampler = problem_with_edges(), SMCRejection(4)
    kernel = sampler.run(problem, 40, rng=1, keep=SMCRejection.keeps)
    assert differs(kernel, twin.run_rejection_plain(problem, sampler, 40, 1)) == []
    source = inspect.getsource(getattr(twin, function))
    assert source.count(right) == 1
    made = {}
    exec(source.replace(right, wrong), vars(twin), made)
    monkeypatch.setattr(twin, function, made[function])
    assert differs(kernel, twin.run_rejection_plain(problem, sampler, 40, 1))

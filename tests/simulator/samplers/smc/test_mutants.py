"""Wrong samplers: each differs from the kernel on the same draws, and in its exact law.

The first half puts a wrong function into the plain twin and compares with the kernel, seed by
seed.
The second half enumerates all particle systems with fractions: no randomness at all.
"""

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from simulator.problem.families.two_branch import two_branch
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.runs import KEEP
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC

EVERY, ADAPTIVE, BEST = SMC(4), SMC(4, "systematic", 0.8), SMC(4, select="best")


def level_before(problem, h, parents, children):
    return problem.log_prm[h][parents] - problem.log_prm[max(h - 1, 0)][parents // 2]


# name: (sampler, function of the twin, the wrong one made of the right one)
MUTANTS = {
    "absolute weight": (EVERY, "_log_ratios", lambda right: lambda child, parent: child),
    "weight of the level before": (EVERY, "_log_values_gained", lambda right: level_before),
    "inverse ratio": (EVERY, "_log_ratios", lambda right: lambda child, parent: parent - child),
    "no reset, every level": (EVERY, "_reset", lambda right: lambda gathered: gathered),
    "no reset, adaptive": (ADAPTIVE, "_reset", lambda right: lambda gathered: gathered),
    "final draw uniform": (EVERY, "_draw", lambda right: lambda w, u: int(len(w) * u)),
    "one level too few": (
        EVERY, "_is_last", lambda right: lambda h, horizon: right(h, horizon - 1)
    ),
    "resampled at no level": (EVERY, "_is_low", lambda right: lambda ess, t, n: False),
    "resampled where ESS is high": (
        ADAPTIVE, "_is_low", lambda right: lambda ess, t, n: ess > t * n
    ),
    "resampled at every level": (ADAPTIVE, "_is_low", lambda right: lambda ess, t, n: True),
    "parents not resampled": (
        EVERY,
        "_inherit",
        lambda right: lambda p, ancestors: right(p, ancestors)._replace(states=p.states),
    ),
    "sum for mean": (EVERY, "_log_mean", lambda right: lambda total, n: right(total, 1)),
    "W without V^(root)": (EVERY, "_log_root", lambda right: lambda problem: 0.0),
    "ESS without squares": (
        ADAPTIVE, "_ess", lambda right: lambda w, total: right(np.sqrt(w / total), 1.0)
    ),
    "first outcome for the second": (
        EVERY, "_is_second", lambda right: lambda u, first: not right(u, first)
    ),
    "rank by V^ alone for best": (
        BEST, "_best", lambda right: lambda w, score, u: right(w, w, u)
    ),
}  # fmt: skip


def differs(a, b):
    """Names of the results that are not equal, as the comparison with the kernel sees them."""
    exact = ["states", "failed", "prm_evaluations", "tokens", "genealogy", "cloud_states"]
    sums = ["log_w", "ess", "cloud_log_weights"]
    return [k for k in exact if not np.array_equal(getattr(a, k), getattr(b, k))] + [
        k for k in sums if not np.allclose(getattr(a, k), getattr(b, k), rtol=1e-11, atol=1e-11)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_function_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    sampler, function, wrong = MUTANTS[name]
    problem = open_problem("reference:horizon=4")
    kernel = sampler.run(problem, 40, rng=1, keep=KEEP)
    assert differs(kernel, run_plain(problem, sampler, 40, 1)) == []
    monkeypatch.setattr(smc_plain, function, wrong(getattr(smc_plain, function)))
    assert differs(kernel, run_plain(problem, sampler, 40, 1))


# ---- all particle systems, one by one


def enumerate_smc(problem, n, threshold=1, *, mutant=""):
    """Law of (path, W^_H), multinomial: {(path, W): probability} in fractions."""
    model, v = problem.model, [[Fraction(float(x)) for x in level] for level in problem.prm]
    clouds = {(((),) * n, (Fraction(1),) * n, v[0][0]): Fraction(1)}  # paths, weights, W so far

    def row(path):
        return int("".join(map(str, (0, *path))), model.n_actions)

    for h in range(problem.horizon):
        after = Counter()
        for (paths, weights, w), p in clouds.items():
            for tokens in product(range(model.n_actions), repeat=n):
                q, new, gathered = p, [], []
                for path, u, a in zip(paths, weights, tokens, strict=True):
                    q *= Fraction(float(model.probs[h][row(path), a]))
                    new.append((*path, a))
                    ratio = v[h + 1][row(new[-1])] / v[h][row(path)]
                    if mutant == "absolute weight":
                        ratio = v[h + 1][row(new[-1])]
                    if mutant == "one level late":
                        ratio = v[h][row(path)] / v[max(h - 1, 0)][row(path[:-1])]
                    gathered.append(u * ratio)
                after[tuple(new), tuple(gathered), w] += q
        if h == problem.horizon - 1:
            break
        clouds = Counter()
        for (paths, weights, w), p in after.items():
            total = sum(weights)
            ess = total**2 / sum(u * u for u in weights)
            if threshold < 1 and ess >= Fraction(threshold) * n:
                clouds[paths, weights, w] += p
                continue
            for chosen in product(range(n), repeat=n):
                q = p
                for i in chosen:
                    q *= weights[i] / total
                kept = tuple(weights[i] for i in chosen)
                kept = kept if mutant == "no reset" else (Fraction(1),) * n
                clouds[tuple(paths[i] for i in chosen), kept, w * total / n] += q
    law = Counter()
    for (paths, weights, w), p in after.items():
        total = sum(weights)
        for path, u in zip(paths, weights, strict=True):
            share = Fraction(1, n) if mutant == "final draw uniform" else u / total
            law[path, w * total / n] += p * share
    return law


def small_tree():
    """Three levels of two tokens; all numbers are multiples of 1/8, so fractions are exact."""
    probs = [[[0.25, 0.75]], [[0.5, 0.5], [0.125, 0.875]], [[0.5, 0.5], [0.25, 0.75]] * 2]
    reward = [1.0, 3, 0.5, 2, 4, 1, 0.25, 1]
    prm = [[2.0], [1.0, 0.5], [0.5, 2.0, 3.0, 0.25], reward]
    return Problem(TabularModel.tree(probs), reward, prm)


def violation(problem, law):
    """Largest |E[W 1{Y=y}] - pi_ref(y) r(y)| over paths, exactly (lemma C.2)."""
    mean = Counter()
    for (path, w), p in law.items():
        mean[path] += p * w
    gaps = []
    for leaf, path in enumerate(product(range(2), repeat=problem.horizon)):
        mass, row = Fraction(float(problem.reward[leaf])), 0
        for h, a in enumerate(path):
            mass *= Fraction(float(problem.model.probs[h][row, a]))
            row = 2 * row + a
        gaps.append(abs(mean[path] - mass))
    return max(gaps)


def output_law(law):
    out = Counter()
    for (path, _), p in law.items():
        out[path] += p
    return np.array([float(out[path]) for path in sorted(out)])


@pytest.mark.parametrize("threshold", [0, 0.75, 1])
def test_the_right_sampler_satisfies_the_lemma_exactly_and_has_the_exact_law(threshold):
    problem = small_tree()
    law = enumerate_smc(problem, 2, threshold)
    assert violation(problem, law) < 1e-14
    exact = SMC(2, ess_threshold=threshold).exact_law(problem)
    np.testing.assert_allclose(exact.law, output_law(law), rtol=0, atol=1e-13)


@pytest.mark.parametrize("threshold", [0.75, 1])
@pytest.mark.parametrize(
    "mutant", ["absolute weight", "one level late", "no reset", "final draw uniform"]
)
def test_a_wrong_sampler_breaks_the_lemma_and_has_another_law(threshold, mutant):
    problem = small_tree()
    law = enumerate_smc(problem, 2, threshold, mutant=mutant)
    assert violation(problem, law) > 0.01
    exact = SMC(2, ess_threshold=threshold).exact_law(problem)
    assert np.abs(exact.law - output_law(law)).sum() > 0.02


def test_best_counts_edge_rewards_in_the_kernel():
    # two-branch keeps V^ in edge rewards only: best must follow them along the path
    problem = two_branch(6)
    runs = SMC(5, select="best", ess_threshold=0).run(problem, 50, rng=1, keep=KEEP)
    best = runs.cloud_log_weights[:, -1].max(axis=1)  # no resampling: weight = V^ over V^(root)
    for tokens, top in zip(runs.tokens, best, strict=True):
        state, score = 0, 0.0
        for h, a in enumerate(tokens):
            edge = problem.edge_reward[h]
            score += 0.0 if edge is None else np.log(edge[state][a])
            state = int(problem.model.next_state[h][state, a])
        assert score + problem.log_prm[-1][state] - problem.log_prm[0][0] == pytest.approx(top)

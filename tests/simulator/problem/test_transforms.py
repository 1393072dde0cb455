"""Blocks and other proposals: exact laws against all particle systems, written as told."""

from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.problem.transforms import (
    PROPOSALS,
    fully_adapted,
    in_blocks,
    one_step_value,
    with_proposal,
)
from simulator.samplers.contract import CONTRACT
from simulator.samplers.smc.sampler import SMC

PROBLEM = reference(3)


def q_row(ref, values, proposal):
    """Law of the next token at one node."""
    if proposal == "optimal":
        raw = [p * v for p, v in zip(ref, values, strict=True)]
    elif proposal == "tempered":
        raw = [Fraction(np.sqrt(float(p))) for p in ref]
    else:
        raw = {"reference": ref, "uniform": [Fraction(int(p > 0)) for p in ref]}[proposal]
    return [x / sum(raw) for x in raw]


def enumerate_filter(problem, n, block, proposal, mutant=""):
    """Law of (output path) and E[W 1{Y = y}]/Z of SMC with multinomial resampling, in fractions."""
    model, a = problem.model, problem.model.n_actions
    v = [[Fraction(float(x)) for x in level] for level in problem.prm]
    z = Fraction(float(np.exp(problem.log_z)))

    def value(path):
        return v[len(path)][int("".join(map(str, (0, *path))), a)]

    def moves(path):
        row = int("".join(map(str, (0, *path))), a)
        ref = [Fraction(float(p)) for p in model.probs[len(path)][row]]
        q = q_row(ref, [value((*path, t)) for t in range(a)], proposal)
        return [(t, p, r / p)
                for t, (r, p) in enumerate(zip(ref, q, strict=True)) if p > 0]  # fmt: skip

    clouds = Counter({(((),) * n, (Fraction(1),) * n, value(())): Fraction(1)})
    law, weighted = Counter(), Counter()
    for h in range(1, problem.horizon + 1):
        after = Counter()
        for (paths, weights, w), chance in clouds.items():
            for chosen in product(*(moves(x) for x in paths)):
                p, new, gathered = chance, [], []
                for path, u, (t, q, ratio) in zip(paths, weights, chosen, strict=True):
                    p *= q
                    new.append((*path, t))
                    step = Fraction(1) if mutant == "no correction" else ratio
                    if h % block == 0 or h == problem.horizon:
                        start = (h - 1) // block * block
                        if mutant == "one level of the block":
                            start = h - 1
                        step *= value(new[-1]) / value(path[:start])
                    gathered.append(u * step)
                after[tuple(new), tuple(gathered), w] += p
        clouds = Counter()
        for (paths, weights, w), p in after.items():
            total = sum(weights)
            if h == problem.horizon:
                for path, u in zip(paths, weights, strict=True):
                    law[path] += p * u / total
                    weighted[path] += p * u / n * w / z
            elif h % block == 0:
                for ancestors in product(range(n), repeat=n):
                    q = p
                    for i in ancestors:
                        q *= weights[i] / total
                    clouds[tuple(paths[i] for i in ancestors), (Fraction(1),) * n,
                           w * total / n] += q  # fmt: skip
            else:
                clouds[paths, weights, w] += p
    return law, weighted


CASES = [(n, b, p) for n in (1, 2) for b in (1, 2, 3) for p in PROPOSALS]


def gap(exact, law, weighted):
    paths = [tuple(y) for y in exact.tokens.tolist()]
    return max(
        max(abs(float(law[y]) - p) for y, p in zip(paths, exact.law, strict=True)),
        max(abs(float(weighted[y]) - p) for y, p in zip(paths, exact.weighted, strict=True)),
    )


@pytest.mark.parametrize(("n", "block", "proposal"), CASES)
def test_the_law_is_that_of_all_particle_systems(n, block, proposal):
    exact = SMC(n, block=block, proposal=proposal).exact_law(PROBLEM)
    assert gap(exact, *enumerate_filter(PROBLEM, n, block, proposal)) < 1e-12
    assert exact.weighted == pytest.approx(exact.target, abs=1e-12)


@pytest.mark.parametrize(
    ("mutant", "block", "proposal"),
    [("no correction", 1, "uniform"), ("no correction", 2, "tempered"),
     ("one level of the block", 2, "reference")],
)  # fmt: skip
def test_a_wrong_weight_shows(mutant, block, proposal):
    exact = SMC(2, block=block, proposal=proposal).exact_law(PROBLEM)
    assert gap(exact, *enumerate_filter(PROBLEM, 2, block, proposal, mutant)) > 1e-3


@pytest.mark.parametrize("clause", CONTRACT, ids=lambda c: c.__name__)
@pytest.mark.parametrize(
    "sampler",
    [SMC(3, block=2), SMC(3, "systematic", 0.6, block=2), SMC(3, proposal="optimal"),
     SMC(3, proposal="uniform", block=2), SMC(3, proposal="tempered", select="best")],
    ids=repr,
)  # fmt: skip
def test_they_keep_the_contract(sampler, clause):
    clause(sampler)


def test_every_option_changes_the_law():
    samplers = [SMC(2, block=b, proposal=p) for b in (1, 2) for p in PROPOSALS]
    laws = {tuple(s.exact_law(PROBLEM).law.round(9)) for s in samplers}
    assert len(laws) == len(samplers)


@pytest.mark.parametrize(("block", "asked"), [(1, 4), (2, 2), (3, 2), (4, 1)])
def test_values_are_asked_for_at_the_ends_of_blocks_only(block, asked):
    problem = open_problem("reference:horizon=4")
    runs = SMC(5, block=block).run(problem, 3, rng=1)
    assert (runs.prm_evaluations == 5 * asked).all()
    assert (runs.model_calls == 20).all()
    best = SMC(5, block=block, proposal="optimal").run(problem, 3, rng=1)
    assert (best.prm_evaluations == 5 * 4 * 2).all()  # it looks at all children


def test_the_optimal_proposal_with_a_perfect_prm_is_exact_for_one_particle():
    problem = open_problem("random-tree:horizon=4,seed=2,prm=exact")
    assert SMC(1, proposal="optimal").exact_law(problem).tv < 1e-12


def test_a_proposal_keeps_the_target():
    for name in PROPOSALS:
        other = with_proposal(PROBLEM, name)
        assert other.log_z == pytest.approx(PROBLEM.log_z, abs=1e-12)
        assert other.target[-1] == pytest.approx(PROBLEM.target[-1], abs=1e-12)
    assert with_proposal(PROBLEM, "reference") is PROBLEM
    assert in_blocks(PROBLEM, 1) is PROBLEM


def test_one_step_values_and_the_adapted_problem_are_means_over_children():
    ahead = one_step_value(PROBLEM)
    flat, start = np.exp(PROBLEM.log_prm_flat), PROBLEM.model.state_start
    for h in range(3):
        for s in range(2**h):
            children = flat[start[h + 1] + 2 * s : start[h + 1] + 2 * s + 2]
            mean = PROBLEM.model.probs[h][s] @ children
            assert np.exp(ahead[start[h] + s]) == pytest.approx(mean, rel=1e-12)
    assert fully_adapted(PROBLEM).log_z == pytest.approx(PROBLEM.log_z, abs=1e-12)


@pytest.mark.parametrize(
    ("proposal", "told"),
    [("best", "is not known"), ([[[0.0, 1.0]], [[0.5, 0.5]] * 2, [[0.5, 0.5]] * 4], "q = 0")],
)
def test_proposals_that_cannot_be_are_refused(proposal, told):
    with pytest.raises(InputError, match=rf"\Aproposal: .*{told}"):
        with_proposal(PROBLEM, proposal)

"""Weighting rules: limits against a mean-field recursion in fractions, laws at finite N."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from simulator.errors import InputError
from simulator.exact.law import total_variation
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.reweighted.limits import get_rule, limit_error, limit_law
from simulator.samplers.reweighted.rules import LEAST_ESS, RULES, TEMPERATURE
from simulator.samplers.reweighted.sampler import AuditedSMC
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute import smc
from tests.support.prefixes import Tree
from theory.bounds.conditional_weight import conditional_weight
from theory.registry import BOUNDS

REFERENCE = open_problem("reference:horizon=3")
rules = pytest.mark.parametrize("rule", RULES)


def mean_field(tree, weight, select="sample"):
    """Follow the law of one particle level by level: move, weight, normalise."""
    cloud = {(): Fraction(1)}
    for h in range(1, tree.horizon + 1):
        moved = {c: cloud[x] * q for x in cloud for q, c in tree.kernel[x]}
        weighted = {c: m * weight(c) for c, m in moved.items() if weight(c) > 0}
        if h == tree.horizon and select == "best":
            top = max(tree.hat[c] for c in weighted)
            weighted = {c: moved[c] for c in weighted if tree.hat[c] == top}
        total = sum(weighted.values())
        cloud = {c: m / total for c, m in weighted.items()}
    return cloud


def weights(rule, tree):
    """The rule as it is told to a programmer: the weight of a node at its own step."""
    leaf = tree.horizon
    largest = max(tree.hat.values())

    def before(c):
        return np.prod([tree.hat[c[:h]] for h in range(1, leaf)])

    return {
        "ratio": lambda c: tree.hat[c] / tree.hat[c[:-1]] if tree.hat[c] else 0,
        "ratio-argmax": lambda c: tree.hat[c] / tree.hat[c[:-1]] if tree.hat[c] else 0,
        "absolute": lambda c: tree.hat[c],
        "absolute-argmax": lambda c: tree.hat[c],
        "absolute-twice": lambda c: tree.hat[c] ** (2 if len(c) == leaf else 1),
        "absolute-corrected": lambda c: tree.hat[c] / before(c) if len(c) == leaf else tree.hat[c],
        "softmax": lambda c: Fraction(np.exp(float(tree.hat[c] / largest) / TEMPERATURE)),
    }[rule]


def paths_of(problem):
    return map(tuple, unfold(problem).tokens.tolist())


@pytest.mark.parametrize("rule", [r for r in RULES if r != "annealed"])
@pytest.mark.parametrize(
    "spec", ["reference:horizon=3", "eos:horizon=3,prm=exact", "product:horizon=3"]
)
def test_the_limit_is_the_mean_field_law(rule, spec):
    problem = open_problem(spec)
    tree = Tree(problem)
    want = mean_field(tree, weights(rule, tree), get_rule(rule).select)
    got = limit_law(problem, rule)
    assert got.sum() == pytest.approx(1, abs=1e-12)
    for y, p in zip(paths_of(problem), got, strict=True):
        assert p == pytest.approx(float(want.get(y, 0)), abs=1e-12)


@given(problems(max_leaves=16))
def test_the_ratio_and_the_repaired_rule_converge_to_the_target_unless_mass_is_lost(problem):
    if problem.forward_backward.log_z_alive == -np.inf:
        with pytest.raises(InputError, match="zero"):
            limit_law(problem, "ratio")
        return
    for rule in ("ratio", "absolute-corrected"):
        assert limit_error(problem, rule) == pytest.approx(
            problem.forward_backward.lost_mass, abs=1e-9
        )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_absolute_weights_have_the_law_of_the_enumerated_mutant(n):
    tree = Tree(REFERENCE)
    brute = smc(tree, n, mutant="absolute").law
    law = AuditedSMC(n, "absolute").exact_law(REFERENCE)
    for y, p in zip(paths_of(REFERENCE), law.law, strict=True):
        assert p == pytest.approx(brute[y], abs=1e-12)


def test_the_ratio_is_smc():
    for n in (1, 2, 3):
        same = AuditedSMC(n, "ratio").exact_law(REFERENCE).law - SMC(n).exact_law(REFERENCE).law
        assert abs(same).max() < 1e-14


@rules
def test_with_one_particle_every_rule_draws_from_the_base_model(rule):
    base = [float(p) for p in np.exp(REFERENCE.forward_backward.log_forward[-8:])]
    law = AuditedSMC(1, rule).exact_law(REFERENCE).law
    assert law == pytest.approx(base, abs=1e-12)


@pytest.mark.parametrize("rule", [r for r in RULES if get_rule(r).select == "sample"])
def test_the_law_at_finite_n_tends_to_the_limit_as_bound_j_says(rule):
    # on its rewritten problem the rule is SMC, so bound J limits the distance to its own limit
    limit, apart = limit_law(REFERENCE, rule), []
    rewritten = get_rule(rule).rewrite(REFERENCE)
    for n in (1, 2, 4, 8):
        sampler = AuditedSMC(n, rule)
        apart.append(total_variation(limit, sampler.exact_law(REFERENCE).law))
        assert apart[-1] <= conditional_weight(rewritten, SMC(n)) + 1e-12
    assert apart[-1] < 0.7 * apart[0]


@pytest.mark.parametrize("rule", ["absolute-argmax", "ratio-argmax"])
def test_argmax_ends_in_the_paths_of_highest_reward(rule):
    # leaves 2 and 5 have r = 3
    limit, apart = limit_law(REFERENCE, rule), []
    assert np.flatnonzero(limit).tolist() == [2, 5]
    for n in (1, 2, 4, 8):
        law = AuditedSMC(n, rule).exact_law(REFERENCE).law
        apart.append(total_variation(limit, law))
    assert apart == sorted(apart, reverse=True)
    # the prefixes of 2 and 5 hold over 0.3 of the weight, their last tokens over 0.3 of the
    # probability: all 200 particles miss both with probability below 2 (1 - 0.09)^200 < 2e-8
    outside = np.isin(AuditedSMC(200, rule).run(REFERENCE, 1000, rng=1).states, [2, 5], invert=True)
    # three or more of 1000 such runs: below (1000 * 2e-8)^3 < 1e-14
    assert outside.sum() < 3


def test_annealing_keeps_the_promised_share_of_the_limit_cloud():
    problem = open_problem("lm-digits2")
    tree, chosen = problem, get_rule("annealed")
    power = chosen.factors(tree)
    absolute = get_rule("absolute").factors(tree)
    start, reach = tree.model.state_start, np.exp(tree.forward_backward.log_forward)
    mass = np.ones(1)
    softened = 0
    for h in range(1, tree.horizon + 1):
        here = slice(int(start[h]), int(start[h + 1]))
        parent = np.repeat(mass / reach[start[h - 1] : start[h]], tree.model.n_actions)
        before = parent * reach[here]  # law of the moved particles; this tree is full
        w = np.exp(power[here])
        share = (before @ w) ** 2 / (before @ w**2) / before.sum()
        assert share >= LEAST_ESS - 1e-9
        raw = np.exp(absolute[here])
        if (before @ raw) ** 2 / (before @ raw**2) / before.sum() < LEAST_ESS - 1e-9:
            softened += 1
            assert share == pytest.approx(LEAST_ESS, abs=1e-9)
        else:
            assert power[here] == pytest.approx(absolute[here], abs=1e-12)
        mass = before * w
    assert softened > 0
    assert limit_law(problem, "annealed") == pytest.approx(mass / mass.sum(), abs=1e-12)


@rules
def test_shared_states_give_the_law_of_their_paths(rule):
    problem = open_problem("eos:horizon=3")
    by_path = AuditedSMC(2, rule).exact_law(problem)
    by_state = AuditedSMC(2, rule).exact_law(problem, "states")
    unfolded = unfold(problem)
    folded = np.bincount(unfolded.terminal, by_path.law, len(by_state.law))
    assert by_state.law == pytest.approx(folded, abs=1e-14)
    runs = AuditedSMC(2, rule).run(problem, 4000, rng=3, keep=("tokens",))
    # each frequency within 0.06: Hoeffding fails with probability 2 exp(-2 4000 0.06^2) < 1e-12
    seen = np.bincount(runs.states[~runs.failed], minlength=len(by_state.law)) / 4000
    assert abs(seen - by_state.law).max() < 0.06
    ends = dict(zip(paths_of(problem), unfolded.terminal.tolist(), strict=True))
    assert [ends[tuple(y)] for y in runs.tokens[~runs.failed].tolist()] == runs.states[
        ~runs.failed
    ].tolist()


def test_the_rules_differ():
    # all but two pairs: the ratio and the repaired rule, and argmax where the best path is unique
    laws = {tuple(limit_law(open_problem("lm-digits2"), r).round(9)) for r in RULES}
    assert len(laws) == len(RULES) - 2
    argmax = [limit_law(REFERENCE, r) for r in ("ratio-argmax", "absolute-argmax")]
    assert abs(argmax[0] - argmax[1]).max() > 0.01


def test_no_statement_about_smc_speaks_of_another_rule():
    assert not [b.id for b in BOUNDS.values() if b.applicable(REFERENCE, AuditedSMC(4))]


def test_unknown_rules_are_refused():
    for call in (lambda: AuditedSMC(2, "nothing"), lambda: limit_law(REFERENCE, "nothing")):
        with pytest.raises(InputError, match=r"\Arule: 'nothing' is not known"):
            call()


def test_rows_that_nobody_reaches_do_not_count():
    # the second row of level 1 is never reached, yet leads to a state that is
    model = TabularModel([[[1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]], [[[0, 1]], [[0, 1], [0, 0]]])
    problem = Problem(model, [0.25, 0.25], [[0.125], [0.25, 0.25], [0.25, 0.25]])
    for rule in ("ratio", "absolute-corrected"):
        assert limit_error(problem, rule) == pytest.approx(0, abs=1e-12)

"""Step scores put together: what the searches that use them converge to."""

import math
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.reweighted import aggregations
from simulator.samplers.reweighted.aggregations import AGGREGATIONS, aggregation
from simulator.samplers.reweighted.limits import limit_error, limit_law
from simulator.samplers.reweighted.sampler import AuditedSMC
from simulator.samplers.smc.sampler import SMC
from tests.support.brute import smc
from tests.support.prefixes import Tree
from theory.bounds.conditional_weight import conditional_weight

SPECS = ["reference:horizon=3", "eos:horizon=3,prm=exact", "product:horizon=3"]
# written as one would say them, in fractions
SAID = {
    "product": math.prod,
    "minimum": min,
    "last": lambda scores: scores[-1],
    "mean": lambda scores: sum(scores, Fraction(0)) / len(scores),
    "own": lambda scores: max(scores) ** 2,
}
OWN = aggregation("own", lambda scores: scores.max() ** 2)
names = pytest.mark.parametrize("name", SAID)


def rule(name):
    return OWN if name == "own" else AGGREGATIONS[name]


def said_law(problem, name):
    """pi_ref(y) A(s_1, ..., s_H) over all texts, without any recursion."""
    tree = Tree(problem)
    weight = {}
    for y in map(tuple, unfold(problem).tokens.tolist()):
        prefixes = [y[:h] for h in range(1, len(y) + 1)]
        scores = [tree.hat[c] for c in prefixes]
        steps = [next(q for q, child in tree.kernel[c[:-1]] if child == c) for c in prefixes]
        # a text whose weight was 0 on the way has died
        alive = all(SAID[name](scores[:h]) > 0 for h in range(1, len(y) + 1))
        weight[y] = math.prod(steps) * SAID[name](scores) if alive else Fraction(0)
    total = sum(weight.values())
    return [float(w / total) for w in weight.values()]


@names
@pytest.mark.parametrize("spec", SPECS)
def test_the_limit_is_the_base_model_times_the_aggregated_scores(spec, name):
    problem = open_problem(spec)
    assert limit_law(problem, rule(name)) == pytest.approx(said_law(problem, name), abs=1e-12)


def test_every_aggregation_has_a_law_of_its_own():
    laws = {tuple(np.round(limit_law(open_problem(SPECS[0]), rule(n)), 9)) for n in SAID}
    assert len(laws) == len(SAID) == len(AGGREGATIONS) + 1


@names
def test_finitely_many_particles_tend_to_the_limit_as_bound_j_says(name):
    problem = open_problem(SPECS[0])
    limit, rewritten = limit_law(problem, rule(name)), rule(name).rewrite(problem)
    apart = []
    for n in (1, 2, 4, 8):
        law = AuditedSMC(n, rule(name)).exact_law(problem).law
        apart.append(abs(law - limit).sum() / 2)
        assert apart[-1] <= conditional_weight(rewritten, SMC(n)) + 1e-12
    assert apart[-1] < 0.7 * apart[0]


def test_product_and_last_are_rules_that_exist_under_other_names():
    problem = open_problem(SPECS[0])
    for name, same in (("product", "absolute"), ("last", "ratio")):
        assert limit_law(problem, name) == pytest.approx(limit_law(problem, same), abs=1e-14)
        laws = [AuditedSMC(3, r).exact_law(problem).law for r in (name, same)]
        assert laws[0] == pytest.approx(laws[1], abs=1e-14)
    brute = smc(Tree(problem), 2, mutant="absolute").law
    for y, p in zip(
        map(tuple, unfold(problem).tokens.tolist()),
        AuditedSMC(2, "product").exact_law(problem).law,
        strict=True,
    ):
        assert p == pytest.approx(brute[y], abs=1e-12)


def test_a_score_of_zero_on_the_way_ends_a_text_unless_the_mean_forgives_it():
    # the first token scores 0 on one branch, whose texts are rewarded all the same
    problem = Problem(
        TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]), [1.0, 1.0, 2.0, 2.0],
        [[1.0], [0.0, 1.0], [1.0, 1.0, 2.0, 2.0]],
    )  # fmt: skip
    for name in AGGREGATIONS:  # the filter has no particle left there after the first step
        law = limit_law(problem, name)
        assert law[:2].tolist() == [0, 0], name
    assert limit_error(problem, "last") == pytest.approx(problem.forward_backward.lost_mass)


def test_the_mean_of_a_long_chain_is_linear_and_exact():
    n = 2000
    score = [1.0, *(1 / (h + 1) for h in range(n))]
    model = TabularModel.tree([[[1.0]]] * n)
    problem = Problem(model, [score[-1]], [[s] for s in score])
    log_a = np.cumsum(AGGREGATIONS["mean"].factors(problem))
    assert log_a[-1] == pytest.approx(math.log(math.fsum(score[1:]) / n), abs=1e-10)


def test_a_function_that_gives_no_weight_is_refused_in_one_line():
    problem = open_problem(SPECS[0])
    for function, told in (
        (lambda scores: -1.0, "aggregation bad: -1.0 of scores"),
        (lambda scores: math.nan, "aggregation bad: nan of scores"),
        (lambda scores: math.inf, "aggregation bad: inf of scores"),
        (lambda scores: None, "aggregation bad: float"),
        (lambda scores: "a score", "aggregation bad: could not convert"),
    ):
        with pytest.raises(InputError, match=told):
            limit_law(problem, aggregation("bad", function))


def test_paths_with_too_many_scores_are_refused(monkeypatch):
    monkeypatch.setattr(aggregations, "MOST_SCORES", 10)
    with pytest.raises(TooLargeError, match="rule own: 34 scores along all paths are too many"):
        limit_law(open_problem(SPECS[0]), OWN)

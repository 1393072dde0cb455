"""Every claim holds, and a wrong variant of each comes out violated."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from simulator.exact.lumped import product_one_probability
from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from theory.accuracy import hits, voted
from theory.accuracy.answers import AccuracyLimits
from theory.accuracy.passed import passed_accuracy
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.sharpened_product import SharpenedProduct
from theory.claim import row, weigh
from theory.claims import (
    accuracy_highest,
    accuracy_sampled,
    accuracy_sharpened,
    alrs_drift,
    average_chi_square,
    chi_square_identity,
    divergence_to_output,
    dmc_error,
    guidance_threshold,
    less_variance,
    myopic_game_value,
    prefix_variance,
    product_law,
    proper_weighting,
    restart_error,
    systematic_variance,
    walk_coupling,
    walk_limits,
    walk_shapes,
    weight_shortfall,
)
from theory.registry import BOUNDS, CLAIMS

EXPECTED = {"C.2", "C.3", "C.5", "C.9", "3.6", "D.5", "F.5", "E.1", "A.2", "ALRS", "VGB", "KL",
            "ZL-threshold", "A1", "A2", "A3", "A4", "A5", "AVG",
            "less-variance", "systematic", "VGB-shape"}  # fmt: skip


def test_the_registry_finds_every_file_and_no_id_is_taken_twice():
    assert set(CLAIMS) >= EXPECTED
    assert not set(CLAIMS) & set(BOUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_claim_holds_and_says_the_same_again(name):
    evidence = CLAIMS[name].check()
    assert evidence.status == "holds", [r for r in evidence.rows if not r["holds"]]
    assert evidence.holds
    assert len(evidence.rows) >= 10
    assert evidence == CLAIMS[name].check()
    for r in evidence.rows:
        assert math.isfinite(r["left"])
        assert math.isfinite(r["right"])
    assert evidence.sentence.endswith(".")


# --- wrong variants ------------------------------------------------------------------------------

defined = chi_square_identity.forms


def _printed_a_2(problem, level):
    away, _, printed = defined(problem, level)
    return away, printed, printed


def _entered_both_ways(tree, n, z):
    step = walk_coupling.walk_on(tree).transition.toarray()[: z.size, : z.size]
    up = walk_coupling.walk_on(tree).transition.toarray()[: z.size, z.size]
    u = np.linalg.solve(np.eye(z.size) - step * z[None, :], up)
    return float((z[0] * u[0]) ** n)


def _no_v_root(problem, tokens):
    return right_weights(problem, tokens) / problem.prm[0][0]


def _half_log_weight(problem, n, algorithm):
    return right_logs(problem, n, algorithm) / 2


def _edges_of_more_particles(problem, n, algorithm):
    return right_edges(problem, 2 * n, algorithm)


def _by_state(horizon, eps):
    return alrs_drift.slanted(horizon, min(eps, 0.9))


def _equal_weights(n):
    return np.full(n, 1 / n), (-1.0) ** np.arange(n)


def _no_complement(problem, sampler, correct):
    found = sampled_accuracy(problem, sampler, correct)
    return AccuracyLimits(found.low, found.low, None, 1.0)


def _one_particle_less(chance, n):
    return right_pass(chance, n - 1) if n > 1 else chance


def _no_square(difference, second):
    share = min(abs(difference) / second, 1.0) if second > 0 else 0.0
    return (share, 1.0) if difference > 0 else (0.0, 1 - share)


class _NoFirstBit(SharpenedProduct):
    """Its limits leave out p0 of the last bit."""

    def hit_limits(self):
        low, high = super().hit_limits()
        return low / self.base, high


class _Target(SharpenedProduct):
    """The output has the law of its intermediate target."""

    def one_probability(self):
        return self.tilted(self.power)


def _root_of_n(problem, n):
    return BOUNDS["S1"].value(problem, SMC(n))


right_pass = hits.pass_upper
right_edges = divergence_to_output.by_edges
right_logs = divergence_to_output.mean_log_weight
right_weights = proper_weighting.path_weights

# claim, module, name, what stands there instead, what the wrong variant says
MUTANTS = [
    ("C.3", weight_shortfall, "SAMPLERS", (SMC(3, select="best"),), "also of the best particle"),
    ("C.3", weight_shortfall, "half_gap", lambda problem, n: 0.5, "always one half"),
    ("C.2", proper_weighting, "SAMPLERS", (SMC(3, select="best"),), "also of the best particle"),
    ("C.2", proper_weighting, "path_weights", _no_v_root, "W^ without the factor V^(root)"),
    ("C.5", prefix_variance, "variance_bound", lambda h, n: (2 ** (h // 2) - 2) / n, "as printed"),
    ("C.5", prefix_variance, "variance_bound", lambda h, n: 0.0, "equality with 0 at N = 1"),
    ("C.9", product_law, "product_one_probability", lambda n: 2 / 3 - 4 / 27 / n, "the limit"),
    ("C.9", product_law, "one_limit", lambda n: 2 / 3 - 5 / 27 / n, "5/27 for 4/27"),
    ("3.6", restart_error, "restarted", SMC, "plain SMC"),
    ("D.5", dmc_error, "MARGIN", 1.0, "Z~ = Z"),
    ("F.5", myopic_game_value, "few", lambda n: n + 1, "n + 1 particles fail"),
    ("E.1", walk_coupling, "walk_function", _entered_both_ways, "visits from below count too"),
    ("A.2", chi_square_identity, "forms", _printed_a_2, "as printed"),
    ("ALRS", alrs_drift, "growth", lambda h, eps: min(1.0, eps * h), "eps H"),
    ("ALRS", alrs_drift, "drift", lambda h, eps: eps * (1 - 1 / h) / 2, "no growth in H"),
    ("AVG", average_chi_square, "candidate", _root_of_n, "nor does S1 hold"),
    ("VGB", walk_limits, "LONG", 4, "no forgetting"),
    ("A1", accuracy_sampled, "sampled_accuracy", _no_complement, "E for its complement"),
    ("A2", hits, "pass_upper", _one_particle_less, "N - 1 proposals"),
    ("A3", accuracy_highest, "highest_accuracy", passed_accuracy, "hit, but not the highest"),
    ("A4", voted, "vote_limits", _no_square, "d for its square"),
    ("A5", accuracy_sharpened, "SharpenedProduct", _NoFirstBit, "1/(p0 m)"),
    ("A5", accuracy_sharpened, "SharpenedProduct", _Target, "p_lambda for p_N"),
    ("KL", divergence_to_output, "mean_log_weight", _half_log_weight, "half of E log m"),
    ("KL", divergence_to_output, "by_edges", _edges_of_more_particles, "edges of 2 N"),
    ("ZL-threshold", guidance_threshold, "alternating", _by_state, "V^ errs by state"),
    ("less-variance", less_variance, "MISLED", 1.0, "a PRM that is fair to both"),
    ("less-variance", less_variance, "SCHEMES", ("multinomial",), "multinomial too"),
    ("systematic", systematic_variance, "halves", _equal_weights, "equal weights"),
    ("systematic", systematic_variance, "CLOUD", 3, "three particles"),
    ("VGB-shape", walk_shapes, "least_leaf", lambda h, k: 1.009 / (2 * k * h), "not attained"),
    ("VGB-shape", walk_shapes, "relaxation", lambda h, k: h / 4, "no kappa, one H"),
    ("VGB-shape", walk_shapes, "steps", lambda h, k, d: h, "forgets at once"),
    ("VGB-shape", walk_shapes, "RARE", 1e-3, "no tail at all"),
    ("VGB", walk_limits, "given_leaf", lambda p: (p.prm[-1] / p.prm[-1].sum(), 0.0), "∝ r"),
]  # fmt: skip


def test_every_claim_has_a_wrong_variant():
    assert {m[0] for m in MUTANTS} == EXPECTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module", "attribute", "wrong", "says"),
    MUTANTS,
    ids=[m[0] + ", " + m[-1] for m in MUTANTS],
)
def test_a_wrong_variant_is_violated(monkeypatch, name, module, attribute, wrong, says):
    monkeypatch.setattr(module, attribute, wrong)
    assert CLAIMS[name].check().status == "violated", says


# --- numbers once more, by other means -----------------------------------------------------------


def test_the_product_of_small_errors_is_that_of_all_paths():
    for horizon, eps in itertools.product((2, 4, 7), (0.1, 0.5)):
        chances = Counter()
        for path in itertools.product((0, 1), repeat=horizon - 1):
            chances[sum(path)] += math.prod((1 + eps) / 2 if b else (1 - eps) / 2 for b in path)
        total = 2.0 ** (1 - horizon)
        want = sum(abs(p - math.comb(horizon - 1, k) * total) for k, p in chances.items()) / 2
        assert alrs_drift.drift(horizon, eps) == pytest.approx(want, abs=1e-12)


def test_half_the_mean_gap_is_that_of_two_independent_paths():
    problem = reference(2)
    paths = [(p, r) for p, r in zip(
        np.outer(problem.model.probs[0], [1, 1]).ravel() * problem.model.probs[1].ravel(),
        problem.reward, strict=True)]  # fmt: skip
    z = sum(p * r for p, r in paths)
    want = sum(p * q * abs((r + s) / 2 - z) for p, r in paths for q, s in paths) / (2 * z)
    assert weight_shortfall.half_gap(problem, 2) == pytest.approx(want, abs=1e-12)


def test_the_printed_limit_of_p_n_is_that_of_its_definition():
    for n in (1, 4, 9):
        p = sum(math.comb(n, a) / 2**n * 2 * a / (n + a) for a in range(n + 1))
        assert product_one_probability(n) == pytest.approx(p)
        assert p <= product_law.one_limit(n)


# --- comparisons ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "relation", "right", "holds"),
    [
        (1.0, "<=", 1.0 - 1e-12, True), (1.0, "<", 1.0 + 1e-12, False), (1.0, "=", 1.1, False),
        (2.0, ">=", 1.0, True), (1.0, ">", 2.0, False), (1e6, "=", 1e6 + 1e-6, True),
        ((0.1, 0.3), "<=", 0.2, None), ((0.1, 0.3), "<=", 0.3, True),
        ((0.1, 0.3), ">=", 0.4, False), ((0.1, 0.3), ">=", 0.2, None),
        ((0.1, 0.3), "<=", 0.05, False),
    ],
)  # fmt: skip
def test_rows_compare_and_evidence_sums_up(left, relation, right, holds):
    r = row("i", "q", left, relation, right)
    assert r["holds"] is holds
    fine = row("i", "q", 0, "=", 0)
    status = {True: "holds", False: "violated", None: "inconclusive"}[holds]
    assert weigh([fine, r], "s").status == status


def test_no_comparison_decides_nothing():
    assert weigh([], "s").status == "inconclusive"

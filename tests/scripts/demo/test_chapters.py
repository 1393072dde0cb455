"""What the chapters tell, against the library and against counting by hand."""

import socket
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from scripts.demo import server
from scripts.demo.lessons import better, coverage, first_order, own, particles
from simulator import InputError, open_problem, save_problem
from simulator.samplers.smc_rejection.sampler import SMCRejection
from tests.support.command_line import run
from theory.criteria import criteria


@pytest.mark.parametrize("name", particles.TREES)
@pytest.mark.parametrize("n", [1, 3, 8])
def test_every_frame_follows_from_the_one_before(name, n):
    problem = particles.tree(name)
    for seed in range(20):
        film = particles.film(problem, n, seed)
        log_w = problem.log_prm_flat[0]
        for old, new in zip(film.frames, film.frames[1:], strict=False):
            prm = problem.prm
            if new.stage == "move":
                assert (new.level, set(new.nodes // 2) <= set(old.nodes)) == (old.level + 1, True)
                assert (new.nodes // 2 == old.nodes).all()
            if new.stage == "weigh":
                parents = prm[new.level - 1][new.nodes // 2]
                w = prm[new.level][new.nodes] / parents
                assert new.weights == pytest.approx(w / w.sum(), abs=1e-12)
                log_w += np.log(w.mean())
            if new.stage == "failed":
                assert (prm[new.level][new.nodes] == 0).all()
                log_w = -np.inf
            if new.stage == "copy":
                # who is copied had weight, and brings its founder along
                known = set(zip(old.nodes.tolist(), old.founders.tolist(), strict=True))
                copies = set(zip(new.nodes.tolist(), new.founders.tolist(), strict=True))
                assert copies <= known
                assert new.weights == pytest.approx(1 / n)
            if new.stage == "output":
                assert film.output in old.nodes[old.weights > 0]
        assert film.estimate == pytest.approx(np.exp(log_w), rel=1e-12)
        assert film.frames[-1].stage == ("output" if film.output >= 0 else "failed")


def test_survivors_of_a_genealogy_by_counting_sets_of_ancestors():
    for scheme in particles.SCHEMES:
        made = particles.genealogy(scheme, 8, seed=3)
        alive = set(range(8))
        for h in range(len(made.parents) - 1, 0, -1):
            assert made.survivors[h + 1] == len(alive)
            alive = {int(made.parents[h, i]) for i in alive}
        assert made.survivors[1] == len(alive)


@pytest.mark.parametrize("c", [1.0, 1.5, 8.0])
def test_the_coverage_problem_has_the_coverage_that_it_says(c):
    problem = coverage.coverage_problem(c, 0.0, 3)
    assert criteria(problem).action_coverage == pytest.approx(c, rel=1e-12)
    assert problem.target[-1] == pytest.approx(float(Fraction(1, 8)))
    law = SMCRejection(2).exact_law(problem)
    assert law.tv == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("power", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_ways_to_answer_by_counting_right_particles(power, n):
    k = np.arange(n + 1)

    def share(weight):
        return k * weight / (k * weight + n - k)

    # right particles of levels 1, 2 and 3: a right one weighs 2^power, then 1, then 2^(1-power)
    law = binom.pmf(k, n, 0.5)
    for weight in (2**power, 1.0):
        law = law @ binom.pmf(k[None, :], n, share(weight)[:, None])
    last = 2 ** (1 - power)
    any_right = 1 - law[0]
    wins = law[k * last > (n - k) * (1 + 1e-9)].sum()
    rows = better.ways(power, n)
    found = [r["Accuracy"] for r in rows]
    assert found == pytest.approx([law @ share(last), any_right, wins, any_right], abs=1e-12)
    assert better.early(power, n)["accuracy"] == pytest.approx(law @ share(last), abs=1e-12)
    for r in rows:
        assert r["At least"] - 1e-12 <= r["Accuracy"] <= r["At most"] + 1e-12


@pytest.mark.parametrize("power", better.EARLY_POWERS)
def test_the_law_of_the_accuracy_is_near_for_many_particles(power):
    target, covariance = better.early_law(power)
    bias = [n * (better.early(power, n)["accuracy"] - target) + covariance for n in (32, 64)]
    assert target == pytest.approx(2 / 3, abs=1e-12)
    # what is left of N times the bias falls like 1/N
    assert abs(bias[1]) < 0.7 * abs(bias[0]) < 0.7
    assert abs(bias[1]) < 0.5 * (abs(covariance) + 0.2)


def test_one_instance_wanders_and_the_other_drifts():
    for name, low, high in (("product", 1.35, 1.45), ("two-branch", 1.9, 2.1)):
        grown = [first_order.constant(name, h).value for h in first_order.HORIZONS[1:]]
        for a, b in pairwise(grown):
            assert low < b / a < high
    a, last = first_order.constant("product", 8).value, first_order.PARTICLES[-1]
    gap = [abs(first_order.scaled_error("product", 8, n).value - a) for n in (32, last)]
    assert gap[1] < gap[0] / 2
    assert np.abs(first_order.sums("two-branch", 16)[:, 0]).max() == 0


def test_files_for_the_demo_are_refused_in_one_line_that_names_them_as_given(tmp_path):
    with pytest.raises(InputError, match=r"^mine\.json: ") as fault:
        own.read("../mine.json", b"[1]")
    assert str(tmp_path.parent) not in str(fault.value)
    with pytest.raises(InputError, match=r"^x\.txt: a problem file must end in"):
        own.read("x.txt", b"")
    file = tmp_path / "large.npz"
    save_problem(open_problem("random-tree:horizon=16"), file)
    with pytest.raises(InputError, match=r"^large\.npz: 131070 transitions, the demo takes up to"):
        own.read("large.npz", file.read_bytes())
    again = own.read("e.json", own.example_file(open_problem("reference")))
    assert again.digest == open_problem("reference").digest


@pytest.mark.slow
@pytest.mark.parametrize("sampler", own.SAMPLERS)
@pytest.mark.parametrize("example", own.EXAMPLES)
def test_no_example_violates_a_bound(example, sampler):
    error, rows = own.verdicts(open_problem(example), sampler, own.MOST_PARTICLES)
    assert all(np.isfinite(v) for v in error.values())
    assert all(not str(r["Verdict"]).startswith("violated") for r in rows)


def test_a_taken_port_and_a_missing_extra_are_told_in_one_line(capsys, monkeypatch):
    with socket.create_server((server.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        _, told = run(capsys, "demo", "--port", port, "--no-browser", code=2)
        assert told.startswith(f"particlebounds: port {port}: ")
        assert "--port" in told
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    _, told = run(capsys, "demo", code=2)
    assert (
        told
        == "particlebounds: the demo needs the extra demo: pip install 'particlebounds[demo]'\n"
    )

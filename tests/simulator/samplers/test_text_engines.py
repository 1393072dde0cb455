"""Every engine against the plain twins, draw by draw, or against exact laws."""

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.eos import eos
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.backtracking import plain as walk_plain
from simulator.samplers.base import Sampler
from simulator.samplers.branching import plain as branching_plain
from simulator.samplers.registry import SAMPLERS, make_sampler
from simulator.samplers.restart import plain as restarts_plain
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection import plain as smc_rejection_plain
from simulator.streams.plain import Xoshiro
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model

PROBLEMS = {
    "reference": lambda: reference(4),
    "zeros": lambda: random_tree(3, 3, seed=3, zero_rewards=0.3, sparse=0.2),
    "edges": lambda: open_problem("two-branch:horizon=4"),
}


def invert(problem, tables, h, state, rng: Xoshiro) -> int:
    """The token that an engine draws, in place of the alias method."""
    p = problem.model.probs[h][state]
    sums = np.cumsum(p)
    return int(min(np.searchsorted(sums, rng.uniform() * sums[-1], "right"), np.flatnonzero(p)[-1]))


@pytest.fixture(autouse=True)
def by_inversion(monkeypatch):
    for module in (smc_plain, smc_rejection_plain):
        monkeypatch.setattr(module, "draw_token", invert)


def same(runs, twin, fields):
    for field in fields:
        assert (getattr(runs, field) == getattr(twin, field)).all(), field


@pytest.mark.parametrize("name", PROBLEMS)
def test_leaf_samplers_are_smc_in_one_block(name):
    problem = PROBLEMS[name]()
    posed = as_language_model(problem)
    for sampler, select in (("sis", "sample"), ("best-of-n", "best")):
        made = make_sampler(sampler, 5)
        twin = smc_plain.run_plain(problem, SMC(5, block=problem.horizon, select=select), 20, 3)
        runs = made.run(posed, 20, rng=3, keep=("tokens",))
        same(runs, twin, ("tokens", "states", "failed"))
        assert (runs.log_w is None) == (sampler == "best-of-n")
    made = make_sampler("action-is", 4)
    twin = smc_plain.run_plain(problem, SMC(4, "single"), 20, 3)
    runs = made.run(posed, 20, rng=3, keep=("tokens",))
    same(runs, twin, ("tokens", "states", "failed", "prm_evaluations"))
    assert (runs.model_calls * 4 == twin.model_calls).all()


@pytest.mark.parametrize("name", PROBLEMS)
def test_rejection_by_enumeration_is_smc_on_the_adapted_problem(name):
    problem = PROBLEMS[name]()
    made = make_sampler("smc-rs", 4, method="enumerate")
    twin = smc_plain.run_plain(fully_adapted(problem), SMC(4), 20, 5)
    runs = made.run(as_language_model(problem), 20, rng=5, keep=("tokens", "genealogy"))
    alive = ~runs.failed
    same(runs, twin, ("tokens", "failed"))
    assert (runs.genealogy[alive] == twin.genealogy[alive]).all()
    assert runs.log_w[alive] == pytest.approx(twin.log_w[alive], abs=1e-9)
    assert (runs.prm_evaluations == problem.model.n_actions * runs.model_calls).all()


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "n"), [("smc-rs", 3), ("alrs", 1)])
def test_rejection_has_the_exact_law(sampler, n):
    problem = reference(3)
    eta = float(np.exp(problem.forward_backward.log_prm_coverage)) * 1.2
    made = make_sampler(sampler, n, eta=eta)
    n_runs = 6000
    runs = made.run(as_language_model(problem), n_runs, rng=2)
    law = made.exact_law(problem).law
    gap = np.abs(np.bincount(runs.states, minlength=8) / n_runs - law).sum()
    # 2^8 exp(-R x^2/2) = 1e-9 at x = .0935
    assert gap < 0.0935
    # uniform parents without weights, pi_ref itself, is further away
    assert np.abs(SMC(1).exact_law(problem).law - law).sum() > 2 * 0.0935
    # N eta / W_h proposals a level on average; eta = 1 would be refused
    assert runs.prm_evaluations.mean() > n * problem.horizon * 1.1
    assert (runs.prm_evaluations == runs.model_calls).all()
    with pytest.raises(InputError, match="below a ratio"):
        make_sampler(sampler, n, eta=0.7).run(as_language_model(problem), 20, rng=2)
    with pytest.raises(TooLargeError, match="max_proposals"):
        make_sampler(sampler, n, eta=50.0, max_proposals=1).run(
            as_language_model(problem), 20, rng=2
        )


def test_restarts_draw_by_draw():
    problem = reference(4)
    posed = as_language_model(problem)
    made = make_sampler("smc-restart", 3, accuracy=1.5)
    log_bound = np.log(3.0) + problem.log_prm[0][0]
    twin = restarts_plain.run_restarts_plain(problem, SMC(3), log_bound, 100_000, 15, 4)
    runs = made.run(posed, 15, rng=4, keep=("tokens", "ess", "genealogy"))
    same(runs, twin, ("tokens", "restarts", "prm_evaluations", "model_calls", "genealogy"))
    assert runs.restarts.any()
    assert runs.log_w is None
    cut = make_sampler("smc-restart", 3, accuracy=50.0, max_restarts=1)
    cut_runs = cut.run(posed, 15, rng=4, keep=("tokens",))
    assert cut_runs.failed.any()
    made = make_sampler("dmc", 3, z_bound=2.5)
    twin = restarts_plain.run_restarts_plain(
        fully_adapted(problem), SMC(3), np.log(2.5), 100_000, 15, 4
    )  # fmt: skip
    runs = made.run(posed, 15, rng=4, keep=("tokens",))
    same(runs, twin, ("tokens", "restarts"))
    once = make_sampler("dmc", 3, restart=False).run(posed, 5, rng=4, keep=("tokens",))
    same(once, make_sampler("smc-rs", 3, method="enumerate").run(posed, 5, rng=4), ("states",))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("n", [1, 3])
def test_beam_and_greedy_find_the_same(name, n):
    problem = PROBLEMS[name]()
    posed = as_language_model(problem)
    made = make_sampler("beam", n) if n > 1 else make_sampler("greedy", 1)
    a = made.run(posed, 2, rng=0, keep=("tokens",))
    b = made.run(problem, 2, rng=0, keep=("tokens",))
    same(a, b, ("tokens", "states", "failed", "prm_evaluations", "model_calls"))


@pytest.mark.slow
def test_lookahead_has_the_law_of_the_tables():
    problem = reference(3)
    posed = as_language_model(problem)
    all_children = make_sampler("lookahead", 3, depth=1, rollouts=0)
    n_runs = 6000
    for made in (all_children, make_sampler("lookahead", 2, depth=2, rollouts=2)):
        runs = made.run(posed, n_runs, rng=6)
        law = made.exact_law(problem).law
        gap = np.abs(np.bincount(runs.states, minlength=8) / n_runs - law).sum()
        assert gap < 0.0935  # as above: fails by chance at most once in 1e9
        tabular = made.run(problem, 50, rng=6)
        assert (runs.prm_evaluations[:50] == tabular.prm_evaluations).all()
        assert (runs.model_calls[:50] == tabular.model_calls).all()
    plain = make_sampler("lookahead", 3, depth=0).run(posed, 9, rng=1)
    same(plain, SMC(3).run(posed, 9, rng=1), ("states",))
    with pytest.raises(InputError, match="rollouts"):
        make_sampler("lookahead", 2, depth=2, rollouts=0).run(posed, 1, rng=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("smc-ind", {}),
        ("vgb", {}),
        ("vgb", {"stop": "visits"}),
        ("vgb", {"stop": "steps", "steps": 6}),
        ("vgb", {"stop": "leaf", "max_steps": 12}),
    ],
)
@pytest.mark.parametrize("problem", ["reference", "zeros"])
def test_walks_draw_by_draw(name, options, problem):
    tabular = PROBLEMS[problem]()
    made = make_sampler(name, 2, **options)
    if made.__class__.__name__ == "Backtracking" and options.get("max_steps"):
        made = make_sampler(name, 1, **options)
    plain = walk_plain if name == "vgb" else branching_plain
    twin = plain.run_plain(tabular, made, 25, 8)
    runs = made.run(as_language_model(tabular), 25, rng=8, keep=("tokens",))
    same(runs, twin, ("tokens", "failed", "prm_evaluations", "model_calls"))
    if runs.log_w is not None:
        assert runs.log_w == pytest.approx(twin.log_w, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "options"),
    [("smc-rs", {"method": "enumerate"}), ("beam", {}), ("smc-ind", {}), ("vgb", {}),
     ("sis", {}), ("lookahead", {}), ("smc-rs", {"eta": 30.0})],
)  # fmt: skip
def test_texts_that_end_early(name, options):
    problem = eos(4, prm="exact")
    runs = make_sampler(name, 3, **options).run(
        as_language_model(problem, eos=2), 40, rng=1, keep=("tokens",)
    )  # fmt: skip
    for path in runs.tokens[~runs.failed]:
        stop = list(path).index(2)  # every text of positive reward has ended
        assert (path[stop:] == 2).all()
    assert (~runs.failed).any()


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("smc-rs", {}, "eta"),
        ("smc-restart", {}, "accuracy"),
        ("dmc", {}, "z_bound"),
        ("smc-rs", {"method": "enumerate"}, "one by one"),
        ("beam", {}, "one by one"),
        ("audit", {}, "tabular"),
    ],
)
def test_what_cannot_be_known_of_a_language_model_is_asked_for(name, options, named):
    lm = TabularLM(reference(2).model)
    problem = LanguageModelProblem(lm, "", 2, TextPRM(lambda texts: np.ones(len(texts))))
    with pytest.raises(InputError, match=named):
        make_sampler(name, 2, **options).run(problem, 1, rng=0)


def test_every_sampler_has_an_engine():
    without = {name for name, cls in SAMPLERS.items() if cls.on_text is Sampler.on_text}
    assert without == {"audit"}

"""Beam search over drawn continuations, on language models that are tables."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.random_tree import random_tree
from simulator.problem.model import TabularModel
from simulator.samplers.baselines import beam_drawn_text
from simulator.samplers.baselines.beam import Beam, Greedy
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model


def value(problem, path):
    state = 0
    for h, token in enumerate(path):
        state = int(problem.model.next_state[h][state, token])
    return float(problem.log_prm_flat[problem.model.state_start[len(path)] + state])


def best(problem, n):
    """The path that keeping the n children of largest V^ finds."""
    kept = [()]
    for _ in range(problem.horizon):
        children = [(*p, a) for p in kept for a in range(problem.model.n_actions)]
        kept = sorted(children, key=lambda p: -value(problem, p))[:n]
    return list(kept[0])


@pytest.fixture
def problem():
    return random_tree(4, 3, seed=11)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_with_many_draws_all_children_are_seen(problem, n):
    runs = Beam(n, draws=400).run(as_language_model(problem), 3, rng=1, keep=("tokens",))
    assert runs.tokens.tolist() == [best(problem, n)] * 3
    assert runs.log_w is None


@pytest.mark.slow
def test_one_prefix_and_two_draws_have_this_law(problem):
    """The better of two draws at each level: 6000 runs miss by .05 once in 1e10 (Hoeffding).

    The likeliest path of one draw, or of the worse of two, is further off than that.
    """
    runs = Greedy(draws=2).run(as_language_model(problem), 6000, rng=5, keep=("tokens",))
    found, counts = np.unique(runs.tokens, axis=0, return_counts=True)
    share = dict(zip(map(tuple, found.tolist()), counts / 6000, strict=True))

    def missed(law):
        return max(abs(share.get(path, 0.0) - mass) for path, mass in law.items())

    assert missed(greedy_law(problem, lambda below: below**2)) < 0.05
    assert missed(greedy_law(problem, lambda below: below)) > 0.05
    assert missed(greedy_law(problem, lambda below: 1 - (1 - below) ** 2)) > 0.05
    assert (runs.model_calls == 2 * problem.horizon).all()
    assert (runs.prm_evaluations == 2 * problem.horizon).all()


def greedy_law(problem, of_best):
    """Law of paths, by the distribution function of the kept child from that of one child."""
    law = {(): 1.0}
    for h in range(problem.horizon):
        further = {}
        for path, mass in law.items():
            state = 0
            for k, token in enumerate(path):
                state = int(problem.model.next_state[k][state, token])
            p = problem.model.probs[h][state]
            order = sorted(range(p.size), key=lambda a: value(problem, (*path, a)))
            below = np.concatenate([[0.0], np.cumsum(p[order])])
            for a, q in zip(order, np.diff(of_best(below)), strict=True):
                further[*path, a] = mass * q
        law = further
    return law


def test_equal_texts_take_one_place(problem, monkeypatch):
    """Else N copies of the best prefix push out the second, which leads to a better text."""
    model = TabularModel.tree([[[0.6, 0.4]], [[0.5, 0.5], [0.5, 0.5]]])
    lm = TabularLM(model, ["a", "b"])
    prm = TextPRM(lambda texts: [{"a": 3.0, "b": 2.0, "bb": 9.0}.get(t, 1.0) for t in texts])
    posed = LanguageModelProblem(lm, "", 2, prm)

    def ends(sampler):
        runs = sampler.run(posed, 50, rng=3, keep=("tokens",))
        return [lm.decode(t) for t in runs.tokens].count("bb")

    assert ends(Beam(2, draws=8)) == 50

    def greedy(cloud, n):
        return np.argsort(-cloud.log_v, axis=1, kind="stable")[:, :n]

    monkeypatch.setattr(beam_drawn_text, "_best", greedy)
    assert ends(Beam(2, draws=8)) < 25


def test_steps_can_be_searched():
    rng = np.random.default_rng(2)
    lm = TabularLM(
        TabularModel.tree([rng.dirichlet(np.full(3, 9.0), 3**h) for h in range(6)]), ["a", "b", "."]
    )
    prm = TextPRM(lambda texts: [0.1 + t.count("a") for t in texts])
    posed = LanguageModelProblem(lm, "", 2, prm, delimiters=".", block_tokens=3)
    runs = Beam(2, draws=400).run(posed, 4, rng=1, keep=("tokens",))
    assert [posed.text(t) for t in runs.tokens] == ["aaaaaa"] * 4
    with pytest.raises(InputError, match="continuations of a block cannot be asked for"):
        Beam(2).run(posed, 4, rng=1)


def test_without_a_text_of_positive_value_a_run_has_failed():
    lm = TabularLM(TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]), ["a", "b"])
    prm = TextPRM(lambda texts: [float(len(t) < 2) for t in texts])
    runs = Beam(2, draws=3).run(LanguageModelProblem(lm, "", 2, prm), 3, rng=1, keep=("tokens",))
    assert runs.failed.all()
    assert (runs.tokens == -1).all()


def test_a_run_depends_on_its_seed_only(problem):
    posed = as_language_model(problem)
    few, many = (Beam(2, draws=2).run(posed, r, rng=4, keep=("tokens",)) for r in (2, 9))
    assert (few.tokens == many.tokens[:2]).all()


def test_tables_and_bad_numbers_are_refused(problem):
    for ask in (
        lambda: Beam(2, draws=1).run(problem, 1, rng=1),
        lambda: Beam(2, draws=1).exact_law(problem),
    ):
        with pytest.raises(InputError, match="draws: tables have all continuations at hand"):
            ask()
    with pytest.raises(InputError, match="draws: -1 is not a whole number >= 0"):
        Beam(2, draws=-1)

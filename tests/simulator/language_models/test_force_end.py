"""Texts that must end: every run of small engines, one by one, without randomness (T0)."""

import itertools

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.samplers.baselines.beam import Beam
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM
from tests.support.choices import every_run

ROWS = [
    [[0.5, 0.2, 0.3]],
    [[0.3, 0.3, 0.4], [0.6, 0.1, 0.3], [1.0, 0.0, 0.0]],
    [[0.7, 0.2, 0.1]] * 9,
]
LM = TabularLM(TabularModel.tree(ROWS), ["a", "b", "."], eos=2)
END = 2


def values(texts):
    return np.array([1.0 + t.count("b") for t in texts])


class ChildPRM(TextPRM):
    """A TextPRM that judges all children of a text, one by one."""

    def start(self, problem, n):
        session = super().start(problem, n)
        vocabulary = range(problem.lm.n_tokens)

        def child_log_values(log_probs, last):
            out = np.empty(log_probs.shape)
            for i, a in itertools.product(range(len(out)), vocabulary):
                text = problem.text([*session.paths[i], a])
                out[i, a] = self.log_values_of([text], bool(last[i, a]))[0]
            return out

        session.child_log_values = child_log_values
        return session


def problem(horizon=3, **options):
    return LanguageModelProblem(LM, "", horizon, ChildPRM(values), **options)


def ended_texts(horizon):
    """pi_ref r of every text that has ended by the horizon, by enumeration; padded with the end."""
    found = {}
    for length in range(1, horizon + 1):
        for head in itertools.product((0, 1), repeat=length - 1):
            p, row = 1.0, 0
            for h, token in enumerate((*head, END)):
                p *= ROWS[h][row][token]
                row = row * 3 + token
            text = "".join("ab"[t] for t in head)
            found[(*head, *[END] * (horizon - length + 1))] = p * float(values([text])[0])
    return found


@pytest.mark.parametrize(
    "sampler",
    [SMC(2), SMC(1), SMC(2, ess_threshold=0.6), SMC(2, block=2), SMC(2, proposal="tempered"),
     SIS(2), SMCRejection(2, "enumerate")],
    ids=repr,
)  # fmt: skip
def test_the_weight_is_proper_on_the_texts_that_end(sampler, monkeypatch):
    mean = dict.fromkeys(ended_texts(2), 0.0)
    total = 0.0
    for p, run in every_run(monkeypatch, sampler, problem(2, force_end=True)):
        total += p
        if not run.failed[0]:
            mean[tuple(run.tokens[0].tolist())] += p * float(np.exp(run.log_w[0]))
    assert total == pytest.approx(1, abs=1e-12)
    assert mean == pytest.approx(ended_texts(2), abs=1e-12)


def test_forgetting_the_probability_of_the_end_would_show(monkeypatch):
    """The mutant draws the end at the limit but keeps the weight as it is."""
    mean = dict.fromkeys(ended_texts(2), 0.0)
    ratio = "simulator.samplers.smc.text.ratio"
    monkeypatch.setattr(ratio, lambda new, old: np.zeros_like(new) if old.max() <= 0 else new - old)
    for p, run in every_run(monkeypatch, SMC(1), problem(2, force_end=True)):
        mean[tuple(run.tokens[0].tolist())] += p * float(np.exp(run.log_w[0]))
    assert sum(mean.values()) > sum(ended_texts(2).values()) + 0.1


EVERY = [SMC(3), SMCRejection(3, eta=8.0), SMCIndependent(20), Beam(3)]


@pytest.mark.parametrize("sampler", EVERY, ids=lambda s: type(s).__name__)
def test_every_sampler_outputs_texts_that_end(sampler):
    runs = sampler.run(problem(force_end=True), 20, rng=1, keep=("tokens",))
    assert (runs.tokens[~runs.failed, -1] == END).all()
    assert (~runs.failed).any()


def test_without_the_option_texts_are_cut():
    runs = SMC(3).run(problem(), 60, rng=1, keep=("tokens",))
    assert (runs.tokens[:, -1] != END).any()


def test_a_reward_sees_whether_a_text_has_ended():
    seen = {}

    def reward(texts, ended):
        seen.update(zip(texts, ended.tolist(), strict=True))
        return np.where(ended, 2.0, 1.0)

    told = TextPRM(values, reward, tells_end=True)
    SMC(4).run(LanguageModelProblem(LM, "", 2, told), 40, rng=1)
    assert set(seen) == {"", "a", "b", "aa", "ab", "ba", "bb"}
    assert all(ended == (len(text) < 2) for text, ended in seen.items())
    with pytest.raises(InputError, match="tells_end"):
        TextPRM(values, tells_end=True)


def test_what_cannot_be_forced_is_refused():
    for options in ({"eos": None}, {"delimiters": [0], "block_tokens": 2}):
        with pytest.raises(InputError, match="force_end"):
            problem(force_end=True, **options)

"""Quasi-SMC on sessions of transformers: cells found on the device are those of the tables (T0)."""

import numpy as np
import pytest

from simulator.language_models.cached_session import CachedSession
from simulator.samplers.quasi.codes import RULES
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.text.language_model import Session
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

PROMPT, TARGET, H = [2, 3], [4, 5, 2], 5


@pytest.mark.slow
@pytest.mark.parametrize("order", ["lexicographic", "token"])
@pytest.mark.parametrize("rule", RULES)
def test_texts_are_those_of_the_tables(tiny, rule, order, monkeypatch):
    problem = LanguageModelProblem(tiny, PROMPT, H, PromptSwitching(TARGET), eos=None)
    sampler = QuasiSMC(6, rule, order)
    on_device = sampler.run(problem, 5, rng=1, keep=("tokens", "clouds"))
    monkeypatch.setattr(CachedSession, "locate", Session.locate)
    on_host = sampler.run(problem, 5, rng=1, keep=("tokens", "clouds"))
    assert (on_device.tokens == on_host.tokens).all()
    assert on_device.log_w == pytest.approx(on_host.log_w, abs=1e-9)
    assert (on_device.prm_evaluations == on_host.prm_evaluations).all()


def test_the_output_weighs_what_its_text_weighs(tiny):
    """With one particle W^ is the density ratio of the text."""
    problem = LanguageModelProblem(tiny, PROMPT, H, PromptSwitching(TARGET), eos=None)
    runs = QuasiSMC(1).run(problem, 6, rng=2, keep=("tokens",))
    target, reference = (tiny.score(p, runs.tokens).sum(axis=1) for p in (TARGET, PROMPT))
    assert runs.log_w == pytest.approx(target - reference, abs=1e-9)


def test_no_whole_table_is_asked_for(tiny, monkeypatch):
    problem = LanguageModelProblem(tiny, PROMPT, H, PromptSwitching(TARGET), eos=None)
    monkeypatch.setattr(CachedSession, "next_logprobs", None)
    runs = QuasiSMC(4).run(problem, 2, rng=3)
    assert np.isfinite(runs.log_w).all()

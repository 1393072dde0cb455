"""Conditional SMC on sessions of transformers: what is forced, and what it weighs (T0)."""

import numpy as np
import pytest

from simulator.samplers.smc.conditional_text import run_conditional_text
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

PROMPT, TARGET, H = [2, 3], [4, 5, 2], 5


@pytest.mark.parametrize("proposal", ["reference", "tempered"])
def test_one_particle_weighs_what_its_text_weighs(tiny, proposal):
    problem = LanguageModelProblem(tiny, PROMPT, H, PromptSwitching(TARGET), eos=None)
    tokens = SMC(3).run(problem, 6, rng=1, keep=("tokens",)).tokens
    target, reference = (tiny.score(p, tokens).sum(axis=1) for p in (TARGET, PROMPT))
    runs = run_conditional_text(SMC(1, proposal=proposal), problem, tokens, 2, 3)
    assert runs.log_reward == pytest.approx(target - reference, abs=1e-9)
    log_q = 0.0
    if proposal == "tempered":
        for h, law in enumerate(tiny.laws(PROMPT, tokens)):
            q = 0.5 * law
            q -= np.logaddexp.reduce(q, axis=1)[:, None]
            log_q = log_q + q[np.arange(6), tokens[:, h]]
    else:
        log_q = reference
    assert runs.log_w == pytest.approx(np.tile((target - log_q)[:, None], 2), abs=1e-9)


def test_runs_do_not_depend_on_the_batch(tiny):
    problem = LanguageModelProblem(tiny, PROMPT, H, PromptSwitching(TARGET))
    tokens = SMC(3).run(problem, 7, rng=1, keep=("tokens",)).tokens
    whole = run_conditional_text(SMC(5), problem, tokens, 3, 3)  # three runs at once
    first = run_conditional_text(SMC(5), problem, tokens[:1], 3, 3)
    assert whole.log_w[:1] == pytest.approx(first.log_w, abs=1e-9)
    assert np.isfinite(whole.log_w).all()
    assert whole.log_w.std(axis=1).min() > 0

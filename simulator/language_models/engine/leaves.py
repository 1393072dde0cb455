"""SIS, best-of-N and action-level importance sampling: SMC with other options."""

from __future__ import annotations

from dataclasses import replace

from simulator.language_models.engine.dispatch import engine
from simulator.language_models.engine.smc import run_smc
from simulator.language_models.problem import LanguageModelProblem
from simulator.samplers.action_is import ActionImportanceSampling
from simulator.samplers.best_of_n import BestOfN
from simulator.samplers.runs import Runs
from simulator.samplers.sis import SIS
from simulator.samplers.smc import SMC
from simulator.streams.xoshiro import Xoshiro

__all__: list[str] = []


@engine.register
def _sis(sampler: SIS, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    return run_smc(SMC(sampler.n_particles, block=problem.horizon), problem, rngs)


@engine.register
def _best(sampler: BestOfN, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    best = SMC(sampler.n_particles, block=problem.horizon, select="best")
    return replace(run_smc(best, problem, rngs), log_w=None, ess=None, genealogy=None)


@engine.register
def _action(
    sampler: ActionImportanceSampling, problem: LanguageModelProblem, rngs: list[Xoshiro]
) -> Runs:
    runs = run_smc(sampler.filter, problem, rngs)
    # the candidates of a level share one path, whose next-token law is asked for once
    return replace(runs, model_calls=runs.model_calls // sampler.n_particles)

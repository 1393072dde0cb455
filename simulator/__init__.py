"""What runs: models, process reward models, samplers and their exact laws."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.errors import InputError, TooLargeError
    from simulator.exact.law import ExactLaw
    from simulator.language_models.completions import CompletionsLM
    from simulator.language_models.packaged import load_language_model
    from simulator.language_models.reward_prm import RewardPRM, load_reward_prm
    from simulator.language_models.tabulate import tabulate
    from simulator.measure.certify import certify
    from simulator.measure.error import bracket
    from simulator.problem.families.constrained import constrained
    from simulator.problem.files import load_problem, save_problem
    from simulator.problem.library import open_problem
    from simulator.problem.model import TabularModel
    from simulator.problem.problem import PRM, Problem
    from simulator.samplers.backtracking.sampler import Backtracking
    from simulator.samplers.base import Sampler
    from simulator.samplers.baselines.action_is import ActionImportanceSampling
    from simulator.samplers.baselines.beam import Beam, Greedy
    from simulator.samplers.baselines.best_of_n import BestOfN
    from simulator.samplers.baselines.sis import SIS
    from simulator.samplers.branching.sampler import SMCIndependent
    from simulator.samplers.contract import CONTRACT, check_sampler, parametrize_with_clauses
    from simulator.samplers.facts import Facts
    from simulator.samplers.lookahead.sampler import Lookahead
    from simulator.samplers.pool_metropolis.sampler import PoolMetropolis
    from simulator.samplers.quasi.sampler import QuasiSMC
    from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
    from simulator.samplers.restart.smc_restart import SMCRestart
    from simulator.samplers.reweighted.sampler import AuditedSMC
    from simulator.samplers.runs import Runs
    from simulator.samplers.smc.sampler import SMC
    from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
    from simulator.samplers.smc_rejection.sampler import SMCRejection
    from simulator.text.prms import TextPRM
    from simulator.text.problem import LanguageModelProblem
    from simulator.text.prompt_switching import PromptSwitching
    from simulator.text.regex import RegexPRM
    from simulator.text.step_prm import StepPRM
    from simulator.text.tabular import TabularLM

# loaded when first asked for: the command line must not import all to print a list
_HOME = {
    "ActionImportanceSampling": "samplers.baselines.action_is",
    "ActionLevelRejection": "samplers.smc_rejection.action_level",
    "AuditedSMC": "samplers.reweighted.sampler",
    "Backtracking": "samplers.backtracking.sampler",
    "Beam": "samplers.baselines.beam",
    "BestOfN": "samplers.baselines.best_of_n",
    "bracket": "measure.error",
    "certify": "measure.certify",
    "check_sampler": "samplers.contract",
    "CompletionsLM": "language_models.completions",
    "constrained": "problem.families.constrained",
    "CONTRACT": "samplers.contract",
    "DiffusionMonteCarlo": "samplers.restart.diffusion_monte_carlo",
    "ExactLaw": "exact.law",
    "Facts": "samplers.facts",
    "Greedy": "samplers.baselines.beam",
    "InputError": "errors",
    "LanguageModelProblem": "text.problem",
    "load_language_model": "language_models.packaged",
    "load_problem": "problem.files",
    "load_reward_prm": "language_models.reward_prm",
    "Lookahead": "samplers.lookahead.sampler",
    "open_problem": "problem.library",
    "parametrize_with_clauses": "samplers.contract",
    "PRM": "problem.problem",
    "Problem": "problem.problem",
    "PromptSwitching": "text.prompt_switching",
    "RegexPRM": "text.regex",
    "RewardPRM": "language_models.reward_prm",
    "Runs": "samplers.runs",
    "Sampler": "samplers.base",
    "save_problem": "problem.files",
    "SIS": "samplers.baselines.sis",
    "SMC": "samplers.smc.sampler",
    "SMCIndependent": "samplers.branching.sampler",
    "PoolMetropolis": "samplers.pool_metropolis.sampler",
    "QuasiSMC": "samplers.quasi.sampler",
    "SMCRejection": "samplers.smc_rejection.sampler",
    "SMCRestart": "samplers.restart.smc_restart",
    "TabularLM": "text.tabular",
    "TabularModel": "problem.model",
    "StepPRM": "text.step_prm",
    "tabulate": "language_models.tabulate",
    "TextPRM": "text.prms",
    "TooLargeError": "errors",
}

__all__ = [
    "CONTRACT",
    "PRM",
    "SIS",
    "SMC",
    "ActionImportanceSampling",
    "ActionLevelRejection",
    "AuditedSMC",
    "Backtracking",
    "Beam",
    "BestOfN",
    "CompletionsLM",
    "DiffusionMonteCarlo",
    "ExactLaw",
    "Facts",
    "Greedy",
    "InputError",
    "LanguageModelProblem",
    "Lookahead",
    "PoolMetropolis",
    "Problem",
    "PromptSwitching",
    "QuasiSMC",
    "RegexPRM",
    "RewardPRM",
    "Runs",
    "SMCIndependent",
    "SMCRejection",
    "SMCRestart",
    "Sampler",
    "StepPRM",
    "TabularLM",
    "TabularModel",
    "TextPRM",
    "TooLargeError",
    "bracket",
    "certify",
    "check_sampler",
    "constrained",
    "load_language_model",
    "load_problem",
    "load_reward_prm",
    "open_problem",
    "parametrize_with_clauses",
    "save_problem",
    "tabulate",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    return getattr(import_module(f"simulator.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

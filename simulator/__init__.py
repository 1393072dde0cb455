"""What runs: models, process reward models, samplers and their exact laws."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.errors import InputError, TooLargeError
    from simulator.exact.cloud import ExactLaw
    from simulator.language_models.packaged import load_language_model
    from simulator.language_models.prms import TextPRM
    from simulator.language_models.problem import LanguageModelProblem
    from simulator.language_models.prompt_switching import PromptSwitching
    from simulator.language_models.tabular import TabularLM
    from simulator.measure.error import bracket
    from simulator.problem.files import load_problem, save_problem
    from simulator.problem.library import open_problem
    from simulator.problem.model import TabularModel
    from simulator.problem.problem import PRM, Problem
    from simulator.samplers.action_is import ActionImportanceSampling
    from simulator.samplers.action_level_rejection import ActionLevelRejection
    from simulator.samplers.audited import AuditedSMC
    from simulator.samplers.backtracking import Backtracking
    from simulator.samplers.beam import Beam, Greedy
    from simulator.samplers.best_of_n import BestOfN
    from simulator.samplers.diffusion_monte_carlo import DiffusionMonteCarlo
    from simulator.samplers.lookahead import Lookahead
    from simulator.samplers.runs import Runs
    from simulator.samplers.sis import SIS
    from simulator.samplers.smc import SMC
    from simulator.samplers.smc_independent import SMCIndependent
    from simulator.samplers.smc_rejection import SMCRejection
    from simulator.samplers.smc_restart import SMCRestart

# loaded when first asked for: the command line must not import all to print a list
_HOME = {
    "ActionImportanceSampling": "samplers.action_is",
    "ActionLevelRejection": "samplers.action_level_rejection",
    "AuditedSMC": "samplers.audited",
    "Backtracking": "samplers.backtracking",
    "Beam": "samplers.beam",
    "BestOfN": "samplers.best_of_n",
    "bracket": "measure.error",
    "DiffusionMonteCarlo": "samplers.diffusion_monte_carlo",
    "ExactLaw": "exact.cloud",
    "Greedy": "samplers.beam",
    "InputError": "errors",
    "LanguageModelProblem": "language_models.problem",
    "load_language_model": "language_models.packaged",
    "load_problem": "problem.files",
    "Lookahead": "samplers.lookahead",
    "open_problem": "problem.library",
    "PRM": "problem.problem",
    "Problem": "problem.problem",
    "PromptSwitching": "language_models.prompt_switching",
    "Runs": "samplers.runs",
    "save_problem": "problem.files",
    "SIS": "samplers.sis",
    "SMC": "samplers.smc",
    "SMCIndependent": "samplers.smc_independent",
    "SMCRejection": "samplers.smc_rejection",
    "SMCRestart": "samplers.smc_restart",
    "TabularLM": "language_models.tabular",
    "TabularModel": "problem.model",
    "TextPRM": "language_models.prms",
    "TooLargeError": "errors",
}

__all__ = [
    "PRM",
    "SIS",
    "SMC",
    "ActionImportanceSampling",
    "ActionLevelRejection",
    "AuditedSMC",
    "Backtracking",
    "Beam",
    "BestOfN",
    "DiffusionMonteCarlo",
    "ExactLaw",
    "Greedy",
    "InputError",
    "LanguageModelProblem",
    "Lookahead",
    "Problem",
    "PromptSwitching",
    "Runs",
    "SMCIndependent",
    "SMCRejection",
    "SMCRestart",
    "TabularLM",
    "TabularModel",
    "TextPRM",
    "TooLargeError",
    "bracket",
    "load_language_model",
    "load_problem",
    "open_problem",
    "save_problem",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    return getattr(import_module(f"simulator.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

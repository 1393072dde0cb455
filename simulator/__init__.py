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
    from simulator.models.library import open_problem
    from simulator.models.tabular import TabularModel
    from simulator.problem import PRM, Problem
    from simulator.problem_files import load_problem, save_problem
    from simulator.samplers.audited import AuditedSMC
    from simulator.samplers.runs import Runs
    from simulator.samplers.smc import SMC

# loaded when first asked for: the command line must not import all to print a list
_HOME = {
    "AuditedSMC": "samplers.audited",
    "ExactLaw": "exact.cloud",
    "InputError": "errors",
    "LanguageModelProblem": "language_models.problem",
    "PRM": "problem",
    "Problem": "problem",
    "PromptSwitching": "language_models.prompt_switching",
    "Runs": "samplers.runs",
    "SMC": "samplers.smc",
    "TabularLM": "language_models.tabular",
    "TabularModel": "models.tabular",
    "TextPRM": "language_models.prms",
    "TooLargeError": "errors",
    "bracket": "measure.error",
    "load_language_model": "language_models.packaged",
    "load_problem": "problem_files",
    "open_problem": "models.library",
    "save_problem": "problem_files",
}

__all__ = [
    "PRM",
    "SMC",
    "AuditedSMC",
    "ExactLaw",
    "InputError",
    "LanguageModelProblem",
    "Problem",
    "PromptSwitching",
    "Runs",
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

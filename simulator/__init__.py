"""What runs: models, process reward models, samplers and their exact laws."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.errors import InputError, TooLargeError
    from simulator.exact.cloud import ExactLaw
    from simulator.measure.error import bracket
    from simulator.models.library import open_problem
    from simulator.models.tabular import TabularModel
    from simulator.problem import PRM, Problem
    from simulator.problem_files import load_problem, save_problem
    from simulator.samplers.action_is import ActionImportanceSampling
    from simulator.samplers.action_level_rejection import ActionLevelRejection
    from simulator.samplers.audited import AuditedSMC
    from simulator.samplers.beam import Beam, Greedy
    from simulator.samplers.best_of_n import BestOfN
    from simulator.samplers.diffusion_monte_carlo import DiffusionMonteCarlo
    from simulator.samplers.lookahead import Lookahead
    from simulator.samplers.runs import Runs
    from simulator.samplers.sis import SIS
    from simulator.samplers.smc import SMC
    from simulator.samplers.smc_rejection import SMCRejection
    from simulator.samplers.smc_restart import SMCRestart

# loaded when first asked for: the command line must not import all to print a list
_HOME = {
    "AuditedSMC": "samplers.audited",
    "ActionImportanceSampling": "samplers.action_is",
    "Beam": "samplers.beam",
    "BestOfN": "samplers.best_of_n",
    "ActionLevelRejection": "samplers.action_level_rejection",
    "DiffusionMonteCarlo": "samplers.diffusion_monte_carlo",
    "ExactLaw": "exact.cloud",
    "Greedy": "samplers.beam",
    "InputError": "errors",
    "Lookahead": "samplers.lookahead",
    "PRM": "problem",
    "Problem": "problem",
    "Runs": "samplers.runs",
    "SIS": "samplers.sis",
    "SMC": "samplers.smc",
    "SMCRejection": "samplers.smc_rejection",
    "SMCRestart": "samplers.smc_restart",
    "TabularModel": "models.tabular",
    "TooLargeError": "errors",
    "bracket": "measure.error",
    "load_problem": "problem_files",
    "open_problem": "models.library",
    "save_problem": "problem_files",
}

__all__ = [
    "PRM",
    "SIS",
    "SMC",
    "ActionImportanceSampling",
    "ActionLevelRejection",
    "AuditedSMC",
    "Beam",
    "BestOfN",
    "DiffusionMonteCarlo",
    "ExactLaw",
    "Greedy",
    "InputError",
    "Lookahead",
    "Problem",
    "Runs",
    "SMCRejection",
    "SMCRestart",
    "TabularModel",
    "TooLargeError",
    "bracket",
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

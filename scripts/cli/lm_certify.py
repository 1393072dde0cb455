"""A certificate on a language model as a plain dictionary, with its stages told on stderr."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from simulator.measure.certify import certify
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem

__all__ = ["certificate"]


def certificate(problem: LanguageModelProblem, sampler: SMC, **settings: Any) -> dict[str, object]:
    """Bracket the error; see `simulator.measure.certify.certify` for the settings."""
    began = time.monotonic()

    def told(stage: str) -> None:
        seconds = time.monotonic() - began
        print(f"particlebounds: {seconds:.0f} s: {stage}", file=sys.stderr)

    found = certify(problem, sampler, told=told, **settings)
    shown = asdict(found)
    z = shown.pop("log_z")
    error = {name: shown.pop(name) for name in ("low", "high", "confidence")}
    shown.pop("value")
    return {
        "error": error,
        "log_z": {name: z[name] for name in ("value", "low", "high")},
        **shown,
    }

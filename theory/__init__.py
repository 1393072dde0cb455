"""What is claimed: criteria, bounds and verdicts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theory.accuracy.answers import AccuracyLimits, Draws
    from theory.accuracy.laws import accuracy_limits
    from theory.assumptions import Assumption
    from theory.criteria import Criteria
    from theory.laws.first_order import FirstOrderLaw, first_order_law
    from theory.registry import BOUNDS, CLAIMS, bounds_for
    from theory.statement import Bound, bound
    from theory.verdict import check

_HOME = {
    "accuracy_limits": "accuracy.laws",
    "AccuracyLimits": "accuracy.answers",
    "Draws": "accuracy.answers",
    "Assumption": "assumptions",
    "Bound": "statement",
    "bound": "statement",
    "Criteria": "criteria",
    "first_order_law": "laws.first_order",
    "FirstOrderLaw": "laws.first_order",
    "BOUNDS": "registry",
    "CLAIMS": "registry",
    "bounds_for": "registry",
    "check": "verdict",
}

__all__ = [
    "BOUNDS",
    "CLAIMS",
    "AccuracyLimits",
    "Assumption",
    "Bound",
    "Criteria",
    "Draws",
    "FirstOrderLaw",
    "accuracy_limits",
    "bound",
    "bounds_for",
    "check",
    "first_order_law",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'theory' has no attribute {name!r}")
    return getattr(import_module(f"theory.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

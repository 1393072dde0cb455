"""All experiments of `reproduce`, in the order of the figures that show them."""

from __future__ import annotations

from importlib import import_module

from figures.catalogue import FIGURES
from scripts.experiments.experiment import Experiment

__all__ = ["EXPERIMENTS"]

EXPERIMENTS: dict[str, Experiment] = {
    name: getattr(import_module(f"scripts.experiments.{name}"), name.upper()) for name in FIGURES
}

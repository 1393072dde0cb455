"""Importing this module loads every engine of this folder."""

import importlib
import pkgutil

import simulator.language_models.engine

for _module in sorted(
    m.name for m in pkgutil.iter_modules(simulator.language_models.engine.__path__)
):
    if _module != "registry":
        importlib.import_module(f"simulator.language_models.engine.{_module}")

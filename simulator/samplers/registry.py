"""Samplers by name, with their options as text. A new one is a new file in this folder."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Sequence

import simulator.samplers
from simulator.errors import InputError
from simulator.samplers.sampler import SAMPLERS, Sampler, register

__all__ = ["SAMPLERS", "Sampler", "make_sampler", "parse_options", "register"]

N_PARTICLES = 4

for _module in sorted(m.name for m in pkgutil.iter_modules(simulator.samplers.__path__)):
    if _module != "registry":
        importlib.import_module(f"simulator.samplers.{_module}")


def make_sampler(name: str, n_particles: int | None = None, **options: object) -> Sampler:
    """Make a registered sampler.

    Parameters
    ----------
    name : str
        One of `SAMPLERS`.
    n_particles : int, optional
        By default what the sampler prescribes, or else 4.
    **options
        Fields of the sampler.

    Returns
    -------
    Sampler

    Raises
    ------
    InputError
        If the name or an option is not known, or a value is out of range.

    Examples
    --------
    >>> make_sampler("smc", 8, resampling="systematic")  # doctest: +ELLIPSIS
    SMC(n_particles=8, resampling='systematic', ...)
    """
    fields = _fields(name)
    for key in options:
        _known(name, key, fields)
    if n_particles is None:
        first = dataclasses.fields(SAMPLERS[name])[0]  # type: ignore[arg-type]
        n_particles = N_PARTICLES if first.default is dataclasses.MISSING else first.default
    made: Sampler = SAMPLERS[name](n_particles, **options)  # type: ignore[call-arg]
    return made


def parse_options(name: str, settings: Sequence[str]) -> dict[str, object]:
    """Read options of a sampler from texts ``key=value``.

    Parameters
    ----------
    name : str
        One of `SAMPLERS`.
    settings : sequence of str

    Returns
    -------
    dict
        Values of the types of the options' defaults.

    Raises
    ------
    InputError
        If a text is malformed, a key is unknown or given twice, or a value is not of its type.

    Examples
    --------
    >>> parse_options("smc", ["ess_threshold=0.5", "select=best"])
    {'ess_threshold': 0.5, 'select': 'best'}
    """
    fields = _fields(name)
    out: dict[str, object] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"option {text!r}: not of the form key=value")
        _known(name, key, fields)
        if key in out:
            raise InputError(f"option {key!r} is given twice")
        out[key] = _value(key, value, fields[key])
    return out


def _fields(name: str) -> dict[str, object]:
    """Options of a sampler other than `n_particles`, with their defaults."""
    if name not in SAMPLERS:
        raise InputError(f"sampler {name!r} is not known, only {', '.join(SAMPLERS)}")
    fields = dataclasses.fields(SAMPLERS[name])  # type: ignore[arg-type]
    return {f.name: f.default for f in fields if f.name != "n_particles"}


def _known(name: str, key: str, fields: dict[str, object]) -> None:
    if key not in fields:
        raise InputError(f"{name} has no option {key!r}, only {', '.join(fields)}")


def _value(key: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise InputError(f"option {key}: {text!r} is not true or false")
    if default == "auto" and text == "auto":
        return text
    if isinstance(default, (int, float)) or default == "auto":
        kind = int if isinstance(default, int) else float
        try:
            return kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise InputError(f"option {key}: {text!r} is not {what}") from None
    return text

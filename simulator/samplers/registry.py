"""The table of samplers by name, in the order of README; options as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from simulator.errors import InputError
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.baselines.beam import Beam, Greedy
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.option_texts import check_option, read_options
from simulator.samplers.pool_metropolis.sampler import PoolMetropolis
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.reweighted.sampler import AuditedSMC
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.samplers.smc_rejection.sampler import SMCRejection

__all__ = ["SAMPLERS", "Sampler", "make_sampler", "option_names", "parse_options", "register"]

N_PARTICLES = 4

SAMPLERS: dict[str, type[Sampler]] = {
    "smc": SMC,
    "smc-restart": SMCRestart,
    "smc-rs": SMCRejection,
    "dmc": DiffusionMonteCarlo,
    "alrs": ActionLevelRejection,
    "quasi-smc": QuasiSMC,
    "smc-ind": SMCIndependent,
    "vgb": Backtracking,
    "pool-mh": PoolMetropolis,
    "lookahead": Lookahead,
    "sis": SIS,
    "best-of-n": BestOfN,
    "action-is": ActionImportanceSampling,
    "beam": Beam,
    "greedy": Greedy,
    "audit": AuditedSMC,
}

S = TypeVar("S", bound=type)


def register(name: str) -> Callable[[S], S]:
    """Make a sampler class of your own known by a name, behind those of the table.

    Parameters
    ----------
    name : str
        Under which `make_sampler` and the command line find it.

    Returns
    -------
    callable
        A class decorator; it returns the class unchanged.

    Raises
    ------
    InputError
        If the name is taken.
    """

    def add(cls: S) -> S:
        if name in SAMPLERS:
            raise InputError(f"sampler {name!r} is registered already")
        SAMPLERS[name] = cls
        return cls

    return add


def make_sampler(name: str | type, n_particles: int | None = None, **options: object) -> Sampler:
    """Make a sampler by its registered name, or of a class.

    Parameters
    ----------
    name : str or type
        One of `SAMPLERS`, or a frozen dataclass with `n_particles` as its first field.
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
    cls, fields = _class(name), _fields(name)
    for key in options:
        check_option(_label(name), key, fields)
    missing = [k for k, v in fields.items() if v is dataclasses.MISSING and k not in options]
    if missing:
        raise InputError(f"{_label(name)}: no value for {', '.join(missing)}")
    if n_particles is None:
        first = dataclasses.fields(cls)[0]
        n_particles = N_PARTICLES if first.default is dataclasses.MISSING else first.default
    made: Sampler = cls(n_particles, **options)
    return made


def parse_options(name: str | type, settings: Sequence[str]) -> dict[str, object]:
    """Read options of a sampler from texts ``key=value``.

    Parameters
    ----------
    name : str or type
        As in `make_sampler`.
    settings : sequence of str
        The texts.

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
    return read_options(_label(name), settings, _fields(name))


def option_names(name: str | type) -> tuple[str, ...]:
    """Return the options of a sampler by name.

    Parameters
    ----------
    name : str or type
        As in `make_sampler`.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If the name is not known.

    Examples
    --------
    >>> option_names("lookahead")
    ('depth', 'rollouts', 'resampling', 'ess_threshold', 'select', 'resample_when')
    """
    return tuple(_fields(name))


def _class(name: str | type) -> Any:
    """Return the class, a dataclass whose first field is the number of particles."""
    if isinstance(name, str):
        if name not in SAMPLERS:
            raise InputError(f"sampler {name!r} is not known, only {', '.join(SAMPLERS)}")
        return SAMPLERS[name]
    fields = dataclasses.fields(name) if dataclasses.is_dataclass(name) else ()
    if not fields or fields[0].name != "n_particles":
        raise InputError(f"{name.__name__}: not a dataclass whose first field is n_particles")
    return name


def _fields(name: str | type) -> dict[str, object]:
    """Options of a sampler other than `n_particles`, with their defaults or MISSING."""
    return {
        f.name: _default(f) for f in dataclasses.fields(_class(name)) if f.name != "n_particles"
    }


def _default(field: dataclasses.Field[Any]) -> object:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _label(name: str | type) -> str:
    return name if isinstance(name, str) else name.__name__

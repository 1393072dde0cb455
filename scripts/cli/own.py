"""Statements and samplers in files of a user's own: FILE.py, or FILE.py:NAME."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.samplers.base import Sampler
    from simulator.samplers.reweighted.rule import Rule
    from simulator.text.problem import LanguagePRM
    from theory.statement import Bound

__all__ = [
    "fault_of_a_file",
    "file_of",
    "guarded",
    "make_named_sampler",
    "named_aggregations",
    "named_function",
    "named_object",
    "named_prm",
    "named_statements",
]

OWN = "particlebounds_own_"  # begins the names of modules that are a user's files


def named_statements(wanted: list[str]) -> list[Bound]:
    """Return statements by registered id, or those of files.

    Parameters
    ----------
    wanted : list of str
        Each an id, FILE.py for all that the file holds, or FILE.py:NAME.

    Raises
    ------
    InputError
        If an id is not known, or a file cannot be loaded or holds no statement.
    """
    from theory.registry import BOUNDS, bound_named
    from theory.statement import Bound

    out: list[Bound] = []
    for text in wanted:
        path, name = _split(text)
        if path is None:
            out.append(bound_named(text, _remark))
            continue
        held = {k: v for k, v in vars(_load(path)).items() if isinstance(v, Bound)}
        own = {k: v for k, v in held.items() if v not in BOUNDS.values()}
        if not own:
            raise InputError(f"{path}: holds no statement; decorate a function with theory.bound")
        if name and name not in own:
            raise InputError(f"{path}: holds no statement {name!r}, only {', '.join(own)}")
        out += [own[name]] if name else own.values()
    return out


def make_named_sampler(text: str, n_particles: int | None, settings: list[str]) -> Sampler:
    """Make a registered sampler, or one of a class in a file.

    Parameters
    ----------
    text : str
        A registered name, or FILE.py:CLASS.
    n_particles : int or None
        None for the sampler's own default, or else 4.
    settings : list of str
        Options key=value.

    Raises
    ------
    InputError
        If the name is not known, the file cannot be loaded or does not hold the class, or an
        option is not one of the sampler.
    """
    from simulator.samplers.registry import make_sampler, parse_options

    path, name = _split(text)
    if path is None:
        return make_sampler(text, n_particles, **parse_options(text, settings))
    found = vars(_load(path))
    classes = [k for k, v in found.items() if isinstance(v, type) and v.__module__ == _name(path)]
    if not name:
        raise InputError(f"{path}: name a class, {path}:CLASS; it holds {_some(classes)}")
    cls = found.get(name)
    if not isinstance(cls, type):
        raise InputError(f"{path}: holds no class {name!r}; it holds {_some(classes)}")
    options = parse_options(cls, settings)
    try:
        return make_sampler(cls, n_particles, **options)
    except InputError:
        raise
    except Exception as fault:
        raise _told(path, fault) from None


def named_aggregations(wanted: list[str]) -> list[Rule]:
    """Make rules of functions in files.

    Parameters
    ----------
    wanted : list of str
        Each FILE.py:FUNCTION, a function of the scores of a path so far.

    Raises
    ------
    InputError
        If a file cannot be loaded or does not hold the function.
    """
    from simulator.samplers.reweighted.aggregations import aggregation

    out: list[Rule] = []
    for text in wanted:
        function = _callable(text, named_object(text, "aggregation"))
        summary = (function.__doc__ or "").strip().partition("\n")[0]
        out.append(aggregation(_split(text)[1], function, summary))
    return out


def named_object(text: str, what: str) -> object:
    """Return what a file holds under a name.

    Parameters
    ----------
    text : str
        FILE.py:NAME.
    what : str
        What the message calls it.

    Raises
    ------
    InputError
        If the text is not of this form, the file cannot be loaded or does not hold the name.
    """
    path, name = _split(text)
    if path is None or not name:
        raise InputError(f"{what} {text!r} is not FILE.py:FUNCTION")
    held = vars(_load(path))
    if name not in held:
        raise InputError(f"{path}: holds no function {name!r}")
    return held[name]


def named_function(text: str, what: str) -> Callable[..., Any]:
    """Return a function of a file that tells in one line whatever goes wrong in it.

    Parameters
    ----------
    text, what : str
        As in `named_object`.

    Raises
    ------
    InputError
        As `named_object` does, or if it is no function.
    """
    return guarded(text, _callable(text, named_object(text, what)))


def named_prm(text: str) -> LanguagePRM:
    """Return a PRM for texts that a file holds.

    Parameters
    ----------
    text : str
        FILE.py:NAME, of a `LanguagePRM` or of a function of texts to numbers >= 0, which is both V^
        and the reward then.

    Raises
    ------
    InputError
        As `named_object` does, or if it is neither.
    """
    from simulator.text.prms import TextPRM
    from simulator.text.problem import LanguagePRM

    found = named_object(text, "prm")
    if isinstance(found, LanguagePRM):
        return found
    if isinstance(found, type) or not callable(found):
        raise InputError(f"{text}: is neither a function of texts nor a PRM")
    return TextPRM(guarded(text, found))


def guarded(text: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of a file tell in one line whatever goes wrong in it.

    Parameters
    ----------
    text : str
        FILE.py:FUNCTION.
    function : callable
        What was found there.
    """

    @wraps(function)
    def told(*args: object, **options: object) -> object:
        try:
            return function(*args, **options)
        except InputError:
            raise
        except Exception as fault:
            raise _told(Path(text), fault) from None

    return told


def fault_of_a_file(fault: Exception) -> InputError | None:
    """Tell in one line what went wrong in a user's file while a command ran.

    Parameters
    ----------
    fault : Exception
        What ended the command.

    Returns
    -------
    InputError or None
        File, line and fault; None if no file of a user's own took part in it.
    """
    own = {m.__file__ for name, m in list(sys.modules.items()) if name.startswith(OWN)}
    passed = [f.filename for f in traceback.extract_tb(fault.__traceback__) if f.filename in own]
    return _told(Path(passed[-1]), fault) if passed else None


def file_of(text: str) -> Path:
    """Return the file of FILE.py:FUNCTION.

    Parameters
    ----------
    text : str
        The file and the name, which must be given.
    """
    return _split(text)[0] or Path(text)


def _remark(line: str) -> None:
    print(f"particlebounds: {line}", file=sys.stderr)


def _callable(text: str, found: object) -> Callable[..., Any]:
    path, name = _split(text)
    if not callable(found):
        raise InputError(f"{path}: holds no function {name!r}")
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names) or "no class"


def _split(text: str) -> tuple[Path | None, str]:
    """File and name; no file if it is a registered name."""
    head, colon, name = text.rpartition(":")
    if colon and head.endswith(".py"):
        return Path(head), name
    return (Path(text), "") if text.endswith(".py") else (None, "")


def _name(path: Path) -> str:
    return f"{OWN}{path.stem}"


def _load(path: Path) -> ModuleType:
    """Import a file; whatever goes wrong in it is told in one line."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    spec = importlib.util.spec_from_file_location(_name(path), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as fault:
        raise _told(path, fault) from None
    return module


def _told(path: Path, fault: BaseException) -> InputError:
    """One line for whatever went wrong in a user's file, and in which line of it."""
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    message = " ".join(str(fault).split())
    return InputError(f"{where}: {type(fault).__name__}: {message}")

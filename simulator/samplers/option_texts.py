"""Options as texts ``key=value``, of the types of their defaults."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence

from simulator.errors import InputError

__all__ = ["check_option", "read_options"]


def read_options(
    owner: str, settings: Sequence[str], defaults: Mapping[str, object]
) -> dict[str, object]:
    """Read options from texts ``key=value``.

    Parameters
    ----------
    owner : str
        What has the options, in messages.
    settings : sequence of str
        The texts.
    defaults : mapping
        Each option with its default, or `dataclasses.MISSING` where nothing says its type.

    Returns
    -------
    dict
        Values of the types of the options' defaults; of None a text.

    Raises
    ------
    InputError
        If a text is malformed, a key is unknown or given twice, or a value is not of its type.

    Examples
    --------
    >>> read_options("judge", ["beta=2", "tag=#"], {"beta": 1.0, "tag": ""})
    {'beta': 2.0, 'tag': '#'}
    """
    out: dict[str, object] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"option {text!r}: not of the form key=value")
        check_option(owner, key, defaults)
        if key in out:
            raise InputError(f"option {key!r} is given twice")
        out[key] = _value(key, value, defaults[key])
    return out


def check_option(owner: str, key: str, defaults: Mapping[str, object]) -> None:
    """Refuse an option that is not there.

    Parameters
    ----------
    owner : str
        What has the options, in the message.
    key : str
        Name of the option.
    defaults : mapping
        Those that there are.

    Raises
    ------
    InputError
        If it is none of them.
    """
    if key not in defaults:
        raise InputError(f"{owner} has no option {key!r}, only {', '.join(defaults) or 'none'}")


def _value(key: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise InputError(f"option {key}: {text!r} is not true or false")
    if default == "auto":  # where it is worked out; else a number or a name, which the owner knows
        read = _as_number(text)
        return float(read) if isinstance(read, int) else read
    if isinstance(default, (int, float)):
        kind = int if isinstance(default, int) else float
        try:
            return kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise InputError(f"option {key}: {text!r} is not {what}") from None
    if default is dataclasses.MISSING:  # nothing says of which type it is
        return _as_number(text)
    return text


def _as_number(text: str) -> object:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text

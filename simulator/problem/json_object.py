"""JSON objects of known fields, in files and in lines of files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import InputError

__all__ = ["known_fields", "parse_object", "read_object"]


def read_object(file: Path) -> dict[str, object]:
    """Read a file that holds one JSON object, in which no key is given twice.

    Parameters
    ----------
    file : Path
        UTF-8 text.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If it holds anything else; one line without the name of the file.
    OSError
        If it cannot be read.
    """
    try:
        return parse_object(file.read_bytes().decode("utf-8-sig"), tell_line=True)
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text") from None


def parse_object(text: str, *, tell_line: bool = False) -> dict[str, object]:
    """Read a text that is one JSON object, in which no key is given twice.

    Parameters
    ----------
    text : str
        The text.
    tell_line : bool, optional
        Whether messages name the line; a caller who reads a line at a time names it himself.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If it is anything else.
    """

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        out = dict(pairs)
        if len(out) < len(pairs):
            keys = [k for k, _ in pairs]
            twice = next(k for k in keys if keys.count(k) > 1)
            raise InputError(f"{twice!r:.60} is given twice")
        return out

    try:
        content = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as fault:
        line = f"line {fault.lineno}: " if tell_line else ""
        raise InputError(f"not JSON: {line}{fault.msg}") from None
    except RecursionError:
        raise InputError("nested too deeply") from None
    except InputError:
        raise
    except ValueError:  # a whole number with thousands of digits
        raise InputError("a number is too long") from None
    if not isinstance(content, dict):
        raise InputError("not one JSON object")
    return content


def known_fields(content: Mapping[str, object], fields: tuple[str, ...], where: str) -> None:
    """Refuse an object with a field that is not known.

    Parameters
    ----------
    content : mapping
        The object.
    fields : tuple of str
        The known ones.
    where : str
        How the message begins.

    Raises
    ------
    InputError
        If there is one; the line names all that are known.
    """
    for key in content:
        if key not in fields:
            raise InputError(f"{where}{key!r:.60} is not a field, only {', '.join(fields)} are")

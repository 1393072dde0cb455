"""Pages of what is registered, written as reStructuredText from the registries themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import typer

from scripts.cli.app import app
from scripts.docs.worst import atlas
from simulator.problem.library import ready_problems
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.registry import SAMPLERS
from theory.notation import SYMBOLS
from theory.registry import BOUNDS, CLAIMS

__all__ = [
    "PAGES",
    "bounds",
    "claims",
    "commands",
    "notation",
    "plain",
    "problems",
    "resampling",
    "samplers",
]

# what keeps its meaning in our docstrings: literals, strong words and links
MARKUP = re.compile(r"(``.+?``|`[^`]+`_?|\*\*[\w ]+\*\*)")
SPECIAL = re.compile(r"([*|`]|(?<=\w)_(?!\w))")
BULLET = re.compile(r"\s*\* ")


def plain(lines: list[str]) -> list[str]:
    r"""Escape formulas such as V* and |x| in a docstring, which markup would take for its own.

    Parameters
    ----------
    lines : list of str
        Of a docstring.

    Returns
    -------
    list of str
        Examples, literals, bullets and **strong words** are as they were.

    Examples
    --------
    >>> print(plain(["* V* and x_ in ``V*``, **exact**", ">>> 2 ** 3"]))
    ['* V\\* and x\\_ in ``V*``, **exact**', '>>> 2 ** 3']
    """
    out = []
    literal = -1  # indentation of the paragraph that a literal block belongs to
    example = False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if line.strip() and indent <= literal:
            literal = -1
        if example or literal >= 0:
            out.append(line)
            continue
        head = BULLET.match(line)
        start = head.end() if head else 0
        parts = MARKUP.split(line[start:])
        parts[::2] = [SPECIAL.sub(r"\\\1", p) for p in parts[::2]]
        out.append(line[:start] + "".join(parts))
        if line.rstrip().endswith("::"):
            literal = indent
    return out


def bounds() -> str:
    """Write the gallery of bounds."""
    return "".join(
        _entry(
            b.id, b.title,
            {
                "Kind": f"{b.kind} bound" if b.kind != "exact" else "exact",
                "Formula": f"``{b.formula}``",
                "Assumptions": _text("; ".join(a.text for a in b.assumptions)) or "none",
                "Reference": _text(b.reference),
            },
            f".. autofunction:: {b.function.__module__}.{b.function.__name__}",
        )
        for b in BOUNDS.values()
    )  # fmt: skip


def claims() -> str:
    """Write the gallery of claims."""
    return "".join(
        _entry(
            c.id, c.title,
            {"Kind": c.kind, "Statement": _text(c.statement), "Reference": _text(c.reference)},
            f".. automodule:: {c.function.__module__}\n   :no-index:",
        )
        for c in CLAIMS.values()
    )  # fmt: skip


def samplers() -> str:
    """Write the list of samplers, each with a link to its class."""
    return _definitions(
        {name: f"{_first_line(kind)} :class:`simulator.{kind.__name__}`"
         for name, kind in SAMPLERS.items()}
    )  # fmt: skip


def resampling() -> str:
    """Write the list of resampling schemes."""
    return _definitions({k: _first_line(inspect.getmodule(s.plain)) for k, s in SCHEMES.items()})


def problems() -> str:
    """Write the list of ready problems with their parameters."""
    lines = {}
    for name, (maker, text) in ready_problems().items():
        parameters = inspect.signature(maker).parameters.values()
        given = ", ".join(f"``{p.name}={p.default}``" for p in parameters)
        lines[name] = f"{_text(text)}.\n   {given or 'No parameters.'}"
    return _definitions(lines)


def notation() -> str:
    """Write the glossary: each symbol with its meaning, number and value in Python.

    Returns
    -------
    str
    """
    return _definitions(
        {s.text: f"{s.name}. {_text(s.meaning)} [{s.reference}; ``{s.code}``]" for s in SYMBOLS}
    )


def commands() -> str:
    """Write the help of every command."""
    group = typer.main.get_command(app)
    return "".join(_help(group, "particlebounds", None))


def _help(command: Any, name: str, above: Any) -> list[str]:
    context = command.context_class(
        command, info_name=name.split()[-1], parent=above, terminal_width=84
    )
    below = getattr(command, "commands", None)
    if below is None:
        text = "\n".join(f"   {line}" for line in command.get_help(context).splitlines())
        return [f"{_title(name)}::\n\n{text}\n\n"]
    return [t for key, each in below.items() for t in _help(each, f"{name} {key}", context)]


def _entry(name: str, title: str, fields: dict[str, str], details: str) -> str:
    listed = "\n".join(f":{key}: {value}" for key, value in fields.items())
    return f"{_title(f'{name}: {_text(title)}')}{listed}\n\n{details}\n\n"


def _title(text: str) -> str:
    return f"{text}\n{'-' * len(text)}\n\n"


def _definitions(lines: dict[str, str]) -> str:
    return "".join(f"``{name}``\n   {text}\n\n" for name, text in lines.items())


def _text(text: str) -> str:
    return plain([text])[0]


def _first_line(documented: object) -> str:
    return _text((inspect.getdoc(documented) or "").splitlines()[0])


PAGES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (atlas, bounds, claims, commands, notation, problems, resampling, samplers)
}

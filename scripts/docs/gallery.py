"""Pages of what is registered, written as reStructuredText from the registries themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from scripts.cli.app import app
from scripts.docs.pictures import figures
from scripts.docs.prose import of_latex, of_prose
from scripts.docs.worst import atlas
from simulator.problem.library import ready_problems
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.registry import SAMPLERS
from theory.claim import Claim
from theory.notation import SYMBOLS
from theory.registry import CLAIM_GROUPS, GROUPS
from theory.statement import Bound

__all__ = [
    "PAGES",
    "bounds",
    "claims",
    "commands",
    "figures",
    "notation",
    "problems",
    "resampling",
    "samplers",
]


def bounds() -> str:
    """Write the gallery of bounds, by group."""
    return _groups(GROUPS, _bound)


def claims() -> str:
    """Write the gallery of claims, by group."""
    return _groups(CLAIM_GROUPS, _claim)


def _groups(groups: dict[str, tuple[Any, ...]], entry: Callable[[Any], str]) -> str:
    return "".join(_title(name) + "".join(map(entry, group)) for name, group in groups.items())


def _bound(b: Bound) -> str:
    return _entry(
        b.id, b.title,
        {
            "Kind": f"{b.kind} bound" if b.kind != "exact" else "exact",
            "Formula": of_latex(b.latex),
            "Rate": of_prose(b.rate) or "not said",
            "Assumptions": of_prose("; ".join(a.text for a in b.assumptions)) or "none",
            "Reference": of_prose(b.reference),
        },
        f".. autofunction:: {b.function.__module__}.{b.function.__name__}",
    )  # fmt: skip


def _claim(c: Claim) -> str:
    return _entry(
        c.id, c.title,
        {
            "Kind": c.kind,
            "Statement": of_latex(c.latex),
            "Reference": of_prose(c.reference),
        },
        f".. automodule:: {c.function.__module__}\n   :no-index:",
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
        lines[name] = f"{of_prose(text)}.\n   {given or 'No parameters.'}"
    return _definitions(lines)


def notation() -> str:
    """Write the glossary: each symbol with its meaning, number and value in Python.

    Returns
    -------
    str
    """
    return "".join(
        f":math:`{s.latex}` : {of_prose(s.name)}\n"
        f"   {of_prose(s.meaning)} [{s.reference}; in Python "
        f"{', '.join(f'``{code}``' for code in s.code.split(', '))}; "
        f"docstrings write ``{s.text}``]\n\n"
        for s in SYMBOLS
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
    return f"{_title(f'{name}: {of_prose(title)}', '~')}{listed}\n\n{details}\n\n"


def _title(text: str, line: str = "-") -> str:
    return f"{text}\n{line * len(text)}\n\n"


def _definitions(lines: dict[str, str]) -> str:
    return "".join(f"``{name}``\n   {text}\n\n" for name, text in lines.items())


def _first_line(documented: object) -> str:
    return of_prose((inspect.getdoc(documented) or "").splitlines()[0])


PAGES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (atlas, bounds, claims, commands, figures, notation, problems, resampling, samplers)
}

"""The `import` commands: models of other tools as problem files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.cli.change import print_change

if TYPE_CHECKING:
    from simulator.problem.importers.imported import Imported
    from simulator.problem.problem import PRM

__all__ = ["importing"]

importing = typer.Typer(
    help="Make a problem file from a model of another tool.", no_args_is_help=True
)

OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="Problem file to write, .json or .npz.")
]
PrmOption = Annotated[
    str | None,
    typer.Option("--prm", help="V^: exact, noisy, constant, ...; hmm has bootstrap too."),
]
NormaliseOption = Annotated[
    bool, typer.Option("--normalise", help="Divide rows by their sums, if nearly 1.")
]


@importing.command()
def hmm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: initial, transition, ...")],
    out: OutOption,
    states: Annotated[
        Literal["hidden", "filters"],
        typer.Option(help="Sample hidden states given the observations, or symbols."),
    ] = "hidden",
    horizon: Annotated[
        int | None, typer.Option(min=1, help="Number of symbols, where states are filters.")
    ] = None,
    prm: PrmOption = None,
    normalise: NormaliseOption = False,
) -> None:
    """Read a hidden Markov model: states are hidden states or filters."""
    from simulator.problem.importers.hidden_markov_file import import_hidden_markov

    rule = prm if prm == "bootstrap" and states == "hidden" else _prm(prm)
    made = import_hidden_markov(file, states=states, horizon=horizon, prm=rule, normalise=normalise)
    _write(made, out, normalise)


@importing.command()
def prism(
    file: Annotated[Path, typer.Argument(metavar="MODEL.tra", help="Transitions.")],
    target: Annotated[str, typer.Option(help="Label of the states to reach.")],
    horizon: Annotated[int, typer.Option(min=1, help="Within so many steps H.")],
    out: OutOption,
    labels: Annotated[
        Path | None, typer.Option(help="Labels.  [default: MODEL.lab]", show_default=False)
    ] = None,
    prm: PrmOption = None,
    normalise: NormaliseOption = False,
) -> None:
    """Read an explicit Markov chain of PRISM or Storm: Z is P(F<=H target)."""
    from simulator.problem.importers.prism import import_prism

    made = import_prism(
        file,
        target=target,
        horizon=horizon,
        labels=labels,
        prm=_prm(prm) or "exact",
        normalise=normalise,
    )
    _write(made, out, normalise)


@importing.command()
def arpa(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An n-gram model.")],
    pattern: Annotated[str, typer.Option(help="What all of a text must match, without anchors.")],
    horizon: Annotated[int, typer.Option(min=1, help="Tokens of a text.")],
    out: OutOption,
    unit: Annotated[
        Literal["words", "characters"], typer.Option(help="What the file's tokens are.")
    ] = "words",
    prm: Annotated[
        str, typer.Option("--prm", help="V^: mask, expected, exact, noisy, ...")
    ] = "mask",
) -> None:
    """Read an n-gram model (ARPA): Z is the probability that a text matches."""
    from simulator.problem.importers.arpa import import_arpa

    made = import_arpa(file, pattern=pattern, horizon=horizon, unit=unit, prm=prm)
    _write(made, out, normalise=True)


def _prm(name: str | None) -> PRM | None:
    from simulator.problem.prms import named_prm

    return None if name is None else named_prm(name)


def _write(made: Imported, out: Path, normalise: bool) -> None:
    from simulator.problem.files import save_problem

    for line in made.remarks:
        print(f"particlebounds: {line}", file=sys.stderr)
    if normalise:
        print_change(made.largest_change)
    problem = made.problem
    save_problem(problem, out)
    sizes = f"H = {problem.horizon}, {problem.model.n_actions} tokens"
    most = int(problem.model.n_states.max())
    print(f"{out}: {sizes}, at most {most} states a level, log Z = {problem.log_z:.12g}")

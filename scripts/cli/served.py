"""A model behind a server, as it is named on the command line: options, checks, the model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.language_models.completions import CompletionsLM

__all__ = [
    "ConcurrencyOption",
    "NameOption",
    "PieceOption",
    "PieceTokensOption",
    "ServedOption",
    "TimeoutOption",
    "UnseededOption",
    "check_served",
    "served_model",
]


def _new_lines(texts: list[str] | None) -> list[str]:
    return [text.replace("\\n", "\n") for text in texts or ()]


ServedOption = Annotated[
    str,
    typer.Option(
        "--model", help="Name or folder, or http://HOST:PORT/v1; the packaged model by default."
    ),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of a served model on its server.")
]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", min=1, help="Most requests to a server at once.")
]
UnseededOption = Annotated[
    bool,
    typer.Option("--unseeded", help="For servers that heed no seeds: texts differ each time."),
]
TimeoutOption = Annotated[
    float,
    typer.Option("--timeout", help="Seconds of a server's silence, then it is asked again."),
]
PieceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--delimiter",
        callback=_new_lines,
        help="Text of a token (of a served model: any text) that ends a step, which is a level "
        "then; \\n is a new line.",
    ),
]
PieceTokensOption = Annotated[
    int,
    typer.Option(
        "--step-tokens", min=1, help="Most tokens a step, with --delimiter or a served model."
    ),
]


def check_served(model: str, name: str | None, unseeded: bool) -> bool:
    """Say whether a model is served, and refuse options that do not go with it.

    Parameters
    ----------
    model : str
        Name, folder or address.
    name : str or None
        The model's name on its server.
    unseeded : bool
        Whether requests have no seeds.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If an address comes without a name, or the others without an address.

    Examples
    --------
    >>> check_served("http://127.0.0.1:8000/v1", "m", False)
    True
    >>> check_served("gpt2", None, False)
    False
    """
    from simulator.language_models.endpoint import is_address

    served = is_address(model)
    if served and name is None:
        raise InputError(f"--model {model}: --name says which of the server's models is meant")
    if not served and (name is not None or unseeded):
        raise InputError("--name and --unseeded go with --model http://HOST:PORT/v1")
    return served


@cache
def served_model(
    address: str,
    name: str,
    delimiters: tuple[str, ...],
    step_tokens: int,
    unseeded: bool,
    concurrency: int,
    timeout: float,
) -> CompletionsLM:
    """Return the model; equal arguments give the same, which knows what its server does.

    Parameters
    ----------
    address, name : str
        Of the server, and of the model on it.
    delimiters : tuple of str
        Texts that end a piece.
    step_tokens : int
        Most tokens a piece.
    unseeded : bool
        Whether requests have no seeds.
    concurrency : int
        Most requests at once.
    timeout : float
        Seconds.

    Raises
    ------
    InputError
        As in `CompletionsLM`.
    """
    from simulator.language_models.completions import CompletionsLM

    return CompletionsLM(
        address, name, delimiters=delimiters, step_tokens=step_tokens,
        reproducible=not unseeded, concurrency=concurrency, timeout=timeout,
    )  # fmt: skip

"""Files of hidden Markov models.

One JSON object holds the model with K hidden states and M symbols, both counted from 0::

    {"initial": [K numbers], "transition": [K rows of K], "emission": [K rows of M],
     "observations": [y_1, ..., y_H], "reward": [K numbers], "name": "..."}

``observations``, ``reward`` (of the last hidden state, ones by default) and ``name`` may be
omitted; reading ``states="hidden"`` needs observations, and ``"filters"`` a horizon.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simulator.checks import check_choice, reading
from simulator.errors import InputError
from simulator.problem.files import check_line
from simulator.problem.importers.hidden_markov import HiddenMarkov
from simulator.problem.importers.imported import Imported
from simulator.problem.json_object import known_fields, read_object
from simulator.problem.problem import PRM, Problem

__all__ = ["STATES", "import_hidden_markov"]

STATES = ("hidden", "filters")
MATRICES = ("initial", "transition", "emission")
FIELDS = (*MATRICES, "observations", "reward", "name")


def import_hidden_markov(
    path: str | os.PathLike[str],
    *,
    states: str = "hidden",
    horizon: int | None = None,
    prm: str | PRM | None = None,
    normalise: bool = False,
) -> Imported:
    """Read a hidden Markov model as a problem.

    Parameters
    ----------
    path : str or path
        A file as above.
    states : {"hidden", "filters"}, optional
        What a state is: `HiddenMarkov.hidden` asks for the hidden states given the
        observations, `HiddenMarkov.filters` for the symbols.
    horizon : int, optional
        Number of symbols where states are filters; by default that of the observations.
    prm : str or PRM, optional
        By default "bootstrap" for hidden states and "exact" for filters.
    normalise : bool, optional
        As in `TabularModel`.

    Returns
    -------
    Imported

    Raises
    ------
    InputError
        If anything is malformed; one line that begins with the file.

    Examples
    --------
    >>> import_hidden_markov("missing.json")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.json: no such file
    """
    check_choice("states", states, STATES)
    file = Path(path)
    with reading(file):
        try:
            content: dict[str, Any] = read_object(file)
            known_fields(content, FIELDS, "")
            for key in MATRICES:
                if key not in content:
                    raise InputError(f"{key}: missing")
            check_line("name", content.setdefault("name", file.stem))
            model = HiddenMarkov(*(content[key] for key in MATRICES), normalise=normalise)
            return Imported(_problem(model, content, states, horizon, prm), model.largest_change)
        except InputError as fault:
            raise type(fault)(f"{file}: {fault}") from None


def _problem(
    model: HiddenMarkov,
    content: dict[str, Any],
    states: str,
    horizon: int | None,
    prm: str | PRM | None,
) -> Problem:
    seen, reward, name = content.get("observations"), content.get("reward"), content["name"]
    if states == "filters":
        if horizon is None and not isinstance(seen, list):
            raise InputError("horizon: needed where the file holds no observations")
        length = len(seen) if horizon is None else horizon  # type: ignore[arg-type]
        return model.filters(length, reward=reward, prm="exact" if prm is None else prm, name=name)
    if horizon is not None:
        raise InputError("horizon: is the number of observations where states are hidden")
    if seen is None:
        raise InputError("observations: missing")
    return model.hidden(seen, reward=reward, prm="bootstrap" if prm is None else prm, name=name)

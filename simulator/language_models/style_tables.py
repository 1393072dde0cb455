"""Next-token tables of the default model under the plain prompt and the fifty styles."""

from __future__ import annotations

import io
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from simulator.language_models.prompts import prompts
from simulator.language_models.tabulate import tabulate
from simulator.problem.model import TabularModel
from simulator.text.language_model import LanguageModel

__all__ = ["HORIZON", "WORDS", "make_style_tables", "style_facts", "style_table"]

WORDS, HORIZON = (" I", " the", " you"), 4


def style_table(index: int | None) -> TabularModel:
    """Return the packaged table of a style, or of the plain prompt; no model is needed.

    Parameters
    ----------
    index : int or None
        0..49; None for the plain prompt.

    Returns
    -------
    TabularModel
        A tree over the three `WORDS`, H = 4.

    Examples
    --------
    >>> style_table(0).n_states.tolist()
    [1, 3, 9, 27, 81]
    """
    rows = _archive()["tables"][0 if index is None else index + 1]
    sizes = [len(WORDS) ** h for h in range(HORIZON)]
    return TabularModel.tree(np.split(rows, np.cumsum(sizes)[:-1]))


def style_facts() -> dict[str, Any]:
    """Return where the tables come from.

    Returns
    -------
    dict
        Keys "model", "words", "horizon", "prompts".

    Examples
    --------
    >>> style_facts()["prompts"] == [prompts()["plain"], *prompts()["styles"]]
    True
    """
    facts: dict[str, Any] = json.loads(str(_archive()["meta"]))
    return facts


def make_style_tables(lm: LanguageModel, out: Path, name: str) -> None:
    """Tabulate a model under all prompts and write the archive.

    Parameters
    ----------
    out : Path
        An .npz file.
    name : str
        Of the model, for the archive.
    """
    texts = [prompts()["plain"], *prompts()["styles"]]
    models = [tabulate(lm, text, WORDS, HORIZON) for text in texts]
    facts = {"model": name, "words": WORDS, "horizon": HORIZON, "prompts": texts}
    tables = np.array([np.concatenate(m.probs) for m in models])
    np.savez_compressed(out, tables=tables, meta=json.dumps(facts))


@cache
def _archive() -> dict[str, Any]:
    raw = files("simulator.language_models").joinpath("data", "styles.npz").read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}

"""Prompt switching on the next-token tables of a real language model."""

from __future__ import annotations

import io
import json
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice
from simulator.problem.model import TabularModel
from simulator.problem.prms import named_prm
from simulator.problem.problem import PRM, Problem

__all__ = ["TABLE_NAMES", "language_model_table", "table_facts", "target_model"]

TABLE_NAMES = ("digits2", "review")


def language_model_table(
    table: str = "digits2",
    prm: str | PRM = "exact",
    *,
    sigma: float = 0.5,
    beta: float = 0.5,
    cap: float = 1.5,
    seed: int = 0,
) -> Problem:
    """Return the problem of turning one prompt of a language model into another.

    With M(. | prompt) the model's law on sequences over a small vocabulary
    (arXiv 2603.07887, section on prompt switching)::

        pi_ref = M(. | prompt_ref),   r(y) = M(y | prompt_target) / M(y | prompt_ref)

    so that pi* = M(. | prompt_target), V*(prefix) = the same ratio on prefixes, and Z = 1.
    The tables come from SmolLM2-135M-Instruct; see ``simulator/problem/data/README.md``.

    Parameters
    ----------
    table : {"digits2", "review"}, optional
        "digits2": ten digits, H = 4, from a random number to a year of the twentieth
        century. "review": eight words, H = 5, from a film review to an angry one.
    prm : str or PRM, optional
        A name of `simulator.problem.prms.PRM_NAMES`, or a rule.
    sigma, beta, cap : float, optional
        Of the noisy, tempered and capped PRM.
    seed : int, optional
        Of the noisy PRM.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If the table or the PRM is not known.

    Examples
    --------
    >>> problem = language_model_table("digits2")
    >>> problem.horizon, problem.model.n_actions, bool(abs(problem.log_z) < 1e-12)
    (4, 10, True)
    """
    ref, target = _model(table, "ref"), target_model(table)
    log_ratio = np.zeros(1)
    for p, q in zip(ref.probs, target.probs, strict=True):
        log_ratio = (log_ratio[:, None] + np.log(q) - np.log(p)).ravel()
    rule = (
        named_prm(prm, sigma=sigma, beta=beta, cap=cap, seed=seed) if isinstance(prm, str) else prm
    )
    kind = "" if prm == "exact" else "-noisy" if prm == "noisy" else f":prm={prm}"
    return Problem.from_log(ref, log_ratio, rule, name=f"lm-{table}{kind}")


def target_model(table: str) -> TabularModel:
    """Return the model under the second prompt, whose law on sequences is the target.

    Parameters
    ----------
    table : {"digits2", "review"}
        As in `language_model_table`.

    Returns
    -------
    TabularModel

    Raises
    ------
    InputError
        If the table is not known.

    Examples
    --------
    >>> target_model("review").n_states.tolist()
    [1, 8, 64, 512, 4096, 32768]
    """
    return _model(table, "target")


def table_facts(table: str) -> dict[str, object]:
    """Return where a table comes from and what its tokens are.

    Parameters
    ----------
    table : {"digits2", "review"}
        As in `language_model_table`.

    Returns
    -------
    dict
        Keys ``prompt_ref``, ``prompt_target``, ``vocabulary``, ``model``, ``horizon``.

    Raises
    ------
    InputError
        If the table is not known.

    Examples
    --------
    >>> table_facts("digits2")["prompt_ref"]
    'A random number: '
    """
    facts: dict[str, object] = json.loads(str(_arrays(table)["meta"]))
    return facts


def _model(table: str, side: str) -> TabularModel:
    arrays = _arrays(table)
    horizon = int(json.loads(str(arrays["meta"]))["horizon"])
    return TabularModel.tree([arrays[f"{side}{h}"] for h in range(horizon)])


@cache
def _arrays(table: str) -> dict[str, npt.NDArray[np.generic]]:
    check_choice("table", table, TABLE_NAMES)
    raw = files("simulator.problem").joinpath("data", f"lm_{table}.npz").read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}

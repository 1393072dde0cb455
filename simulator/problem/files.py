"""Problem files: JSON for reading and writing by hand, .npz for large problems.

A JSON file is one object::

    {"format": "particlebounds-problem/1", "name": "...",
     "stages": [{"probs": [[...]], "next_state": [[...]], "edge_reward": [[...]]}, ...],
     "reward": [...], "prm": [[V^(root)], ..., [...]]}

``next_state`` may be omitted (a tree stage: child of s by a is s*A + a), ``edge_reward`` too
(all ones), ``name`` too, and ``"prm": "exact"`` means V*. ``note``, a line for those who read the
file, may be added and changes nothing. An .npz file holds the same as arrays ``format``, ``name``,
``probs0``, ``next_state0``, ``edge_reward0``, ..., ``reward``, and
``prm0``, ... or ``prm`` = "exact".
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from simulator.checks import reading
from simulator.errors import InputError
from simulator.problem.json_object import known_fields, read_object
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem, check_tabular
from simulator.typing import Floats

__all__ = ["FORMAT", "load_problem", "save_problem"]


FORMAT = "particlebounds-problem/1"
FIELDS = ("format", "name", "note", "stages", "reward", "prm")
STAGE_FIELDS = ("probs", "next_state", "edge_reward")
# what zipfile, zlib and numpy raise at damaged, encrypted and absurdly large archives
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, tokenize.TokenError, EOFError, ValueError, KeyError,
    RuntimeError, MemoryError,
)  # fmt: skip
ARRAY_NAME = re.compile(r"(probs|next_state|edge_reward|prm)(0|[1-9][0-9]*)")


def load_problem(path: str | os.PathLike[str], *, normalise: bool = False) -> Problem:
    """Read a problem file.

    Parameters
    ----------
    path : str or path
        Ends in .json or .npz.
    normalise : bool, optional
        As in `TabularModel`; ``problem.model.largest_change`` says how far rows were off.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If anything is malformed; one line that names the file, the stage and the row.

    Examples
    --------
    >>> load_problem("missing.json")
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.json: no such file
    """
    file = Path(path)
    readers = {".json": read_object, ".npz": _read_npz}
    if file.suffix.lower() not in readers:
        raise InputError(f"{file}: a problem file must end in .json or .npz")
    with reading(file):
        try:
            return _build(readers[file.suffix.lower()](file), file.stem, normalise)
        except InputError as fault:
            raise type(fault)(f"{file}: {fault}") from None


def save_problem(problem: Problem, path: str | os.PathLike[str], *, note: str = "") -> None:
    """Write a problem file that `load_problem` reads; it appears whole or not at all.

    A problem that was made from tables of V^ comes back with the same digest. Where V^ was
    computed as a logarithm it is rounded to a float, which may change the last bit.

    Parameters
    ----------
    problem : Problem
        What is written, with its name.
    path : str or path
        Ends in .json or .npz.
    note : str, optional
        A line for those who read the file.

    Raises
    ------
    InputError
        If the path ends otherwise, a value is beyond the range of floats, the problem's name or
        the note is no line of text, or the file cannot be written.
    """
    check_tabular(problem, "save_problem")
    file = Path(path)
    try:
        check_line("name", problem.name)
        check_line("note", note)
    except InputError as fault:
        raise InputError(f"{file}: {fault}") from None
    values, reward = _exp(problem.log_prm_flat), _exp(problem.log_reward)
    prm = problem.model.split(values)
    lost = (values == 0) & np.isfinite(problem.log_prm_flat)  # leaves are rewards
    if lost.any() or not np.isfinite(values).all():
        raise InputError(f"{file}: values beyond the range of floats cannot be written")
    stages: list[dict[str, object]] = []
    for h in range(problem.horizon):
        stage: dict[str, object] = {
            "probs": problem.model.probs[h],
            "next_state": problem.model.next_state[h],
        }
        edge = None if problem.edge_reward is None else problem.edge_reward[h]
        if edge is not None:
            stage["edge_reward"] = np.asarray(edge, dtype=np.float64)
        stages.append(stage)
    content: dict[str, object] = {
        "format": FORMAT,
        "name": problem.name,
        **({"note": note} if note else {}),
        "stages": stages,
        "reward": reward,
        "prm": prm,
    }
    writers: dict[str, Callable[[dict[str, object], Path], None]] = {
        ".json": _write_json,
        ".npz": _write_npz,
    }
    if file.suffix.lower() not in writers:
        raise InputError(f"{file}: a problem file must end in .json or .npz")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            draft = Path(folder) / file.name
            writers[file.suffix.lower()](content, draft)
            os.replace(draft, file)
    except OSError as fault:
        raise InputError(f"{file}: {fault.strerror or 'cannot be written'}") from None


def check_line(what: str, text: object) -> None:
    """Refuse what is not one line of text: no break, no half of a surrogate pair."""
    if not isinstance(text, str) or not text.isprintable():
        raise InputError(f"{what}: {text!r:.60} is not a line of text")


def _exp(log: Floats) -> Floats:
    """Return exp of `log`, moved by an ulp where that makes the logarithm come back exactly."""
    with np.errstate(over="ignore", divide="ignore"):
        out = np.exp(log)
        for near in (np.nextafter(out, 0), np.nextafter(out, np.inf)):
            better = (np.log(out) != log) & (np.log(near) == log)
            out = np.where(better, near, out)
    return out


def _build(content: Mapping[str, object], name: str, normalise: bool) -> Problem:
    """Make the problem of a parsed file."""
    known_fields(content, FIELDS, "")
    for key in ("format", "stages", "reward", "prm"):
        if key not in content:
            raise InputError(f"{key}: missing")
    if content["format"] != FORMAT:
        raise InputError(f"format: {content['format']!r:.60} is not {FORMAT!r}")
    name = content.get("name", name)  # type: ignore[assignment]
    check_line("name", name)
    check_line("note", content.get("note", ""))
    stages = content["stages"]
    if not isinstance(stages, list):
        raise InputError("stages: not a list")
    for h, stage in enumerate(stages):
        if not isinstance(stage, dict):
            raise InputError(f"stage {h}: not an object with probs")
        known_fields(stage, STAGE_FIELDS, f"stage {h}: ")
        if "probs" not in stage:
            raise InputError(f"stage {h}: probs is missing")
        for key in ("next_state", "edge_reward"):
            if key in stage and stage[key] is None:
                raise InputError(f"stage {h}: {key} is not a table of numbers")
    reward = content["reward"]
    model = TabularModel(
        [s["probs"] for s in stages],
        [s.get("next_state") for s in stages],
        n_terminal=_n_terminal(stages, reward),
        normalise=normalise,
    )
    edges = [s.get("edge_reward") for s in stages]
    prm = content["prm"]
    if not isinstance(prm, (str, list)):
        raise InputError('prm: neither "exact" nor a list of levels')
    return Problem(
        model,
        reward,  # type: ignore[arg-type]
        prm,
        edge_reward=edges if any(e is not None for e in edges) else None,
        name=name,
    )


def _n_terminal(stages: list[dict[str, object]], reward: object) -> int | None:
    """S_H as the reward tells it, where the last stage may not name its last state."""
    if stages and "next_state" in stages[-1] and isinstance(reward, (list, np.ndarray)):
        return None if isinstance(reward, np.ndarray) and reward.ndim == 0 else len(reward)
    return None


def _read_npz(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:  # numpy leaves a file open that it cannot read
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError("not an .npz archive")
            with archive:
                arrays = {key: archive[key] for key in archive.files}
    except UNREADABLE as fault:
        if isinstance(fault, InputError):
            raise
        raise InputError("not an .npz archive of plain arrays") from None
    content: dict[str, object] = {}
    levels: dict[str, dict[int, object]] = {"probs": {}, "prm": {}}
    for key, array in arrays.items():
        found = ARRAY_NAME.fullmatch(key)
        if found:
            levels.setdefault(found[1], {})[int(found[2])] = array
        else:
            content[key] = str(array) if array.ndim == 0 and array.dtype.kind == "U" else array
    if "stages" in content or ("prm" in content and levels["prm"]):
        raise InputError("prm or stages: given both whole and level by level")
    prm, horizon = levels.pop("prm"), len(levels["probs"])
    gaps = set(range(horizon)) - set(levels["probs"])
    for kind, given in levels.items():
        for h in given:
            if h not in levels["probs"] or h >= horizon:
                gap = min({h, *gaps} - set(levels["probs"]))
                raise InputError(f"stage {gap}: probs{gap} is missing, but {kind}{h} is given")
    if horizon:
        content["stages"] = [
            {kind: given[h] for kind, given in levels.items() if h in given} for h in range(horizon)
        ]
    if prm:
        if sorted(prm) != list(range(len(prm))):
            raise InputError(f"prm{max(prm)}: there are only {len(prm)} levels of prm")
        content["prm"] = [prm[h] for h in range(len(prm))]
    return content


def _write_json(content: dict[str, object], file: Path) -> None:
    def plain(x: object) -> object:
        assert isinstance(x, np.ndarray)
        return x.tolist()

    text = json.dumps(content, default=plain, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def _write_npz(content: dict[str, object], file: Path) -> None:
    stages, prm = content.pop("stages"), content.pop("prm")
    assert isinstance(stages, list)
    assert isinstance(prm, list)
    arrays = {f"{k}{h}": x for h, stage in enumerate(stages) for k, x in stage.items()}
    arrays |= {f"prm{h}": x for h, x in enumerate(prm)}
    np.savez_compressed(file, **arrays, **content)  # type: ignore[arg-type]

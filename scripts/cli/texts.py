"""Texts that a sampler has drawn as rows: printed as JSON lines, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.errors import InputError
from simulator.language_models.completions import CompletionsLM
from simulator.runs.provenance import provenance
from simulator.runs.store import write_bytes, write_table
from simulator.samplers.runs import Runs
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem

__all__ = ["check_target", "hand_out", "outputs", "particles"]

Row = dict[str, object]


def outputs(problem: LanguageModelProblem, runs: Runs, first: int = 0) -> Iterator[Row]:
    """One row a run: its text, log W^_H and cost."""
    del first  # rows are in the order of the runs
    assert runs.tokens is not None
    for r in range(len(runs)):
        failed = bool(runs.failed[r])
        yield {
            "text": None if failed else problem.text(runs.tokens[r]),
            "log_w": None if failed or runs.log_w is None else float(runs.log_w[r]),
            "failed": failed,
            "prm_evaluations": int(runs.prm_evaluations[r]),
            "model_calls": int(runs.model_calls[r]),
        }


def particles(problem: LanguageModelProblem, runs: Runs, first: int = 0) -> Iterator[Row]:
    """One row a particle of the last level: its text, tokens (or pieces) and log weight.

    Weights are those since the last resampling, up to a factor of the run; None stands for a
    weight of zero. `chosen` marks a particle whose text is the output of the run. The first
    run has the number `first`.
    """
    assert runs.tokens is not None
    assert runs.cloud_tokens is not None
    assert runs.cloud_log_weights is not None
    for r in range(len(runs)):
        log_w = None if runs.failed[r] or runs.log_w is None else float(runs.log_w[r])
        for n, tokens in enumerate(runs.cloud_tokens[r]):
            weight = float(runs.cloud_log_weights[r, -1, n])
            yield {
                "run": first + r,
                "particle": n,
                "text": problem.text(tokens),
                **_parts(problem, tokens.tolist()),
                "log_weight": weight if weight > -float("inf") else None,
                "chosen": not runs.failed[r] and bool((tokens == runs.tokens[r]).all()),
                "log_w": log_w,
                "failed": bool(runs.failed[r]),
            }


def _parts(problem: LanguageModelProblem, tokens: list[int]) -> Row:
    """Tokens up to the first that ends the text, without padding; of a served model, pieces."""
    out = [t for t in tokens if t != WAIT]
    end = next((k for k, t in enumerate(out) if problem.closes(np.array(t))), len(out) - 1)
    cut = out[: end + 1]
    served = isinstance(problem.lm, CompletionsLM)
    return {"pieces": [problem.lm.decode([t]) for t in cut]} if served else {"tokens": cut}


def check_target(out: Path) -> None:
    """Refuse a file name that is neither of the two formats, before the work begins."""
    if out.suffix not in (".jsonl", ".parquet"):
        raise InputError(f"--out {out}: the name must end in .jsonl or .parquet")


def hand_out(
    problem: LanguageModelProblem,
    batches: Iterator[Runs],
    rows_of: Callable[[LanguageModelProblem, Runs, int], Iterator[Row]],
    out: Path | None,
    settings: Mapping[str, object],
) -> None:
    """Print the rows of each batch of runs when it is done, or write those of all to a file.

    If a batch fails, what the others gave is printed or written all the same.

    Raises
    ------
    InputError
        The fault of the batch, and how many runs are kept.
    """
    rows: list[Row] = []
    done = 0
    try:
        for runs in batches:
            found = list(rows_of(problem, runs, done))
            done += len(runs)
            if out is None:
                _show(found)
            rows += found
    except (InputError, KeyboardInterrupt) as fault:
        if out is not None and done:
            _write(rows, out, {**settings, "runs": done})
        if isinstance(fault, KeyboardInterrupt) or not done:
            raise
        raise InputError(f"{fault}; {done} of {settings['runs']} runs are done and kept") from None
    if out is not None:
        _write(rows, out, settings)


def _show(rows: list[Row]) -> None:
    """Print one JSON line a row, at once."""
    print(*(json.dumps(row, ensure_ascii=False) for row in rows), sep="\n", flush=True)


def _write(rows: list[Row], out: Path, settings: Mapping[str, object]) -> None:
    """Write rows to a file that appears whole or not at all; parquet carries its provenance."""
    if out.suffix == ".parquet":
        frame = pd.DataFrame(rows)
        write_table(frame, out, provenance("lm sample", dict(settings)))
        return
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_bytes(lines.encode("utf-8", "backslashreplace"), out)

"""Texts that a sampler has drawn as rows: printed as JSON lines, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.store import write_bytes, write_table
from simulator.samplers.runs import Runs
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem

__all__ = ["check_target", "outputs", "particles", "show", "write"]

Row = dict[str, object]


def outputs(problem: LanguageModelProblem, runs: Runs) -> Iterator[Row]:
    """One row a run: its text, log W^_H and cost."""
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


def particles(problem: LanguageModelProblem, runs: Runs) -> Iterator[Row]:
    """One row a particle of the last level: its text, tokens and log weight.

    Weights are those since the last resampling, up to a factor of the run; None stands for a
    weight of zero. `chosen` marks a particle whose text is the output of the run.
    """
    assert runs.tokens is not None
    assert runs.cloud_tokens is not None
    assert runs.cloud_log_weights is not None
    for r in range(len(runs)):
        log_w = None if runs.failed[r] or runs.log_w is None else float(runs.log_w[r])
        for n, tokens in enumerate(runs.cloud_tokens[r]):
            weight = float(runs.cloud_log_weights[r, -1, n])
            yield {
                "run": r,
                "particle": n,
                "text": problem.text(tokens),
                "tokens": _cut(problem, tokens.tolist()),
                "log_weight": weight if weight > -float("inf") else None,
                "chosen": not runs.failed[r] and bool((tokens == runs.tokens[r]).all()),
                "log_w": log_w,
                "failed": bool(runs.failed[r]),
            }


def _cut(problem: LanguageModelProblem, tokens: list[int]) -> list[int]:
    """Tokens up to the first that ends the text, without padding."""
    out = [t for t in tokens if t != WAIT]
    end = next((k for k, t in enumerate(out) if t in problem.ends), len(out) - 1)
    return out[: end + 1]


def show(rows: Iterator[Row]) -> None:
    """Print one JSON line a row."""
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


def check_target(out: Path) -> None:
    """Refuse a file name that is neither of the two formats, before the work begins."""
    if out.suffix not in (".jsonl", ".parquet"):
        raise InputError(f"--out {out}: the name must end in .jsonl or .parquet")


def write(rows: Iterator[Row], out: Path, settings: Mapping[str, object]) -> None:
    """Write rows to a file that appears whole or not at all; parquet carries its provenance."""
    if out.suffix == ".parquet":
        frame = pd.DataFrame(list(rows))
        write_table(frame, out, provenance("lm sample", dict(settings)))
        return
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_bytes(lines.encode("utf-8", "backslashreplace"), out)

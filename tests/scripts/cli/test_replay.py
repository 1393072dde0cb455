"""Replay: a stored result is made again and compared."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.experiments.catalogue import EXPERIMENTS
from simulator.problem.files import save_problem
from simulator.problem.library import open_problem
from simulator.runs.cells import run_cells
from simulator.runs.provenance import provenance
from simulator.runs.store import read_table, write_table
from tests.support.command_line import run


@pytest.fixture
def sample(capsys, tmp_path):
    path = tmp_path / "s.parquet"
    run(capsys, "sample", "eos", "-n", 2, "--runs", 300, "--seed", 4, "--out", path,
        "-O", "resampling=systematic")  # fmt: skip
    return path


@pytest.mark.slow
def test_samples_and_sweeps_are_equal_again(capsys, tmp_path, sample):
    run(capsys, "sweep", "eos", "reference", "--sampler", "smc:block=2", "-n", "1,3",
        "--runs", 1500, "--jobs", 1, "--shard", 1024, "--out", tmp_path)  # fmt: skip
    files = [sample, *tmp_path.glob("*.parquet"), *(tmp_path / "shards").iterdir()]
    assert len(files) == 1 + 3 + 8
    for file in files:
        out, err = run(capsys, "replay", file)
        assert out.startswith(f"{file}: equal, ")
        assert err == ""


def test_cells_and_tables_of_an_experiment_are_equal_again(capsys, tmp_path):
    cells = [{"first": 0, "count": 1}, {"first": 1, "count": 1}]
    table = run_cells("ratios", EXPERIMENTS["ratios"].run_cell, cells, tmp_path / "cells")
    write_table(table, tmp_path / "ratios.parquet", provenance("ratios", {"cells": cells}))
    for file in tmp_path.rglob("*.parquet"):
        run(capsys, "replay", file)


def change_value(frame):
    frame.loc[17, "prm_evaluations"] += 1
    return frame


def change_token(frame):
    frame.loc[17, "tokens"][2] ^= 1
    return frame


CHANGES = {
    "value": (change_value, "column prm_evaluations, row 17"),
    "token": (change_token, "column tokens, row 17"),
    "order": (lambda f: f.iloc[::-1], "column run, row 0"),
    "row": (lambda f: f.iloc[:-1], "299 rows are stored, 300 made"),
    "column": (lambda f: f.drop(columns="log_w"), "columns run"),
    "type": (lambda f: f.assign(failed=f["failed"] + 0), "column failed is stored as int64"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CHANGES)
@pytest.mark.parametrize("sealed", [True, False])
def test_a_difference_is_exit_code_one(capsys, sample, case, sealed):
    """Whether the file was written by this program or by any other."""
    change, words = CHANGES[case]
    frame, made_by = read_table(sample)
    frame["tokens"] = [t.copy() for t in frame["tokens"]]
    frame = change(frame)
    if sealed:
        write_table(frame, sample, made_by)
    else:
        notes = pq.read_schema(sample).metadata
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **notes}), sample)
    out, _ = run(capsys, "replay", sample, code=1)
    assert words in out
    assert len(out.splitlines()) == 1


def with_parameters(**changes):
    def change(made_by):
        return {**made_by, "parameters": {**made_by["parameters"], **changes}}

    return change


def test_another_seed_in_the_provenance_is_a_difference(capsys, sample):
    frame, made_by = read_table(sample)
    write_table(frame, sample, with_parameters(seed=5)(made_by))
    run(capsys, "replay", sample, code=1)


def test_other_software_is_remarked(capsys, sample):
    frame, made_by = read_table(sample)
    made_by["software"]["numpy"] = "1.0"
    write_table(frame, sample, made_by)
    _, err = run(capsys, "replay", sample)
    assert err.startswith("particlebounds: numpy was 1.0, is ")


BAD = {
    "kind": (lambda m: {**m, "kind": "magic"}, "'magic', which cannot be run again"),
    "kind is a list": (lambda m: {**m, "kind": ["sample"]}, "lacks kind"),
    "no software": (lambda m: {k: v for k, v in m.items() if k != "software"}, "lacks kind"),
    "no parameters": (lambda m: {**m, "parameters": None}, "lacks kind"),
    "missing parameter": (lambda m: {**m, "parameters": {"seed": 1}}, "cannot be run again"),
    "unknown parameter": (with_parameters(colour="red"), "cannot be run again"),
    "problem is gone": (with_parameters(problem="gone.json"), "gone.json: no such file"),
    "problem is another": (with_parameters(problem="reference"), "not the problem that was meant"),
    "problem is a number": (with_parameters(problem=3), "cannot be run again"),
    "seed is text": (with_parameters(seed="four"), "'four'"),
    "seed is negative": (with_parameters(seed=-4), "-4"),
    "no runs": (with_parameters(runs=0), "n_runs: 0"),
    "runs beyond count": (with_parameters(runs=10**30), "n_runs"),
    "sampler is unknown": (with_parameters(sampler="smcc"), "smcc"),
    "option is unknown": (with_parameters(option=["colour=red"]), "colour"),
    "options are a number": (with_parameters(option=1), "cannot be run again"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD)
def test_bad_provenance_is_one_line_and_code_two(capsys, sample, case):
    change, words = BAD[case]
    frame, made_by = read_table(sample)
    write_table(frame, sample, change(made_by))
    out, err = run(capsys, "replay", sample, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith(f"particlebounds: {sample}: ")
    assert words in err


def test_an_edited_problem_file_is_told(capsys, tmp_path):
    problem, draws = tmp_path / "p.json", tmp_path / "d.parquet"
    save_problem(open_problem("reference:horizon=2"), problem)
    run(capsys, "sample", problem, "--runs", 20, "--out", draws)
    run(capsys, "replay", draws)
    save_problem(open_problem("reference:horizon=3"), problem)
    _, err = run(capsys, "replay", draws, code=2)
    assert "not the problem that was meant, it has changed" in err


NO_TABLE = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "binary junk": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "text": lambda path: path.write_text("PAR1 and more PAR1"),
    "foreign": lambda path: pd.DataFrame({"a": [1]}).to_parquet(path),
    "deep provenance": lambda path: pq.write_table(
        pa.table({"a": [1]}).replace_schema_metadata({b"particlebounds": b"[" * 10**5}), path),
    "not UTF-8": lambda path: pq.write_table(
        pa.table({"a": [1]}).replace_schema_metadata({b"particlebounds": b"\xff\xfe{}"}), path),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_TABLE)
def test_what_is_no_table_is_one_line_and_code_two(capsys, tmp_path, case):
    path = tmp_path / "f.parquet"
    NO_TABLE[case](path)
    out, err = run(capsys, "replay", path, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1
    assert str(path) in err

"""The main job end to end, on its quickest experiments."""

import pandas as pd
import pytest

from figures.catalogue import FIGURES
from figures.figure import save
from scripts.cli.app import main
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.reproduce.claims import claims
from scripts.reproduce.verdicts import summarise
from simulator.runs.store import read_table, write_table


def reproduce(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", *map(str, arguments)])
    return ended.value.code, capsys.readouterr()


def test_every_experiment_has_a_figure_of_its_name():
    assert list(EXPERIMENTS) == list(FIGURES)
    for name, experiment in EXPERIMENTS.items():
        for profile in ("quick", "full"):
            cells = [str(sorted(c.items())) for c in experiment.cells(profile)]
            assert len(cells) == len(set(cells)) > 0, name
            assert all(experiment.seconds(c) > 0 for c in experiment.cells(profile)), name


def test_long_cells_of_all_experiments_begin_first(capsys, tmp_path, monkeypatch):
    class Seen(Exception):
        """Nothing is to be run."""

    def see(tasks, folder, **options):
        raise Seen(*tasks)

    names = ["product", "survey", "cost", "hard"]
    monkeypatch.setattr("scripts.reproduce.run.finish", see)
    with pytest.raises(Seen) as seen:
        main(["reproduce", *names, "--out", str(tmp_path)])
    tasks = seen.value.args
    assert len(tasks) == sum(len(EXPERIMENTS[name].cells("quick")) for name in names)
    seconds = [EXPERIMENTS[task.study].seconds(task.cell) for task in tasks]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 10 * seconds[-1]


@pytest.mark.slow
def test_two_experiments_end_in_tables_figures_and_a_report_and_are_kept(capsys, tmp_path):
    code, out = reproduce(capsys, "product", "two_branch", "--jobs", 1, "--out", tmp_path)
    assert code == 0
    assert "report.html" in out.out.replace("\n", "")
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    listed = (tmp_path / "figures.md").read_text()
    assert all(FIGURES[name].title in listed for name in ("product", "two_branch"))
    made = {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()}
    assert len(made) == 6
    cells = {p: p.stat().st_mtime_ns for p in (tmp_path / "cells").iterdir()}
    lost = sorted(cells)[0]
    lost.write_bytes(b"not a table")  # an interrupted or foreign file is made again
    assert reproduce(capsys, "product", "two_branch", "--jobs", 1, "--out", tmp_path)[0] == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()} == made
    again = {p: p.stat().st_mtime_ns for p in (tmp_path / "cells").iterdir()}
    assert [p for p in cells if again[p] != cells[p]] == [lost]


@pytest.mark.slow
def test_the_report_is_on_all_tables_of_this_code_and_profile(capsys, tmp_path):
    reproduce(capsys, "product", "--jobs", 1, "--out", tmp_path)
    kept = tmp_path / "tables" / "product.parquet"
    cells = len(EXPERIMENTS["two_branch"].cells("quick"))
    told = reproduce(capsys, "two_branch", "--jobs", 1, "--out", tmp_path)[1].err
    assert told == f"particlebounds: cells, {cells} parts\n"
    page = (tmp_path / "report.html").read_text()
    assert page.index('<h3 id="product">') < page.index('<h3 id="two_branch">')
    table, made_by = read_table(kept)
    software = {**made_by["software"], "source": "0" * 16}
    write_table(table, tmp_path / "other", {**made_by, "software": software})
    for content in ((tmp_path / "other").read_bytes(), b"not a table"):
        kept.write_bytes(content)
        code, out = reproduce(capsys, "two_branch", "--jobs", 1, "--out", tmp_path)
        assert code == 0
        assert "product.parquet" in out.err
        assert "is left out" in out.err
        assert 'id="product"' not in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_figures_are_byte_stable(tmp_path):
    for name in ("product", "two_branch"):
        cells = EXPERIMENTS[name].cells("quick")
        table = pd.DataFrame([row for c in cells for row in EXPERIMENTS[name].run_cell(**c)])
        first = [p.read_bytes() for p in save(FIGURES[name], table, tmp_path / "a")]
        assert first == [p.read_bytes() for p in save(FIGURES[name], table, tmp_path / "b")]
        assert "nan" not in FIGURES[name].caption(table)


@pytest.mark.slow
def test_a_violated_bound_is_counted_and_ends_with_code_one(capsys, tmp_path, monkeypatch):
    rows = [
        {"problem": "p", "n": 4, "quantity": "exact error", "value": 0.5, "low": 0.5, "high": 0.5},
        {"problem": "p", "n": 4, "quantity": "S1", "value": 0.4, "low": 0.4, "high": 0.4},
        {"problem": "p", "n": 4, "quantity": "J", "value": 0.6, "low": 0.6, "high": 0.6},
    ]
    verdicts = summarise({"trees": pd.DataFrame(rows)}).set_index("bound")
    assert verdicts.loc["S1", "violated"] == 1
    assert verdicts.loc["J", "violated"] == 0
    monkeypatch.setattr("scripts.reproduce.run.summarise", lambda tables: verdicts.reset_index())
    code, out = reproduce(capsys, "product", "--jobs", 1, "--out", tmp_path)
    assert code == 1
    assert "violated 1×" in out.out


def test_bounds_of_two_samplers_in_one_table_meet_their_own_errors():
    rows = [
        {"problem": "p", "n": 4, "sampler": sampler, "quantity": quantity, "value": value,
         "low": value, "high": value}
        for sampler, quantity, value in (
            ("smc", "exact error", 0.5), ("smc", "J", 0.6), ("smc-rs", "exact error", 0.2),
            ("smc-rs", "J", 0.3),
        )
    ]  # fmt: skip
    verdicts = summarise({"heavy_tail": pd.DataFrame(rows)}).set_index("bound")
    assert verdicts.loc["J", "comparisons"] == 2
    assert verdicts.loc["J", "violated"] == 0
    assert verdicts.loc["J", "largest_ratio"] == pytest.approx(0.5 / 0.6)


@pytest.mark.slow
def test_stored_tables_carry_what_made_them(capsys, tmp_path):
    reproduce(capsys, "product", "--jobs", 1, "--out", tmp_path)
    _, made_by = read_table(tmp_path / "tables" / "product.parquet")
    assert made_by["kind"] == "product"
    assert made_by["software"]["source"]


@pytest.mark.slow
def test_claims_stand_in_the_report_and_a_violated_one_ends_with_code_one(
    capsys, tmp_path, monkeypatch
):
    def some(names, thorough):
        chosen = [name for name in names if name == "A.2"]
        return [claim | {"verdict": verdict} for name in chosen for claim in claims([name])]

    only = {"product": EXPERIMENTS["product"]}
    monkeypatch.setattr("scripts.reproduce.run.EXPERIMENTS", only)
    monkeypatch.setattr("scripts.reproduce.run.claims", some)
    assert reproduce(capsys, "product", "--jobs", 1, "--out", tmp_path)[0] == 0
    assert "A.2" not in (tmp_path / "report.html").read_text()  # nobody has checked it yet
    for verdict, code in (("holds", 0), ("violated", 1)):
        got, out = reproduce(capsys, "--jobs", 1, "--out", tmp_path)
        assert got == code
        assert "A.2" in out.out
        page = (tmp_path / "report.html").read_text()
        assert page.count('<th scope="row">A.2</th>') == 1
        assert (f'class="bad">{verdict}' in page) == bool(code)
    # who then names an experiment finds the claims in the report, and their verdict in the code
    assert reproduce(capsys, "product", "--jobs", 1, "--out", tmp_path)[0] == 1
    assert (tmp_path / "report.html").read_text() == page

"""Exported pages and the application against the functions whose numbers they show."""

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from scripts.demo import export
from scripts.demo.catalogue import CHAPTERS
from scripts.demo.chapter import Panel
from scripts.demo.controls import again, choice, player, slider
from scripts.demo.page import html_of, index_html, table_of
from scripts.demo.parts import Drawing, Note, Numbers, Table, Text
from simulator import InputError

NAMES = [c.name for c in CHAPTERS]
by_name = pytest.mark.parametrize("name", NAMES)


def decoded(panel):
    """Return the pieces of each setting as a browser finds them in the table of an export."""
    table = table_of(panel)
    sizes = [len(c.grid) for c in panel.controls if c.kind != "file"]
    for setting in panel.settings():
        row = 0
        for c, size in zip((c for c in panel.controls if c.kind != "file"), sizes, strict=True):
            row = row * size + c.grid.index(setting[c.name])
        found = table["rows"][row]
        yield (
            setting,
            table["pool"][found]
            if isinstance(found, int)
            else [table["pool"][place] for place in found],
        )


@pytest.mark.slow
@by_name
def test_a_table_gives_back_what_each_setting_shows(thin_chapters, name):
    chapter = thin_chapters[NAMES.index(name)]
    for panel in chapter.all_panels():
        shape = panel.parts()
        for setting, pieces in decoded(panel):
            shown = panel.show(**setting)
            assert pieces == json.loads(json.dumps(panel.pieces(setting)))
            assert shape == [
                {"name": n, "kind": part.kind, "data": part.names()} for n, part in shown.items()
            ]
            for part in shown.values():
                if isinstance(part, Drawing):
                    assert part.chart in panel.charts or set(panel.charts) & set(shown)
                    for columns in part.data.values():
                        assert len({len(values) for values in columns.values()}) == 1


def test_settings_that_show_nothing_keep_the_reason_and_equal_pieces_are_kept_once():
    def show(a, b):
        if a == b == 2:
            raise InputError("two and two")
        return {"sum": Numbers("", {"Sum": a + b}), "same": Note("always this")}

    panel = Panel("p", (slider("a", "A", (1, 2), 1), slider("b", "B", (1, 2, 3), 1)), show)
    table = table_of(panel)
    assert table["rows"] == [[0, 1], [2, 1], [3, 1], [2, 1], 4, [5, 1]]
    assert table["pool"][4] == "two and two"
    assert dict(zip(((s["a"], s["b"]) for s in panel.settings()), table["rows"], strict=True))[
        2, 1
    ] == [2, 1]


def test_parts_are_strict_json_and_nothing_of_them_ends_the_script():
    inf = float("inf")
    drawing = Drawing("alt", {"d": {"x": [1.0 / 3, inf, float("nan")], "s": ["a", "b", "c"]}})
    assert drawing.pieces()[1] == {"x": [0.33333, None, None], "s": ["a", "b", "c"]}
    panel = Panel("p", (), lambda: {"t": Text("a <b> </script> & *c*"), "d": drawing})
    text = json.dumps(table_of(panel)["pool"], allow_nan=False)
    assert "<em>c</em>" in text
    for told in (index_html(live=False), html_of(CHAPTERS[0], live=False)):
        assert "://" not in re.sub(r"https?://www\.w3\.org", "", told)
    rows = Table("t", [{"Name": "x", "Value": inf}, {"Name": "y", "Value": None}]).pieces()[0]
    assert rows["rows"] == [["x", "∞"], ["y", "–"]]
    assert Table("none", []).pieces()[0]["rows"] == []


def test_controls_know_their_defaults_and_read_what_an_address_says():
    sigma = slider("sigma", "σ", (0.0, 0.5, 1.0), 1.0, (0.0, 1.0))
    assert [sigma.read(text) for text in ("0", "0.5", "1")] == [0.0, 0.5, 1.0]
    assert (sigma.known(True), sigma.known(False)) == ((0.0, 0.5, 1.0), (0.0, 1.0))
    for wrong in ("0.4", "", "nan", "1 "):
        with pytest.raises(InputError, match=r"^sigma: .* is not one of 0, 0\.5, 1$"):
            sigma.read(wrong)
    for make in (
        lambda: slider("a", "A", (1, 2), 3),
        lambda: slider("a", "A", (1, 2), 2, (1,)),
        lambda: slider("a", "A", (1, 2), 1, (1, 3)),
        lambda: choice("a", "A", ("x",), "y"),
    ):
        with pytest.raises(ValueError, match=r"^a: "):
            make()
    assert again("run", "Again", 3).grid == (1, 2, 3)
    assert player("step", "Step", 4).values == (0, 1, 2, 3, 4)


@by_name
def test_names_of_controls_are_those_of_one_control_and_its_answer_asks_for_none(name):
    chapter = CHAPTERS[NAMES.index(name)]
    for panel in chapter.all_panels():
        for control in panel.controls:
            assert chapter.controls()[control.name] is control
    placed = {c.name for panel in chapter.panels for c in panel.controls}
    assert {c.name for c in chapter.answer.controls} <= placed


def test_the_folder_has_the_chapters_of_the_catalogue_and_two_lessons_are_enough():
    folder = Path(export.__file__).parent / "chapters"
    assert {p.stem for p in folder.glob("*.py")} - {"__init__"} == set(NAMES)
    assert sum(c.minutes for c in CHAPTERS) <= 90


def test_exported_pages_ask_nothing_of_a_network_and_are_small(exported):
    pages = sorted(exported.rglob("*.html"))
    assert len(pages) == len(CHAPTERS) + 1
    for file in pages:
        for link in re.findall(r'(?:href|src)="([^"]*)"', file.read_text()):
            if link != "data:,":
                assert (file.parent / link).is_file(), link
    assert sum(f.stat().st_size for f in exported.rglob("*")) < 15e6


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match=r"taken"):
        export.write(tmp_path / "taken", [])


def asked(address, path, body=None, **headers):
    """Return status and text of an answer."""
    request = urllib.request.Request(address + path, body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_only_this_machine_s_names_and_own_pages_are_answered(address):
    port = address.rstrip("/").rpartition(":")[2]
    for host in ("127.0.0.1", "localhost"):
        assert asked(address, "", Host=f"{host}:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "0.0.0.0"):
        assert asked(address, "", Host=host)[0] == 400
    path = "perfect_prm/product.json"
    assert asked(address, path, Origin=address.rstrip("/"))[0] == 200
    for origin in ("http://evil.example", "null", f"http://localhost:{port}"):
        assert asked(address, path, Origin=origin) == (403, "another site asked for this")
        assert asked(address, path, b"{}", Origin=origin)[0] == 403
    # nobody gets a web socket
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    for origin in ("http://evil.example", address.rstrip("/")):
        status, _ = asked(address, "perfect_prm/", Origin=origin, **upgrade)
        assert status == (403 if origin.endswith("example") else 200)


def test_what_the_application_cannot_serve_is_refused_in_one_line(address):
    assert asked(address, "nothing/")[0] == 404
    assert asked(address, "assets/../page.py")[0] == 404
    assert asked(address, "assets/chapter.py")[0] == 404
    status, told = asked(address, "coverage_and_error/law.json?coverage=2.3")
    assert (status, told[:33]) == (400, "coverage: '2.3' is not one of 1, ")
    status, told = asked(address, "your_model/verdicts.json?file=a.json", b"[1]")
    assert (status, told[:8]) == (400, "a.json: ")
    status, told = asked(address, "your_model/verdicts.json?file=a.npz", b"0" * 4_000_001)
    assert (status, told) == (413, "the file has more than 4000000 bytes")


@pytest.mark.parametrize("name", ["perfect_prm", "particle_filter"])
def test_the_application_answers_what_an_exported_page_holds(address, thin_chapters, name):
    for panel in thin_chapters[NAMES.index(name)].all_panels():
        for setting, pieces in decoded(panel):
            query = urlencode({n: panel_text(panel, n, v) for n, v in setting.items()})
            status, text = asked(address, f"{quote(name)}/{panel.name}.json?{query}")
            assert (status, json.loads(text)) == (200, pieces)


def panel_text(panel, name, value):
    return next(c for c in panel.controls if c.name == name).text(value)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("DEMO_TIMED") != "1", reason="minutes; make demo-test runs it")
def test_the_whole_export_is_small_and_knows_every_setting(tmp_path):
    export.write(tmp_path)
    assert sum(f.stat().st_size for f in tmp_path.rglob("*")) < 15e6
    for chapter in CHAPTERS:
        text = (tmp_path / chapter.name / "data.js").read_text()
        page = json.loads(text.removeprefix("window.PAGE = ").removesuffix(";\n"))
        for panel, stored in zip(chapter.all_panels(), page["panels"], strict=True):
            assert len(stored["table"]["rows"]) == len(list(panel.settings()))

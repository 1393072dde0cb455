"""What long jobs say on stderr, on a terminal and in a file."""

import io

from rich.console import Console

from scripts import progress


def told(monkeypatch, terminal, parts=3):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stderr", stream)
    if terminal:
        monkeypatch.setattr(progress, "console", lambda **_: Console(file=stream, width=80))
    with progress.progress_bar() as bar:
        for name in ("trees", "rates"):
            task = bar.add_task(name, total=24)
            for _ in range(parts):
                bar.advance(task)
    return stream.getvalue()


def test_in_a_file_each_stage_is_a_line_once_a_part_of_it_is_done(monkeypatch):
    assert told(monkeypatch, terminal=False) == (
        "particlebounds: trees, 24 parts\nparticlebounds: rates, 24 parts\n"
    )


def test_a_stage_that_fails_at_once_says_nothing_of_itself(monkeypatch):
    assert told(monkeypatch, terminal=False, parts=0) == ""


def test_on_a_terminal_there_is_a_bar_and_no_such_line(monkeypatch):
    text = told(monkeypatch, terminal=True)
    assert "trees" in text
    assert "parts" not in text

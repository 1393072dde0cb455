"""What long jobs say on stderr, on a terminal and in a file."""

import io

from rich.console import Console

from scripts import progress


def told(monkeypatch, terminal):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stderr", stream)
    if terminal:
        monkeypatch.setattr(progress, "console", lambda **_: Console(file=stream, width=80))
    with progress.progress_bar() as bar:
        for name, total in (("trees", 24), ("claims", None)):
            task = bar.add_task(name, total=total)
            bar.advance(task, 3)
    return stream.getvalue()


def test_in_a_file_each_stage_is_a_line(monkeypatch):
    assert told(monkeypatch, terminal=False) == (
        "particlebounds: trees, 24 parts\nparticlebounds: claims\n"
    )


def test_on_a_terminal_there_is_a_bar_and_no_such_line(monkeypatch):
    text = told(monkeypatch, terminal=True)
    assert "trees" in text
    assert "parts" not in text

"""How the command ends after Ctrl-C, with and without threads at work."""

import threading
from multiprocessing.pool import ThreadPool

import pytest

from scripts.cli import ending

LINE = "particlebounds: interrupted; finished parts are kept\n"


class Left(BaseException):
    """The process has been left at once."""


@pytest.fixture
def exits(monkeypatch):
    def leave(code):
        raise Left(code)

    monkeypatch.setattr(ending.os, "_exit", leave)


def test_an_interrupt_without_threads_is_an_exit_in_good_order(exits, capsys, monkeypatch):
    monkeypatch.setattr(ending.threading, "enumerate", lambda: [threading.main_thread()])
    with pytest.raises(SystemExit) as end:
        ending.interrupted()
    assert (end.value.code, capsys.readouterr().err) == (130, LINE)


def test_an_interrupt_does_not_wait_for_a_pool_of_threads(exits, capsys):
    release = threading.Event()
    with ThreadPool(1) as pool:
        pool.apply_async(release.wait, (60,))
        with pytest.raises(Left) as end:
            ending.interrupted()
        release.set()
    assert (end.value.args, capsys.readouterr().err) == ((130,), LINE)

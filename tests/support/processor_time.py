"""A pytest plugin that writes the processor seconds of each test, its set-up and children too.

``pytest -p tests.support.processor_time`` adds lines ``test,seconds`` to the file that
``TEST_TIMES`` names. Processor time hardly depends on what else the machine does. A fixture that
several tests share counts for the first of them. It reads ``/proc``: Linux only.
"""

import csv
import os
from pathlib import Path

import pytest

TICK = 1 / os.sysconf("SC_CLK_TCK")


def _processor_seconds(pid="self"):
    """Seconds of a process, of its children that have ended, and of those that have not."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lists = [p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return 0.0
    ticks = sum(map(int, after_name[11:15]))  # of its own and of ended children
    return TICK * ticks + sum(_processor_seconds(child) for child in " ".join(lists).split())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    start = _processor_seconds()
    try:
        return (yield)
    finally:
        with Path(os.environ["TEST_TIMES"]).open("a", newline="") as file:
            csv.writer(file).writerow([item.nodeid, f"{_processor_seconds() - start:.2f}"])

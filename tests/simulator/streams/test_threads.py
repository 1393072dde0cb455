"""Runs spread over threads: each done once, all threads at work, faults not lost."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.streams.threads import SMALL, parts_for, spread

MUCH = 1e9  # particle steps, so that threads are worth starting


@given(st.integers(1, 10_000), st.integers(2, 9), st.integers(1, 300))
def test_parts_are_all_runs_and_become_shorter(n_runs, threads, least):
    parts = parts_for(n_runs, threads, least)
    assert [run for part in parts for run in range(*part)] == list(range(n_runs))
    lengths = [end - begin for begin, end in parts]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] <= max(least, n_runs / (2 * threads))
    assert all(length >= least for length in lengths[:-1])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_run_is_done_once_and_all_threads_work(threads):
    barrier, seen, runs = threading.Barrier(threads), set(), []

    def part(begin, end):
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            barrier.wait(timeout=30)  # nobody goes on before all have come
        runs.extend(range(begin, end))

    spread(part, 1000, MUCH, threads)
    assert sorted(runs) == list(range(1000))
    assert len(seen) == threads
    assert threading.get_ident() in seen


def test_little_work_stays_in_this_thread():
    seen = []
    spread(lambda *part: seen.append((*part, threading.get_ident())), 50, SMALL / 2, 8)
    assert seen == [(0, 50, threading.get_ident())]


@pytest.mark.parametrize("own", [True, False])
def test_a_fault_in_any_thread_is_raised(own):
    caller, barrier, calls = threading.get_ident(), threading.Barrier(2), []

    def part(begin, end):
        calls.append(begin)
        if len(calls) <= 2:
            barrier.wait(timeout=30)
        if (threading.get_ident() == caller) == own:
            raise MemoryError

    with pytest.raises(MemoryError):
        spread(part, 1000, MUCH, 2)


def test_after_a_fault_of_the_caller_nothing_new_is_begun():
    caller, begun, failed = threading.get_ident(), [], threading.Event()

    def part(begin, end):
        if threading.get_ident() == caller:
            failed.set()
            raise KeyboardInterrupt
        failed.wait(timeout=30)
        begun.append(begin)

    with pytest.raises(KeyboardInterrupt):
        spread(part, 10**6, MUCH, 2)
    assert len(begun) <= 2  # of more than twenty

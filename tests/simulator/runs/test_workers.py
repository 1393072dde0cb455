"""Workers: what they may use, and what is refused."""

import math
import os
import signal
import threading

import numpy as np
import pytest
from joblib.externals.loky import process_executor
from threadpoolctl import threadpool_info, threadpool_limits

from simulator.errors import InputError
from simulator.runs import workers as module
from simulator.runs.workers import Workers
from simulator.streams.threads import available_threads


def look(x):
    np.ones((2, 2)) @ np.ones((2, 2))
    return available_threads(), {p["num_threads"] for p in threadpool_info()}, threading.get_ident()


@pytest.mark.parametrize(
    ("backend", "cores", "jobs", "share"),
    [("loky", 2, 1, 2), ("threading", 2, 1, 2), ("threading", 2, 2, 1), ("threading", 8, 2, 4),
     ("threading", 2, 4, 1)],
)  # fmt: skip
def test_workers_share_the_cores(monkeypatch, backend, cores, jobs, share):
    monkeypatch.setattr(module, "available_threads", lambda: cores)
    monkeypatch.setattr("simulator.streams.threads.os.sched_getaffinity", lambda pid: range(cores))
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", cores)
    with threadpool_limits(2):  # else nobody could tell that there is one for each worker
        before = look(0)[1]
        seen = list(Workers(jobs, backend).map(look, [(i,) for i in range(8)]))
        assert {s[0] for s in seen} == {share}
        assert {frozenset(s[1]) for s in seen} == {frozenset({1})}
        assert available_threads() == cores  # and nothing is left behind
        assert look(0)[1] == before


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # which leaves them one each
    seen = list(Workers(available_threads() + 1).map(look, [(i,) for i in range(4)]))
    assert {s[0] for s in seen} == {1}
    assert {frozenset(s[1]) for s in seen} == {frozenset({1})}


def held_signals(x):
    return os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs signal masks")
def test_an_interrupt_reaches_this_process_only():
    # as many as never used at once before, so that new processes are started
    seen = list(Workers(3).map(held_signals, [(i,) for i in range(6)]))
    assert all(pid != os.getpid() and signal.SIGINT in held for pid, held in seen)
    assert signal.SIGINT not in held_signals(0)[1]


def leave(x):
    # what the pool takes for a leak: the process ends after its next call, and another begins
    process_executor._MAX_MEMORY_LEAK_SIZE = -math.inf
    process_executor._MEMORY_LEAK_CHECK_DELAY = 0.0
    return os.getpid()


@pytest.mark.slow
def test_work_goes_on_when_a_worker_grows_and_is_replaced():
    # the pool warns of it in a thread of its own, which an error there would end: all would wait
    seen = list(Workers(4).map(leave, [(i,) for i in range(24)]))
    assert len(seen) == 24
    assert len(set(seen)) > 4


BAD = {
    "no jobs": ((0,), "jobs: 0"),
    "too many jobs": ((10**6,), "jobs: 1000000"),
    "unknown": ((1, "mpi"), "'mpi'"),
    "dask without scheduler": ((1, "dask"), "scheduler: the address is needed"),
    "scheduler without dask": ((1, "loky", "tcp://x:1"), "only there"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_workers_are_refused(case):
    arguments, words = BAD[case]
    with pytest.raises(InputError, match=words):
        Workers(*arguments)


ADDRESSES = ["nonsense", "tcp://", "tcp://host", "http://host:80", "tcp://h:99999", "tcp://h:0", ""]


@pytest.mark.parametrize("address", ADDRESSES)
def test_malformed_addresses_are_refused(address):
    with pytest.raises(InputError, match="not of the form tcp://HOST:PORT"):
        list(Workers(1, "dask", address).map(look, [(1,)]))


def test_an_address_where_nothing_answers_is_refused():
    with pytest.raises(InputError, match=r"nothing answers at tcp://127\.0\.0\.1:9"):
        list(Workers(1, "dask", "tcp://127.0.0.1:9").map(look, [(1,)]))

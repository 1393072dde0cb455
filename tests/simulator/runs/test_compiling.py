"""Processes that start together compile a kernel once, and the others read it."""

import os
import subprocess
import sys
import time

import pytest

KERNEL = """
from numba import njit

@njit(cache=True)
def kernel(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] ** 3 / (1 + x[i])
    return total
"""
PROCESS = """
import sys, time
import numpy as np
from numba.core import event
from kernel import kernel
from simulator.runs.compiling import compile_in_turn

compile_in_turn()
with event.install_recorder("numba:compile") as seen:
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    assert kernel(np.ones(4)) == 2.0
print(sum(e.is_start and e.data["dispatcher"] is kernel for _, e in seen.buffer))
"""


@pytest.mark.slow
def test_one_of_three_processes_compiles(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
    start = str(time.time() + 3)
    command = [sys.executable, "-c", PROCESS, start]
    processes = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    counts = [int(p.communicate(timeout=120)[0]) for p in processes]
    assert sorted(counts) == [0, 0, 1]

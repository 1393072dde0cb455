"""What a call has cost."""

import numpy as np
import pytest

from simulator.runs.spent import peak_memory
from tests.support.subprocesses import python


@pytest.mark.skipif(peak_memory() is None, reason="the system does not tell")
def test_memory_is_that_of_the_program_not_of_the_one_that_started_it():
    held = np.ones(2**26)  # 512 MiB
    told = python("from simulator.runs.spent import peak_memory; print(peak_memory())")
    assert 2**22 < int(told) < held.nbytes < peak_memory()

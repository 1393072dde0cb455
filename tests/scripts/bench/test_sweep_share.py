"""What is clocked is the kernel, all of its calls, and only while a sweep is measured."""

from scripts.bench import sweep_share
from simulator.samplers.smc import compiled


def test_every_call_of_the_kernel_is_counted_and_the_rest_is_not(monkeypatch):
    clock, calls, kernel = [0.0], [], compiled.run_smc

    def slow(*arguments):
        calls.append(arguments)
        clock[0] += 3.0
        kernel(*arguments)

    monkeypatch.setattr(compiled, "run_smc", slow)
    monkeypatch.setattr(sweep_share.time, "process_time", lambda: clock[0])
    share = sweep_share.measure(4, 60_000 * 100 * 4)
    # two schemes, each a run that warms up and 60,000 runs in two shards
    assert [end - begin for *_, begin, end in calls] == [1, 1, 49_152, 10_848, 49_152, 10_848]
    assert share == (4, 60_000, 12.0, 12.0)
    assert "12.00 of 12.00 s in kernels, 100.0%" in str(share)
    assert compiled.run_smc is slow

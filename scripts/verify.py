"""Long checks before a release: ``python -m scripts.verify [NAME...]``, code 1 on a fault.

What takes too long for the test suite: ten million runs in bounded memory, the coverage of
brackets over a thousand repetitions, the claims on their larger instances, and an hour's search for
problems that break a bound.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable

from scipy.stats import binom

from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from theory.falsify.inequality import of_bound
from theory.falsify.samplers import candidates_for
from theory.falsify.search import search
from theory.registry import BOUNDS, CLAIMS

__all__ = ["CHECKS", "main"]

GIB = 1 << 20  # in KiB, as ru_maxrss counts


def memory() -> tuple[bool, str]:
    """Sweep ten million runs of a small problem; the largest process stays below 1 GiB."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = [sys.executable, "-m", "scripts.cli.app", "sweep", "product:horizon=4", "-n", "2",
                 "--runs", "10000000", "--seed", "1", "--jobs", "2", "--out", folder]  # fmt: skip
        subprocess.run(sweep, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak < GIB, f"10^7 runs, largest process {peak / 1024:.0f} MiB"


def coverage() -> tuple[bool, str]:
    """Repeat brackets at confidence 0.9; so many misses have probability 1e-9 at most."""
    problem, sampler, times = open_problem("reference:horizon=3"), SMC(4), 1000
    exact = sampler.exact_law(problem).tv
    found = [bracket(problem, sampler, 1600, rng=i, confidence=0.9) for i in range(times)]
    misses = sum(not b.low <= exact <= b.high for b in found)
    width = sum(b.high - b.low for b in found) / times
    return misses <= binom.isf(1e-9, times, 0.1), f"{misses} of {times} miss, width {width:.3f}"


def claims() -> tuple[bool, str]:
    """Check every claim on its larger instances."""
    wrong = [name for name, claim in CLAIMS.items() if not claim.check(thorough=True).holds]
    return not wrong, f"{len(CLAIMS)} claims, not holding: {', '.join(wrong) or 'none'}"


def falsify(seconds: float = 60.0) -> tuple[bool, str]:
    """Search for a problem that breaks a bound, so long for each of them."""
    broken = []
    for name, bound in BOUNDS.items():
        claimed = of_bound(bound)
        able = list(candidates_for(claimed, 4, 3))
        tried, most = 0, 0.0
        for one in able:
            found = search(claimed, one.make, particles=one.particles, seconds=seconds / len(able))
            tried, most = tried + found.evaluations, max(most, found.ratio)
            if found.violated:
                broken.append(f"{name} by {found.problem.name}")
        print(f"      {name}: {tried} problems, largest ratio {most:.4f}", flush=True)
    told = "; ".join(broken) or "none is broken"
    return not broken, f"{len(BOUNDS)} bounds, {seconds:g} s each: {told}"


CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    "memory": memory,
    "coverage": coverage,
    "claims": claims,
    "falsify": falsify,
}


def main(names: list[str]) -> int:
    """Run checks by name, all if none is given.

    Returns
    -------
    int
        0 if all passed, 1 if one failed, 2 for an unknown name.
    """
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"verify: no check {unknown[0]!r}, only {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    passed = True
    for name in names or CHECKS:
        good, told = CHECKS[name]()
        passed &= good
        print(f"{'ok' if good else 'FAIL':>4}  {name}: {told}", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

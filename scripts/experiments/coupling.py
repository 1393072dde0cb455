"""VGB and SMC-IND on common moves (arXiv 2603.07887, E.1), and what both visit on average."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.library import open_problem
from simulator.samplers.backtracking.coupling import couple

CONFIDENCE = 0.99


def run_cell(problem: str, n: int, runs: int, seed: int) -> Rows:
    """Make rows (part, name, n, walk, particles, expected, low, high, equal): runs, then prefixes.

    A prefix is expected N pi_h(x) V^(x)/V^(root) times; `low` and `high` are normal limits
    of its mean.
    """
    p = open_problem(problem)
    pairs = [couple(p, n, source) for source in np.random.SeedSequence(seed).spawn(runs)]
    log_mass = p.forward_backward.log_forward_alive + p.log_prm_flat
    expected = n * np.exp(log_mass - p.log_prm_flat[0])
    rows: Rows = [
        {"part": "run", "name": str(r), "n": n, "level": -1, "walk": float(c.walk.total()),
         "particles": float(c.particles.total()), "steps": c.steps,
         "expected": float(expected.sum()), "low": 0.0, "high": 0.0,
         "equal": c.walk == c.particles}
        for r, c in enumerate(pairs)
    ]  # fmt: skip
    z = float(norm.ppf(0.5 + CONFIDENCE / 2))
    for h in range(1, p.horizon + 1):
        for index in range(int(p.model.n_states[h])):
            path = tuple(int(x) for x in np.unravel_index(index, (p.model.n_actions,) * h))
            walk = np.array([c.walk[path] for c in pairs], dtype=float)
            particles = np.array([c.particles[path] for c in pairs], dtype=float)
            half = z * float(walk.std(ddof=1)) / runs**0.5
            rows.append(
                {"part": "prefix", "name": "".join(map(str, path)), "n": n, "level": h,
                 "walk": float(walk.mean()), "particles": float(particles.mean()), "steps": 0,
                 "expected": float(expected[p.model.state_start[h] + index]),
                 "low": float(walk.mean()) - half, "high": float(walk.mean()) + half,
                 "equal": bool((walk == particles).all())}
            )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return the one cell."""
    runs = 400 if profile == "quick" else 10_000
    return [{"problem": "reference:horizon=3", "n": 4, "runs": runs, "seed": 1}]


COUPLING = Experiment("coupling", run_cell, cells)

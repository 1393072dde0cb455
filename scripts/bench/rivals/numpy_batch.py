"""SMC in numpy, vectorised over particles and runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scripts.bench.rivals.tables import Rival, edge_list
from simulator.problem.problem import Problem

__all__ = ["numpy_batch"]


def numpy_batch(problem: Problem, n_particles: int, resampling: str) -> Rival:
    """Prepare SMC in numpy; arrays have shape (R, N), the only loop is over levels.

    Parameters
    ----------
    resampling : {"multinomial", "systematic"}
    """
    t, n, a = edge_list(problem), n_particles, problem.model.n_actions

    def run(n_runs: int, seed: int) -> npt.NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        state = np.zeros((n_runs, n), dtype=np.int64)
        log_w = np.full(n_runs, t.log_root)
        rows = np.arange(n_runs)[:, None]
        for h in range(problem.horizon):
            x = rng.random((n_runs, n)) * a
            cell = x.astype(np.int64)
            i = state * a + cell
            j = 2 * i + (x - cell >= t.threshold[t.cells[h] + i])
            cumulative = np.cumsum(t.weight[t.weights[h] + j], axis=1)
            total = cumulative[:, -1:]
            log_w += np.log(total[:, 0] / n)
            share = cumulative / total
            share[:, -1] = 1.0
            if resampling == "systematic":
                upto = np.ceil(share * n - rng.random((n_runs, 1))).astype(np.int64)
                upto[:, -1] = n
                counts = np.diff(upto, axis=1, prepend=0)
                ancestors = np.repeat(np.arange(n_runs * n), counts.ravel())
            else:  # sorted uniforms from exponential spacings, all runs in one search
                spacing = np.cumsum(rng.standard_exponential((n_runs, n + 1)), axis=1)
                u = spacing[:, :n] / spacing[:, n:]
                ancestors = np.searchsorted((share + rows).ravel(), (u + rows).ravel(), "right")
            state = t.next_state[2 * t.cells[h] + j].ravel()[ancestors].reshape(n_runs, n)
        return log_w

    return run

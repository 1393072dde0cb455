"""SMC by the library `particles` (N. Chopin)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scripts.bench.rivals.tables import Rival, edge_list
from simulator.problem.problem import Problem

__all__ = ["particles_library"]


def particles_library(problem: Problem, n_particles: int, resampling: str) -> Rival:
    """Prepare SMC by `particles`; a particle is an outcome of the alias draw, thus an edge.

    Parameters
    ----------
    resampling : {"multinomial", "systematic"}

    Raises
    ------
    ImportError
        If the library is not installed.
    """
    import particles

    t, a = edge_list(problem), problem.model.n_actions

    class Model(particles.FeynmanKac):  # type: ignore[misc]
        def __init__(self, rng: np.random.Generator) -> None:
            super().__init__(problem.horizon)
            self.rng = rng

        def time_to_resample(self, smc: object) -> bool:
            return True

        def M0(self, N: int) -> npt.NDArray[np.int64]:  # noqa: N802
            return self.draw(0, np.zeros(N, dtype=np.int64))

        def M(self, t_now: int, xp: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: N802
            return self.draw(t_now, t.next_state[2 * t.cells[t_now - 1] + xp])

        def draw(self, h: int, state: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            x = self.rng.random(state.size) * a
            cell = x.astype(np.int64)
            i = state * a + cell
            return 2 * i + (x - cell >= t.threshold[t.cells[h] + i])

        def logG(  # noqa: N802
            self, t_now: int, xp: npt.NDArray[np.int64], x: npt.NDArray[np.int64]
        ) -> npt.NDArray[np.float64]:
            return t.log_weight[t.weights[t_now] + x]

    def run(n_runs: int, seed: int) -> npt.NDArray[np.float64]:
        np.random.seed(seed)  # noqa: NPY002 (the library resamples with numpy's global generator)
        out = np.empty(n_runs)
        for r in range(n_runs):
            smc = particles.SMC(
                fk=Model(np.random.default_rng([seed, r])), N=n_particles, resampling=resampling,
                collect="off",
            )  # fmt: skip
            smc.run()
            out[r] = t.log_root + smc.logLt
        return out

    return run

"""SMC in JAX: one lax.scan over the levels, arrays of shape (R, N), compiled as a whole."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from scripts.bench.rivals.tables import Rival, edge_list
from simulator.problem.problem import Problem

__all__ = ["VARIANTS", "jax_scan"]

# precision and generator
VARIANTS = (("float32", "threefry2x32"), ("float32", "rbg"), ("float64", "threefry2x32"))


def jax_scan(
    problem: Problem, n_particles: int, resampling: str, *, dtype: str, generator: str
) -> Rival:
    """Prepare SMC in JAX.

    Parameters
    ----------
    resampling : {"multinomial", "systematic"}

    Raises
    ------
    ImportError
        If JAX is not installed.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    t, n, a = edge_list(problem), n_particles, problem.model.n_actions
    threshold, weight = (jnp.asarray(x, dtype=dtype) for x in (t.threshold, t.weight))
    next_state = jnp.asarray(t.next_state, dtype=jnp.int32)
    levels = tuple(jnp.asarray(x, dtype=jnp.int32) for x in (t.cells, t.weights))

    @functools.partial(jax.jit, static_argnums=0)
    def scan(n_runs: int, key: Any) -> Any:
        rows = jnp.arange(n_runs)[:, None]

        def step(carry: Any, level: Any) -> Any:
            state, log_w, key = carry
            cells, weights = level
            key, key_move, key_resample = jax.random.split(key, 3)
            x = jax.random.uniform(key_move, (n_runs, n), dtype) * a
            cell = jnp.minimum(x.astype(jnp.int32), a - 1)
            i = state * a + cell
            j = 2 * i + (x - cell >= threshold[cells + i])
            cumulative = jnp.cumsum(weight[weights + j], axis=1)
            total = cumulative[:, -1:]
            if resampling == "systematic":
                u = jax.random.uniform(key_resample, (n_runs, 1), dtype)
                upto = jnp.ceil(cumulative * (n / total) - u).astype(jnp.int32)
                marks = jnp.zeros((n_runs, n), dtype=jnp.int32)
                marks = marks.at[rows, upto].add(1, mode="drop")
                ancestors = jnp.cumsum(marks, axis=1)
            else:
                spacing = jax.random.exponential(key_resample, (n_runs, n + 1), dtype)
                u = jnp.cumsum(spacing, axis=1)
                search = jax.vmap(functools.partial(jnp.searchsorted, side="right"))
                ancestors = search(cumulative, u[:, :n] / u[:, n:] * total)
            children = next_state[2 * cells + j]
            state = jnp.take_along_axis(children, jnp.minimum(ancestors, n - 1), axis=1)
            return (state, log_w + jnp.log(total[:, 0] / n), key), None

        start = (
            jnp.zeros((n_runs, n), dtype=jnp.int32), jnp.full(n_runs, t.log_root, dtype=dtype), key,
        )  # fmt: skip
        return jax.lax.scan(step, start, levels)[0][1]

    def run(n_runs: int, seed: int) -> npt.NDArray[np.float64]:
        return np.asarray(scan(n_runs, jax.random.key(seed, impl=generator)), dtype=np.float64)

    return run

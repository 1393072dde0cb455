"""The C programs smc.c and smc_simd.c, compiled when asked for and called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.resampling import codes
from simulator.resampling.schemes import SWEEP, scheme_for
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["CSMC", "LANES", "SIMD", "CRuns", "compiler"]

SOURCES = Path(__file__).with_name("c")
# c11 forbids to contract a*b+c, so that results are those of the kernels to the last bit
FLAGS = ("-std=c11", "-O3", "-mtune=native", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
LANES = 8
# instructions: lanes of smc_simd.c, and what the compiler may use
SIMD = {"avx2": (4, "x86-64-v3"), "avx512": (8, "x86-64-v4")}
ARRAYS = ("cell_start", "cells", "rows", "log_scale")


class _Problem(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("n_particles", "n_actions", "horizon", "scheme")),
        ("log_root", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in (*ARRAYS, "n_cells")),
    )


class CRuns(NamedTuple):
    """Terminal states (-1 for failure), log W^_H and levels done; arrays of shape (R,)."""

    states: npt.NDArray[np.int64]
    log_w: npt.NDArray[np.float64]
    levels: npt.NDArray[np.int64]


def compiler() -> str | None:
    """Return the C compiler: ``$CC``, gcc or cc, or None if there is none."""
    names = (os.environ.get("CC", ""), "gcc", "cc")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def _compiled(cc: str, source: str, library: Path, machine: str) -> ctypes.CDLL:
    schemes = [f"-D{name}={getattr(codes, name)}" for name in codes.__all__]
    command = [cc, *FLAGS, f"-march={machine}", *schemes, str(SOURCES / source)]
    subprocess.run([*command, "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


class CSMC:
    """SMC in C: as the kernels do it, with eight generators side by side, or a run a SIMD lane.

    Parameters
    ----------
    folder : Path
        Where the compiled library is written.

    Raises
    ------
    FileNotFoundError
        If there is no C compiler.
    """

    def __init__(self, folder: Path) -> None:
        cc = compiler()
        if cc is None:
            raise FileNotFoundError("there is no C compiler")
        self._library = _compiled(cc, "smc.c", folder / "smc.so", "native")
        here = self._library.simd_lanes()
        self._simd = {
            name: _compiled(cc, "smc_simd.c", folder / f"{name}.so", machine)
            for name, (lanes, machine) in SIMD.items()
            if lanes <= here
        }

    @property
    def simd(self) -> tuple[str, ...]:
        """Names of `SIMD` that this processor has."""
        return tuple(self._simd)

    def seeds(self, rng: RngLike, n_runs: int, lanes: bool) -> npt.NDArray[np.uint64]:
        """Make the starting states of `n_runs` runs.

        Returns
        -------
        (R, 4) or, for lanes, (R, 4, 8) uint64 array
            Without lanes those of `SMC.run`.
        """
        if not lanes:
            return run_seeds(rng, n_runs)
        flat = run_seeds(rng, n_runs * LANES).reshape(n_runs, LANES, 4)
        return np.ascontiguousarray(flat.transpose(0, 2, 1))

    def run(
        self,
        problem: Problem,
        n_particles: int,
        resampling: str,
        n_runs: int,
        rng: RngLike,
        *,
        lanes: bool = False,
        simd: str | None = None,
    ) -> CRuns:
        """Draw independent runs.

        Parameters
        ----------
        resampling : {"multinomial", "systematic"}
        lanes : bool, optional
            Eight generators a run; else the draws of ``SMC(...).run``.
        simd : str, optional
            A run a lane, by the instructions of that name; not for so many particles that
            multinomial ancestors are drawn in a sweep.
        """
        scheme = scheme_for(resampling, n_particles)
        if simd is not None and scheme is SWEEP:
            raise InputError(f"{n_particles} particles: multinomial sweeps have no lanes")
        t = edge_tables(problem)
        n_cells = t.n_actions * problem.model.n_states[:-1].astype(np.int64)
        arguments = _Problem(
            n_particles, t.n_actions, t.cell_start.size, scheme.code,
            float(problem.log_prm_flat[0]), *(getattr(t, name).ctypes.data for name in ARRAYS),
            n_cells.ctypes.data,
        )  # fmt: skip
        seeds = self.seeds(rng, n_runs, lanes)
        states, levels = np.empty((2, n_runs), dtype=np.int64)
        out = CRuns(states, np.empty(n_runs), levels)
        if simd is not None:
            call = self._simd[simd].smc_simd
        else:
            call = self._library.smc_lanes if lanes else self._library.smc_scalar
        pointers = (ctypes.c_void_p(x.ctypes.data) for x in (seeds, *out))
        call(ctypes.byref(arguments), ctypes.c_int64(n_runs), *pointers)
        return out

"""The resampling schemes behind one compiled function."""

from __future__ import annotations

from numba import njit

from simulator.resampling.killing import fill as killing
from simulator.resampling.multinomial import fill as multinomial
from simulator.resampling.multinomial_sweep import fill as multinomial_sweep
from simulator.resampling.residual import fill as residual
from simulator.resampling.single import fill as single
from simulator.resampling.ssp import fill as ssp
from simulator.resampling.stratified import fill as stratified
from simulator.resampling.systematic import fill as systematic

__all__ = ["resample"]


# in line, as a call would hand over seventy words at each level
@njit(cache=True, nogil=True, forceinline=True)
def resample(scheme, weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]`` by the scheme of that code; see `multinomial.fill`.

    Parameters
    ----------
    scheme : int
        ``scheme_for(name, n).code`` of `simulator.resampling.registry`.
    weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3
        As in `simulator.resampling.multinomial.fill`.

    Returns
    -------
    tuple of four uint64
    """
    if scheme == 0:
        return multinomial(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 1:
        return systematic(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 2:
        return stratified(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 3:
        return residual(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 4:
        return ssp(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 5:
        return killing(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == 6:
        return single(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    return multinomial_sweep(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)

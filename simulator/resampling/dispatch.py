"""The resampling schemes behind one compiled function."""

from __future__ import annotations

from numba import njit

from simulator.resampling.codes import (
    KILLING,
    MULTINOMIAL,
    RESIDUAL,
    SINGLE,
    SSP,
    STRATIFIED,
    SYSTEMATIC,
)
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
        ``scheme_for(name, n).code`` of `simulator.resampling.schemes`.
    weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3
        As in `simulator.resampling.multinomial.fill`.

    Returns
    -------
    tuple of four uint64
    """
    if scheme == MULTINOMIAL:
        return multinomial(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == SYSTEMATIC:
        return systematic(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == STRATIFIED:
        return stratified(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == RESIDUAL:
        return residual(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == SSP:
        return ssp(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == KILLING:
        return killing(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    if scheme == SINGLE:
        return single(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    return multinomial_sweep(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)

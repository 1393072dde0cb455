"""Exact law of the offspring counts of each resampling scheme.

Every scheme here is unbiased, E[counts_i] = N W_i with W the normalised weights, and
returns ancestors that can be listed in nondecreasing order, so a count vector and a
nondecreasing sequence of N ancestors are the same thing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.compositions import compositions

__all__ = ["SCHEMES", "offspring_batch", "offspring_law"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SCHEMES = ("multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single")
# Outcomes below this are artefacts of rounding: breakpoints that coincide in exact arithmetic.
ROUNDING = 1e-12
# N W_i counts as a whole number when it is this close below one (the floors of equal weights
# would otherwise drop to zero together, which is another law).
FLOOR_SLACK = 1e-9


def offspring_law(scheme: str, weights: npt.ArrayLike) -> list[tuple[float, tuple[int, ...]]]:
    r"""Exact law of the offspring counts.

    * multinomial: N iid ancestors, P(i) = W_i;
    * systematic: one uniform u, ancestor k holds position (u + k)/N of the cumulated
      weights; integrated over the intervals of u on which the counts do not change;
    * stratified: the same with one uniform a stratum;
    * residual: floor(N W_i) copies, the rest multinomial on the residuals;
    * ssp: floor(N W_i) copies, the fractions settled pair by pair, every branch listed;
    * killing: each particle survives with probability W_i/max W, the others are redrawn; summed
      over the 2^N sets of survivors;
    * single: one ancestor for all, P(i) = W_i.

    Parameters
    ----------
    scheme : {"multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single"}
    weights : (N,) array
        In particle order, >= 0, with a positive sum.

    Returns
    -------
    list of (float, tuple of N ints)
        Probability and counts of each outcome.

    Raises
    ------
    InputError
        If the scheme is not known or the weights are not as described.

    Examples
    --------
    >>> offspring_law("systematic", [3.0, 1.0])
    [(0.5, (2, 0)), (0.5, (1, 1))]
    >>> offspring_law("multinomial", [3.0, 1.0])
    [(0.5625, (2, 0)), (0.375, (1, 1)), (0.0625, (0, 2))]
    """
    w = np.array(weights, dtype=np.float64)
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
        raise InputError("weights: a list of numbers >= 0 with a positive sum is needed")
    _, probability, ancestors = offspring_batch(scheme, w[None])
    counts = [tuple(np.bincount(a, minlength=w.size).tolist()) for a in ancestors]
    return list(zip(probability.tolist(), counts, strict=True))


def offspring_batch(scheme: str, weights: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors at once.

    Parameters
    ----------
    scheme : str
        As in `offspring_law`.
    weights : (C, N) array
        One weight vector a row.

    Returns
    -------
    row : (R,) int array
        To which weight vector an outcome belongs.
    probability : (R,) array
        Positive; sums to 1 over the outcomes of a row.
    ancestors : (R, N) int array
        Nondecreasing.

    Raises
    ------
    InputError
        If the scheme is not known.

    Examples
    --------
    >>> import numpy as np
    >>> offspring_batch("stratified", np.array([[1.0, 1.0]]))
    (array([0]), array([1.]), array([[0, 1]]))
    """
    share = weights / weights.sum(axis=1, keepdims=True)
    if scheme == "systematic":
        return _systematic(share)
    if scheme == "ssp":
        return _ssp(share)
    if scheme not in SCHEMES:
        raise InputError(f"resampling: {scheme!r} is not known, only {', '.join(SCHEMES)} are")
    n = weights.shape[1]
    if scheme == "single":
        row, ancestor = np.nonzero(share)
        return row, share[row, ancestor], np.repeat(ancestor[:, None], n, axis=1)
    table = compositions(n, n)
    if scheme == "stratified":
        overlap = _strata(share)
        probability = np.ones((weights.shape[0], table.sequence.shape[0]))
        for k in range(n):
            probability *= overlap[:, k, table.sequence[:, k]]
    elif scheme == "killing":
        probability = _killing(share, table.counts)
    else:
        whole = np.floor(n * share + FLOOR_SLACK) if scheme == "residual" else 0 * share
        rest = n * share - whole
        if scheme == "residual":
            rest = np.where(rest > FLOOR_SLACK, rest, 0)
        probability = _rest_multinomial(rest, whole, table.counts)
    row, outcome = np.nonzero(probability > 0)
    return row, probability[row, outcome], table.sequence[outcome]


def _systematic(share: Floats) -> tuple[Ints, Floats, Ints]:
    n = share.shape[1]
    upper = n * np.cumsum(share, axis=1)
    upper[:, -1] = n
    edge = np.sort(upper - np.floor(upper), axis=1)
    edge = np.concatenate([np.zeros((len(edge), 1)), edge, np.ones((len(edge), 1))], axis=1)
    width = np.diff(edge, axis=1)
    width[width < ROUNDING] = 0
    width /= width.sum(axis=1, keepdims=True)
    row, part = np.nonzero(width)
    u = (edge[row, part] + edge[row, part + 1]) / 2
    before = np.ceil(upper[row] - u[:, None])  # positions u, u+1, .. below the upper end of i
    ancestors = (before[:, None, :] <= np.arange(n)[None, :, None]).sum(axis=2)
    return row, width[row, part], ancestors


def _strata(share: Floats) -> Floats:
    """P(stratum k picks particle i), shape (C, N, N)."""
    n = share.shape[1]
    upper = n * np.cumsum(share, axis=1)
    upper[:, -1] = n
    lower = np.concatenate([np.zeros((len(upper), 1)), upper[:, :-1]], axis=1)
    k = np.arange(n)[None, :, None]
    overlap = np.minimum(upper[:, None], k + 1) - np.maximum(lower[:, None], k)
    overlap[overlap < ROUNDING] = 0
    return np.asarray(overlap / overlap.sum(axis=2, keepdims=True))


def _rest_multinomial(rest: Floats, whole: Floats, counts: Floats) -> Floats:
    """Probability of each count vector: `whole` copies, then multinomial draws on `rest`."""
    n = rest.shape[1]
    total = rest.sum(axis=1, keepdims=True)
    rest = rest / np.where(total > 0, total, 1)
    factorial = np.cumprod(np.concatenate([[1.0], np.arange(1.0, n + 1)]))
    extra = counts[None] - whole[:, None]
    possible = np.asarray((extra >= 0).all(axis=2))
    extra = np.where(possible[:, :, None], extra, 0).astype(np.int64)
    size = n - whole.sum(axis=1).astype(np.int64)
    terms = (rest[:, None] ** extra / factorial[extra]).prod(axis=2)
    return np.asarray(np.where(possible, terms * factorial[size][:, None], 0.0))


def _killing(share: Floats, counts: Floats) -> Floats:
    """Sum over the sets of survivors; the killed are redrawn from the weights."""
    n = share.shape[1]
    survives = share / share.max(axis=1, keepdims=True)
    probability = np.zeros((len(share), len(counts)))
    for bits in range(1 << n):
        kept = (bits >> np.arange(n) & 1).astype(np.float64)
        chance = np.where(kept > 0, survives, 1 - survives).prod(axis=1)
        some = np.flatnonzero(chance)
        if some.size:
            whole = np.broadcast_to(kept, (some.size, n))
            probability[some] += chance[some, None] * _rest_multinomial(share[some], whole, counts)
    return probability


def _ssp(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Follow every branch of the pairwise settlement; see `simulator.resampling.ssp`."""
    n = share.shape[1]
    copies = np.floor(n * share + FLOOR_SLACK)
    rest = np.maximum(n * share - copies, 0.0)
    row, chance = np.arange(len(share)), np.ones(len(share))
    carrier, x = np.full(len(share), -1), np.zeros(len(share))
    for i in range(n):
        y = rest[row, i]
        idle = y <= FLOOR_SLACK
        first = ~idle & (carrier < 0)
        carrier, x = np.where(first, i, carrier), np.where(first, y, x)
        meets = np.flatnonzero(~idle & ~first)
        low = x[meets] + y[meets] < 1 - FLOOR_SLACK
        total = x[meets] + y[meets]
        # the carrier keeps the sum, or is rounded up
        stays = np.where(low, x[meets] / total, (1 - y[meets]) / (2 - total))
        parts = [np.flatnonzero(idle | first)]
        kept = [(copies[parts[0]], chance[parts[0]], carrier[parts[0]], x[parts[0]])]
        for stay in (True, False):
            p = stays if stay else 1 - stays
            up = carrier[meets] if stay else np.full(meets.size, i)
            down = np.full(meets.size, i) if stay else carrier[meets]
            more = copies[meets].copy()
            more[np.arange(meets.size)[~low], up[~low]] += 1
            carried = np.where(low, total, total - 1)
            holder = np.where(low, up, np.where(carried > FLOOR_SLACK, down, -1))
            live = p > ROUNDING
            parts.append(meets[live])
            kept.append((more[live], (chance[meets] * p)[live], holder[live], carried[live]))
        row = row[np.concatenate(parts)]
        copies, chance, carrier, x = (np.concatenate(c) for c in zip(*kept, strict=True))
    missing = n - copies.sum(axis=1)
    copies[np.arange(row.size), np.maximum(carrier, 0)] += missing
    ends = np.cumsum(copies, axis=1)
    ancestors = (ends[:, None, :] <= np.arange(n)[None, :, None]).sum(axis=2)
    return row, chance, ancestors

r"""The conditional mean of a self-normalised cloud under any resampling scheme made of slots.

Slot s has parent i with probability law_s(i), independently of the other slots, and its child is
drawn from pi_ref; so slot s has the law q_s = law_s ⊗ pi_ref on pairs (parent, child), and

    E[nu~(k) | past] = sum_s q_s(k) E[u_k / (u_k + sum of the other slots)]
                     = sum_s q_s(k) u_k Int_0^inf exp(-t u_k) prod_{s' != s} phi_{s'}(t) dt
                    >= sum_s q_s(k) u_k / (u_k + sum_{s' != s} E_{q_s'}[u])        by Jensen,
    phi_s(t) = sum_k q_s(k) exp(-t u_k),

averaged over the components of a mixture. The quadrature is that of `simulator.exact.quadrature`:
its integrand is bounded in the strip in the same way, factor by factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.quadrature import LEAST
from simulator.exact.quadrature_grid import LEFT, RIGHT, STEP
from simulator.resampling.schemes import SCHEMES
from simulator.resampling.slots import Slots
from simulator.typing import Floats

__all__ = ["SlotMean"]

CHUNK = 1 << 20  # entries of the largest temporary array


@dataclass(frozen=True)
class SlotMean:
    """E[nu~(parent, child) | past] for a resampling scheme; particles are told apart by place.

    Parameters
    ----------
    resampling : str
        Name of a scheme in `simulator.resampling.schemes`.
    jensen : bool, optional
        Whether a floor by Jensen's inequality, slot by slot, takes the place of the mean.

    Examples
    --------
    Two particles of equal weights have one child each, which has weight 1 or 3:

    >>> share, prob = np.array([[0.5, 0.5]]), np.full((1, 2, 2), 0.5)
    >>> u = np.array([[[1.0, 3.0], [1.0, 3.0]]])
    >>> SlotMean("stratified")(share, prob, u).round(12).tolist()
    [[[0.1875, 0.3125], [0.1875, 0.3125]]]
    >>> SlotMean("stratified", jensen=True)(share, prob, u).round(12).tolist()
    [[[0.166666666667, 0.3], [0.166666666667, 0.3]]]
    """

    resampling: str
    jensen: bool = False

    def __call__(self, share: Floats, prob: Floats, u: Floats) -> Floats:
        """Compute it for a batch of pasts.

        Parameters
        ----------
        share : (C, N) array
            Normalised weights of the clouds, in particle order.
        prob : (C, N, A) array
            Law of the child of each particle; rows sum to 1.
        u : (C, N, A) array
            Weights u >= 0 of the pairs, at any scale.

        Returns
        -------
        (C, N, A) array
            Sums to 1 less the probability that all weights are zero.

        Raises
        ------
        TooLargeError
            If a weight is positive, but below 1e-304 of the mean, or if the offspring of so many
            particles cannot be listed.
        """
        out = np.zeros_like(u)
        q = share[:, :, None] * prob
        mean = (q * u).sum(axis=(1, 2))
        scale = np.where(mean > 0, mean, 1.0)[:, None, None]
        if ((u > 0) & (q > 0) & (u < LEAST * scale)).any():
            raise TooLargeError(f"weights span more than a factor {1 / LEAST:g}")
        level = _floor if self.jensen else _mean
        live = np.flatnonzero(mean > 0)
        size = max(1, CHUNK // (32 * share.shape[1] * (share.shape[1] + u.shape[2])))
        for first in range(0, live.size, size):
            part = live[first : first + size]
            slots = SCHEMES[self.resampling].slots(share[part])
            # children of dead particles are no atoms of q, whatever weight they would have
            w = np.where(q[part] > 0, u[part] / scale[part], 0.0)
            out[part] = level(slots, prob[part], w)
        return out


def _floor(slots: Slots, prob: Floats, u: Floats) -> Floats:
    """Give every slot its share of what the others have on average."""
    each = slots.expected((prob * u).sum(axis=2)[:, None])
    others = np.maximum((slots.copies * each).sum(axis=2, keepdims=True) - each, 0.0)
    weight = slots.chance[:, :, None] * slots.copies
    if slots.law is not None:  # one component: its kinds of slots take the place of components
        others, weight = others[:, 0, :, None], weight[:, 0, :, None] * slots.law
    out = np.empty_like(u)
    for a in range(u.shape[2]):
        mine = u[:, None, :, a]
        out[:, :, a] = (weight * mine / np.where(mine > 0, mine + others, 1.0)).sum(axis=1)
    return prob * out


def _mean(slots: Slots, prob: Floats, u: Floats) -> Floats:
    """Integrate, for weights of mean 1."""
    smallest = float(np.min(u, where=(u > 0), initial=np.inf))
    right = np.log(RIGHT) - np.log(smallest)
    s = np.arange(-LEFT - np.log(u.shape[1]), right + STEP, STEP)
    weight = slots.chance[:, :, None] * slots.copies
    total = np.zeros_like(u)
    size = max(1, CHUNK // (u.size + slots.chance.size + 2 * slots.copies[:, 0].size))
    for first in range(0, s.size, size):
        t = np.exp(s[first : first + size])
        with np.errstate(over="ignore"):  # exp(-inf) = 0 is right
            drop = np.expm1(-t[:, None, None] * u[:, None])
        fall = np.maximum(slots.expected((prob[:, None] * drop).sum(axis=3)), -1.0 + 1e-16)
        product = np.exp(np.log1p(fall) @ slots.copies.swapaxes(1, 2))
        others = slots.gathered(product @ weight / (1.0 + fall))
        total += np.einsum("t,cti,ctia->cia", STEP * t, others, drop + 1.0)
    return np.asarray(prob * u * total)

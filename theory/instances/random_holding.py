r"""A filter that holds few labels twice: no schedule of late labels forces many particles.

Labels are fair bits, label i good if it equals a hidden bit and worth a factor 1 + theta_i then,
else 1 - theta_i; V^ hears of it at a known later level, until when it is pending. The filter wants
label i with both values with probability theta_i, independently; it holds it so unless b labels are
held twice and pending already (it *refuses* then), and else with one fair value. All combinations
of the labels that are held twice are kept, and those with a bad value die when it is shown. So it
is myopic and has at most 2^b particles.

If nothing is refused, labels are good independently with probability theta + (1 - theta)/2, as
under pi*. The fair value of a refused label is good with probability 1/2 whatever else happens, so
the filter and the target can be coupled to differ only if something is refused:

    D_TV <= P(something is refused) <= E[number refused] <= sum_i theta_i (e Lambda/b)^b,

where Lambda >= the sum of theta over the labels pending with any one: of independent events of
total probability Lambda at least b happen with probability at most Lambda^b/b!. So b of order
log(H/eps)/loglog(H/eps) will do, and no instance of this kind forces a power of H.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simulator.checks import check_int, check_real
from simulator.typing import Floats

__all__ = ["Refusals", "good_label_law", "queue_refusals", "refusal_limit"]

MOST_DELAY = 16


class Refusals(NamedTuple):
    """Law of the number of refused labels, as far as it bounds the error.

    Attributes
    ----------
    any : float
        P(something is refused), which the error does not pass.
    mean : float
        Expected number of refused labels.
    """

    any: float
    mean: float


def refusal_limit(horizon: int, theta: float, pending: float, most_doubled: int) -> float:
    """Return H theta (e Lambda/b)^b, which the expected number of refused labels does not pass.

    Parameters
    ----------
    horizon : int
        Number of labels H.
    theta : float
        In [0, 1].
    pending : float
        Lambda, the largest sum of theta over labels that are pending together.
    most_doubled : int
        b >= 1; the filter has 2^b particles.

    Returns
    -------
    float
        Vacuous from 1 on.

    Examples
    --------
    >>> round(refusal_limit(1000, 1 / 8, 1.0, 6), 2)
    1.08
    """
    check_int("horizon", horizon, 1)
    check_real("theta", theta, 0, 1)
    check_int("most_doubled", most_doubled, 1)
    return horizon * theta * (math.e * pending / most_doubled) ** most_doubled


def queue_refusals(horizon: int, delay: int, theta: float, most_doubled: int) -> Refusals:
    """Follow the labels that are held twice and pending, in a queue, exactly.

    Parameters
    ----------
    horizon, delay, theta : int, int, float
        As in `simulator.problem.families.late_labels.late_labels`.
    most_doubled : int
        b >= 0; the filter has 2^b particles.

    Returns
    -------
    Refusals

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> [f"{queue_refusals(1000, 8, 1 / 8, b).mean:.4f}" for b in (5, 6)]  # 32 and 64 particles
    ['0.0533', '0.0025']
    """
    _check(horizon, delay, theta, most_doubled)
    held = _Queue(delay, most_doubled)
    every, none = held.start(), held.start()
    mean = 0.0
    for _ in range(horizon):
        mean += theta * float(every[held.full].sum())
        every = held.after(every, theta, refused=theta)
        none = held.after(none, theta, refused=0.0)
    return Refusals(min(1.0, max(0.0, 1 - float(none.sum()))), mean)


def good_label_law(horizon: int, delay: int, theta: float, most_doubled: int) -> Floats:
    """Compute the law of the number of good labels of the filter's output.

    Parameters
    ----------
    horizon, delay, theta, most_doubled : int, int, float, int
        As in `queue_refusals`.

    Returns
    -------
    (H+1,) array
        That of Bin(H, (1 + theta)/2) if nothing can be refused, as from b = delay on.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> good_label_law(2, 2, 0.5, 1).tolist(), good_label_law(2, 2, 0.5, 2).tolist()
    ([0.0625, 0.5, 0.4375], [0.0625, 0.375, 0.5625])
    """
    _check(horizon, delay, theta, most_doubled)
    held = _Queue(delay, most_doubled)
    law = np.zeros((held.start().size, horizon + 1))
    law[:, 0] = held.start()
    for h in range(horizon):
        far = law[:, : h + 1]  # so many labels can be good so far
        doubled, single = held.doubled(far, theta), held.single(far, theta)
        law[:, : h + 1] = single / 2
        law[:, 1 : h + 2] += single / 2 + doubled
    return np.asarray(law.sum(axis=0))


class _Queue:
    """Bit patterns of the delay - 1 labels before the next one: which are held twice."""

    def __init__(self, delay: int, most_doubled: int) -> None:
        self._size = 1 << (delay - 1)
        count = np.array([s.bit_count() for s in range(self._size)])
        self.full = count >= most_doubled

    def start(self) -> Floats:
        """Nothing is held."""
        law = np.zeros(self._size)
        law[0] = 1.0
        return law

    def doubled(self, law: Floats, theta: float) -> Floats:
        """Move the mass of patterns by which the next label is held twice."""
        return self._append(_scaled(law, np.where(self.full, 0.0, theta)), 1)

    def single(self, law: Floats, theta: float, refused: float | None = None) -> Floats:
        """Move the mass by which it is held once; of refused labels `refused` (by default all)."""
        more = theta if refused is None else refused
        return self._append(_scaled(law, np.where(self.full, 1 - theta + more, 1 - theta)), 0)

    def after(self, law: Floats, theta: float, refused: float) -> Floats:
        """Return the law behind the next label."""
        return self.doubled(law, theta) + self.single(law, theta, refused)

    def _append(self, law: Floats, bit: int) -> Floats:
        """Drop the oldest label of each pattern and append one."""
        if self._size == 1:
            return law
        out = np.zeros_like(law)
        half = self._size // 2
        out[bit::2] = law[:half] + law[half:]
        return out


def _scaled(law: Floats, factor: Floats) -> Floats:
    """Multiply the rows."""
    return np.asarray((law.T * factor).T)


def _check(horizon: int, delay: int, theta: float, most_doubled: int) -> None:
    check_int("horizon", horizon, 1)
    check_int("delay", delay, 1, MOST_DELAY)
    check_real("theta", theta, 0, 1)
    check_int("most_doubled", most_doubled, 0)

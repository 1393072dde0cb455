r"""Hard instances for myopic filters: labels whose worth the PRM shows too late.

Both families are made of labels: fair bits that multiply the reward by 1 + theta if they equal
a hidden bit y*_h (the same for all prefixes) and by 1 - theta otherwise. V^ leaves a label out
until a later level; labels close in the order last in, first out. A state is the tuple of the
labels that are still open: the bits themselves, never whether they are good.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.problem.families.checks import MAX_HORIZON, check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem
from simulator.typing import Floats, Ints

__all__ = [
    "FREE",
    "OPEN",
    "SHOWN",
    "block_counts",
    "hidden_bits",
    "hidden_labels",
    "recursive_delay",
    "schedule",
]


MAX_LEVELS = 12
FREE, OPEN, SHOWN = 0, 1, 2  # a token without worth, one judged later, one judged at once


def hidden_labels(
    counts: str | Sequence[int] = "16", theta: float = 0.75, seed: int = 0
) -> Problem:
    r"""Return the simple instance on which a filter with n particles fails (new here; cf. F.5).

    A block of level n is M_n copies of [label][block of level n-1][reveal]; the block of level
    0 is empty. A label that equals its hidden bit multiplies the reward by 1 + theta, any other
    by 1 - theta; V^ takes it in at the reveal, whose own token is a fair bit without worth.
    So, before the reveals, with Z = V^(root) = 1::

        V*/V^ = prod over open labels of (1 ± theta), in [(1 - theta)^n, (1 + theta)^n]

    and C_inf = (1 - theta)^-n, C_act = 1 + theta. Under pi* all labels are good independently,
    with probability (1 + theta)/2. At most 2^n states a level; H = M_n (H(n-1) + 2).

    Parameters
    ----------
    counts : str or sequence of int, optional
        M_1, ..., M_n, innermost first; as text "42/248".
    theta : float, optional
        In [0, 1).
    seed : int, optional
        Of the hidden bits.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = hidden_labels("42/248", theta=0.5)
    >>> problem.horizon, int(problem.model.n_states.max()), bool(abs(problem.log_z) < 1e-9)
    (21328, 4, True)
    """
    check_real("theta", theta, 0.0, 1.0)
    problem = _stack("hidden-labels", block_counts(counts), theta, seed)
    problem.name += f",theta={theta:g},seed={seed}"
    return problem


def recursive_delay(
    counts: str | Sequence[int] = "81", gamma: float = 1 / 3, seed: int = 0
) -> Problem:
    r"""Return the recursively delayed instance of the myopic lower bound (arXiv 2603.07887, F.5).

    All tokens count: token h is 1 + 2 gamma worth if it equals y*_h, else 1 - 2 gamma, so pi*
    is a product law with P(y_h = y*_h) = 1/2 + gamma. A block of level 1 is m_1 bits, each
    taken into V^ one level late, the last at once. A block of level k is m_k sub-blocks
    [bit, block of level k-1, bit]; the first bit is taken in only with the last one, which is
    taken in at once. Here C_act = 1 + 2 gamma and C_inf = (1 - 2 gamma)^-n (if every m_1 > 1);
    with gamma = 1/N and n <= N these are at most 2 for N >= 2 and e^3 for N >= 4.

    The paper has H(n) = N^(4n). As N^(4n) is not a multiple of N^(4(n-1)) + 2, take near
    counts: "81/79/81" for N = n = 3, H = 531,279. At most 2^n states a level.

    Parameters
    ----------
    counts : str or sequence of int, optional
        m_1, ..., m_n, innermost first; as text "81/79".
    gamma : float, optional
        In [0, 1/2).
    seed : int, optional
        Of the hidden bits.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = recursive_delay("81/79")
    >>> problem.horizon, int(problem.model.n_states.max())
    (6557, 4)
    """
    check_real("gamma", gamma, 0.0, 0.5)
    problem = _stack("recursive-delay", block_counts(counts), 2 * gamma, seed)
    problem.name += f",gamma={gamma:g},seed={seed}"
    return problem


def block_counts(counts: str | Sequence[int]) -> tuple[int, ...]:
    """Read block counts, innermost first.

    Parameters
    ----------
    counts : str or sequence of int
        Such as "42/248" or (42, 248).

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        If one of them is not a whole number >= 1, or there are more than 12.

    Examples
    --------
    >>> block_counts("42/248")
    (42, 248)
    """
    try:
        sizes = tuple(int(x) for x in counts.split("/")) if isinstance(counts, str) else counts
    except ValueError:
        raise InputError(f"counts: {counts!r} is not of the form 42/248") from None
    if not 1 <= len(sizes) <= MAX_LEVELS:
        raise InputError(f"counts: {len(sizes)} levels, from 1 to {MAX_LEVELS} are possible")
    for size in sizes:
        check_horizon(size, name="counts")
    return tuple(int(x) for x in sizes)


def hidden_bits(horizon: int, seed: int) -> Ints:
    """Return y*, the hidden bit of each level.

    Parameters
    ----------
    horizon : int
        Number of bits H.
    seed : int
        Of the bits.

    Returns
    -------
    (H,) int array
        Fair bits, 0 or 1.
    """
    return np.random.default_rng(seed).integers(0, 2, size=horizon)


def schedule(family: str, counts: Sequence[int]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return what each level does: the kind of its token, and whether it closes a label first.

    Parameters
    ----------
    family : {"hidden-labels", "recursive-delay"}
        Which of the two families.
    counts : sequence of int
        Block counts, innermost first.

    Returns
    -------
    kinds : (H,) int array
        `FREE`: a token without worth; `OPEN`: a label; `SHOWN`: judged at once.
    closes : (H,) bool array
        Whether V^ takes in the last open label.

    Raises
    ------
    InputError
        If there are more than 10^7 levels.

    Examples
    --------
    >>> kinds, closes = schedule("hidden-labels", [1, 2])
    >>> kinds.tolist(), closes.astype(int).tolist()
    ([1, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1, 1])
    """
    kinds, closes = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    end = FREE
    if family == "recursive-delay":
        _check_horizon(counts[0], 1)
        kinds = np.array([OPEN] * (counts[0] - 1) + [SHOWN])
        closes = np.array([False] + [True] * (counts[0] - 1))
        counts, end = counts[1:], SHOWN
    for size in counts:
        _check_horizon(size, len(kinds) + 2)
        kinds = np.tile(np.concatenate([[OPEN], kinds, [end]]), size)
        closes = np.tile(np.concatenate([[False], closes, [True]]), size)
    return kinds, closes


def _check_horizon(size: int, length: int) -> None:
    if size * length > MAX_HORIZON:
        raise InputError(f"counts: more than {MAX_HORIZON} levels")


def _stack(family: str, counts: tuple[int, ...], theta: float, seed: int) -> Problem:
    """Make the problem: level h may close the last open label, then reads its own token."""
    if theta >= 1:
        raise InputError("worth 0: theta < 1 and gamma < 1/2 are needed")
    check_int("seed", seed, 0, 2**63)
    plan = _plan(family, counts)
    bits = hidden_bits(len(plan.opener), seed)
    worth = np.array([1 - theta, 1 + theta])
    # by place: what the level does, the hidden bit of the label that it closes, and its own
    edges: list[Floats | None] = [None]
    for (depth, kind, close), late, now in product(plan.levels, (0, 1), (0, 1)):
        gain = np.ones((1 << depth, 2))
        if close:
            gain *= worth[((np.arange(1 << depth) & 1) == late).astype(int)][:, None]
        if kind == SHOWN:
            gain *= worth[(np.arange(2) == now).astype(int)]
        edges.append(gain)
    place = 1 + 4 * plan.level + 2 * bits[plan.opener] * plan.closes + bits * plan.shown
    place[~(plan.closes | plan.shown)] = 0
    problem = Problem.from_log(
        plan.model,
        [0.0],
        np.zeros(int(plan.model.n_states.sum())),
        edge_reward=[edges[i] for i in place.tolist()],
        name=f"{family}:counts={'/'.join(map(str, counts))}",
    )
    problem.instance = Instance(
        family, {"counts": counts, "theta": float(theta), "seed": int(seed)}
    )
    return problem


class _Plan(NamedTuple):
    """What does not depend on the hidden bits.

    Attributes
    ----------
    model : TabularModel
    levels : list of (depth, kind, close)
        The different levels: number of open labels, kind of the token, whether it closes one.
    level : (H,) int array
        Which of them each level is.
    opener : (H,) int array
        The level of the label that is closed, 0 where none is.
    closes, shown : (H,) bool arrays
        Whether a label is closed, and whether the level's own token is judged at once.
    """

    model: TabularModel
    levels: list[tuple[int, int, bool]]
    level: Ints
    opener: Ints
    closes: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]


@lru_cache(maxsize=4)  # long ones take seconds, and many problems differ by their bits only
def _plan(family: str, counts: tuple[int, ...]) -> _Plan:
    kinds, closes = schedule(family, counts)
    levels: dict[tuple[int, int, bool], int] = {}
    level, opener = np.empty((2, len(kinds)), dtype=np.int64)
    opened: list[int] = []  # levels of the open labels
    for h, (kind, close) in enumerate(zip(kinds.tolist(), closes.tolist(), strict=True)):
        level[h] = levels.setdefault((len(opened), kind, close), len(levels))
        opener[h] = opened.pop() if close else 0
        if kind == OPEN:
            opened.append(h)
    tables = []
    for depth, kind, close in levels:
        kept = (np.arange(1 << depth) >> close)[:, None]
        following = 2 * kept + np.arange(2) if kind == OPEN else np.repeat(kept, 2, axis=1)
        tables.append((np.full((1 << depth, 2), 0.5), following))
    at = level.tolist()
    model = TabularModel([tables[i][0] for i in at], [tables[i][1] for i in at], n_terminal=1)
    return _Plan(model, list(levels), level, opener, closes, kinds == SHOWN)

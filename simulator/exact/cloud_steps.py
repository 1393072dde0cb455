"""Transitions of the Markov chain of particle clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.exact.particle_types import Step, Types
from simulator.resampling.compositions import (
    Compositions,
    check_listable,
    compositions,
    multisets,
)
from simulator.resampling.offspring import offspring_batch
from simulator.resampling.when import Rule
from simulator.typing import Floats, Ints

__all__ = [
    "Clouds", "Mixture", "MixtureBlock", "Pool", "Scheme", "Work", "advance", "last_parents",
    "mixture_blocks", "mixtures",
]  # fmt: skip


BLOCK = 1 << 19  # transitions held at once, of clouds of few particles
ENTRIES = 1 << 22  # their particles


def _held(n: int) -> int:
    """Transitions held at once, so that large clouds take no more memory than small ones."""
    return max(1, min(BLOCK, ENTRIES // n))


@dataclass(frozen=True)
class Scheme:
    """When and how a cloud is resampled."""

    n_particles: int
    resampling: str
    rule: Rule
    block: int = 1

    @property
    def always(self) -> bool:
        """Whether every level resamples."""
        return self.rule.threshold >= 1 and self.block == 1

    @property
    def mixture(self) -> bool:
        """Whether, given a cloud, the children are iid from one mixture."""
        return self.always and self.resampling == "multinomial"

    @property
    def ordered(self) -> bool:
        """Whether the law depends on the order of the particles."""
        return self.resampling in ("systematic", "stratified", "ssp") and self.rule.threshold > 0

    def resamples(self, level: int, weights: Floats) -> npt.NDArray[np.bool_]:
        """Tell which rows of a (C, N) array of weights of a level are resampled."""
        if level % self.block != 0:
            return np.zeros(len(weights), dtype=np.bool_)
        return self.rule.resamples(weights)


@dataclass
class Work:
    """Cloud transitions done so far, and how many are allowed."""

    limit: float
    done: float = 0.0

    def add(self, transitions: float) -> None:
        """Count transitions; raise `TooLargeError` past the limit."""
        self.done += transitions
        if self.done > self.limit:
            raise TooLargeError(f"exact law: more than {self.limit:.3g} cloud transitions")

    def foresee(self, transitions: float) -> None:
        """Raise `TooLargeError` now if so many more will pass the limit."""
        Work(self.limit, self.done).add(transitions)


@dataclass
class Clouds:
    """Distinct clouds of a level with the moments they carry.

    Attributes
    ----------
    rows : (C, N) int array
        Kinds of the particles.
    moments : (3, C) array
        P(cloud), E[W 1{cloud}] and E[W^2 1{cloud}] with W = W^_h / Z^_h.
    w : (C,) array or None
        W itself when the chain follows the joint law of the cloud and W.
    """

    rows: Ints
    moments: Floats
    w: Floats | None = None

    @property
    def all_w(self) -> Floats:
        """`w`, or an empty array if there is none."""
        return np.zeros(0) if self.w is None else self.w

    def take(self, index: Ints, probability: Floats, factor: Floats | float) -> Clouds:
        """Return rows after a random step: `index` with `probability`, W multiplied by `factor`."""
        step = np.broadcast_to(factor, probability.shape)
        moments = self.moments[:, index] * probability
        with np.errstate(over="ignore", invalid="ignore"):  # E[W^2] may be beyond floats
            moments[1] *= step
            moments[2] *= step**2
        return Clouds(self.rows[index], moments, None if self.w is None else self.w[index] * step)

    def sorted(self) -> Clouds:
        """Forget the order of the particles."""
        return Clouds(np.sort(self.rows, axis=1), self.moments, self.w)


class Pool:
    """Gathers clouds; equal ones are one, so memory stays flat."""

    def __init__(self, n: int, joint: bool) -> None:
        from simulator.exact.merging_kernel import new_table

        self._table, self._found, self._joint = new_table(n, joint), 0, joint

    def add(self, block: Clouds) -> None:
        """Add clouds."""
        from simulator.exact.merging_kernel import insert

        rows, moments = (np.ascontiguousarray(x) for x in (block.rows, block.moments))
        self._table, self._found = insert(self._table, self._found, rows, moments, block.all_w)

    def add_children(self, parents: Clouds, mixture: Mixture, weight: Floats) -> None:
        """Add what N children of some clouds make, each drawn from the mixture of its cloud.

        Parameters
        ----------
        parents : Clouds
            Of the level before.
        mixture : Mixture
            Of some of them.
        weight : (T,) array
            Of the kinds of children; clouds of weight zero are left out.
        """
        from simulator.exact.merging_kernel import children

        some = slice(mixture.begin, mixture.begin + mixture.width.size)
        self._table, self._found = children(
            self._table, self._found, mixture.width, mixture.kind, mixture.share, weight,
            parents.moments[:, some].copy(), parents.all_w[some],
        )  # fmt: skip

    def all(self) -> Clouds:
        """Everything so far."""
        _, _, rows, sums = (x[: self._found] for x in self._table)
        w = sums[:, 3].copy() if self._joint else None
        return Clouds(rows.copy(), sums[:, :3].T.copy(), w)


class Mixture(NamedTuple):
    """Clouds whose N children are iid, each over kinds of its own.

    Attributes
    ----------
    begin : int
        The first of the parent clouds, which stand one after the other.
    width : (C,) int array
        How many kinds the children of each are of.
    kind : (sum of width,) int array
        Which these are, increasing within a cloud.
    share : (sum of width,) array
        Their chances.
    """

    begin: int
    width: Ints
    kind: Ints
    share: Floats


@dataclass(frozen=True)
class MixtureBlock:
    """Clouds whose N children are iid over K kinds each.

    Attributes
    ----------
    index : (G,) int array
        The parent clouds.
    kinds : (G, K) int array
        Kinds of children, increasing.
    table : Compositions
        The M multisets of N children over the K kinds.
    probability : (G, M) array
        Of each multiset.
    mean : (G, M) array
        Mean weight of each multiset.
    """

    index: Ints
    kinds: Ints
    table: Compositions
    probability: Floats
    mean: Floats


def mixtures(clouds: Clouds, types: Types, step: Step, work: Work) -> Iterator[Mixture]:
    """Tabulate what the children of each cloud are drawn from under multinomial resampling.

    Parameters
    ----------
    types : Types
        Kinds of `clouds`.
    work : Work
        The multisets of children of all clouds are counted, those of a part before it is yielded.

    Yields
    ------
    Mixture

    Raises
    ------
    TooLargeError
        If the multisets pass the limit, which is told before the first part, or those of one
        cloud are too many to hold.
    """
    n = clouds.rows.shape[1]
    degree = max(1, int(np.diff(step.start).max()))
    most = multisets(min(n * degree, step.types.dead + 1), n)
    if work.done + len(clouds.rows) * most > work.limit:  # else it cannot pass the limit
        work.foresee(
            sum(_transitions(part.width, n) for part in _mixtures(clouds, types, step, degree))
        )
    for part in _mixtures(clouds, types, step, degree):
        check_listable(int(part.width.max(initial=0)), n)
        work.add(_transitions(part.width, n))
        yield part


def mixture_blocks(clouds: Clouds, types: Types, step: Step, work: Work) -> Iterator[MixtureBlock]:
    """Enumerate the children of each cloud under multinomial resampling.

    Parameters
    ----------
    clouds, types, step, work
        As in `mixtures`.

    Yields
    ------
    MixtureBlock
    """
    n = clouds.rows.shape[1]
    held = _held(n)
    for begin, width, kind, share in mixtures(clouds, types, step, work):
        first = np.cumsum(width) - width
        for k in np.unique(width):
            same = np.flatnonzero(width == k)
            table = compositions(int(k), n)
            m = len(table.coefficient)
            for part in range(0, same.size, max(1, held // m)):
                index = same[part : part + max(1, held // m)]
                entry = first[index][:, None] + np.arange(k)
                kinds = kind[entry]
                probability = table.probability(np.log(share[entry]))
                mean = step.types.weight[kinds] @ table.counts.T / n
                yield MixtureBlock(begin + index, kinds, table, probability, mean)


def _mixtures(clouds: Clouds, types: Types, step: Step, degree: int) -> Iterator[Mixture]:
    from simulator.exact.merging_kernel import mix

    chunk = max(1, BLOCK // (clouds.rows.shape[1] * degree))
    for begin in range(0, len(clouds.rows), chunk):
        rows = np.ascontiguousarray(clouds.rows[begin : begin + chunk], dtype=np.int32)
        width, kind, share = mix(
            rows, types.weight, step.fresh, step.start, step.child, step.probability,
            step.types.dead + 1,
        )  # fmt: skip
        yield Mixture(begin, width, kind, share)


def _transitions(widths: Ints, n: int) -> float:
    """Count the multisets of N children over so many kinds."""
    kinds, often = np.unique(widths, return_counts=True)
    return sum(m * multisets(k, n) for k, m in zip(kinds.tolist(), often.tolist(), strict=True))


def _parents(clouds: Clouds, types: Types, step: Step, scheme: Scheme, *, order: bool) -> Clouds:
    """Clouds after the resampling of a level; rows index the parents of `step`."""
    n = scheme.n_particles
    pool = Pool(n, clouds.w is not None)
    outcomes = n if scheme.resampling == "systematic" else len(compositions(n, n).coefficient)
    chunk = max(1, BLOCK // (outcomes * n))
    for begin in range(0, len(clouds.rows), chunk):
        index = np.arange(begin, min(begin + chunk, len(clouds.rows)))
        weight = types.weight[clouds.rows[index]]
        yes = scheme.resamples(step.level, weight)
        for part in (index[~yes], index[yes]):
            if part.size == 0:
                continue
            if yes[part[0] - begin]:
                row, probability, ancestor = offspring_batch(
                    scheme.resampling, weight[part - begin]
                )
                after = clouds.take(part[row], probability, 1.0)
                after.rows = step.fresh[np.take_along_axis(after.rows, ancestor, axis=1)]
            else:
                # W holds the present mean weight; leave it out, the next one replaces it.
                after = clouds.take(part, np.ones(part.size), 1 / weight[part - begin].mean(axis=1))
                after.rows = step.kept[after.rows]
            pool.add(after if order else after.sorted())
    return pool.all()


def _children(parents: Clouds, step: Step, work: Work) -> Iterator[Clouds]:
    """All outcomes of moving each particle on its own, in blocks; dead clouds are left out."""
    n = parents.rows.shape[1]
    degree = np.diff(step.start)[parents.rows].astype(np.float64).prod(axis=1)
    work.add(float(degree.sum()))
    cut = np.searchsorted(np.cumsum(degree), np.arange(1, degree.sum() / BLOCK + 1) * BLOCK)
    bounds = np.unique(np.concatenate([[0], cut, [len(degree)]]))
    for begin, end in pairwise(bounds.tolist()):
        index = np.arange(begin, end)
        probability = np.ones(index.size)
        child = np.zeros((index.size, 0), dtype=np.int64)
        for i in range(n):
            origin, move = step.expand(parents.rows[index, i])
            index, probability = index[origin], probability[origin] * step.probability[move]
            child = np.concatenate([child[origin], step.child[move][:, None]], axis=1)
        mean = step.types.weight[child].mean(axis=1)
        live = mean > 0
        block = parents.take(index[live], probability[live], mean[live])
        block.rows = child[live]
        yield block


def advance(clouds: Clouds, types: Types, step: Step, scheme: Scheme, work: Work) -> Clouds:
    """Resample and move all clouds by one level.

    Parameters
    ----------
    clouds : Clouds
        Of level h, before its resampling.
    types, step : Types, Step
        Kinds of level h and their moves.

    Returns
    -------
    Clouds
        Of level h+1; the probability that is missing belongs to failed runs.
    """
    pool = Pool(scheme.n_particles, clouds.w is not None)
    if scheme.mixture:
        for mixture in mixtures(clouds, types, step, work):
            pool.add_children(clouds, mixture, step.types.weight)
        return pool.all()
    parents = _parents(clouds, types, step, scheme, order=scheme.ordered)
    for children in _children(parents, step, work):
        if scheme.ordered:
            # The dead may stand anywhere: they have no share of the cumulated weights.
            rows = children.rows
            last = np.argsort(rows == step.types.dead, axis=1, kind="stable")
            children.rows = np.take_along_axis(rows, last, axis=1)
            pool.add(children)
        else:
            pool.add(children.sorted())
    return pool.all()


def last_parents(
    clouds: Clouds, types: Types, step: Step, scheme: Scheme, work: Work
) -> Iterator[Clouds]:
    """Yield blocks of final clouds without merging them (general scheme).

    Parameters
    ----------
    clouds, types, step, scheme, work
        As in `advance`.

    Yields
    ------
    Clouds
        Of level H; their order no longer matters.
    """
    parents = _parents(clouds, types, step, scheme, order=False)
    yield from _children(parents, step, work)

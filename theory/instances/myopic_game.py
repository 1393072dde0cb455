r"""The best any myopic filter can do on the recursive hard instances: an exact game value.

Game. At each level the filter picks at most N of the children of the nodes that it holds. It
knows V^ at all nodes of the levels so far, hence the hidden bits of the labels revealed so far;
the others are fair coins that no choice depends on (arXiv 2603.07887, F.1: the law of S_0..S_h
depends on V^ at levels <= h only). It may pick any children, pi_ref notwithstanding, and wants
some node of the last level to lie in E_n. Averaged over the hidden bits, no myopic filter with N
particles, randomised or not, has P(output in E_n) above the value of this game.

Of nodes with the same open labels only the one with most copies done matters: E_n is monotone
in the counts, and the future depends on the open labels only. And more nodes are never worse.
So a state is, for each tuple ("string") of open labels that is held, how many copies of its
current block are done; an action is a choice of min(N, all) children at a label. Flipping all
labels of a level at once changes nothing. The copies of the outermost block are equal games:
with v the value of one copy the best P(E_n) is P(Bin(M_n, v) >= t_n).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from simulator.errors import InputError, TooLargeError

__all__ = ["best_event_probability", "copy_value"]

Flags = tuple[bool | None, ...]  # of each string: None if dropped, else whether its path is in E_k
Counts = tuple[int | None, ...]
Payoff = Callable[[Flags], float]

LIMIT = 2_000_000  # positions
HOPELESS = -1


def best_event_probability(
    counts: Sequence[int], thresholds: Sequence[int], n_particles: int, limit: int = LIMIT
) -> float:
    """Return the largest P(output in E_n) over all myopic filters with N particles.

    Parameters
    ----------
    counts, thresholds : sequence of int
        M_1..M_n and t_1..t_n, innermost first.
    n_particles : int
        N.
    limit : int, optional
        Largest number of positions.

    Raises
    ------
    InputError
        If an argument is out of range.
    TooLargeError
        If there are more positions than `limit`.

    Examples
    --------
    >>> [round(best_event_probability([16], [12], n), 4) for n in (1, 2)]
    [0.0384, 1.0]
    >>> [round(best_event_probability([6, 8], [4, 6], n), 4) for n in (1, 2, 3, 4)]
    [0.0005, 0.3025, 0.9926, 1.0]
    """
    from scipy.stats import binom

    value = copy_value(counts, thresholds, n_particles, limit)
    return float(binom.sf(thresholds[-1] - 1, counts[-1], value))


def copy_value(
    counts: Sequence[int], thresholds: Sequence[int], n_particles: int, limit: int = LIMIT
) -> float:
    """Return the largest probability that one copy of the outermost block is done.

    Done: a good label and an inner path in E_{n-1}.

    Parameters
    ----------
    counts, thresholds, n_particles, limit
        As in `best_event_probability`.

    Raises
    ------
    InputError
        If an argument is out of range.
    TooLargeError
        If there are more positions than `limit`.

    Examples
    --------
    >>> [copy_value([1, 1], [1, 1], n) for n in (1, 2, 3, 4)]
    [0.25, 0.5, 0.75, 1.0]
    """
    from scipy.stats import binom

    if n_particles < 1 or len(counts) < 1 or len(counts) != len(thresholds):
        raise InputError("game: needs N >= 1 and one threshold for each of the block counts")
    if n_particles == 1:
        inner = 1.0
        for m, t in zip(counts[:-1], thresholds[:-1], strict=True):
            inner = float(binom.sf(t - 1, m, inner / 2))
        return inner / 2
    game = _Game(list(zip(counts, thresholds, strict=True)), n_particles, limit)
    try:
        return game.block(len(counts) - 1, 2, lambda flags: sum(map(bool, flags)) / 2)
    except RecursionError:
        raise TooLargeError("game: too many copies, the recursion is too deep") from None


class _Game:
    def __init__(self, levels: list[tuple[int, int]], n: int, limit: int) -> None:
        self.levels, self.n, self.left = levels, n, limit

    def block(self, k: int, held: int, payoff: Payoff) -> float:
        """Value of a block of level k entered with `held` strings, paid at its end."""
        if k == 0:
            return payoff((True,) * held)
        copies, threshold = self.levels[k - 1]
        known: dict[tuple[int, Counts], float] = {}

        def value(left: int, done: Counts) -> float:
            """Value with `left` copies to go."""
            done = tuple(HOPELESS if c is not None and c + left < threshold else c for c in done)
            if (left, done) in known:
                return known[left, done]
            self.left -= 1
            if self.left < 0:
                raise TooLargeError("game: too many positions")
            if left == 0:
                out = payoff(tuple(None if c is None else c >= threshold for c in done))
            else:
                out = max(one_copy(left, done, c) for c in _choices(done, self.n))
            known[left, done] = out
            return out

        def one_copy(left: int, done: Counts, children: tuple[tuple[int, int], ...]) -> float:
            """Value of holding these (string, label) in the next copy."""

            def after(flags: Flags) -> float:
                return 0.5 * sum(
                    value(left - 1, _reveal(done, children, flags, hidden, threshold))
                    for hidden in (0, 1)
                )

            return self.block(k - 1, len(children), after)

        return value(copies, (0,) * held)


def _choices(done: Counts, n: int) -> list[tuple[tuple[int, int], ...]]:
    """Largest sets of children that N particles can hold, one of each pair of mirror images."""
    all_children = [(s, label) for s, c in enumerate(done) if c is not None for label in (0, 1)]
    sets = combinations(all_children, min(n, len(all_children)))
    return [c for c in sets if list(c) <= sorted((s, 1 - label) for s, label in c)]


def _reveal(
    done: Counts, children: tuple[tuple[int, int], ...], flags: Flags, hidden: int, threshold: int
) -> Counts:
    """Return the counts after the reveal; a string lives as long as one of its children does."""
    new: list[int | None] = [None] * len(done)
    for (s, label), flag in zip(children, flags, strict=True):
        c = done[s]
        if flag is None or c is None:
            continue
        if c != HOPELESS and flag and label == hidden:
            c = min(c + 1, threshold)
        old = new[s]
        new[s] = c if old is None else max(old, c)
    return tuple(new)

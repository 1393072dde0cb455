r"""Events that an output of the sampler hits more often than a draw from pi* does.

D_TV(nu, pi*) >= nu(E or failure) - pi*(E) for every event E. Three families of events:

* *states*: the state at one level is among those that the outputs visit too often;
* *token count*: a token occurs more than k times, or at most k times;
* *likelihood ratio*: a score, log nu/pi* as far as it is a sum over edges, is above k.

Which event to use is learnt on two samples of runs: on the first an event of each kind is
formed, on the second they are compared. The runs that then bound nu(E) are others, so that
whatever was learnt, the limit holds. pi*(E) is exact for the first two families and bounded
from independent draws of pi* for the third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from simulator.measure.confidence import proportion_lower, proportion_upper
from simulator.measure.tally import Tally
from simulator.measure.walk_kernel import count_law
from simulator.problem.problem import Problem
from simulator.problem.target import target_kernel
from simulator.typing import Floats

__all__ = ["Event", "learn_event"]


WORK = 2e9  # multiplications for the exact laws of token counts
ROUNDING = 1e-12  # of probabilities that are sums of many
_COUNT_LAWS: WeakKeyDictionary[Problem, list[Floats]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Event:
    """An event that outputs may hit.

    Attributes
    ----------
    text : str
        What it is.
    hits : callable
        Tally to the number of its paths, or failed runs, that hit the event.
    probability : float or None
        pi*(E); None if it is only known from draws.
    """

    text: str
    hits: Callable[[Tally], int]
    probability: float | None

    def lower(self, runs: Tally, draws: Tally, delta: float) -> float:
        """Lower limit of D_TV; negative if nothing is certified.

        Parameters
        ----------
        runs : Tally
            Independent runs that the event was not learnt on.
        draws : Tally
            Independent draws from pi* that the event was not learnt on.
        delta : float
            Largest probability that the limit is above D_TV.
        """
        if self.probability is not None:
            return proportion_lower(self.hits(runs), runs.n, delta) - self.probability
        above = proportion_upper(self.hits(draws), draws.n, delta / 2)
        return proportion_lower(self.hits(runs), runs.n, delta / 2) - above


def learn_event(first: Tally, second: Tally, draws: Tally, delta: float) -> Event:
    """Choose the event that promises the largest lower limit.

    Parameters
    ----------
    first, second : Tally
        Independent runs; the second is measured with a ruler that was learnt on the first.
    draws : Tally
        Draws from pi*, measured with the same ruler.
    delta : float
        As it will be used.
    """
    candidates = [_states(first, h) for h in _levels(first)]
    # on the second sample the best level can be told; the best set then deserves both
    best = max(candidates, key=lambda event: event.lower(second, draws, delta))
    events = [best]
    if first.has_tokens:
        events += [*_token_counts(first), _score(second, draws)]
    chosen = max(events, key=lambda event: event.lower(second, draws, delta))
    if chosen is best:
        return _states(first + second, candidates.index(best) + _levels(first).start)
    return chosen


def _levels(tally: Tally) -> range:
    horizon = tally.problem.horizon
    return range(1 if tally.has_tokens else horizon, horizon + 1)


def _states(tally: Tally, h: int) -> Event:
    start = tally.problem.model.state_start
    cut = slice(int(start[h]), int(start[h + 1]))
    target = tally.problem.forward_backward.target_marginal[cut]
    chosen = np.flatnonzero(tally.visits[cut] > target * tally.n)
    where = chosen + cut.start
    return Event(
        f"{chosen.size} of the states of level {h}",
        lambda other: int(other.visits[where].sum()) + other.failed,
        float(target[chosen].sum()) + ROUNDING,
    )


def _token_counts(tally: Tally) -> Iterator[Event]:
    problem = tally.problem
    model, horizon = problem.model, problem.horizon
    # with two tokens one count tells the other
    tokens = range(1, 2) if model.n_actions == 2 else range(model.n_actions)
    if len(tokens) * float(model.n_states.sum()) * model.n_actions * horizon > WORK:
        return
    for token, law in zip(tokens, _count_laws(problem, tokens), strict=True):
        upto = np.cumsum(law)
        gap = np.cumsum(tally.counts[token]) / tally.n - upto
        k = int(np.argmax(np.abs(gap)))
        yield _count(token, k, gap[k] > 0, upto[k], upto[-1])


def _count_laws(problem: Problem, tokens: range) -> list[Floats]:
    """Laws under pi* of how often each token comes; kept, as many brackets ask for them."""
    if problem not in _COUNT_LAWS:
        kernel, a, t = target_kernel(problem), problem.model.n_actions, problem.tables
        _COUNT_LAWS[problem] = [
            count_law(kernel, a, t.state_start, t.table_start, t.next_state, token)
            for token in tokens
        ]
    return _COUNT_LAWS[problem]


def _count(token: int, k: int, few: bool, below: float, total: float) -> Event:
    part = slice(None, k + 1) if few else slice(k + 1, None)
    return Event(
        f"token {token} {'at most' if few else 'more than'} {k} times",
        lambda other: int(other.counts[token, part].sum()) + other.failed,
        float(below if few else max(total - below, 0.0)) + ROUNDING,
    )


def _score(second: Tally, draws: Tally) -> Event:
    def above(tally: Tally) -> Floats:
        return np.asarray(np.cumsum(tally.bins[::-1])[::-1] / tally.n)

    k = int(np.argmax(above(second) - above(draws)))
    return Event(
        "likelihood ratio",
        lambda other: int(other.bins[k:].sum()) + other.failed,
        None,
    )

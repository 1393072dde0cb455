"""Confidence limits that hold at every sample size, for means of bounded variables.

No normal approximation: a limit at level 1 - delta fails with probability at most delta.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.interval import Interval

__all__ = [
    "BettingUpper",
    "clopper_pearson",
    "hoeffding_interval",
    "log_mean_lower",
    "mean_interval",
    "mean_upper",
    "proportion_lower",
    "proportion_upper",
]

FIRST, GROWTH = 16, 1.25  # length of the first segment between two changes of the bet
BOLDEST = 0.9  # largest share of the capital at stake; at 1 one draw at the top ruins the bettor
TIMID = 4  # below the boldest, the grid of shares goes down to about 1/(4 sqrt n)


class BettingUpper:
    r"""Upper confidence limit for a mean, by betting; draws come one part after another.

    Against "the mean is m" a bettor stakes a share theta_t <= 0.9 on low draws, theta_t a
    function of the draws before: if the mean is at least m, the capital
    prod_t (1 - theta_t x_t) / (1 - theta_t m) is a supermartingale, so it reaches 1/delta with
    probability at most delta. All m with larger capital are ruled out. (Waudby-Smith and
    Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024; with
    lambda = theta/(1 - theta m) theirs is 1 + lambda (m - x).) theta follows their
    approximation of the best bet from the mean and variance so far, and changes only at
    draws 16, 20, 25, ...: two numbers a segment are all that is kept, whatever the number of
    draws, and the limit does not depend on how they were cut into parts.

    Parameters
    ----------
    n : int
        Number of draws that the bets are tuned to; more or fewer are valid too if that
        does not depend on the draws.
    delta : float
        Largest probability that the limit is below the mean.

    Examples
    --------
    >>> limit = BettingUpper(1000, 0.01)
    >>> limit.add(np.zeros(600))
    >>> limit.add(np.zeros(400))
    >>> round(limit.value(), 4)
    0.0052
    """

    def __init__(self, n: int, delta: float) -> None:
        self.log_odds = math.log(1 / delta)
        self.n, self.count, self.total, self.squares = n, 0, 0.0, 0.0
        self._theta: list[float] = []
        self._length: list[int] = []
        self._log_capital: list[float] = []
        self._end = 0

    @property
    def mean(self) -> float:
        """Mean of the draws so far."""
        return self.total / max(self.count, 1)

    def add(self, x: npt.NDArray[np.float64]) -> None:
        """Take more draws into account.

        Parameters
        ----------
        x : (n,) array
            Independent draws in [0, 1].

        Raises
        ------
        ValueError
            If one is outside.
        """
        if not ((x > -1e-12) & (x < 1 + 1e-12)).all():
            raise ValueError("a draw is not inside [0, 1]")
        while x.size:
            if self.count == self._end:
                self._theta.append(self._bet())
                self._length.append(0)
                self._log_capital.append(0.0)
                self._end = max(FIRST, math.ceil(self._end * GROWTH))
            part, x = x[: self._end - self.count], x[self._end - self.count :]
            self._length[-1] += part.size
            self._log_capital[-1] += float(np.log1p(-self._theta[-1] * part).sum())
            self.count += part.size
            self.total += float(part.sum())
            self.squares += float((part * part).sum())

    def _bet(self) -> float:
        mean = (0.5 + self.total) / (self.count + 1)
        spread = self.squares - 2 * mean * self.total + self.count * mean * mean
        variance = (0.25 + max(spread, 0.0)) / (self.count + 1)
        gap = math.sqrt(2 * self.log_odds * variance / self.n)
        share = gap / (variance + gap * gap)
        return min(share / (1 + share * min(mean + gap, 1.0)), BOLDEST)

    def log_capital(self, mean: float) -> float:
        """Log of what one unit has become if it was staked against this mean.

        Parameters
        ----------
        mean : float
            In [0, 1].

        Returns
        -------
        float
            exp of it has expectation 1 if the draws have this mean, less if they have a
            larger one; it rises with `mean`.
        """
        staked = np.log1p(-np.array(self._theta) * mean)
        return sum(self._log_capital) - float(np.array(self._length) @ staked)

    def value(self) -> float:
        """Return the limit, at most 1."""
        if not self._theta or self.log_capital(1.0) <= self.log_odds:
            return 1.0
        from scipy.optimize import brentq

        root = brentq(lambda m: self.log_capital(m) - self.log_odds, 0.0, 1.0, xtol=1e-15)
        return min(float(root) + 1e-12, 1.0)


def mean_upper(samples: npt.ArrayLike, delta: float, low: float = 0.0, high: float = 1.0) -> float:
    r"""Upper confidence limit for the mean of independent variables in [low, high].

    By betting, see `BettingUpper`: about as tight as Chernoff's limit for zeros and ones, and
    where the variance is small tighter than the empirical Bernstein limit of Maurer and
    Pontil (2009). It is one method fixed beforehand, so delta need not be split over several.

    Parameters
    ----------
    samples : (n,) array
        Independent draws in the order in which they were made, n >= 2.
    delta : float
        Largest probability that the limit is below the mean.
    low, high : float
        Range of the variable.

    Returns
    -------
    float
        At most `high`.

    Raises
    ------
    ValueError
        If there are too few draws, or one is outside of the range.

    Examples
    --------
    >>> round(mean_upper([0.0] * 1000, delta=0.01), 4)
    0.0052
    """
    x = (np.asarray(samples, dtype=np.float64) - low) / (high - low)
    if x.size < 2 or not ((x > -1e-12) & (x < 1 + 1e-12)).all():
        raise ValueError("mean_upper needs at least two samples inside [low, high]")
    limit = BettingUpper(x.size, delta)
    limit.add(x)
    return low + (high - low) * limit.value()


def log_mean_lower(log_samples: npt.ArrayLike, delta: float) -> float:
    r"""Lower confidence limit for the mean of independent variables >= 0 that have no upper end.

    Against "the mean is z" a bettor stakes the same share l of the capital on every draw. If z is
    the mean, prod_i (1 - l + l x_i/z) has mean 1, and so has its average over a grid of l that is
    fixed beforehand (.9, .45, .225, ... down to about 1/(4 sqrt n)); so it reaches 1/delta with
    probability at most delta (Markov). It falls in z, and the limit is the z at which it is
    1/delta. No upper limit of this kind exists: the mean may come from values that are never seen.

    Parameters
    ----------
    log_samples : (n,) array
        Logarithms of independent draws >= 0, n >= 1; -inf for a draw of 0.
    delta : float
        Largest probability that the limit is above the mean, in (0, 1).

    Returns
    -------
    float
        log of the limit; -inf if all draws are 0.

    Raises
    ------
    ValueError
        If there is no draw, or one is infinite or no number.

    Examples
    --------
    >>> round(log_mean_lower(np.log(np.full(1000, 2.0)), delta=0.01), 4)  # of log 2 = .6931
    0.6858
    """
    x = np.asarray(log_samples, dtype=np.float64).ravel()
    if x.size == 0 or np.isnan(x).any() or np.isposinf(x).any():
        raise ValueError("log_mean_lower needs at least one draw, and finite ones")
    top = float(x.max())
    if top == -math.inf:
        return -math.inf
    high = float(np.log(np.exp(x - top).mean()))  # of the mean, where the capital is at most 1
    wanted, low, step = -math.log(delta), high - 1.0, 1.0
    while log_capital_above(x - top, low) < wanted:
        step *= 2
        low -= step
    from scipy.optimize import brentq

    root = brentq(lambda z: log_capital_above(x - top, z) - wanted, low, high, xtol=1e-13)
    return top + float(root) - 1e-12


def log_capital_above(log_samples: npt.NDArray[np.float64], log_mean: float) -> float:
    """Log of what one unit has become if it was staked on a mean above this one.

    Parameters
    ----------
    log_samples : (n,) array
    log_mean : float

    Returns
    -------
    float
        exp of it has expectation 1 if the draws have this mean.
    """
    halvings = math.ceil(math.log2(TIMID * math.sqrt(log_samples.size)))
    logs = []
    for share in BOLDEST * 0.5 ** np.arange(halvings + 1):
        gain = math.log(share) + log_samples - log_mean
        logs.append(np.logaddexp(math.log1p(-share), gain).sum())
    return float(np.logaddexp.reduce(logs)) - math.log(len(logs))


def mean_interval(
    samples: npt.ArrayLike, confidence: float, low: float = 0.0, high: float = 1.0
) -> Interval:
    """Mean of independent variables in [low, high], with limits on both sides.

    Parameters
    ----------
    samples : (n,) array
        Independent draws in the order in which they were made, n >= 2.
    confidence : float
        Probability that both limits hold, in (0, 1).
    low, high : float
        Range of the variable; the number itself if they are equal.

    Returns
    -------
    Interval

    Examples
    --------
    >>> mean_interval(np.tile([0.0, 2.0], 500), 0.9, high=2.0).value
    1.0
    """
    x = np.asarray(samples, dtype=np.float64)
    if low == high:
        return Interval.exactly(low)
    half = (1 - confidence) / 2
    mean = float(x.mean())
    bottom = low + high - mean_upper(low + high - x, half, low, high)
    top = mean_upper(x, half, low, high)
    return Interval(mean, min(bottom, mean), max(top, mean), confidence)


def hoeffding_interval(mean: float, n: int, confidence: float) -> Interval:
    r"""Average of the means of n independent variables in [0, 1] that need not be alike.

    Hoeffding's first theorem ("Probability inequalities for sums of bounded random variables",
    JASA 58, 1963): if the means average to m, the average of the draws is above x > m with
    probability at most exp(-n KL(x, m)), KL between coins, and below x < m likewise. Limits for
    one law, as those of Clopper and Pearson or by betting, do not hold here.

    Parameters
    ----------
    mean : float
        Average of the n draws, in [0, 1].
    n : int
        Number of draws, n >= 1.
    confidence : float
        Probability that both limits hold, in (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there is no draw, or the average is outside of [0, 1].

    Examples
    --------
    >>> found = hoeffding_interval(0.5, 100, 0.95)
    >>> round(found.low, 4), round(found.high, 4)
    (0.3667, 0.6333)
    """
    if n < 1 or not -1e-12 < mean < 1 + 1e-12:
        raise ValueError("hoeffding_interval needs the average of at least one draw in [0, 1]")
    x = min(max(mean, 0.0), 1.0)
    most = math.log(2 / (1 - confidence)) / n
    return Interval(x, 1 - _farthest(1 - x, most), _farthest(x, most), confidence)


def _farthest(x: float, most: float) -> float:
    """Return the largest m with KL(x, m) <= most, up to rounding on the safe side."""
    from scipy.optimize import brentq
    from scipy.special import rel_entr

    top = 1 - 1e-15
    if x >= top:
        return 1.0

    def gap(m: float) -> float:
        return float(rel_entr(x, m) + rel_entr(1 - x, 1 - m)) - most

    if gap(top) <= 0:
        return 1.0
    return min(float(brentq(gap, x, top, xtol=1e-15)) + 1e-12, 1.0)


def proportion_lower(successes: int, n: int, delta: float) -> float:
    """Clopper and Pearson's exact lower limit for a probability.

    Parameters
    ----------
    successes, n : int
        Number of successes in n independent trials.
    delta : float
        Largest probability that the limit is above the truth.

    Returns
    -------
    float
        0 if there is no success.

    Examples
    --------
    >>> round(proportion_lower(100, 100, 0.025), 4)
    0.9638
    """
    from scipy.special import betaincinv

    return 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, delta))


def proportion_upper(successes: int, n: int, delta: float) -> float:
    """Clopper and Pearson's exact upper limit for a probability.

    Parameters
    ----------
    successes, n : int
        Number of successes in n independent trials.
    delta : float
        Largest probability that the limit is below the truth.

    Returns
    -------
    float
        1 if all are successes.

    Examples
    --------
    >>> round(proportion_upper(0, 100, 0.025), 4)
    0.0362
    """
    from scipy.special import betaincinv

    return 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - delta))


def clopper_pearson(successes: int, n: int, delta: float) -> tuple[float, float]:
    """Exact limits for a binomial probability; each side fails with probability <= delta/2.

    Parameters
    ----------
    successes, n : int
        Number of successes in n independent trials.
    delta : float
        Error probability, both sides together.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> [round(x, 4) for x in clopper_pearson(0, 100, 0.05)]
    [0.0, 0.0362]
    """
    return proportion_lower(successes, n, delta / 2), proportion_upper(successes, n, delta / 2)

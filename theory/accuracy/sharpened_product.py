r"""Law A5: on the product instance accuracy rises with the inverse temperature of the PRM.

Bits are Ber(p0) under pi_ref, r = prod e^{s y_h} with s > 0, V^ = (prod e^{s y_h})^lambda. Let
p_l = p0 e^{ls}/(1 - p0 + p0 e^{ls}), so that pi* = Ber(p_1)^H and pi^_h = Ber(p_lambda)^h.

* chi2(pi*_h ‖ pi^_h) = (1 + (p_1 - p_lambda)^2/(p_lambda (1 - p_lambda)))^h - 1: exponential in h
  unless lambda = 1.
* The output of SMC (V^ sharpened at all levels) is exactly Ber(p_N)^H, p_N = E[A e/(A e + N - A)],
  e = e^{lambda s}, A ~ Bin(N, p0). p_N increases in lambda, and so does the probability of every
  increasing event, such as k ones or more, while D_TV to pi* grows once p_N > p_1.
* P(some particle has ones only) is a Markov chain on the number of such parents, it never falls
  in lambda, and with m the mean weight of law A2 for V^ at levels below H
  1/m <= P <= min(N p0 p_N^(H-1), (1 - (1 - p0)^N)^H); the last is its limit in lambda.

So a perfect PRM (lambda = 1, chi-square 0) needs N of order p_1^-H to hit all ones, and a
sharpened one (chi-square as large as one likes) N of order log H.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.checks import check_int, check_real
from simulator.exact.lumped import binomial_rows
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["SharpenedProduct"]


@dataclass(frozen=True)
class SharpenedProduct:
    """SMC with N particles on the product instance, its PRM to the power lambda.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N.
    power : float
        lambda >= 0, the inverse temperature of the PRM.
    base : float, optional
        p0, the probability of a one under pi_ref, in (0, 1).
    log_gain : float, optional
        s > 0; a one multiplies r by e^s.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> for power in (1, 3, 20):
    ...     at = SharpenedProduct(12, 16, power)
    ...     low, high = at.hit_limits()
    ...     print(f"{low:.4f} <= {at.hit():.4f} <= {high:.4f}")
    0.0112 <= 0.0155 <= 0.0260
    0.0931 <= 0.1634 <= 0.3840
    0.4824 <= 0.9991 <= 0.9998
    """

    horizon: int
    n_particles: int
    power: float
    base: float = 0.5
    log_gain: float = math.log(1.5)

    def __post_init__(self) -> None:
        check_horizon(self.horizon)
        check_int("n_particles", self.n_particles, 1)
        check_real("power", self.power, 0, 1e3)
        check_real("base", self.base, 0, 1, above=True, below=True)
        check_real("log_gain", self.log_gain, 0, 1e3, above=True)

    def tilted(self, power: float) -> float:
        """p_l, the probability of a one under pi_ref tilted by e^{l s}.

        Parameters
        ----------
        power : float
            l.

        Returns
        -------
        float
            p_1 for l = 1, that of pi*.
        """
        return self.base / (self.base + (1 - self.base) * math.exp(-power * self.log_gain))

    def chi2(self, level: int) -> float:
        """chi2(pi*_h ‖ pi^_h).

        Parameters
        ----------
        level : int
            h.

        Returns
        -------
        float
            inf beyond the range of floats.
        """
        p, q = self.tilted(1), self.tilted(self.power)
        spread = q * self._zero(self.power)
        one = (p - q) ** 2 / spread if spread > 0 else math.inf
        logarithm = level * math.log1p(one)
        return math.expm1(logarithm) if logarithm < 709 else math.inf

    def _zero(self, power: float) -> float:
        """1 - p_l, also where p_l rounds to 1."""
        odds = (1 - self.base) * math.exp(-power * self.log_gain)
        return odds / (self.base + odds)

    def one_probability(self) -> float:
        """p_N: the bits of the output are independent, ones with this probability."""
        ones = np.arange(self.n_particles + 1)
        chance = binomial_rows(self.n_particles, np.array([self.base]))[0]
        return float(chance @ self._share(ones, ones))

    def _share(self, chosen: np.ndarray, ones: np.ndarray) -> np.ndarray:
        """Weight of some ones among all particles, of which so many are ones."""
        small = math.exp(-self.power * self.log_gain)
        total = ones + (self.n_particles - ones) * small
        return np.divide(chosen, total, out=np.zeros(np.shape(total)), where=total > 0)

    def at_least(self, k: int) -> float:
        """P(the output has at least k ones).

        Parameters
        ----------
        k : int
            How many of the H bits.

        Returns
        -------
        float
        """
        return self._tail(k, self.one_probability())

    def target_at_least(self, k: int) -> float:
        """P(at least k ones) under pi*.

        Parameters
        ----------
        k : int
            How many of the H bits.

        Returns
        -------
        float
        """
        return self._tail(k, self.tilted(1))

    def _tail(self, k: int, p: float) -> float:
        return float(binomial_rows(self.horizon, np.array([p]))[0][k:].sum())

    def tv(self) -> float:
        """D_TV of the output to pi*: that of two binomial laws, as ones are all that counts."""
        law, target = binomial_rows(
            self.horizon, np.array([self.one_probability(), self.tilted(1)])
        )
        return float(np.maximum(target - law, 0).sum())

    def hit(self) -> float:
        """P(some of the N particles of level H has ones only).

        Let B of the particles of a level have a parent with ones only. Bits do not hang on
        parents: K ~ Bin(B, p0) of the B get a one and have ones only, and J ~ Bin(N - B, p0) of
        the others get a one. Then B of the next level is Bin(N, K e/((K + J) e + N - K - J)).

        Returns
        -------
        float
        """
        n = self.n_particles
        law = np.zeros(n + 1)
        law[n] = 1.0
        transition = np.zeros((n + 1, n + 1))
        for b in range(n + 1):
            kept = binomial_rows(b, np.array([self.base]))[0]
            others = binomial_rows(n - b, np.array([self.base]))[0]
            k, j = np.arange(b + 1)[:, None], np.arange(n - b + 1)
            share = self._share(k + 0 * j, k + j).ravel()
            chance = (kept[:, None] * others).ravel()
            transition[b] = chance @ binomial_rows(n, np.minimum(share, 1.0))
        for _ in range(self.horizon - 1):
            law = law @ transition
        return float(1 - law @ (1 - self.base) ** np.arange(n + 1))

    def hit_limits(self) -> tuple[float, float]:
        """Return limits of `hit` in closed form.

        Returns
        -------
        low, high : float
            1/m, where rho_{k,t} = p_lambda/p0 for t < H and p_lambda^(1-k)/p0 for t = H; and
            min(N p0 p_N^(H-1), (1 - (1 - p0)^N)^H).
        """
        n, h, p = self.n_particles, self.horizon, self.tilted(self.power)
        stay, k = 1 - 1 / n, np.arange(1, h + 1)
        # the last coalescence is at level k: what the levels before, k itself and those after give
        last = ((stay + p / self.base / n) / p) ** (k - 1) / (n * self.base) * stay ** (h - k)
        m = stay**h + float(last.sum())
        high = min(
            n * self.base * self.one_probability() ** (h - 1), (1 - (1 - self.base) ** n) ** h
        )
        return min(1 / m, 1.0), min(high, 1.0)

    def problem(self) -> Problem:
        """Return the problem on which SMC has these laws: one state a number of ones.

        Returns
        -------
        Problem
            Its reward is sharpened too, so that its target is Ber(p_lambda)^H; terminal state k
            is that of k ones.
        """
        probs, moves, levels = [], [], []
        for h in range(self.horizon):
            probs.append(np.tile([1 - self.base, self.base], (h + 1, 1)))
            moves.append(np.arange(h + 1)[:, None] + np.array([0, 1]))
        for h in range(self.horizon + 1):
            levels.append(self.power * self.log_gain * np.arange(h + 1))
        return Problem.from_log(
            TabularModel(probs, moves), levels[-1], np.concatenate(levels),
            name=f"sharpened product, lambda = {self.power:g}",
        )  # fmt: skip

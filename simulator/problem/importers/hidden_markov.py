"""Hidden Markov models as problems: states are hidden states, or filters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator.checks import is_int
from simulator.errors import InputError, TooLargeError
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import PRM, Problem
from simulator.problem.rows import as_matrix, probability_rows
from simulator.typing import Floats, Ints

__all__ = ["HiddenMarkov"]

MOST_CELLS = 2**24
BITS = 40  # filters whose numbers agree to so many leading bits are one state


class HiddenMarkov:
    """A hidden Markov chain x_1, x_2, ... that emits the symbols y_1, y_2, ...

    Parameters
    ----------
    initial : (K,) array
        Law of x_1.
    transition : (K, K) array
        Law of x_{h+1} given x_h, a row each.
    emission : (K, M) array
        Law of y_h given x_h, a row each.
    normalise : bool, optional
        As in `TabularModel`.

    Attributes
    ----------
    initial, transition, emission : arrays
        As above; read-only.
    largest_change : float
        Largest distance of a row's sum from 1 as it was given.

    Raises
    ------
    InputError
        If a row is no law, or the sizes do not fit.

    Examples
    --------
    A coin that is fair or shows symbol 1 nine times in ten, and is seldom exchanged:

    >>> coins = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5], [0.1, 0.9]])
    >>> [float(p) for p in coins.hidden([1, 1, 1]).target[3].round(4)]
    [0.1974, 0.8026]
    >>> coins.filters(3).model.n_states.tolist()
    [1, 2, 4, 8]
    """

    def __init__(
        self,
        initial: npt.ArrayLike,
        transition: npt.ArrayLike,
        emission: npt.ArrayLike,
        *,
        normalise: bool = False,
    ) -> None:
        one_row = [initial.tolist() if isinstance(initial, np.ndarray) else initial]
        first, change1 = probability_rows(one_row, "initial", "law", normalise=normalise)
        self.initial: Floats = first[0]
        self.transition, change2 = probability_rows(
            transition, "transition", "table", normalise=normalise
        )
        self.emission, change3 = probability_rows(
            emission, "emission", "table", normalise=normalise
        )
        self.largest_change = max(change1, change2, change3)
        k = self.initial.size
        if self.transition.shape != (k, k):
            rows, columns = self.transition.shape
            raise InputError(f"transition: {rows} x {columns}, but initial has {k} hidden states")
        if len(self.emission) != k:
            raise InputError(
                f"emission: {len(self.emission)} rows, but initial has {k} hidden states"
            )

    def hidden(
        self,
        observations: Sequence[int] | Ints,
        *,
        reward: npt.ArrayLike | None = None,
        prm: str | PRM = "bootstrap",
        name: str = "hidden Markov model",
    ) -> Problem:
        """Problem of the hidden states given the symbols: its target is the smoothing law.

        Tokens and states are hidden states: pi_ref is the hidden chain, and the step to x_h
        collects P(y_h | x_h), so that Z is the likelihood of y_1, ..., y_H.

        Parameters
        ----------
        observations : sequence of int
            y_1, ..., y_H, counted from 0.
        reward : (K,) array, optional
            What x_H earns besides; ones by default.
        prm : {"bootstrap", "exact"} or PRM, optional
            "bootstrap": V^ is the product of the P(y_h | x_h) so far, which makes SMC the
            bootstrap filter.
        name : str, optional
            As in `Problem`.

        Returns
        -------
        Problem

        Raises
        ------
        InputError
            If a symbol is not known, or the observations cannot happen.
        """
        seen = self._symbols(observations)
        earned = self._reward(reward)
        self._check_possible(seen, earned)
        k, horizon = self.initial.size, len(seen)
        first, later = self.initial[None], self.transition
        enter, stay = np.arange(k)[None], np.tile(np.arange(k), (k, 1))
        weights = {y: np.tile(self.emission[:, y], (k, 1)) for y in set(seen)}
        model = TabularModel(
            [first] + [later] * (horizon - 1), [enter] + [stay] * (horizon - 1), n_terminal=k
        )
        ones = [np.ones(n) for n in model.n_states[:-1]]
        return Problem(
            model,
            earned,
            [*ones, earned] if isinstance(prm, str) and prm == "bootstrap" else prm,
            edge_reward=[weights[seen[0]][:1], *(weights[y] for y in seen[1:])],
            name=name,
        )

    def filters(
        self,
        horizon: int,
        *,
        reward: npt.ArrayLike | None = None,
        prm: str | PRM = "exact",
        name: str = "hidden Markov model",
    ) -> Problem:
        """Problem of the symbols: pi_ref is their law, and a state is a filter.

        Tokens are symbols. The state after y_1, ..., y_h is the law of x_h given them; filters
        whose numbers agree to twelve digits are one state.

        Parameters
        ----------
        horizon : int
            Number of symbols H.
        reward : (K,) array, optional
            f >= 0; the symbols then earn E[f(x_H) | y_1, ..., y_H]. Ones by default.
        prm : "exact" or PRM, optional
            As in `Problem`.
        name : str, optional
            As in `Problem`.

        Returns
        -------
        Problem

        Raises
        ------
        TooLargeError
            If there are too many filters to store.
        """
        check_horizon(horizon)
        earned = self._reward(reward)
        ahead, cells = self.initial[None], 0
        probs, next_state = [], []
        for h in range(horizon):
            cells += ahead.shape[0] * self.emission.size
            if cells > MOST_CELLS:
                raise TooLargeError(f"level {h}: {len(ahead)} filters, too many to go on")
            joint = ahead[:, None, :] * self.emission.T
            p = joint.sum(axis=2)
            row, symbol = np.nonzero(p)
            posterior = joint[row, symbol] / p[row, symbol, None]
            _, kept, state = np.unique(
                _leading_bits(posterior), axis=0, return_index=True, return_inverse=True
            )
            child = np.zeros(p.shape, dtype=np.int64)
            child[row, symbol] = state.ravel()
            probs.append(p)
            next_state.append(child)
            posterior = posterior[kept] / posterior[kept].sum(axis=1, keepdims=True)
            ahead = posterior @ self.transition
        model = TabularModel(probs, next_state, n_terminal=len(posterior))
        return Problem(model, posterior @ earned, prm, name=name)

    def _symbols(self, observations: Sequence[int] | Ints) -> list[int]:
        seen = observations.tolist() if isinstance(observations, np.ndarray) else observations
        if not isinstance(seen, (list, tuple)) or not seen:
            raise InputError("observations: not a list of at least one symbol")
        check_horizon(len(seen), name="number of observations")
        n_symbols = self.emission.shape[1]
        for h, y in enumerate(seen):
            if not is_int(y) or not 0 <= y < n_symbols:
                raise InputError(
                    f"observations, entry {h}: {y!r:.60} is not a symbol from 0 to {n_symbols - 1}"
                )
        return list(seen)

    def _reward(self, reward: npt.ArrayLike | None) -> Floats:
        k = self.initial.size
        if reward is None:
            return np.ones(k)
        row = reward.tolist() if isinstance(reward, np.ndarray) else reward
        earned: Floats = as_matrix([row], "reward", "list")[0]
        if earned.size != k:
            raise InputError(f"reward: {earned.size} entries, but there are {k} hidden states")
        if not (np.isfinite(earned) & (earned >= 0)).all():
            raise InputError("reward: negative or not finite")
        return earned

    def _check_possible(self, seen: list[int], earned: Floats) -> None:
        possible = self.initial > 0
        for h, y in enumerate(seen):
            possible = (possible @ (self.transition > 0) if h else possible) & (
                self.emission[:, y] > 0
            )
            if not possible.any():
                raise InputError(f"observations, entry {h}: {y} cannot follow those before it")
        if not (earned[possible] > 0).any():
            raise InputError("reward: zero at every hidden state that fits the observations")


def _leading_bits(x: Floats) -> Floats:
    mantissa, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, BITS)), exponent - BITS))

"""A problem as the tree of its prefixes: slow, plain, and without the package's recursions.

Every prefix that pi_ref reaches is listed once, as the tuple of its tokens. The numbers are
fractions (`rational`), so that ties and zeros are what they are, or floats (`real`).
"""

import itertools
import math
from fractions import Fraction

ONE = Fraction(1)


def rational(x, unit=ONE):
    """The fraction that a float stands for: a simple multiple of the unit."""
    times = x / float(unit)
    q = Fraction(float(times)).limit_denominator(10**4)
    assert math.isclose(q, times, rel_tol=1e-12), f"{times} is no simple fraction"
    return unit * q


def real(x, unit=1.0):
    """The float itself."""
    del unit
    return float(x)


class Tree:
    """Prefixes of a problem level by level, and the quantities of paper/sections/setting.tex.

    levels[h] : prefixes of h tokens, in the order of their tokens; paths : the last level.
    kernel[x] : list of (pi_ref(c | x), c); step[c] : pi_ref of its last token; p[x] : pi_ref(x).
    state[x] : row of the level; factor[x] : product of the edge rewards on the way.
    v[x] : V*, edge rewards included; hat[x] : V^, edge rewards included, zero below its zeros.
    z : Z; z_hat[h] : E_ref[V^] of a level; z_alive : the last of them; lossy : mass is lost.

    With `rational`, probabilities, edge rewards and rewards must be simple fractions, and V^ a
    simple multiple of V* (or simple itself where V* = 0).
    """

    def __init__(self, problem, number=rational):
        self.number, self.horizon, self._prm = number, problem.horizon, problem.prm
        model, one = problem.model, number(1.0)
        self.levels, self.kernel = [[()]], {}
        self.p, self.step, self.state, self.factor = {(): one}, {(): one}, {(): 0}, {(): one}
        for h in range(self.horizon):
            edge = None if problem.edge_reward is None else problem.edge_reward[h]
            for x in self.levels[h]:
                s, self.kernel[x] = self.state[x], []
                for a in range(model.n_actions):
                    q, c = number(model.probs[h][s, a]), (*x, a)
                    if q == 0:
                        continue
                    self.kernel[x].append((q, c))
                    self.step[c], self.p[c] = q, self.p[x] * q
                    self.state[c] = int(model.next_state[h][s, a])
                    gain = one if edge is None else number(edge[s][a])
                    self.factor[c] = self.factor[x] * gain
            self.levels.append([c for x in self.levels[h] for c in self.children(x)])
        self.paths = self.levels[-1]
        self.v = {y: self.factor[y] * number(problem.reward[self.state[y]]) for y in self.paths}
        for level in self.levels[-2::-1]:
            for x in level:
                self.v[x] = sum(q * self.v[c] for q, c in self.kernel[x])
        self.hat = {}
        for x in self.nodes():
            below_zero = x and self.hat[x[:-1]] == 0
            self.hat[x] = 0 * one if below_zero else self.given(x)
        self.z = self.v[()]
        self.z_hat = [sum(self.p[x] * self.hat[x] for x in level) for level in self.levels]
        self.z_alive = self.z_hat[-1]
        self.lossy = any(self.v[x] > 0 and self.hat[x] == 0 for x in self.nodes())

    def given(self, x):
        """V^ as the problem gives it, edge rewards included, whatever it is above."""
        factor = self.factor[x]
        if factor == 0:
            return factor
        unit = self.v[x] / factor if self.v[x] > 0 else self.number(1.0)
        return factor * self.number(self._prm[len(x)][self.state[x]], unit)

    def nodes(self):
        """All prefixes, level by level."""
        return itertools.chain.from_iterable(self.levels)

    def children(self, x):
        """The prefixes that are one token longer."""
        return [c for _, c in self.kernel.get(x, ())]

    def edges(self, level):
        """(parent, child) into a level."""
        return [(x, c) for x in self.levels[level - 1] for c in self.children(x)]

    def target(self, x):
        """pi* of a prefix."""
        return self.p[x] * self.v[x] / self.z

    def alive_target(self, x):
        """The law ∝ pi_ref r on alive paths, of a whole path."""
        return self.p[x] * self.hat[x] / self.z_alive

    def density(self, x):
        """pi*_h/pi^_h of a prefix on which pi* is positive."""
        if self.hat[x] == 0:
            return math.inf
        return (self.v[x] / self.z) * (self.z_hat[len(x)] / self.hat[x])

    def ahead(self, x, level):
        """E_ref[V^(x_level) | x]."""
        if len(x) == level:
            return self.hat[x]
        return sum(q * self.ahead(c, level) for q, c in self.kernel[x])

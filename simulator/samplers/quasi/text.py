"""Quasi-SMC on texts: cells are found where the logits are, two searches a token at most.

Rules that ask for points of the line only need no table of probabilities on the host; "threshold"
and "adapted" must see which cells are large, and read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator.errors import InputError
from simulator.samplers.quasi.codes import SLACK
from simulator.samplers.quasi.rules import settle, snapped
from simulator.samplers.quasi.strata import hits_of, strata, survivor_points
from simulator.samplers.runs import Runs, concatenate
from simulator.samplers.smc.text import pick_weighted, to_runs
from simulator.streams.plain import Xoshiro
from simulator.text.drawing import WAIT
from simulator.text.particles import TextParticles, ratio
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Bools, Floats, Ints

__all__ = ["run_quasi_text"]


class Picked(NamedTuple):
    """Cells that were picked.

    Attributes
    ----------
    rows, tokens : (K,) int arrays
        Prefix, and the token behind it; `WAIT` where the prefix has ended.
    log_probs, mass : (K,) arrays
        log pi_ref of the token, and the mass m.
    """

    rows: Ints
    tokens: Ints
    log_probs: Floats
    mass: Floats


class Line:
    """All cells of a cloud: the prefixes that have ended, then those of the others and a token.

    Parameters
    ----------
    cloud : TextParticles
        Of one run.
    weights : (K,) array
        Of its prefixes; they sum to 1.
    n : int
        Number of hits N; positions are in hits.
    token_first : bool
        Whether cells are ordered by token and then prefix.
    """

    def __init__(self, cloud: TextParticles, weights: Floats, n: int, *, token_first: bool) -> None:
        self.cloud, self.n, self.token_first = cloud, n, token_first
        self.ended = np.flatnonzero(cloud.ended)
        self.ends = snapped(np.cumsum(weights[self.ended]) * n, n)
        self.head = float(self.ends[-1]) if self.ended.size else 0.0
        self.mass = np.where(cloud.ended, 0.0, weights)
        self.top = float(n)
        self.log_probs: dict[tuple[int, int], float] = {}
        self.places: dict[tuple[int, int], float] = {}

    def find(self, points: Floats) -> tuple[list[tuple[int, int]], Floats, Floats]:
        """Find the cells of points: (row, token) of each, and where it begins and ends."""
        at = np.searchsorted(self.ends, points, side="right")
        cells = [(int(self.ended[i]), WAIT) if i < self.ended.size else (-1, WAIT) for i in at]
        begins = np.concatenate([[0.0], self.ends])[at]
        ends = np.append(self.ends, self.head)[at]
        beyond = np.flatnonzero(at == self.ended.size)
        if beyond.size:
            if self.ended.size == self.cloud.ended.size:  # rounding of the last end
                beyond_cells = [(int(self.ended[-1]), WAIT)] * beyond.size
                return [*(c for c in cells if c[0] >= 0), *beyond_cells], begins, ends
            inside = np.maximum(points[beyond] - self.head, 0.0) / self.n
            found = self.cloud.session.locate(self.mass, inside, token_first=self.token_first)
            for i, row, token, log_prob, low in zip(beyond, *found[:4], strict=True):
                cells[i] = (int(row), int(token))
                self.log_probs[cells[i]], self.places[cells[i]] = float(log_prob), float(low)
            begins[beyond] = snapped(self.head + found.low * self.n, self.n)
            ends[beyond] = snapped(self.head + found.high * self.n, self.n)
        return cells, begins, ends

    def picked(self, hits: Sequence[tuple[tuple[int, int], int]]) -> Picked:
        """Gather the hits of equal cells, in the order of the line."""
        mass: dict[tuple[int, int], float] = {}
        for cell, times in hits:
            mass[cell] = mass.get(cell, 0.0) + times / self.n
        cells = sorted(mass, key=lambda cell: (self.places.get(cell, -1.0), cell))
        rows, tokens = np.array(cells, dtype=np.int64).T
        log_probs = np.array([self.log_probs.get(cell, 0.0) for cell in cells])
        return Picked(rows, tokens, log_probs, np.array([mass[cell] for cell in cells]))


def run_quasi_text(
    problem: LanguageModelProblem, rngs: list[Xoshiro], n: int, rule: str, order: str
) -> Runs:
    """Do one run a generator, one after the other; see `Sampler.on_text`."""
    if order == "state":
        raise InputError("order: texts have no states, 'token' and 'lexicographic' are orders")
    if problem.delimiters:
        raise InputError("delimiters: quasi-SMC draws parent and token together, one token a level")
    return concatenate([_run(problem, rng, n, rule, order == "token") for rng in rngs])


def _run(problem: LanguageModelProblem, rng: Xoshiro, n: int, rule: str, token_first: bool) -> Runs:
    cloud = TextParticles(problem, [rng], 1)
    weights, log_w = np.ones(1), cloud.log_root
    genealogy = np.full((1, problem.horizon, n), -1, dtype=np.int32)
    places = np.zeros(1, dtype=np.int64)  # of the prefixes among the cells that were picked
    log_weights = np.full(genealogy.shape, -np.inf)
    for h in range(problem.horizon):
        picked = _pick(cloud, weights, n, rule, token_first=token_first)
        genealogy[0, h, : picked.rows.size] = places[picked.rows]
        cloud.calls += int((~cloud.ended).sum())
        cloud.resize(picked.rows[None])
        before = cloud.log_v
        cloud.put(picked.tokens, picked.log_probs)
        log_child = np.log(picked.mass) + ratio(cloud.value(), before)[0]
        log_weights[0, h, : log_child.size] = log_child
        live = places = np.flatnonzero(np.isfinite(log_child))
        if live.size == 0:
            log_w = -np.inf
            break
        top = log_child[live].max()
        share = np.exp(log_child[live] - top)
        weights, log_w = share / share.sum(), log_w + top + float(np.log(share.sum()))
        if h + 1 < problem.horizon and live.size < log_child.size:
            cloud.resize(live[None])
    failed = log_w == -np.inf
    last = np.exp(log_weights[:, -1, : cloud.shape[1]])
    chosen = np.full(1, -1) if failed else pick_weighted(cloud, last / last.sum())
    runs = to_runs(cloud, chosen, np.array([log_w]), genealogy=genealogy, log_weights=log_weights)
    tokens = np.full((1, n, problem.max_tokens), WAIT, dtype=np.int32)
    if not failed:
        tokens[:, : cloud.shape[1]] = cloud.all_tokens()
    return Runs(**{**vars(runs), "cloud_tokens": tokens})


def _pick(cloud: TextParticles, weights: Floats, n: int, rule: str, *, token_first: bool) -> Picked:
    """Pick cells by a rule."""
    rng = cloud.rngs[0]
    if rule in ("threshold", "adapted"):
        return _from_table(cloud, weights, n, rule, token_first=token_first)
    line = Line(cloud, weights, n, token_first=token_first)
    if rule in ("systematic", "stratified"):
        u = rng.uniform() if rule == "systematic" else 0.0
        points = [k + (u if rule == "systematic" else rng.uniform()) for k in range(n)]
        return line.picked([(cell, 1) for cell in line.find(np.array(points))[0]])
    beyond = np.arange(1.0, n) + SLACK * n  # an end so close to a whole number is that number
    borders, low, high = line.find(beyond)
    settled = strata(line.top, low, high, rng)
    survivors = line.find(np.array(survivor_points(settled)))[0]
    return line.picked(hits_of(settled, survivors, borders))


def _from_table(
    cloud: TextParticles, weights: Floats, n: int, rule: str, *, token_first: bool
) -> Picked:
    """Pick cells from the whole table of next-token probabilities."""
    ended: Bools = cloud.ended
    table = cloud.session.next_logprobs()
    live = np.flatnonzero(~ended)
    q = weights[live, None] * np.exp(table[live])
    line = (q.T if token_first else q).ravel()
    mass = settle(rule, np.concatenate([weights[ended], line]), n, cloud.rngs[0])
    head, cells = mass[: int(ended.sum())], mass[int(ended.sum()) :]
    waiting, moving = np.flatnonzero(head), np.flatnonzero(cells)
    row, token = np.divmod(moving, table.shape[1])
    if token_first:
        token, row = np.divmod(moving, live.size)
    rows = np.concatenate([np.flatnonzero(ended)[waiting], live[row]])
    tokens = np.concatenate([np.full(waiting.size, WAIT), token])
    log_probs = np.concatenate([np.zeros(waiting.size), table[live[row], token]])
    return Picked(rows, tokens, log_probs, np.concatenate([head[waiting], cells[moving]]))

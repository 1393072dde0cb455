"""The filter that holds both labels once more, in plain Python: the same draws, equal output."""

from __future__ import annotations

import math

from simulator.problem.families.hidden_labels import OPEN, SHOWN
from simulator.problem.problem import Problem
from simulator.samplers.time_sharing.sampler import Plan, TimeSharing, plan
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["run_plain"]

Node = tuple[tuple[int, ...], tuple[int, ...]]  # tokens so far, and the open labels


def run_plain(
    problem: Problem, sampler: TimeSharing, n_runs: int, rng: RngLike
) -> list[tuple[tuple[int, ...], int, int]]:
    """Return (tokens, PRM evaluations, model calls) of the runs that ``sampler.run`` draws."""
    p = plan(problem)
    return [_run(p, sampler, Xoshiro(words.tolist())) for words in run_seeds(rng, n_runs)]


def _run(p: Plan, sampler: TimeSharing, rng: Xoshiro) -> tuple[tuple[int, ...], int, int]:
    held: list[Node] = [((), ())]
    shares: list[float] = []  # of the open labels
    asked = called = 0
    for kind, close, late, bit in zip(p.kinds, p.closes, p.late, p.bits, strict=True):
        called += len(held)
        asked += len(held)
        if close:
            before = len(held)
            held = _close(held, int(late), shares.pop(), p.theta, rng)
            asked -= before - len(held)
        if kind == OPEN:
            count = len(held)
            both = min(count * sampler.share_on(p), float(sampler.n_particles - count))
            shares.append(both / count)
            u, children = rng.uniform(), list[Node]()
            for i, (path, labels) in enumerate(held):
                steps = math.floor(both * (i + 1) / count + u) - math.floor(both * i / count + u)
                room = sampler.n_particles - len(children) - (count - 1 - i)
                new = (0, 1) if steps > 0 and room >= 2 else (int(2 * rng.uniform()),)
                children += [((*path, a), (*labels, a)) for a in new]
            held = children
            asked += len(held) - count
        else:
            after: list[Node] = []
            for path, labels in held:
                u = rng.uniform()
                token = int(2 * u)
                if kind == SHOWN:
                    token = int(bit) if 2 * u < 1 + p.theta else 1 - int(bit)
                after.append(((*path, token), labels))
            held = after
    return held[0][0], asked, called


def _close(held: list[Node], late: int, q: float, theta: float, rng: Xoshiro) -> list[Node]:
    """Keep one node of each string without its last label."""
    groups: dict[tuple[int, ...], list[Node]] = {}
    for path, labels in held:
        groups.setdefault(labels[:-1], []).append((path, labels))
    kept = []
    for rest, nodes in groups.items():
        node = nodes[0]
        if len(nodes) == 2:
            good = rng.uniform() * 2 * q < theta + q
            node = next(x for x in nodes if (x[1][-1] == late) == good)
        kept.append((node[0], rest))
    return kept

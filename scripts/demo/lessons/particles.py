"""One run of SMC as a film, and the genealogy of a longer one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator.exact.law import ExactLaw
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.prms import ConstantPRM
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats, Ints

__all__ = [
    "MOST_PARTICLES",
    "SCHEMES",
    "TREES",
    "Film",
    "Frame",
    "Genealogy",
    "bits",
    "errors",
    "exact_law",
    "film",
    "genealogy",
    "most_favoured",
    "numbers",
    "tree",
]


MOST_PARTICLES = 8  # the exact law of eight particles on eight leaves takes 0.05 s
LONG_HORIZON = 32
TREES = (
    "a biased reward model",
    "a perfect reward model",
    "a reward model that is blind until the end",
    "dead ends, and a blind reward model",
)
SCHEMES = {
    "multinomial, every level": SMC(1),
    "systematic, every level": SMC(1, "systematic"),
    "systematic, when ESS < N/2": SMC(1, "systematic", 0.5),
}


@dataclass(frozen=True)
class Frame:
    """The particles at one moment.

    Attributes
    ----------
    level : int
    stage : {"start", "move", "weigh", "copy", "output", "failed"}
    nodes : (N,) int array
        Row of the level at which each particle stands.
    weights : (N,) array
        Sum to 1; all zero if the run failed.
    founders : (N,) int array
        The particle of level 1 from which each descends.
    text : str
        What happens, in a sentence.
    """

    level: int
    stage: str
    nodes: Ints
    weights: Floats
    founders: Ints
    text: str


@dataclass(frozen=True)
class Film:
    """A run of SMC, moment by moment.

    Attributes
    ----------
    frames : tuple of Frame
    output : int
        Leaf of the output; -1 if the run failed.
    estimate : float
        W^_H, the run's estimate of Z.
    """

    frames: tuple[Frame, ...]
    output: int
    estimate: float


@lru_cache(maxsize=8)
def tree(name: str) -> Problem:
    """Return one of the small trees: two tokens, three levels.

    Parameters
    ----------
    name : str
        Of `TREES`.
    """
    biased, perfect, blind, _ = TREES
    if name == biased:
        return reference(3)
    if name == perfect:
        return reference(3).with_prm("exact")
    if name == blind:
        return reference(3).with_prm(ConstantPRM())
    return random_tree(horizon=3, seed=5, zero_rewards=0.7, prm="constant")


@lru_cache(maxsize=64)
def exact_law(name: str, n_particles: int) -> ExactLaw:
    """Return the exact law of SMC's output on a tree.

    Parameters
    ----------
    name : str
        Of `TREES`.
    n_particles : int
        N.
    """
    return SMC(n_particles).exact_law(tree(name), on="states")


def errors(name: str) -> dict[int, float]:
    """Return the exact error of SMC on a tree for N = 1, 2, 4, 8.

    Parameters
    ----------
    name : str
        Of `TREES`.

    Examples
    --------
    >>> {n: round(e, 4) for n, e in errors(TREES[0]).items()}
    {1: 0.1778, 2: 0.1676, 4: 0.1071, 8: 0.0571}
    """
    return {n: exact_law(name, n).tv for n in (1, 2, 4, MOST_PARTICLES)}


def most_favoured(law: ExactLaw) -> tuple[str, float, float]:
    """Return the leaf whose probability is most above the target's, and both probabilities.

    Parameters
    ----------
    law : ExactLaw
        On the states of a binary tree.

    Returns
    -------
    leaf : str
    got, wanted : float
    """
    leaf = int(np.argmax(law.law - law.target))
    level = int(law.law.size).bit_length() - 1
    return bits(leaf, level), float(law.law[leaf]), float(law.target[leaf])


def film(problem: Problem, n_particles: int, seed: int) -> Film:
    """Run SMC once and tell it step by step: move, weigh, copy.

    Parameters
    ----------
    n_particles : int
        N.

    Examples
    --------
    >>> made = film(tree(TREES[0]), 4, seed=1)
    >>> [f.stage for f in made.frames][:5], len(made.frames)
    (['start', 'move', 'weigh', 'copy', 'move'], 10)
    """
    n, horizon = n_particles, problem.horizon
    runs = SMC(n).run(problem, 1, rng=seed, keep=("clouds", "genealogy"))
    assert runs.cloud_states is not None
    assert runs.cloud_log_weights is not None
    assert runs.genealogy is not None
    assert runs.log_w is not None
    states, log_w = runs.cloud_states[0], runs.cloud_log_weights[0]
    even = np.full(n, 1 / n)
    own = np.arange(n)
    founders = own
    frames = [Frame(0, "start", np.zeros(n, int), even, own, f"{n} particles start at the root.")]
    for h in range(1, horizon + 1):
        if (states[h - 1] < 0).any():
            break
        if h > 1:
            parents = runs.genealogy[0, h - 1].astype(np.int64)
            founders = founders[parents]
            frames.append(
                Frame(
                    h - 1, "copy", states[h - 2][parents], even, founders,
                    f"Level {h - 1}: draw {n} particles from the weighted cloud. Some are copied, "
                    "others die.",
                )
            )  # fmt: skip
        frames.append(
            Frame(
                h, "move", states[h - 1], even, founders,
                f"Level {h}: each particle draws its next token from the base model.",
            )
        )  # fmt: skip
        w = np.exp(log_w[h - 1] - log_w[h - 1].max()) if np.isfinite(log_w[h - 1]).any() else None
        if w is None:
            frames.append(
                Frame(
                    h, "failed", states[h - 1], np.zeros(n), founders,
                    f"Level {h}: all weights are zero. The run has failed: no output.",
                )
            )  # fmt: skip
            break
        frames.append(
            Frame(
                h, "weigh", states[h - 1], w / w.sum(), founders,
                f"Level {h}: each particle is weighted by V̂(child)/V̂(parent); its area is "
                "its weight.",
            )
        )  # fmt: skip
    output = int(runs.states[0])
    if output >= 0:
        last = frames[-1]
        chosen = last.weights * (last.nodes == output)
        frames.append(
            Frame(
                horizon, "output", last.nodes, chosen / chosen.sum(), founders,
                f"One draw from the last weighted cloud is the output: leaf {bits(output, horizon)}"
                ".",
            )
        )  # fmt: skip
    return Film(tuple(frames), output, float(np.exp(runs.log_w[0])))


def numbers(problem: Problem, made: Film, frame: Frame, law: ExactLaw) -> dict[str, object]:
    """Return what chapter 1 tells in numbers.

    Parameters
    ----------
    frame : Frame
        Of the film.
    """
    alive = frame.weights.any()
    return {
        "Founders with descendants": len(set(frame.founders.tolist())),
        "Effective sample size": float(1 / (frame.weights**2).sum()) if alive else 0.0,
        "This run's estimate of Z": made.estimate,
        "Z": float(problem.value[0][0]),
        "Exact error of the output's law": law.tv,
        "Exact probability of failure": law.failure,
    }


def bits(node: int, level: int) -> str:
    """Return a prefix of the binary tree as its tokens.

    Examples
    --------
    >>> bits(5, 3), bits(0, 0)
    ('101', 'root')
    """
    return format(node, f"0{level}b") if level else "root"


@dataclass(frozen=True)
class Genealogy:
    """Who descends from whom in one run.

    Attributes
    ----------
    parents : (H, N) int array
        Row h: the parents of the particles of level h+1.
    alive : (H+1, N) bool array
        Whether a particle has a descendant at level H; of row 0 only the first is real.
    survivors : (H+1,) int array
        Number of such particles, level by level.
    """

    parents: Ints
    alive: npt.NDArray[np.bool_]
    survivors: Ints

    @property
    def common(self) -> int:
        """Last level at which all of the last cloud share one ancestor; 0 is the root."""
        return int(np.flatnonzero(self.survivors == 1)[-1])


def genealogy(scheme: str, n_particles: int, seed: int) -> Genealogy:
    """Run SMC on 32 bits of the product instance, with a perfect PRM, and keep the genealogy.

    Parameters
    ----------
    scheme : str
        Of `SCHEMES`.
    n_particles : int
        N.

    Examples
    --------
    >>> made = genealogy("multinomial, every level", 8, seed=1)
    >>> made.survivors.tolist()[-1], bool((np.diff(made.survivors[1:]) >= 0).all())
    (8, True)
    """
    known = SCHEMES[scheme]
    sampler = SMC(n_particles, known.resampling, known.ess_threshold)
    runs = sampler.run(product(LONG_HORIZON), 1, rng=seed, keep=("genealogy",))
    assert runs.genealogy is not None
    parents = runs.genealogy[0].astype(np.int64)
    alive = np.zeros((LONG_HORIZON + 1, n_particles), dtype=np.bool_)
    alive[-1] = True
    for h in range(LONG_HORIZON - 1, -1, -1):
        alive[h, parents[h][alive[h + 1]]] = True
    return Genealogy(parents, alive, alive.sum(axis=1))

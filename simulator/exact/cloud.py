"""Exact law of SMC by enumerating the Markov chain of particle clouds.

The cloud of N weighted particles before the resampling of a level is a Markov chain
with finitely many states; following its law, and E[W^ 1{cloud}] and E[W^2 1{cloud}]
with it, gives the law of the output and the moments of W^_H to rounding (SMC:
arXiv 2603.07887, algorithm 1, option 1, here with any unbiased resampling scheme and
any rule of `simulator.resampling.when`). Where the law does not depend on the order
of the particles a cloud is a multiset.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud_output import Output
from simulator.exact.cloud_size import bound_transitions
from simulator.exact.cloud_steps import Clouds, Scheme, Work, advance, last_parents, mixture_blocks
from simulator.exact.count_chain import count_law, count_transitions
from simulator.exact.law import DEFAULT_LIMIT, ExactLaw, relative_spread, total_variation
from simulator.exact.outcomes import outcomes
from simulator.exact.particle_types import Types, root_types, step_from
from simulator.exact.replay import replay
from simulator.exact.share_chain import share_law
from simulator.problem.problem import Problem
from simulator.resampling.schemes import SCHEMES
from simulator.resampling.when import Rule
from simulator.typing import Floats, Ints

__all__ = ["CloudLevel", "cloud_chain", "cloud_transitions", "exact_law", "final_clouds"]

HELD = 1 << 21  # particles that `final_clouds` hands out at once
LEVELS = 50_000  # half a minute, however few the clouds of a level are


class ParticleFilter(Protocol):
    """What the exact law needs to know of a sampler."""

    @property
    def n_particles(self) -> int:
        """N."""
        ...

    @property
    def resampling(self) -> str:
        """Name of the scheme."""
        ...

    @property
    def ess_threshold(self) -> float:
        """Resample when the size of the weights is below this times N."""
        ...

    @property
    def resample_when(self) -> str:
        """Which size: "ess" or "max_weight"; see `simulator.resampling.when`."""
        ...

    @property
    def block(self) -> int:
        """Resample at levels that are multiples of this only."""
        ...

    @property
    def select(self) -> str:
        """How the output is chosen: "sample" or "best"."""
        ...


@dataclass(frozen=True)
class CloudLevel:
    """Law of the weighted cloud of one level, before the resampling of that level.

    Attributes
    ----------
    level : int
        h, from 0 to H-1.
    states : (C, N) int array
        Rows of the level; -1 for particles of weight zero.
    weights : (C, N) array
        Gathered since the last resampling, up to a constant of the level.
    probability : (C,) array
        P(cloud); sums to 1 - `failure`.
    first, second : (C,) arrays
        E[(W^_h/Z^_h) 1{cloud}] and E[(W^_h/Z^_h)^2 1{cloud}]; `first` sums to 1.
    failure : float
        P(all weights were zero at this level or before).
    """

    level: int
    states: Ints
    weights: Floats
    probability: Floats
    first: Floats
    second: Floats
    failure: float


def cloud_chain(
    problem: Problem, sampler: ParticleFilter, *, limit: float = DEFAULT_LIMIT
) -> Iterator[CloudLevel]:
    """Enumerate the law of the weighted cloud level by level.

    Parameters
    ----------
    sampler : SMC
        Anything with the options of `ParticleFilter`.
    limit : float
        Largest number of cloud transitions.

    Yields
    ------
    CloudLevel
        Levels 0, ..., H-1.

    Raises
    ------
    TooLargeError
        If more transitions may be needed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from simulator.problem.model import TabularModel
    >>> tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    >>> problem = Problem(tree, [1.0, 2.0, 3.0, 4.0], "exact")
    >>> smc = SimpleNamespace(
    ...     n_particles=2, resampling="multinomial", ess_threshold=1.0,
    ...     resample_when="ess", block=1, select="sample")
    >>> [(c.level, c.states.tolist(), c.probability.tolist()) for c in cloud_chain(problem, smc)]
    [(0, [[0, 0]], [1.0]), (1, [[0, 0], [0, 1], [1, 1]], [0.25, 0.5, 0.25])]
    """
    scheme = _scheme(sampler)
    _check_size(problem, scheme, limit)
    for level, clouds, types in _chain(problem, scheme, Work(limit), joint=False):
        p, f, s = clouds.moments
        states, weights = types.state[clouds.rows], types.weight[clouds.rows]
        yield CloudLevel(level, states, weights, p, f, s, max(0.0, 1 - float(p.sum())))


def final_clouds(
    problem: Problem, sampler: ParticleFilter, *, limit: float = DEFAULT_LIMIT
) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Go through the weighted clouds of level H.

    Parameters
    ----------
    sampler : SMC
        Anything with the options of `ParticleFilter`.
    limit : float
        Largest number of cloud transitions.

    Yields
    ------
    states : (C, N) int array
        Terminal states; -1 for particles of weight zero.
    weights : (C, N) array
        Up to a constant.
    probability : (C,) array
        P(cloud). A cloud may come more than once; all together sum to 1, or to less where
        runs failed before: those that fail at level H may come, with weights of zero.

    Raises
    ------
    TooLargeError
        If more transitions may be needed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> smc = SimpleNamespace(
    ...     n_particles=2, resampling="multinomial", ess_threshold=1.0,
    ...     resample_when="ess", block=1, select="sample")
    >>> [(s.tolist(), p.round(12).tolist()) for s, _, p in final_clouds(problem, smc)]
    [([[0, 0], [0, 1], [1, 1]], [0.25, 0.5, 0.25])]
    """
    scheme, work = _scheme(sampler), Work(limit)
    _check_size(problem, scheme, limit)
    for level, clouds, types in _chain(problem, scheme, work, joint=False):
        if level < problem.horizon - 1:
            continue
        step = step_from(problem, level, types, always_reset=scheme.always)
        if scheme.mixture:
            for block in mixture_blocks(clouds, types, step, work):
                p = clouds.moments[0, block.index][:, None] * block.probability
                size = max(1, HELD // block.table.sequence.size)
                for first in range(0, len(p), size):
                    part = slice(first, first + size)
                    kinds = block.kinds[part, block.table.sequence].reshape(-1, scheme.n_particles)
                    yield step.types.state[kinds], step.types.weight[kinds], p[part].ravel()
        else:
            for final in last_parents(clouds, types, step, scheme, work):
                weights = step.types.weight[final.rows]
                yield step.types.state[final.rows], weights, final.moments[0]


def exact_law(
    problem: Problem,
    sampler: ParticleFilter,
    on: str = "paths",
    limit: float = DEFAULT_LIMIT,
    *,
    shortfall: bool = False,
    rewrite: Callable[[Problem], Problem] | None = None,
    whole_paths: bool = False,
    accept: float | None = None,
) -> ExactLaw:
    """Compute the exact law of the output of SMC.

    Parameters
    ----------
    sampler : SMC
        Anything with the options of `ParticleFilter`. With ``select="best"`` the output has the
        highest V^ of its whole path, ties uniform.
    on : {"paths", "states"}
        Outcomes: token paths, or terminal states of the model. On a tree both are the
        terminal states.
    limit : float
        Largest number of cloud transitions (about 10^7 a second).
    shortfall : bool
        Also follow the joint law with W^, for E[(1 - W^_H/Z)_+].
    rewrite : callable, optional
        SMC runs on ``rewrite(problem)``, which has the same tokens and states, but is ranked
        by the target and the rewards of `problem`; see `simulator.problem.transforms`.
    whole_paths : bool
        `rewrite` must be given the tree of token paths without edge rewards.
    accept : float, optional
        A run is accepted with probability min(1, accept W^_H/Z), else started again.

    Raises
    ------
    TooLargeError
        If more transitions may be needed; estimated before the work begins. With
        `shortfall` the joint law may pass the limit on the way, and is then given up.
    InputError
        If an option is not known.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> smc = SimpleNamespace(
    ...     n_particles=2, resampling="multinomial", ess_threshold=1.0,
    ...     resample_when="ess", block=1, select="sample")
    >>> exact = exact_law(problem, smc, shortfall=True)
    >>> exact.law.round(12).tolist()
    [0.375, 0.625]
    >>> [round(x, 12) for x in (exact.tv, exact.shortfall, exact.relative_variance)]
    [0.125, 0.125, 0.125]
    """
    scheme = _scheme(sampler)
    out = outcomes(problem, on, limit, one_reward=sampler.select == "best", whole_paths=whole_paths)
    tree = out.tree
    sampled = tree if rewrite is None else rewrite(tree)
    joint = shortfall or accept is not None
    countable = scheme.mixture and not (joint or tree.is_tree or sampler.select == "best")
    countable &= sampled.horizon <= LEVELS
    by_counts = countable and count_transitions(sampled, scheme.n_particles, limit) <= limit
    by_shares = countable and not by_counts and bound_transitions(sampled, scheme, limit) > limit
    _check_size(sampled, scheme, math.inf if by_counts or by_shares else limit)
    survival = math.exp(min(sampled.forward_backward.log_z_alive - tree.log_z, 0.0))
    n_states = int(tree.model.n_states[-1])
    score = tree.log_reward if sampler.select == "best" else None
    output = Output(n_states, score, survival, accept)
    work, precision = Work(limit), 0.0
    if by_counts:
        found = count_law(sampled, scheme.n_particles, work)
        output.law, output.weighted, output.moments = found.law, found.weighted, found.moments
    elif by_shares:
        shares = share_law(sampled, scheme.n_particles, work)
        output.law, output.weighted = shares.law, shares.weighted
        output.moments, precision = shares.moments, shares.precision
    with np.errstate(over="ignore", invalid="ignore"):  # E[W^2] may be beyond the range of floats
        chain = () if by_counts or by_shares else _chain(sampled, scheme, work, joint=joint)
        for level, clouds, types in chain:
            if level == sampled.horizon - 1:
                step = step_from(sampled, level, types, always_reset=scheme.always)
                output.gather(clouds, types, step, scheme, work)
    law, weighted = out.gather(output.law), out.gather(output.weighted * survival)
    if accept is not None and output.accepted > 0:
        law = law / output.accepted
    _, first, second = (float(x) for x in output.moments)
    failure = max(0.0, 1 - float(output.moments[0]))
    if accept is not None:
        failure = 1.0 if output.accepted == 0 else 0.0
    return ExactLaw(
        law=law,
        failure=failure,
        tv=total_variation(out.target, law),
        mean_w_over_z=first * survival,
        relative_variance=relative_spread(first, second),
        shortfall=output.short + failure if shortfall else None,
        target=out.target,
        weighted=weighted,
        tokens=out.tokens,
        acceptance=None if accept is None else output.accepted,
        precision=precision,
    )


def cloud_transitions(problem: Problem, sampler: ParticleFilter) -> float:
    """Bound the number of cloud transitions that `exact_law` goes through without `shortfall`.

    Parameters
    ----------
    problem : Problem
        For the law on paths of a model that is no tree, the unfolded problem.
    sampler : SMC

    Returns
    -------
    float
        An upper bound; exact on a full tree with multinomial resampling at every level.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from simulator.problem.model import TabularModel
    >>> tree = TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(4)])
    >>> smc = SimpleNamespace(
    ...     n_particles=4, resampling="multinomial", ess_threshold=1.0,
    ...     resample_when="ess", block=1, select="sample")
    >>> cloud_transitions(Problem(tree, [1.0] * 16, "exact"), smc)
    49860.0
    """
    return bound_transitions(problem, _scheme(sampler), math.inf)


def _chain(
    problem: Problem, scheme: Scheme, work: Work, *, joint: bool
) -> Iterator[tuple[int, Clouds, Types]]:
    """Go through levels 0..H-1, or once more through those of the last call."""
    levels = _levels(problem, scheme, work, joint=joint)
    if not joint:
        levels = replay(problem, ("clouds", scheme), levels, lambda at: at[1].rows.size)
    for level, clouds, types, done in levels:
        work.done = 0.0
        work.add(done)
        yield level, clouds, types


def _levels(
    problem: Problem, scheme: Scheme, work: Work, *, joint: bool
) -> Iterator[tuple[int, Clouds, Types, float]]:
    """Enumerate levels; with each comes the number of transitions so far."""
    types = root_types()
    rows = np.zeros((1, scheme.n_particles), dtype=np.int64)
    clouds = Clouds(rows, np.ones((3, 1)), np.ones(1) if joint else None)
    for level in range(problem.horizon):
        clouds.moments.flags.writeable = False
        yield level, clouds, types, work.done
        if level < problem.horizon - 1:
            step = step_from(problem, level, types, always_reset=scheme.always)
            clouds, types = advance(clouds, types, step, scheme, work), step.types


def _scheme(sampler: ParticleFilter) -> Scheme:
    if sampler.resampling not in SCHEMES:
        raise InputError(
            f"resampling: {sampler.resampling!r} has no exact law, only {', '.join(SCHEMES)} have"
        )
    if sampler.select not in ("sample", "best"):
        raise InputError(f"select: {sampler.select!r} is not known")
    return Scheme(
        int(sampler.n_particles), sampler.resampling,
        Rule(sampler.resample_when, float(sampler.ess_threshold)), int(sampler.block),
    )  # fmt: skip


def _check_size(problem: Problem, scheme: Scheme, limit: float) -> None:
    if problem.horizon > LEVELS:
        raise TooLargeError(f"exact law: {problem.horizon} levels, the limit is {LEVELS}")
    size = bound_transitions(problem, scheme, limit)
    if size > limit:
        raise TooLargeError(
            f"exact law: about {size:.3g} cloud transitions or more, the limit is {limit:.3g}"
        )

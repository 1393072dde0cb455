"""The error of a sampler from independent runs: a bracket that holds at a stated confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.interval import Interval
from simulator.measure.certify import Certificate, certify
from simulator.measure.confidence import BettingUpper
from simulator.measure.density_ratio import DensityRatio, density_ratio, paths_within_reach
from simulator.measure.plug_in import PlugIn
from simulator.measure.stepwise import runs_within_reach, stepwise_samples
from simulator.measure.stream import CELLS, LARGEST, Runnable, chunks, offers, shortfall
from simulator.measure.tally import Ruler, Tally, edge_scores
from simulator.measure.witness import learn_event
from simulator.problem.largest_reward import largest_reward
from simulator.problem.problem import Problem, check_tabular
from simulator.problem.target import target_paths
from simulator.samplers.facts import facts_of
from simulator.samplers.smc.sampler import SMC
from simulator.streams.seeds import BLOCK, seed_sequence
from simulator.typing import RngLike

__all__ = ["Bracket", "bracket"]

MARKS = 128  # between which the likelihood ratio may be cut
LEARN_DRAWS = 4096  # from pi*, to place the marks
STEPS = 1 << 28  # levels of all draws from pi* that bound the probability of an event
CLOUD = 1 << 12  # particles of all levels up to which clouds are kept for the plug-in distance


@dataclass(frozen=True)
class Bracket(Interval):
    """Limits of D_TV(law of one output, pi*), both at once with the stated confidence.

    Attributes
    ----------
    value, low, high, confidence
        As in `Interval`; the limits are the best of what follows, the value lies midway.
    certificates : dict
        Name to upper limit; the error probability is split evenly over them beforehand.
        "shortfall": E[(1 - W^_H/Z)_+]. "stepwise": one-step errors of the tilted cloud,
        multinomial SMC only. "plug-in": where each terminal state is one path.
        "density ratio": as `density_ratio`.
    witness : str
        The event that certifies `low`.
    plug_in, plug_in_bias : float
        D_TV of the observed frequencies of terminal states, and about how much it is above
        that of their law on average, at most.
    rao_blackwell, rao_blackwell_bias : float or None
        The same with the last weighted clouds for the frequencies; None if not applicable.
    shortfall_mean : float
        Mean of (1 - W^_H/Z)_+, whose expectation bounds the error (1 if not defined).
    stepwise_mean : float or None
        Mean of the one-step errors, which bounds the error likewise; None if not applicable.
    density : DensityRatio or None
        Estimates on both sides of the error, for multinomial SMC with N >= H/32 on problems that
        cannot be enumerated; None if not applicable or out of reach.
    failure : float
        Observed frequency of failed runs.
    n_runs : int
    """

    certificates: dict[str, float]
    witness: str
    plug_in: float
    plug_in_bias: float
    rao_blackwell: float | None
    rao_blackwell_bias: float | None
    shortfall_mean: float
    stepwise_mean: float | None
    density: DensityRatio | None
    failure: float
    n_runs: int


@overload
def bracket(
    problem: Problem, sampler: Runnable, n_runs: int, *,
    rng: RngLike, confidence: float = 0.99, known_z: Literal[True] = True,
) -> Bracket: ...  # fmt: skip


@overload
def bracket(
    problem: Problem, sampler: Runnable, n_runs: int, *,
    rng: RngLike, confidence: float = 0.99, known_z: bool,
) -> Bracket | Certificate: ...  # fmt: skip


def bracket(
    problem: Problem,
    sampler: Runnable,
    n_runs: int,
    *,
    rng: RngLike,
    confidence: float = 0.99,
    known_z: bool = True,
) -> Bracket | Certificate:
    r"""Bracket the error of a sampler from `n_runs` independent runs, in flat memory.

    With delta = 1 - confidence, half of it is spent on the lower limit: an event is learnt
    on the first half of the runs, and its probability is bounded by Clopper and Pearson's
    limit on the second half; see `simulator.measure.witness`. The other half is split evenly
    over the upper limits that apply (`Bracket.certificates`), each by betting on a variable
    with known range (`simulator.measure.confidence.BettingUpper`), but McDiarmid's inequality
    for the plug-in distance.

    The stepwise limit and the density ratio cost more than a run does: they make runs of
    their own, at most `n_runs`, and as many as are within reach.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        A `Sampler`, or any object with `n_particles`, `properly_weighted` and `run`.
    n_runs : int
        Number of runs R >= 4.
    rng : int, SeedSequence or Generator
        The only source of randomness.
    confidence : float
        Probability that both limits hold, in (0, 1).
    known_z : bool
        False leaves out what the tables tell of Z, pi* and V*, as one must where they are
        unknown: only draws and the largest reward are used, as `certify` does on language
        models. Multinomial SMC only.

    Returns
    -------
    Bracket or Certificate
        The latter if Z is not known; it brackets log Z too.

    Raises
    ------
    InputError
        If `n_runs` is below 4, or Z is not known and the sampler is not multinomial SMC.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference:horizon=3")
    >>> for known in (True, False):
    ...     found = bracket(problem, SMC(2), 2000, rng=1, known_z=known)
    ...     print(f"{found.low:.2f} to {found.high:.2f}")  # exactly 0.17
    0.14 to 0.22
    0.10 to 0.20
    """
    check_tabular(problem, "bracket")
    check_int("n_runs", n_runs, 4)
    if not known_z:
        if not isinstance(sampler, SMC):
            raise InputError("bracket: where Z is not known, the sampler must be SMC")
        return certify(
            problem, sampler, r_max=largest_reward(problem), n_runs=n_runs, rng=rng,
            confidence=confidence,
        )  # fmt: skip
    delta = (1 - confidence) / 2
    seeds = seed_sequence(rng).spawn(7)
    n_steps = runs_within_reach(problem, sampler, n_runs)
    n_paths, repeats = (0, 0) if problem.is_tree else paths_within_reach(problem, sampler, n_runs)
    applies = {
        "shortfall": sampler.properly_weighted,
        "stepwise": n_steps > 0,
        "plug-in": problem.is_tree,
        "density ratio": n_paths > 0,
    }
    share = delta / max(sum(applies.values()), 1)
    measured = _Measured(problem, sampler, BettingUpper(n_runs, share))

    quarter = n_runs // 4
    has_tokens = "tokens" in measured.keep
    first = Tally.empty(problem, has_tokens)
    measured.draw(quarter, seeds[0], first)
    ruler, draws = None, first
    if has_tokens:
        ruler = _ruler(problem, first, seeds[1])
        draws = _draw_target(problem, ruler, LEARN_DRAWS, seeds[2])
    second, third = (Tally.empty(problem, has_tokens, ruler) for _ in range(2))
    measured.draw(quarter, seeds[3], second)
    event = learn_event(first, second, draws, delta)
    measured.draw(n_runs - 2 * quarter, seeds[4], third)
    if event.probability is None and ruler is not None:
        enough = max(LEARN_DRAWS, min(2 * n_runs, STEPS // problem.horizon))
        draws = _draw_target(problem, ruler, enough, seeds[2].spawn(1)[0])
    low = max(event.lower(third, draws, delta), 0.0)

    certificates, stepwise_mean, density = {}, None, None
    if applies["shortfall"]:
        certificates["shortfall"] = measured.short.value()
    if applies["stepwise"]:
        limit = BettingUpper(n_steps, share)
        for sums in stepwise_samples(problem, sampler, n_steps, seeds[5], cap=1.0):
            limit.add(np.minimum(sums / 2, 1.0))
        certificates["stepwise"], stepwise_mean = min(2 * limit.value(), 1.0), 2 * limit.mean
    if applies["plug-in"]:
        certificates["plug-in"] = min(measured.best_plug_in.upper(share), 1.0)
    if applies["density ratio"]:
        density = density_ratio(
            problem, sampler, n_paths, rng=seeds[6], confidence=1 - share, repeats=repeats
        )
        certificates["density ratio"] = density.upper
    high = max(min(certificates.values(), default=1.0), low)
    return Bracket(
        value=(low + high) / 2,
        low=low,
        high=high,
        confidence=confidence,
        certificates=certificates,
        witness=event.text,
        plug_in=measured.plain.value,
        plug_in_bias=measured.plain.bias,
        rao_blackwell=None if measured.clouds is None else measured.clouds.value,
        rao_blackwell_bias=None if measured.clouds is None else measured.clouds.bias,
        shortfall_mean=measured.short.mean if applies["shortfall"] else 1.0,
        stepwise_mean=stepwise_mean,
        density=density,
        failure=measured.failed / n_runs,
        n_runs=n_runs,
    )


class _Measured:
    """What all runs of a bracket tell, whether events are learnt or tested on them."""

    def __init__(self, problem: Problem, sampler: Runnable, short: BettingUpper) -> None:
        self.problem, self.sampler, self.short = problem, sampler, short
        self.plain = PlugIn(problem.target[-1], clouds=False)
        self.clouds: PlugIn | None = None
        self.failed = 0
        keep = ["tokens"] if offers(problem, sampler, "tokens") else []
        self.cells = problem.horizon
        if (
            problem.is_tree
            and facts_of(sampler, problem).drawn
            and offers(problem, sampler, "clouds")
        ):
            cells = sampler.n_particles * problem.horizon
            if cells <= CLOUD:
                self.cells = cells
                self.clouds = PlugIn(problem.target[-1], clouds=True)
                keep.append("clouds")
        self.keep = tuple(keep)

    @property
    def best_plug_in(self) -> PlugIn:
        """The plug-in distance of least bias."""
        return self.plain if self.clouds is None else self.clouds

    def draw(self, n_runs: int, rng: RngLike, tally: Tally) -> None:
        """Make runs, and count their outputs in a tally."""
        for runs in chunks(
            self.problem, self.sampler, n_runs, rng, keep=self.keep, cells=self.cells
        ):
            tally.add(runs)
            self.plain.add(runs)
            self.failed += int(runs.failed.sum())
            if self.clouds is not None:
                self.clouds.add(runs)
            if self.sampler.properly_weighted:
                self.short.add(shortfall(self.problem, runs))


def _ruler(problem: Problem, learnt_on: Tally, rng: RngLike) -> Ruler:
    """Score likelihood ratios as learnt, with marks where pi* has its quantiles."""
    score = edge_scores(learnt_on)
    draws = Tally.empty(problem, True, Ruler(score, np.zeros(0)))
    scores = draws.add_paths(target_paths(problem, _some(problem), rng))
    return Ruler(score, np.unique(np.quantile(scores, np.linspace(0, 1, MARKS + 1))))


def _some(problem: Problem) -> int:
    return min(LEARN_DRAWS, max(BLOCK, CELLS // problem.horizon))


def _draw_target(problem: Problem, ruler: Ruler, n: int, rng: RngLike) -> Tally:
    """Count independent draws from pi*."""
    tally = Tally.empty(problem, True, ruler)
    blocks = max(1, min(LARGEST, CELLS // problem.horizon) // BLOCK)
    for first in range(0, n, blocks * BLOCK):
        part = min(blocks * BLOCK, n - first)
        tally.add_paths(target_paths(problem, part, rng, first_block=first // BLOCK))
    return tally

"""A certificate of the error of SMC where Z is not known: on language models, or on tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.interval import Interval
from simulator.measure.density_ratio import conditional_log_w
from simulator.measure.exact_draws import check_rewards, draw_exactly, draw_reference
from simulator.measure.stepwise import plain_problem
from simulator.measure.unknown_z import (
    Limits,
    learn_threshold,
    limits_by_ratio,
    limits_by_target,
    seems_rare,
)
from simulator.problem.problem import Problem
from simulator.samplers.smc.conditional_text import (
    ConditionalRuns,
    check_conditional,
    run_conditional_text,
)
from simulator.samplers.smc.sampler import SMC
from simulator.streams.seeds import seed_sequence
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Bools, Floats, RngLike

__all__ = ["Certificate", "certify"]

TRIES = 100  # a run, to draw exactly from pi*
REPEATS = 4

Tokens = npt.NDArray[np.int32]
Conditional = Callable[[Tokens, RngLike], ConditionalRuns]


@dataclass(frozen=True)
class Certificate(Interval):
    """Limits of D_TV(law of one output, pi*) and of log Z, all at once with the stated confidence.

    Outcomes are token paths; a failed run counts as an output that pi* never gives.

    Parameters
    ----------
    value, low, high : float
        The limits of D_TV, and what lies midway.
    confidence : float
        Probability that all limits hold, those of log Z included.
    log_z : Interval
        log Z; its value is the log of the mean W^_H.
    route : str
        Where the limits of the error come from: "exact draws" from pi*, or the "ratio" of means
        under pi_ref where too few draws are accepted.
    on_target, on_output : float
        Certified: pi* gives an event at least the first probability, the output at most the
        second one; `low` is their difference. The event is that the sampler seems to give a path
        too rarely.
    acceptance : float
        Share of the draws from pi_ref that were accepted as draws from pi*.
    tries, exact_draws : int
        Number of draws from pi_ref to this end, and of draws from pi* that were used.
    failure : float
        Observed frequency of failed runs.
    prm_evaluations, model_calls : int
        What all of it has cost: values V^ and next-token distributions.
    n_runs, n_conditional : int
        n and k, as they were asked for.
    """

    log_z: Interval
    route: str
    on_target: float
    on_output: float
    acceptance: float
    tries: int
    exact_draws: int
    failure: float
    prm_evaluations: int
    model_calls: int
    n_runs: int
    n_conditional: int


def certify(
    problem: Problem | LanguageModelProblem,
    sampler: SMC,
    *,
    r_max: float,
    n_runs: int,
    n_conditional: int = REPEATS,
    rng: RngLike,
    confidence: float = 0.99,
    max_tries: int | None = None,
    told: Callable[[str], None] = lambda stage: None,
) -> Certificate:
    r"""Bracket the error of multinomial SMC on a problem whose Z is not known.

    Z, if it is known, is not used. Draws from pi* come by rejection from pi_ref with rewards in
    [0, r_max]; conditional SMC along them, and along outputs of the sampler, tells where the
    sampler gives too little: see `simulator.measure.unknown_z` for the variables and why their
    means are limits. There are n runs whose W^_H estimates Z, 2n draws from pi* with k
    conditional runs each, and n outputs with k conditional runs each, all independent. If fewer
    than n draws are accepted, the limits come from as many draws from pi_ref instead.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What is sampled: model, reward and PRM.
    sampler : SMC
        With multinomial resampling at every level, or on language models at every block, and any
        proposal.
    r_max : float
        A number that no reward is above.
    n_runs : int
        n >= 4; the width of the bracket falls like one over its root.
    n_conditional : int
        k, conditional runs of each path: more make the upper limit sharper.
    rng : int, SeedSequence or Generator
        The only source of randomness.
    confidence : float
        Probability that all limits hold, in (0, 1).
    max_tries : int, optional
        Largest number of draws from pi_ref for those of pi*, by default 100 n; as many more are
        made if they do not suffice.
    told : callable, optional
        Told the name of each stage as it begins.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If conditional SMC does not fit the sampler, a number is out of range, or a reward is above
        `r_max`.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> found = certify(reference(3), SMC(2), r_max=3, n_runs=2000, rng=1)
    >>> print(f"{found.low:.2f} to {found.high:.2f}, by {found.route}")  # exactly 0.17
    0.10 to 0.20, by exact draws
    """
    check_real("r_max", r_max, 0, above=True)
    check_int("n_runs", n_runs, 4)
    check_int("n_conditional", n_conditional, 1)
    check_real("confidence", confidence, 0, 1, above=True, below=True)
    most = TRIES * n_runs if max_tries is None else max_tries
    check_int("max_tries", most, 2)
    seeds = seed_sequence(rng).spawn(6)
    work = _Work(problem, sampler, math.log(r_max), n_conditional)

    told("runs")
    first, _ = work.run(n_runs, seeds[0])
    log_z = float(np.logaddexp.reduce(first) - math.log(n_runs))
    threshold = -log_z
    told("draws from the target")
    drawn = draw_exactly(problem, 2 * n_runs, work.log_r_max, most, seeds[1])
    work.pay(drawn.prm_evaluations, drawn.model_calls)
    half, enough = len(drawn.tokens) // 2, len(drawn.tokens) >= n_runs
    told("conditional runs")
    if enough:
        along = work.along(drawn.tokens[:half], seeds[2])
        threshold = learn_threshold(along, log_z)
        on_target = work.rare(drawn.tokens[half:], threshold, seeds[3])
    else:
        rewards, on_target = work.reference(most, n_runs, threshold, seeds[2])
    told("outputs")
    second, tokens = work.run(n_runs, seeds[4])
    failed = np.isneginf(second)
    on_output = np.zeros(n_runs, dtype=np.bool_)
    on_output[~failed] = work.rare(tokens[~failed], threshold, seeds[5])
    delta = 1 - confidence
    limits = (
        limits_by_target(first, along, on_target, on_output, delta)
        if enough
        else limits_by_ratio(first, rewards, on_target, on_output, work.log_r_max, delta)
    )
    return Certificate(
        value=(limits.low + limits.high) / 2,
        low=limits.low,
        high=limits.high,
        confidence=confidence,
        log_z=_around(log_z, limits, work.log_r_max, confidence),
        route="exact draws" if enough else "ratio",
        on_target=limits.on_target,
        on_output=limits.on_output,
        acceptance=drawn.accepted / drawn.tries,
        tries=drawn.tries,
        exact_draws=len(drawn.tokens) if enough else 0,
        failure=float(np.isneginf(np.concatenate([first, second])).mean()),
        prm_evaluations=work.prm_evaluations,
        model_calls=work.model_calls,
        n_runs=n_runs,
        n_conditional=n_conditional,
    )


def _around(log_z: float, limits: Limits, log_r_max: float, confidence: float) -> Interval:
    high = min(limits.log_z_high, log_r_max)  # Z is the mean of rewards
    return Interval(log_z, min(limits.log_z_low, log_z), max(high, log_z), confidence)


@dataclass
class _Work:
    """What is drawn for a certificate, and its cost so far."""

    problem: Problem | LanguageModelProblem
    sampler: SMC
    log_r_max: float
    repeats: int
    prm_evaluations: int = 0
    model_calls: int = 0
    conditional: Conditional = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.problem, Problem):
            self.conditional = _on_tables(self.problem, self.sampler, self.repeats)
        elif isinstance(self.problem, LanguageModelProblem):
            self.conditional = _on_texts(self.problem, self.sampler, self.repeats)
        else:
            raise InputError(f"problem: {self.problem!r:.60} is not a problem")

    def pay(self, prm_evaluations: int, model_calls: int) -> None:
        """Add to the cost."""
        self.prm_evaluations += int(prm_evaluations)
        self.model_calls += int(model_calls)

    def run(self, n: int, rng: RngLike) -> tuple[Floats, Tokens]:
        """log W^_H and outputs of runs of the sampler."""
        runs = self.sampler.run(self.problem, n, rng=rng, keep=("tokens",))
        assert runs.log_w is not None
        assert runs.tokens is not None
        self.pay(runs.prm_evaluations.sum(), runs.model_calls.sum())
        return runs.log_w, runs.tokens

    def along(self, tokens: Tokens, rng: RngLike) -> Floats:
        """log W^_H of k conditional runs along each path."""
        if len(tokens) == 0:
            return np.zeros((0, self.repeats))
        runs = self.conditional(tokens, rng)
        check_rewards(self.problem, tokens, runs.log_reward, self.log_r_max)
        self.pay(runs.prm_evaluations, runs.model_calls)
        return runs.log_w

    def rare(self, tokens: Tokens, threshold: float, rng: RngLike) -> Bools:
        """Whether the sampler seems to give too little at each path."""
        return seems_rare(self.along(tokens, rng), threshold)

    def reference(self, n: int, most: int, threshold: float, rng: RngLike) -> tuple[Floats, Bools]:
        """log(r/r_max) of n draws from pi_ref, and the test at the first of positive reward."""
        draws, runs_rng = seed_sequence(rng).spawn(2)
        runs = draw_reference(self.problem, n, self.log_r_max, draws)
        assert runs.log_w is not None
        assert runs.tokens is not None
        self.pay(runs.prm_evaluations.sum(), runs.model_calls.sum())
        tokens = runs.tokens[np.isfinite(runs.log_w)][:most]
        shares = np.minimum(runs.log_w - self.log_r_max, 0.0)  # above 0 by rounding only
        return shares, self.rare(tokens, threshold, runs_rng)


def _on_texts(problem: LanguageModelProblem, sampler: SMC, repeats: int) -> Conditional:
    check_conditional(sampler)
    return lambda tokens, rng: run_conditional_text(sampler, problem, tokens, repeats, rng)


def _on_tables(problem: Problem, sampler: SMC, repeats: int) -> Conditional:
    plain = plain_problem(problem, sampler)
    if plain is None:
        raise InputError(
            f"certify: {sampler!r:.80} is not SMC with multinomial resampling at every level and "
            "a sampled output"
        )

    def run(tokens: Tokens, rng: RngLike) -> ConditionalRuns:
        log_w = conditional_log_w(plain, sampler.n_particles, tokens, repeats, rng)
        alone = conditional_log_w(problem, 1, tokens, 1, 0)[:, 0]  # one particle: W^_H is r
        cost = log_w.size * sampler.n_particles * problem.horizon
        return ConditionalRuns(log_w, np.where(np.isinf(alone), -np.inf, alone), cost, cost)

    return run

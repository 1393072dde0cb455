r"""Conditional SMC on texts: particle 0 is forced along a given text, the others are free.

Multinomial resampling, except that place 0 is always its own parent (Andrieu, Doucet and
Holenstein, JRSS B 72, 2010). The density of the law of SMC with its output y, by the law of
conditional SMC along y with a uniform place, is pi_ref(y) r(y)/W^_H, so the law nu of the output
has nu(y) = pi_ref(y) r(y) E[1/W^_H | y]; by symmetry place 0 will do. Nothing in this asks for
a proposal, a number of tokens a level, or weights at every level: each particle is weighted by
pi_ref V^(child)/(q V^(parent)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.resampling.multinomial import invert
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc.text import run_filter, value_by
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.text.drawing import WAIT, Drawn
from simulator.text.particles import TextParticles
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Bools, Floats, Ints, RngLike

__all__ = ["ConditionalRuns", "check_conditional", "run_conditional_text"]


@dataclass(frozen=True)
class ConditionalRuns:
    """Results of k runs of conditional SMC along each of P texts.

    Parameters
    ----------
    log_w : (P, k) array
        log W^_H; inf where the sampler gives the text up, so that 1/W^_H is 0.
    log_reward : (P,) array
        log r of the texts; -inf where the sampler gives one up.
    prm_evaluations, model_calls : int
        What all runs have cost, the forced particle included.
    """

    log_w: Floats
    log_reward: Floats
    prm_evaluations: int
    model_calls: int


def check_conditional(sampler: object) -> None:
    """Refuse a sampler of which conditional SMC tells no law.

    Parameters
    ----------
    sampler : object
        Anything but an `SMC` with multinomial resampling that draws its output is refused.

    Raises
    ------
    InputError
        If it is.
    """
    fine = isinstance(sampler, SMC) and type(sampler).on_text is SMC.on_text
    if not (
        fine
        and sampler.resampling == "multinomial"  # type: ignore[attr-defined]
        and sampler.ess_threshold >= 1  # type: ignore[attr-defined]
        and sampler.select == "sample"  # type: ignore[attr-defined]
    ):
        raise InputError(
            f"conditional SMC: {sampler!r:.80} is not SMC with multinomial resampling at every "
            "level or block and a sampled output"
        )


def run_conditional_text(
    sampler: SMC,
    problem: LanguageModelProblem,
    tokens: npt.NDArray[np.integer],
    repeats: int,
    rng: RngLike,
) -> ConditionalRuns:
    """Run conditional SMC along given texts.

    Parameters
    ----------
    sampler : SMC
        With multinomial resampling; any proposal and block.
    problem : LanguageModelProblem
        What is sampled.
    tokens : (P, max_tokens) int array
        Texts, padded as `Runs.tokens` are.
    repeats : int
        Independent runs k of each text.
    rng : int, SeedSequence or Generator
        The only source of randomness.

    Returns
    -------
    ConditionalRuns

    Raises
    ------
    InputError
        If conditional SMC does not fit the sampler, or the tokens are no whole texts.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.text.tabular import as_language_model
    >>> problem = reference(1)
    >>> runs = run_conditional_text(SMC(1), as_language_model(problem), np.array([[1]]), 2, 0)
    >>> bool(np.allclose(runs.log_w, problem.log_reward[1]))  # one particle: W^_H is r
    True
    """
    check_conditional(sampler)
    check_int("repeats", repeats, 1)
    if tokens.ndim != 2 or tokens.shape[1] != problem.max_tokens or len(tokens) == 0:
        raise InputError(
            f"tokens: shape {tokens.shape}, texts of {problem.max_tokens} tokens are needed"
        )
    if ((tokens < WAIT) | (tokens >= problem.lm.n_tokens)).any():
        raise InputError(f"tokens: one is none of {problem.lm.n_tokens}")
    texts = np.repeat(tokens.astype(np.int64), repeats, axis=0)
    rngs = [Xoshiro(words.tolist()) for words in run_seeds(rng, len(texts))]
    size = max(1, problem.lm.batch // sampler.n_particles)
    log_w, log_reward, costs = [], [], []
    for i in range(0, len(rngs), size):
        cloud = _OneForced(problem, rngs[i : i + size], sampler.n_particles, texts[i : i + size])
        runs = run_filter(
            sampler, problem, cloud.rngs, value_by(sampler), cloud=cloud, resample=keep_first
        )
        assert runs.log_w is not None
        assert runs.cloud_log_weights is not None
        lost = np.isneginf(runs.cloud_log_weights[:, :, 0]).any(axis=1)
        log_w.append(np.where(lost, np.inf, runs.log_w))
        log_reward.append(np.where(lost, -np.inf, cloud.log_v[:, 0]))
        costs.append((runs.prm_evaluations.sum(), runs.model_calls.sum()))
    evaluations, calls = (int(c) for c in np.sum(costs, axis=0))
    shape = len(tokens), repeats
    return ConditionalRuns(
        np.concatenate(log_w).reshape(shape),
        np.concatenate(log_reward).reshape(shape)[:, 0],
        evaluations,
        calls,
    )


def keep_first(weights: Floats, rng: Xoshiro) -> Ints:
    """Draw the ancestors of all particles but the first, which is its own.

    Parameters
    ----------
    weights : (N,) array
        Unnormalised, >= 0, of positive sum.
    rng : Xoshiro
        Gives N - 1 numbers.

    Returns
    -------
    (N,) int array
    """
    free = invert(weights, np.array([rng.uniform() for _ in weights[1:]]))
    return np.concatenate([np.zeros(1, dtype=np.int64), free])


class _OneForced(TextParticles):
    """Particles of which number 0 of each run takes the tokens of a given text."""

    powers: ClassVar[Mapping[str, float]] = {"reference": 1.0}

    def __init__(
        self, problem: LanguageModelProblem, rngs: list[Xoshiro], n_particles: int, texts: Ints
    ) -> None:
        super().__init__(problem, rngs, n_particles)
        self.texts, self.at = texts, np.zeros(len(rngs), dtype=np.int64)

    def uniforms(self) -> Floats:
        """Draw one number a free particle; the forced one needs none."""
        free = [[rng.uniform() for _ in range(self.shape[1] - 1)] for rng in self.rngs]
        return np.column_stack([np.zeros(self.shape[0]), np.array(free)])

    def draw(self, rows: Ints, uniforms: Floats, power: float) -> Drawn:
        """Draw the tokens of the free particles from pi_ref and look up the others."""
        free, tokens = self._given(rows)
        asked = np.full(self.levels.size, WAIT)
        asked[rows[~free]] = tokens[~free]
        log_probs = self.session.log_probs_of(asked)[rows]
        drawn = super().draw(rows[free], uniforms[free], power)
        tokens[free], log_probs[free] = drawn.tokens, drawn.log_probs
        return Drawn(tokens, log_probs, log_probs)

    def pick(self, log_q: Floats, rows: Ints, uniforms: Floats) -> Ints:
        """Draw the tokens of the free particles from tables and look up the others."""
        free, tokens = self._given(rows)
        tokens[free] = super().pick(log_q, rows[free], uniforms[free])
        return tokens

    def _given(self, rows: Ints) -> tuple[Bools, Ints]:
        """Which rows are free, and the next tokens of the others."""
        run, place = np.divmod(rows, self.shape[1])
        free, tokens = place > 0, np.full(rows.size, WAIT)
        forced = run[~free]
        tokens[~free] = self.texts[forced, self.at[forced]]
        if (tokens[~free] == WAIT).any():
            raise InputError("tokens: some stop before the text ends")
        self.at[forced] += 1
        return free, tokens

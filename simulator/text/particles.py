"""A batch of particles of several runs at once: what samplers move, value and resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.streams.plain import Xoshiro
from simulator.text.drawing import WAIT, Drawn, normalised, pick_token, powers
from simulator.text.problem import LanguageModelProblem, PRMSession
from simulator.typing import Bools, Floats, Ints

__all__ = ["TextParticles", "cut_children", "log_mean", "ratio", "root_value"]


POWERS = {"reference": 1.0, "tempered": 0.5}  # as in `simulator.problem.transforms`


class TextParticles:
    """N particles of each of R runs; row ``r * N + n`` of the sessions is particle n of run r.

    Run r draws from its own stream only, so it does not matter which runs share a batch.

    Parameters
    ----------
    rngs : list of Xoshiro
        One a run.

    Attributes
    ----------
    log_v : (R, N) array
        log V^ of each particle when it was last asked for.
    log_ref, log_q : (R, N) arrays
        log of pi_ref and of the proposal for what the last step has drawn.
    calls, evaluations : (R,) int arrays
        Next-token distributions and values V^ that were asked for.
    powers : mapping of str to float
        Proposals q ∝ pi_ref^power that are drawn from without reading their tables.

    Raises
    ------
    InputError
        If V^(root) is 0.
    """

    powers: ClassVar[Mapping[str, float]] = POWERS

    def __init__(
        self, problem: LanguageModelProblem, rngs: list[Xoshiro], n_particles: int
    ) -> None:
        self.problem, self.shape, self.rngs = problem, (len(rngs), n_particles), rngs
        self.ender = WAIT if problem.eos is None else problem.eos
        rows = len(rngs) * n_particles
        self.session = problem.lm.start(problem.prompt, rows)
        self.prm = problem.prm.start(problem, rows)
        self.paths = np.zeros((rows, 0), dtype=np.int64)
        self.levels = np.zeros(rows, dtype=np.int64)
        self.ended = np.zeros(rows, dtype=np.bool_)
        self.closed = np.zeros(rows, dtype=np.bool_)  # ended with a token, not cut at level H
        self.settled = np.zeros(rows, dtype=np.bool_)  # ended, and V^ was asked for since
        self.given_up = np.zeros(len(rngs), dtype=np.bool_)
        self.calls = np.zeros(len(rngs), dtype=np.int64)
        self.evaluations = np.zeros(len(rngs), dtype=np.int64)
        self.log_root = root_value(self.prm)
        self._log_v = np.full(rows, self.log_root)
        self.log_ref = self.log_q = np.zeros(self.shape)

    @property
    def log_v(self) -> Floats:
        """log V^ of each particle when it was last asked for."""
        return self._log_v.reshape(self.shape)

    def uniforms(self) -> Floats:
        """Draw one number a particle, (R, N); run r takes them from its own stream."""
        return np.array([[rng.uniform() for _ in range(self.shape[1])] for rng in self.rngs])

    def step(
        self, proposal: str = "reference", law: Floats | None = None, *, force_end: bool = True
    ) -> None:
        """Move all particles by one level.

        Parameters
        ----------
        proposal : {"reference", "tempered", "uniform", "optimal"}
        law : (rows, V) array, optional
            log q, where it is known already; `proposal` does not count then.
        force_end : bool
            Whether texts that must end at this level are ended; else they may be cut, and are
            worth nothing then.
        """
        log_ref, log_q = np.zeros(self.levels.size), np.zeros(self.levels.size)
        waiting = self.ended | np.repeat(self.given_up, self.shape[1])
        for _ in range(self.problem.block_tokens if self.problem.delimiters else 1):
            uniforms = self.uniforms().ravel()
            if waiting.all():
                break
            moving = ~waiting
            rows = np.flatnonzero(moving)
            if law is not None or proposal not in self.powers or (force_end and self._due().size):
                table = self.session.next_logprobs()
                q = self.proposal(table, proposal) if law is None else law
                if force_end and law is None:
                    q = self._forced(q, table)
                picked = self.pick(q, rows, uniforms[rows])
                drawn = Drawn(picked, table[rows, picked], q[rows, picked])
            else:
                drawn = self.draw(rows, uniforms[rows], self.powers[proposal])
            tokens, log_probs = np.full(moving.size, WAIT), np.zeros(moving.size)
            tokens[rows], log_probs[rows] = drawn.tokens, drawn.log_probs
            self._count(self.calls, moving)
            log_ref += log_probs
            log_q[rows] += drawn.log_proposal
            self.extend(tokens, log_probs)
            waiting = waiting | self.ended | np.isin(tokens, self.problem.delimiters)
        self._level_up()
        self.log_ref, self.log_q = log_ref.reshape(self.shape), log_q.reshape(self.shape)

    def draw(self, rows: Ints, uniforms: Floats, power: float) -> Drawn:
        """Draw the next tokens of some particles from q ∝ pi_ref^power.

        Parameters
        ----------
        rows : (m,) int array
        uniforms : (m,) array
            In [0, 1).
        power : float
            One of `powers`.

        Returns
        -------
        Drawn
        """
        return self.session.draw(rows, uniforms, power=power)

    def pick(self, log_q: Floats, rows: Ints, uniforms: Floats) -> Ints:
        """Draw the next tokens of some particles from tables.

        Parameters
        ----------
        log_q : (n, V) array
            Of all particles.
        rows : (m,) int array
        uniforms : (m,) array
            In [0, 1).

        Returns
        -------
        (m,) int array
        """
        return pick_token(log_q[rows], uniforms)

    def _due(self) -> Ints:
        """Rows whose next token must end the text."""
        return np.flatnonzero(self.problem.force_end & (self.levels + 1 == self.problem.horizon))

    def _forced(self, q: Floats, table: Floats) -> Floats:
        """Propose pi_ref among the tokens that end a text where the last token is due."""
        due = self._due()
        if due.size == 0:
            return q
        q, ends = q.copy(), np.array(self.problem.ends)
        q[due] = -np.inf
        log_ends = table[np.ix_(due, ends)]
        log_ends[np.isneginf(log_ends).all(axis=1), 0] = 0.0  # of weight zero then
        q[np.ix_(due, ends)] = log_ends - np.logaddexp.reduce(log_ends, axis=1)[:, None]
        return q

    def put(self, tokens: Ints, log_probs: Floats) -> None:
        """Move all particles by one level of one given token.

        Parameters
        ----------
        tokens : (rows,) int array
            `WAIT` where the text has ended.
        log_probs : (rows,) array
            log pi_ref of them.
        """
        self.extend(tokens, log_probs)
        self._level_up()

    def _level_up(self) -> None:
        self.levels += 1
        self.ended |= self.levels == self.problem.horizon

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        """Put given tokens behind the texts.

        Parameters
        ----------
        tokens : (rows,) int array
        log_probs : (rows,) array
            log pi_ref of them.
        """
        self.prm.extend(tokens, log_probs)
        self.session.extend(tokens)
        self.paths = np.column_stack([self.paths, tokens])
        self.closed |= self.problem.closes(tokens)
        self.ended |= self.closed

    def proposal(self, table: Floats, name: str) -> Floats:
        """Return log q(. | text).

        Parameters
        ----------
        table : (rows, V) array
            log pi_ref.
        name : {"reference", "tempered", "uniform", "optimal"}

        Returns
        -------
        (rows, V) array
            pi_ref where "optimal" finds V^ = 0 at all children.
        """
        if name == "reference":
            return table
        if name == "optimal":
            log_q = table + self.children(table)
            hopeless = np.isneginf(log_q).all(axis=1)
            log_q[hopeless] = table[hopeless]
        elif name == "tempered":
            return powers(table, POWERS[name])
        else:
            log_q = np.where(np.isfinite(table), 0.0, -np.inf)
        return normalised(log_q)

    def children(self, table: Floats) -> Floats:
        """Ask for V^ of all children of all particles that go on.

        Parameters
        ----------
        table : (rows, V) array
            log pi_ref.

        Returns
        -------
        (rows, V) array
            log V^.

        Raises
        ------
        InputError
            If the PRM cannot, or a level is more than one token.
        """
        if self.problem.delimiters:
            raise InputError("delimiters: all continuations of a block cannot be asked for")
        last = np.repeat((self.levels + 1 == self.problem.horizon)[:, None], table.shape[1], 1)
        last[:, self.problem.ends] = True
        values = self.prm.child_log_values(table, last)
        if self.problem.force_end:
            values = np.where(cut_children(table.shape, last, self.problem.ends), -np.inf, values)
        self._count(self.evaluations, ~self.ended, table.shape[1])
        return values

    def value(self, *, counted: bool = True) -> Floats:
        """Ask for V^ of all particles, except where the text ended and was asked about.

        Parameters
        ----------
        counted : bool
            False where `children` has paid for the answer.

        Returns
        -------
        (R, N) array
            log V^.
        """
        asked = ~self.settled & ~np.repeat(self.given_up, self.shape[1])
        rows = np.flatnonzero(asked)
        found = self._log_v.copy()
        found[rows] = self.prm.log_values(rows, self.ended[rows])
        if self.problem.force_end:
            found[self.ended & ~self.closed] = -np.inf
        self.record(found)
        if counted:
            self._count(self.evaluations, asked)
        self.settled |= self.ended & asked
        return self.log_v

    def record(self, log_v: Floats) -> None:
        """Note what each particle is worth; the note goes with it when it is resampled.

        Parameters
        ----------
        log_v : (R, N) or (rows,) array
        """
        self._log_v = log_v.ravel()

    def reorder(self, ancestors: Ints) -> None:
        """Replace particle n of run r by a copy of ``ancestors[r, n]``.

        Parameters
        ----------
        ancestors : (R, N) int array
        """
        if (ancestors == np.arange(self.shape[1])).all():
            return
        self.resize(ancestors)

    def resize(self, ancestors: Ints) -> None:
        """Replace the particles of each run by copies, of whatever number.

        Parameters
        ----------
        ancestors : (R, M) int array
        """
        rows = (ancestors + self.shape[1] * np.arange(self.shape[0])[:, None]).ravel()
        self.shape = (self.shape[0], ancestors.shape[1])
        self._take(rows)

    def _take(self, rows: Ints) -> None:
        self.session.reorder(rows)
        self.prm.reorder(rows)
        self.paths, self.levels = self.paths[rows], self.levels[rows]
        self.ended, self.settled = self.ended[rows], self.settled[rows]
        self.closed = self.closed[rows]
        self._log_v = self._log_v[rows]

    def fork(self, copies: int) -> TextParticles:
        """Return a cloud of copies of each particle, which draws from the same streams.

        Parameters
        ----------
        copies : int
            M.

        Returns
        -------
        TextParticles
            Shape (R, N M); particle n M + k is a copy of particle n. It counts its own cost.
        """
        rows = np.repeat(np.arange(self.levels.size), copies)
        new = copy(self)
        new.shape = (self.shape[0], self.shape[1] * copies)
        new.session, new.prm = self.session.fork(rows), self.prm.fork(rows)
        for name in ("paths", "levels", "ended", "closed", "settled", "_log_v"):
            setattr(new, name, getattr(self, name)[rows])
        new.given_up = self.given_up.copy()
        new.calls, new.evaluations = np.zeros_like(self.calls), np.zeros_like(self.evaluations)
        return new

    def tokens(self, chosen_particles: Ints) -> npt.NDArray[np.int32]:
        """Return the paths of one particle a run, padded at the end.

        Parameters
        ----------
        chosen_particles : (R,) int array
            -1 for a failed run.

        Returns
        -------
        (R, max_tokens) int32 array
            Padded with the end-of-sequence token if each level is one token, else with -1.
        """
        rows = chosen_particles + self.shape[1] * np.arange(self.shape[0])
        return self._padded(np.where(chosen_particles < 0, -1, rows))

    def all_tokens(self) -> npt.NDArray[np.int32]:
        """Return the paths of all particles, (R, N, max_tokens), padded as in `tokens`."""
        rows = np.arange(self.levels.size)
        return self._padded(rows).reshape(*self.shape, self.problem.max_tokens)

    def _padded(self, rows: Ints) -> npt.NDArray[np.int32]:
        """Paths of some rows; of row -1, nothing."""
        out = np.full((rows.size, self.problem.max_tokens), WAIT, dtype=np.int32)
        for k, row in enumerate(rows):
            if row < 0:
                continue
            path = self.paths[row]
            path = path[path != WAIT]
            out[k, : path.size] = path
            if path.size < out.shape[1] and not self.problem.delimiters:
                out[k, path.size :] = self.ender
        return out

    def _count(self, counter: Ints, rows: Bools, times: int = 1) -> None:
        counter += times * rows.reshape(self.shape).sum(axis=1)


def cut_children(shape: tuple[int, ...], last: Bools, ends: Sequence[int]) -> Bools:
    """Children that would be cut at the last level: they end the text without a token that does.

    Parameters
    ----------
    shape : (rows, V)
    last : (rows, V) bool array
        Whether the child ends the text.
    ends : sequence of int
        Tokens that end a text.

    Returns
    -------
    (rows, V) bool array
    """
    closing = np.zeros(shape, dtype=np.bool_)
    closing[:, list(ends)] = True
    return last & ~closing


def root_value(prm_session: PRMSession) -> float:
    """log V^(root), asked of a prm_session that has seen no token.

    Raises
    ------
    InputError
        If V^(root) is 0.
    """
    found = float(
        prm_session.log_values(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_))[0]
    )
    if found == -np.inf:
        raise InputError("prm: V^(root) must be positive")
    return found


def ratio(log_new: Floats, log_old: Floats) -> Floats:
    """log of new/old, where 0/0 is 0.

    Parameters
    ----------
    log_new, log_old : arrays
    """
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(log_new) | np.isneginf(log_old), -np.inf, log_new - log_old)


def log_mean(log_weights: Floats) -> Floats:
    """log of the mean over the particles, -inf if all are 0.

    Parameters
    ----------
    log_weights : (R, N) array

    Returns
    -------
    (R,) array
    """
    return np.asarray(np.logaddexp.reduce(log_weights, axis=1) - np.log(log_weights.shape[1]))

"""A problem: base model, terminal reward and process reward model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.forward_backward import ForwardBackward, backward, reach
from simulator.problem.model import TabularModel
from simulator.problem.rows import as_matrix
from simulator.problem.tables import Tables, read_only
from simulator.typing import Bools, Floats, Ints

__all__ = ["PRM", "Instance", "Problem", "check_tabular"]

LEAF_TOLERANCE = 1e-9


@runtime_checkable
class PRM(Protocol):  # numpydoc ignore=PR01
    """A rule that makes V^ for any problem."""

    def log_values(self, problem: Problem) -> Floats:
        """log V^ of every state in flat order; level H is log r and the root is finite.

        Parameters
        ----------
        problem : Problem
            What is sampled; it has pi_ref, reward and V*, but no V^ yet.

        Returns
        -------
        (sum of S_h,) array
            -inf where V^ = 0.
        """
        ...


class Instance(NamedTuple):
    """The family that a problem was made by, for statements about that family only."""

    family: str
    arguments: Mapping[str, object]


class Problem:
    r"""What is sampled: pi_ref from a `TabularModel`, a reward r and a PRM V^.

    The target is pi*(path) ∝ pi_ref(path) r(path), with
    r(path) = ``reward[s_H]`` times, if given, the product of the edge rewards
    along the path. With edge rewards a state stands for paths whose value differs
    by that product only, so V*(path) = prod · ``value[h][s]`` and
    V^(path) = prod · ``prm[h][s]``: a long horizon needs few states.

    Arrays that a problem hands out are read-only. States that pi_ref never reaches do not count:
    V*, V^ and r are 0 there, whatever was given.

    Parameters
    ----------
    model : TabularModel
        The base model pi_ref.
    reward : (S_H,) array
        Terminal reward, >= 0 and not zero everywhere that pi_ref reaches.
    prm : sequence of H+1 arrays, PRM or "exact"
        V^ of each level, shapes (S_h,), >= 0; level H equals the reward (relative
        1e-9) and V^(root) > 0, at any scale. "exact" means V*.
    edge_reward : sequence of H (S_h, A) arrays or None, optional
        Multipliers >= 0 collected along a path; None entries mean 1.
    name : str, optional
        Shown in messages and tables.

    Attributes
    ----------
    value, prm, target : list of (S_h,) arrays
        V*, V^ and the state marginals of pi*, level by level. The first two
        overflow on long horizons; `log_value` and `log_prm` do not.
    log_z : float
        log Z, Z = E_ref[r].
    instance : Instance or None
        Set by families that closed forms speak of; a problem with another PRM has None.

    Raises
    ------
    InputError
        If an argument is malformed; the message names stage and row.

    Examples
    --------
    >>> model = TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]])
    >>> problem = Problem(model, [0.0, 1.0, 2.0, 1.0], "exact")
    >>> [v.round(3).tolist() for v in problem.value]
    [[0.65], [0.1, 1.2], [0.0, 1.0, 2.0, 1.0]]
    >>> problem.target[1].round(4).tolist()
    [0.0769, 0.9231]
    """

    def __init__(
        self,
        model: TabularModel,
        reward: npt.ArrayLike,
        prm: Sequence[npt.ArrayLike] | PRM | str,
        *,
        edge_reward: Iterable[npt.ArrayLike | None] | None = None,
        name: str = "problem",
    ) -> None:
        log_reward = _log(_vector(reward, "reward", int(model.n_states[-1])))
        self._set_up(model, log_reward, _read_prm(prm, model), edge_reward, name)

    @classmethod
    def from_log(
        cls,
        model: TabularModel,
        log_reward: npt.ArrayLike,
        log_prm: npt.ArrayLike | PRM,
        *,
        edge_reward: Iterable[npt.ArrayLike | None] | None = None,
        name: str = "problem",
    ) -> Problem:
        """Make a problem from logarithms, for rewards beyond the range of floats.

        Parameters
        ----------
        model : TabularModel
            The base model pi_ref.
        log_reward : (S_H,) array
            log r; -inf for no reward.
        log_prm : flat (sum of S_h,) array or PRM
            log V^ of all states, level after level.
        edge_reward : sequence of H (S_h, A) arrays or None, optional
            As in `Problem`.
        name : str, optional
            As in `Problem`.

        Returns
        -------
        Problem
        """
        self = cls.__new__(cls)
        reward = np.array(log_reward, dtype=np.float64)
        values = log_prm if isinstance(log_prm, PRM) else np.array(log_prm, dtype=np.float64)
        self._set_up(model, reward, values, edge_reward, name)
        return self

    def with_prm(self, prm: Sequence[npt.ArrayLike] | PRM | str) -> Problem:
        """Return the same model and reward with another PRM.

        Parameters
        ----------
        prm : sequence of H+1 arrays, PRM or "exact"
            As in `Problem`.

        Returns
        -------
        Problem

        Raises
        ------
        InputError
            If it is none of these, or malformed.
        """
        new = Problem.__new__(Problem)
        values = _read_prm(prm, self.model)
        new._set_up(self.model, self.log_reward, values, self.edge_reward, self.name)
        return new

    def _set_up(
        self,
        model: TabularModel,
        log_reward: Floats,
        prm: Floats | PRM,
        edge_reward: Iterable[npt.ArrayLike | None] | None,
        name: str,
    ) -> None:
        self.model, self.name = model, name
        self.instance: Instance | None = None
        if log_reward.shape != (model.n_states[-1],):
            raise InputError(
                f"reward: {log_reward.size} entries, but level {model.horizon} has "
                f"{model.n_states[-1]} states"
            )
        if np.isnan(log_reward).any() or np.isposinf(log_reward).any():
            raise InputError("reward: not finite")
        if np.isneginf(log_reward).all():
            raise InputError("reward: zero everywhere")
        self.log_reward = log_reward
        self._read_edges(edge_reward)
        everywhere = np.zeros(int(model.state_start[-1]))
        reached = reach(self.tables)
        value = np.where(reached, backward(self.tables, everywhere, log_reward), -np.inf)
        if value[0] == -np.inf:
            raise InputError("reward: zero on every sequence that the model can produce")
        self.log_value_flat: Floats = read_only(value)
        if isinstance(prm, PRM):
            prm = self._ask(prm)
        self.log_prm_flat: Floats = prm
        self._check_prm(reached)
        # what pi_ref never reaches does not count, whatever stands there
        self.log_reward = read_only(np.where(reached[model.state_start[-2] :], log_reward, -np.inf))
        self.log_prm_flat = read_only(np.where(reached, self.log_prm_flat, -np.inf))
        self.forward_backward = ForwardBackward(
            model, self.tables, self.log_reward, self.log_value_flat, self.log_prm_flat, reached
        )

    def _ask(self, prm: PRM) -> Floats:
        """Values of a PRM, which may write on what it is shown: it gets copies."""
        shown = copy(self)
        shown.log_value_flat, shown.log_reward = self.log_value_flat.copy(), self.log_reward.copy()
        return np.array(prm.log_values(shown), dtype=np.float64)

    def _read_edges(self, edge_reward: Iterable[npt.ArrayLike | None] | None) -> None:
        model = self.model
        a = model.n_actions
        sizes = [p.size for p, _ in model.tables]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        log_prob = _log(np.concatenate([p.ravel() for p, _ in model.tables]))
        nxt = np.concatenate([n.ravel() for _, n in model.tables])
        given = [None] * model.horizon if edge_reward is None else list(edge_reward)
        if len(given) != model.horizon:
            raise InputError(f"edge_reward has {len(given)} stages, but the model {model.horizon}")
        self.has_edge_reward = any(e is not None for e in given)
        # stages that share an array share its entries; all None entries share the first block
        first, which = _same_objects([None, *given])
        blocks = [np.zeros(int(model.n_states[:-1].max()) * a)]
        tables: list[Floats | None] = [None]
        for h in first[1:] - 1:
            e = _edge_table(given[h], int(h), (int(model.n_states[h]), a))
            tables.append(e)
            blocks.append(_log(e).ravel())
        rows = np.array([0 if e is None else len(e) for e in tables])[which[1:]]
        if ((rows > 0) & (rows != model.n_states[:-1])).any():
            h = int(np.argmax((rows > 0) & (rows != model.n_states[:-1])))
            raise InputError(f"stage {h}: edge_reward does not fit probs")
        start = np.cumsum([0, *(block.size for block in blocks)])[which[1:]]
        self.edge_reward = [tables[i] for i in which[1:].tolist()] if self.has_edge_reward else None
        self.tables = Tables(
            a, model.state_start, read_only(offsets[model.stage_table]), read_only(log_prob),
            read_only(nxt), read_only(start), read_only(np.concatenate(blocks)),
        )  # fmt: skip

    def _check_prm(self, reached: Bools) -> None:
        flat, model = self.log_prm_flat, self.model
        if flat.shape != (model.state_start[-1],):
            raise InputError(
                f"prm: {flat.size} values, but the model has {model.state_start[-1]} states"
            )
        bad = np.isnan(flat) | np.isposinf(flat)
        if bad.any():
            h, row = self._where(int(np.argmax(bad)))
            raise InputError(f"prm: stage {h}, row {row}: value is not finite")
        if flat[0] == -np.inf:
            raise InputError("prm: stage 0, row 0: V^(root) must be positive")
        leaf = flat[model.state_start[-2] :]
        with np.errstate(invalid="ignore"):
            same = (leaf == self.log_reward) | (np.abs(leaf - self.log_reward) <= LEAF_TOLERANCE)
        same |= ~reached[model.state_start[-2] :] & np.isneginf(leaf)
        if not same.all():
            row = int(np.argmin(same))
            raise InputError(
                f"prm: stage {model.horizon}, row {row}: V^ = {np.exp(leaf[row]):.12g} differs "
                f"from the reward {np.exp(self.log_reward[row]):.12g}"
            )
        leaf[:] = self.log_reward

    def _where(self, flat: int) -> tuple[int, int]:
        h = int(np.searchsorted(self.model.state_start, flat, side="right")) - 1
        return h, int(flat - self.model.state_start[h])

    @property
    def horizon(self) -> int:
        """Number of levels H."""
        return self.model.horizon

    @property
    def log_z(self) -> float:
        """log Z = log E_ref[r]."""
        return float(self.log_value_flat[0])

    @cached_property
    def log_value(self) -> list[Floats]:
        """log V*, one array a level."""
        return self.model.split(self.log_value_flat)

    @cached_property
    def log_prm(self) -> list[Floats]:
        """log V^, one array a level."""
        return self.model.split(self.log_prm_flat)

    @cached_property
    def value(self) -> list[Floats]:
        """V*(s) = E_ref[r | s], one array a level."""
        return self.model.split(read_only(np.exp(self.log_value_flat)))

    @cached_property
    def prm(self) -> list[Floats]:
        """V^(s), one array a level."""
        return self.model.split(read_only(np.exp(self.log_prm_flat)))

    @cached_property
    def reward(self) -> Floats:
        """Terminal reward, shape (S_H,)."""
        return read_only(np.exp(self.log_reward))

    @cached_property
    def target(self) -> list[Floats]:
        """State marginals pi*_h of the target, one array a level."""
        return self.model.split(self.forward_backward.target_marginal)

    @cached_property
    def lost_states(self) -> list[tuple[int, int]]:
        """(level, row) of the states that pi* visits although V^ = 0 there."""
        lost = np.isneginf(self.log_prm_flat) & (self.forward_backward.target_marginal > 0)
        return [self._where(int(i)) for i in np.flatnonzero(lost)]

    @cached_property
    def is_tree(self) -> bool:
        """Whether every reachable state is reached by one token path only."""
        fb = self.forward_backward
        return int(np.bincount(fb.edges.target[fb.taken]).max()) <= 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that defines the problem (not of its name).

        Whether equal stages share a table does not matter.
        """
        t, model, a = self.tables, self.model, self.model.n_actions
        h = hashlib.sha256(np.array(model.n_states).tobytes())
        known: dict[tuple[int, int], bytes] = {}
        for level in range(model.horizon):
            i, f = int(t.table_start[level]), int(t.factor_start[level])
            if (i, f) not in known:
                size = int(model.n_states[level]) * a
                block = hashlib.sha256()
                for x in (t.log_prob[i : i + size], t.next_state[i : i + size]):
                    block.update(np.ascontiguousarray(x).tobytes())
                block.update(np.ascontiguousarray(t.log_factor[f : f + size]).tobytes())
                known[i, f] = block.digest()
            h.update(known[i, f])
        h.update(self.log_reward.tobytes())
        h.update(self.log_prm_flat.tobytes())
        return h.hexdigest()

    def __repr__(self) -> str:
        return f"Problem({self.name!r}, {self.model!r}, log_z={self.log_z:.6g})"


def check_tabular(problem: object, what: str) -> None:
    """Refuse anything but a tabular problem, for what only knows tables.

    Parameters
    ----------
    problem : object
        What was given.
    what : str
        What was to be done with it.

    Raises
    ------
    InputError
        If it is something else; a problem of a language model is told what could be done.
    """
    if isinstance(problem, Problem):
        return
    if hasattr(problem, "lm"):
        raise InputError(
            f"{what}: needs a tabular problem, not one of a language model; `simulator.tabulate` "
            "makes a table of a small vocabulary"
        )
    raise InputError(f"{what}: {problem!r:.60} is not a problem")


class _Exact:
    """V^ = V*."""

    def log_values(self, problem: Problem) -> Floats:
        """log V*."""
        return problem.log_value_flat


def _read_prm(prm: Sequence[npt.ArrayLike] | PRM | str, model: TabularModel) -> Floats | PRM:
    """log V^ in flat order, or the rule that makes it."""
    if isinstance(prm, str):
        if prm != "exact":
            raise InputError(f'prm: {prm!r} is not known, only "exact" or a list is')
        return _Exact()
    return prm if isinstance(prm, PRM) else _log_levels(prm, model)


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        out: Floats = np.log(x)
    return out


def _vector(raw: object, where: str, size: int) -> Floats:
    if not isinstance(raw, (list, tuple, np.ndarray)):
        raise InputError(f"{where}: not a list of numbers")
    if isinstance(raw, np.ndarray) and raw.ndim != 1:
        raise InputError(f"{where}: {raw.ndim} dimensions, not 1")
    out = as_matrix([raw], where, "list")[0]
    if out.size != size:
        raise InputError(f"{where}: {out.size} entries, but the level has {size} states")
    bad = ~np.isfinite(out) | (out < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{where}, row {row}: {out[row]} is negative or not finite")
    return out


def _log_levels(prm: Sequence[npt.ArrayLike], model: TabularModel) -> Floats:
    if isinstance(prm, np.ndarray) and prm.dtype != object:
        prm = list(prm)
    if not isinstance(prm, (list, tuple, np.ndarray)):
        raise InputError("prm: not a list of levels")
    if len(prm) != model.horizon + 1:
        raise InputError(f"prm: {len(prm)} levels, but the model has {model.horizon + 1} (0..H)")
    return _log(
        np.concatenate(
            [_vector(v, f"prm: stage {h}", int(n)) for h, (v, n) in
             enumerate(zip(prm, model.n_states, strict=True))]
        )
    )  # fmt: skip


def _edge_table(raw: object, h: int, shape: tuple[int, int]) -> Floats:
    e = as_matrix(raw, f"stage {h}", "edge_reward")
    if e.shape != shape:
        raise InputError(f"stage {h}: edge_reward has shape {e.shape}, but probs has {shape}")
    bad = ~np.isfinite(e) | (e < 0)
    if bad.any():
        row, col = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"stage {h}, row {row}: edge_reward {e[row, col]} is negative or not finite"
        )
    return read_only(e)


def _same_objects(items: Sequence[object]) -> tuple[Ints, Ints]:
    """Tell where distinct objects first stand, in that order, and which of them each item is."""
    ids = np.fromiter(map(id, items), dtype=np.uint64, count=len(items))
    _, first, which = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return first[order], rank[which]

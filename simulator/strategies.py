"""Random problems, PRMs and samplers for property tests with hypothesis.

They are small enough for exact laws, and sparse, zero, biased, lossy, on trees and shared states:
there statements fail first. A failing example shrinks to few levels, two tokens and small
whole numbers. `theory.testing` tests a statement on them in one line::

    from hypothesis import given
    from simulator.strategies import problems, samplers

    @given(problems(lossy=False), samplers("smc"))
    def test_no_run_fails(problem, sampler):
        assert sampler.exact_law(problem).failure == 0

Needs ``pip install 'particlebounds[test]'``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.registry import SAMPLERS, make_sampler, option_names
from simulator.typing import Floats, Ints

try:
    from hypothesis import strategies as st
except ImportError:
    raise InputError(
        "property tests need one more package: pip install 'particlebounds[test]'"
    ) from None

__all__ = ["models", "prms", "problems", "samplers"]

PRMS = ("perfect", "biased", "lossy")
YES_OR_NO, TOKENS, SIZE = st.booleans(), st.integers(2, 3), st.integers(1, 3)
WEIGHTS = (0.0, 1.0, 2.0, 3.0, 4.0)
EDGES = (0.25, 0.5, 1.0, 1.5, 3.0)
NUMBERS = (0.0, *EDGES)
# so that tables, which are no logarithms, reach from 1e-300 to 1e300 but not further
EXTREME_NUMBERS = (0.0, 1.0, 1e-110, 1e110)
EXTREME_WEIGHTS = (0.0, 1.0, 2.0, 2.0**-53)  # of tokens: some rows are one rounding from certain


def models(
    *,
    max_leaves: int = 32,
    max_horizon: int = 5,
    horizon: int | None = None,
    n_actions: int | None = None,
    tree: bool | None = None,
    sparse: bool = True,
    extreme: bool = False,
) -> st.SearchStrategy[TabularModel]:
    """Draw base models: prefix trees, or automata whose states are shared.

    Parameters
    ----------
    max_leaves : int, optional
        Largest number A^H of token paths.
    max_horizon : int, optional
        Largest number of levels H; fewer where `max_leaves` asks for it.
    horizon : int or None, optional
        H itself, whatever the two limits are.
    n_actions : int or None, optional
        Number of tokens A >= 2; by default 2 or 3.
    tree : bool or None, optional
        Trees only, shared states only, or both.
    sparse : bool, optional
        Whether tokens may have probability zero.
    extreme : bool, optional
        Whether probabilities may be as small as 2^-53, and sums of rows one rounding from 1.

    Returns
    -------
    SearchStrategy of TabularModel

    Examples
    --------
    >>> from hypothesis import find
    >>> find(models(tree=True), lambda model: model.horizon >= 2)
    TabularModel(horizon=2, n_actions=2, max_states=4)
    """
    return _models(_Shape(max_leaves, max_horizon, horizon, n_actions, tree, sparse, extreme))


def problems(
    *,
    max_leaves: int = 32,
    max_horizon: int = 5,
    horizon: int | None = None,
    n_actions: int | None = None,
    tree: bool | None = None,
    sparse: bool = True,
    zero_rewards: bool = True,
    edges: bool | None = None,
    lossy: bool | None = None,
    prm: str | None = None,
    extreme: bool = False,
) -> st.SearchStrategy[Problem]:
    """Draw problems with a perfect, biased or lossy PRM.

    Parameters
    ----------
    max_leaves, max_horizon : int, optional
        As in `models`.
    horizon, n_actions : int or None, optional
        As in `models`.
    tree : bool or None, optional
        As in `models`.
    sparse : bool, optional
        As in `models`.
    zero_rewards : bool, optional
        Whether terminal rewards may be zero.
    edges : bool or None, optional
        Edge rewards on or off; by default on some models with shared states.
    lossy : bool or None, optional
        As in `prms`.
    prm : {"perfect", "biased", "lossy"} or None, optional
        As in `prms`.
    extreme : bool, optional
        As in `models`, and rewards and V^ reach from 1e-300 to 1e300. What cannot be computed there
        is refused with `InputError`.

    Returns
    -------
    SearchStrategy of Problem

    Examples
    --------
    >>> from hypothesis import find
    >>> problem = find(problems(tree=True), lambda p: p.forward_backward.lost_mass > 0.4)
    >>> problem.model
    TabularModel(horizon=2, n_actions=2, max_states=4)
    >>> problem.reward.tolist(), [v.tolist() for v in problem.prm[:2]]
    ([0.0, 0.0, 0.0, 1.0], [[1.0], [0.0, 0.0]])
    """
    shape = _Shape(max_leaves, max_horizon, horizon, n_actions, tree, sparse, extreme)
    return _problems(shape, zero_rewards, edges, _kinds(lossy, prm))


def prms(
    problem: Problem,
    *,
    lossy: bool | None = None,
    prm: str | None = None,
    extreme: bool = False,
) -> st.SearchStrategy[list[Floats]]:
    """Draw PRMs of a problem, for `Problem.with_prm`.

    Parameters
    ----------
    problem : Problem
        Model and rewards; its own V^ does not matter.
    lossy : bool or None, optional
        Only PRMs that may be 0 where V* > 0, none of them, or both.
    prm : {"perfect", "biased", "lossy"} or None, optional
        V* times one number a level; V^ > 0 exactly where V* > 0, or also where V* = 0; V^ that may
        be 0 where V* > 0; or any of them that `lossy` allows.
    extreme : bool, optional
        Factors of 1e-60 and 1e60 rather than between 1/4 and 3.

    Returns
    -------
    SearchStrategy of list of (S_h,) arrays
        V^ of levels 0..H; that of level H is the reward.

    Raises
    ------
    InputError
        If `prm` is something else.

    Examples
    --------
    >>> from hypothesis import find
    >>> from simulator import open_problem
    >>> problem = open_problem("reference:horizon=2")
    >>> values = find(prms(problem, prm="lossy"), lambda v: (v[1] == 0).any())
    >>> [v.round(3).tolist() for v in problem.with_prm(values).prm]
    [[1.5], [0.0, 0.0], [1.0, 2.0, 3.0, 1.0]]
    """
    return _prms(problem, _kinds(lossy, prm), extreme)


def samplers(
    *kinds: str | type, max_particles: int = 4, **options: Sequence[object]
) -> st.SearchStrategy[Sampler]:
    """Draw samplers with few particles.

    Parameters
    ----------
    *kinds : str or type
        Names of `simulator.samplers.registry.SAMPLERS` or classes; by default all of these.
    max_particles : int, optional
        Largest N. Samplers that prescribe N have that.
    **options : sequence
        Values to choose from, by the name of the option, such as
        ``resampling=["multinomial", "ssp"]``; kinds without that option go without.

    Returns
    -------
    SearchStrategy of Sampler

    Raises
    ------
    InputError
        If a kind or an option is not known, or an option has no values.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(samplers("smc", select=["sample", "best"]), lambda s: s.n_particles >= 2)
    SMC(n_particles=2, resampling='multinomial', ...)
    """
    check_int("max_particles", max_particles, 1)
    chosen = kinds or tuple(SAMPLERS)
    known = {key for kind in chosen for key in option_names(kind)}
    for key, values in options.items():
        if key not in known:
            raise InputError(f"option {key!r}: none of the samplers has it")
        if isinstance(values, str) or not len(values):
            raise InputError(f"option {key!r}: {values!r:.60} is not a list of values")
    return _samplers(chosen, max_particles, options)


@dataclasses.dataclass(frozen=True)
class _Shape:
    """What `models` was asked for."""

    max_leaves: int
    max_horizon: int
    horizon: int | None
    n_actions: int | None
    tree: bool | None
    sparse: bool
    extreme: bool

    def __post_init__(self) -> None:
        check_int("max_leaves", self.max_leaves, 2)
        check_int("max_horizon", self.max_horizon, 1)
        if self.horizon is not None:
            check_int("horizon", self.horizon, 1)
        if self.n_actions is not None:
            check_int("n_actions", self.n_actions, 2)

    @property
    def weights(self) -> tuple[float, ...]:
        """Of tokens: small and whole, so that zeros and ties are common."""
        weights = EXTREME_WEIGHTS if self.extreme else WEIGHTS
        return weights if self.sparse else weights[1:]

    @property
    def numbers(self) -> tuple[float, ...]:
        """Rewards and factors of V^."""
        return EXTREME_NUMBERS if self.extreme else NUMBERS

    def largest_horizon(self, n_actions: int) -> int:
        longest = 1
        while longest < self.max_horizon and n_actions ** (longest + 1) <= self.max_leaves:
            longest += 1
        return longest


class _Level(NamedTuple):
    """One step from n states to m: tables for the n, and what problems need of the m.

    A level is drawn whole, after everything that does not grow with the horizon. So a failing
    example loses a level by losing one piece of what was drawn, which is how hypothesis shrinks.
    """

    law: Floats  # (n, A)
    moves: Ints  # (n, A)
    edge: Floats  # (n, A)
    numbers: Floats  # (m,); rewards if the level is the last, else factors of V^
    hopeful: bool  # V^ > 0 although V* = 0


def _level(
    draw: st.DrawFn, shape: _Shape, n: int, a: int, tree: bool, edges: bool, numbers: bool
) -> _Level:
    m = n * a if tree else draw(SIZE)
    moves = np.arange(n * a)  # children of a tree stand in order
    if not tree:
        moves = draw(_array(n * a, tuple(range(m)))).astype(np.int64)
    law = _rows(draw, shape, n, a)
    edge = draw(_array(n * a, EDGES)) if edges else np.ones(n * a)
    values, hopeful = np.ones(m), False
    if numbers:
        values, hopeful = draw(_array(m, shape.numbers)), draw(YES_OR_NO)
    return _Level(law, moves.reshape(n, a), edge.reshape(n, a), values, hopeful)


def _rows(draw: st.DrawFn, shape: _Shape, n: int, a: int) -> Floats:
    """Draw laws of a token; where all weights are zero it is the last one."""
    rows = draw(_array(n * a, shape.weights)).reshape(n, a)
    rows[~rows.any(axis=1), -1] = 1.0
    rows /= rows.sum(axis=1, keepdims=True)
    if shape.extreme:
        for row, end in zip(rows, draw(_array(n, (1.0, 0.0, 2.0))), strict=True):
            top = row.argmax()
            row[top] = row[top] if end == 1 else np.nextafter(row[top], end)
    return rows


class _Drawn(NamedTuple):
    """A model level by level, of one kind."""

    tree: bool
    levels: list[_Level]

    def model(self) -> TabularModel:
        laws = [level.law for level in self.levels]
        if self.tree:
            return TabularModel.tree(laws)
        moves = [level.moves for level in self.levels]
        return TabularModel(laws, moves, n_terminal=self.levels[-1].numbers.size)

    def without_dead_tokens(self) -> _Drawn:
        """Leave out tokens that no state emits, as long as two are left."""
        alive = np.any([level.law.any(axis=0) for level in self.levels], axis=0)
        alive[np.flatnonzero(~alive)[: max(0, 2 - int(alive.sum()))]] = True
        if alive.all():
            return self
        token, levels = np.flatnonzero(alive), []
        here = np.array([0])
        for level in self.levels:
            n, a = level.law.shape
            rows = here if self.tree else np.arange(n)
            there = (here[:, None] * a + token).ravel() if self.tree else slice(None)
            kept = np.ix_(rows, token)
            law, moves, edge = level.law[kept], level.moves[kept], level.edge[kept]
            levels.append(_Level(law, moves, edge, level.numbers[there], level.hopeful))
            here = np.asarray(there) if self.tree else here
        return _Drawn(self.tree, levels)


def _drawn(draw: st.DrawFn, shape: _Shape, edges: bool | None, numbers: bool) -> _Drawn:
    tree = draw(YES_OR_NO) if shape.tree is None else shape.tree
    a = draw(TOKENS) if shape.n_actions is None else shape.n_actions
    longest = shape.largest_horizon(a)
    horizon = draw(st.integers(1, longest)) if shape.horizon is None else shape.horizon
    if edges is None:
        edges = numbers and not tree and draw(YES_OR_NO)
    levels: list[_Level] = []
    for _ in range(horizon):
        n = levels[-1].numbers.size if levels else 1
        levels.append(_level(draw, shape, n, a, tree, edges, numbers))
    drawn = _Drawn(tree, levels)
    return drawn.without_dead_tokens() if shape.n_actions is None else drawn


@st.composite
def _models(draw: st.DrawFn, shape: _Shape) -> TabularModel:
    return _drawn(draw, shape, False, False).model()


@st.composite
def _problems(
    draw: st.DrawFn,
    shape: _Shape,
    zero_rewards: bool,
    edges: bool | None,
    kinds: Sequence[str],
) -> Problem:
    kind = draw(st.sampled_from(kinds))
    root = draw(_array(1, shape.numbers))
    drawn = _drawn(draw, shape, edges, True)
    model, levels = drawn.model(), drawn.levels
    reward = levels[-1].numbers
    if not zero_rewards:
        reward = np.where(reward > 0, reward, 1.0)
    reach = _reachable(model)
    if not (reward[reach] > 0).any():
        reward[reach[0]] = 1.0
    tables = [level.edge for level in levels]
    edge_reward = tables if any((edge != 1).any() for edge in tables) else None
    exact = Problem(model, reward, "exact", edge_reward=edge_reward)
    factors = [root, *(level.numbers for level in levels[:-1])]
    hopeful = [False, *(level.hopeful for level in levels[:-1])]
    values = _values(exact, kind, factors, hopeful)
    return Problem(model, reward, values, edge_reward=edge_reward)


@st.composite
def _prms(draw: st.DrawFn, problem: Problem, kinds: Sequence[str], extreme: bool) -> list[Floats]:
    kind = draw(st.sampled_from(kinds))
    sizes = problem.model.n_states[:-1].tolist()
    factors = [draw(_array(n, EXTREME_NUMBERS if extreme else NUMBERS)) for n in sizes]
    return _values(problem, kind, factors, [draw(YES_OR_NO) for _ in sizes])


def _values(
    problem: Problem, kind: str, factors: Sequence[Floats], hopeful: Sequence[bool]
) -> list[Floats]:
    """V^ of all levels: V* times factors, of which zeros count as 1 unless mass may be lost."""
    values = []
    for h, (exact, factor, hope) in enumerate(zip(problem.value, factors, hopeful, strict=False)):
        if kind == "perfect":
            factor = factor[:1]
        if kind != "lossy" or h == 0:
            factor = np.where(factor > 0, factor, 1.0)
        dead = float(hope and kind != "perfect")
        values.append(np.where(exact > 0, exact, dead) * factor)
    return [*values, problem.value[-1]]


@st.composite
def _samplers(
    draw: st.DrawFn,
    kinds: Sequence[str | type],
    max_particles: int,
    options: dict[str, Sequence[object]],
) -> Sampler:
    kind = draw(st.sampled_from(kinds))
    cls = SAMPLERS[kind] if isinstance(kind, str) else kind
    prescribed = dataclasses.fields(cls)[0].default is not dataclasses.MISSING
    n = None if prescribed else draw(st.integers(1, max_particles))
    own = {key: draw(st.sampled_from(options[key])) for key in option_names(kind) if key in options}
    return make_sampler(kind, n, **own)


def _kinds(lossy: bool | None, prm: str | None) -> tuple[str, ...]:
    """Kinds of PRM to choose from."""
    if prm is not None:
        check_choice("prm", prm, PRMS)
        return (prm,)
    return PRMS if lossy is None else PRMS[2:] if lossy else PRMS[:2]


@cache  # hypothesis validates each strategy once
def _array(n: int, numbers: tuple[float, ...]) -> st.SearchStrategy[Floats]:
    values = st.lists(st.sampled_from(numbers), min_size=n, max_size=n)
    return values.map(lambda x: np.array(x, dtype=np.float64))


def _reachable(model: TabularModel) -> Ints:
    """Terminal states that pi_ref reaches."""
    here = np.array([True])
    for h, (p, nxt) in enumerate(zip(model.probs, model.next_state, strict=True)):
        there = np.zeros(int(model.n_states[h + 1]), dtype=np.bool_)
        there[nxt[(p > 0) & here[:, None]]] = True
        here = there
    return np.flatnonzero(here)

"""A myopic filter made for the recursive hard instances: it holds both labels of a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.families.hidden_labels import OPEN, hidden_bits, schedule
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.typing import Seeds

__all__ = ["Plan", "TimeSharing", "plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What the filter reads of a problem: what each level does, and V^ in the form of bits.

    Attributes
    ----------
    kinds, closes : (H,) arrays
        As `simulator.problem.families.hidden_labels.schedule` gives them.
    late, bits : (H,) int arrays
        Hidden bit of the label that a level closes (0 if none), and of its own token.
    theta : float
    most_open : int
    """

    kinds: npt.NDArray[np.int64]
    closes: npt.NDArray[np.bool_]
    late: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int64]
    theta: float
    most_open: int


def plan(problem: Problem) -> Plan:
    """Read a problem of "hidden-labels" or "recursive-delay".

    Raises
    ------
    InputError
        If the problem is of another family.
    """
    known = problem.instance
    if known is None or known.family not in ("hidden-labels", "recursive-delay"):
        raise InputError(f"{problem.name}: not a problem of hidden-labels or recursive-delay")
    counts, theta, seed = (known.arguments[k] for k in ("counts", "theta", "seed"))
    assert isinstance(counts, tuple)
    assert isinstance(theta, float)
    assert isinstance(seed, int)
    kinds, closes = schedule(known.family, counts)
    bits = hidden_bits(kinds.size, seed)
    late, most = np.zeros(kinds.size, dtype=np.int64), 0
    opened: list[int] = []
    for h in np.flatnonzero((kinds == OPEN) | closes).tolist():
        if closes[h]:
            late[h] = opened.pop()
        if kinds[h] == OPEN:
            opened.append(int(bits[h]))
            most = max(most, len(opened))
    return Plan(kinds, closes, late, bits, theta, most)


@dataclass(frozen=True)
class TimeSharing(Sampler):
    r"""Hold one node for each string of open labels, both labels of a share q of the copies.

    With c strings before a label, min(q c, N - c) of them, chosen systematically, get both
    children and the others a fair one. Where both are held, the reveal keeps the good one with
    probability (theta + q')/(2 q') (at most 1), q' = the share that there was room for: a label
    is then good with probability q' that + (1 - q')/2 = (1 + theta)/2, as under pi*, whatever
    happened before. So the output's law is pi* as long as q' >= theta everywhere:

    * q = 1, "stratified": whatever there is room for, outer labels first; N = 2^n holds all;
    * q = theta, "time-sharing": needs c_n = ceil(c_{n-1} (1 + theta)), n + 1 if theta <= 1/n.

    It is myopic: what is kept at a level depends on V^ at that level and before. It is no
    sampler for other problems and therefore not registered.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    share : float or None
        q in (0, 1]; None means theta of the problem.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> from simulator.problem.families.hidden_labels import hidden_labels
    >>> problem = hidden_labels([1], theta=0.5, seed=0)
    >>> runs = TimeSharing(2).run(problem, 100_000, rng=1, keep=("tokens",))
    >>> good = runs.tokens[:, 0] == hidden_bits(2, 0)[0]
    >>> print(f"{good.mean():.2f}")
    0.75
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    n_particles: int
    share: float | None = None

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        if self.share is not None:
            check_real("share", self.share, 0, 1, above=True)

    def share_on(self, p: Plan) -> float:
        """Return q on a problem."""
        return p.theta if self.share is None else float(self.share)

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: there is no W^."""
        del problem
        return Facts(myopic=True)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`: one PRM evaluation a child, one model call a parent."""
        from simulator.samplers.time_sharing.kernel import run_time_sharing
        from simulator.streams.threads import spread

        n_runs = len(seeds)
        p = plan(problem)
        wanted = "tokens" in keep
        tokens = np.empty((n_runs, p.kinds.size) if wanted else (0, 0), dtype=np.int32)
        evaluations, calls = np.zeros(n_runs, dtype=np.int64), np.zeros(n_runs, dtype=np.int64)

        def part(begin: int, end: int) -> None:
            run_time_sharing(
                seeds, p.kinds, p.closes, p.late, p.bits, p.theta, self.share_on(p),
                self.n_particles, p.most_open, wanted, tokens, evaluations, calls, begin, end,
            )  # fmt: skip

        spread(part, n_runs, float(n_runs) * p.kinds.size * self.n_particles, n_threads)
        return Runs(
            states=np.zeros(n_runs, dtype=np.int64),
            log_w=None,
            failed=np.zeros(n_runs, dtype=np.bool_),
            prm_evaluations=evaluations,
            model_calls=calls,
            tokens=tokens if wanted else None,
        )

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """Refuse: the law on all paths is not enumerated; `theory` has that of good labels."""
        raise InputError("time-sharing: no exact law on paths, only that of good labels")

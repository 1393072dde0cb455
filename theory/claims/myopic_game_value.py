r"""3.9 and F.5: every myopic filter with few particles fails, and one particle more may be enough.

Problem: the recursive hard instance in its simple form (`theory.instances.hidden_labels`) with
n levels, theta = 1/2. Algorithm: any myopic filter with N = n particles. Guarantee: **shape** of
arXiv 2603.07887v1, 3.9 and F.5 (no myopic filter with log H/(4 log log H) particles has
D_TV <= 1/3 for large H), at the sizes n = 1, 2: pi*(E_n) >= 0.9, while P(output in E_n) <= 0.1 for
the best of all myopic filters, an exact game value, and for the samplers, whose frequencies have
limits that fail with probability 1e-6. So D_TV >= 0.8. Assumptions: myopic, N <= n, C_inf = 2^n.

>>> print(myopic_game_value.check().status)
holds
"""

from __future__ import annotations

from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.hidden_labels import hidden_labels
from simulator.samplers.base import Sampler
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.claim import Evidence, claim, row, weigh
from theory.instances.hidden_labels import block_sizes, event_probability, myopic_limit
from theory.instances.label_event import count_hits
from theory.instances.myopic_game import best_event_probability

__all__ = ["few", "myopic_game_value", "samplers"]

THETA, DELTA = 0.5, 0.05
REACHED, MISSED, FALSE_FAILURE = 0.9, 0.1, 1e-6
RUNS = {1: 2000, 2: 300}


def few(n: int) -> int:
    """Return the largest number of particles that must fail at n levels."""
    return n


def samplers(n: int) -> list[Sampler]:
    """Return myopic samplers with that many particles.

    Parameters
    ----------
    n : int
        N.
    """
    found: list[Sampler] = [
        SMC(n), SMC(n, "systematic"), SMCRejection(n, "enumerate"),
        DiffusionMonteCarlo(n, restart=False),
    ]  # fmt: skip
    return [*found, ActionLevelRejection()]


@claim(
    id="F.5",
    title="every myopic filter with few particles fails",
    reference="arXiv 2603.07887v1, 3.9 and F.5, at sizes n = 1, 2",
    kind="shape",
    statement=(
        "on n levels of late labels pi*(E_n) >= 0.9, yet every myopic filter with N <= n "
        "particles ends in E_n with probability at most 0.1"
    ),
    latex=r"on $n$ levels of late labels $\pi^*(E_n) \ge 0.9$, yet every myopic filter with "
    r"$N \le n$ particles ends in $E_n$ with probability at most 0.1",
)
def myopic_game_value(thorough: bool) -> Evidence:
    """Compute pi*(E_n) and the value of the myopic game, and count outputs of samplers in E_n."""
    rows, escape = [], []
    for n in (1, 2):
        counts, thresholds = block_sizes(n, THETA, DELTA, sharp=True)
        problem = hidden_labels(counts, THETA, seed=n)
        name, particles = f"n = {n}, H = {problem.horizon}", few(n)
        best = best_event_probability(counts, thresholds, particles)
        rows += [
            row(name, "pi*(E_n)", event_probability(counts, thresholds, THETA), ">=", REACHED),
            row(name, f"best myopic filter, N = {particles}", best, "<=", MISSED),
            row(name, "best myopic filter against delta_{n,N}", best, "<=",
                myopic_limit(counts, thresholds, particles)),
        ]  # fmt: skip
        escape.append(best_event_probability(counts, thresholds, n + 1))
        runs = RUNS[n] * (10 if thorough else 1)
        for i, sampler in enumerate(samplers(particles)):
            hits = count_hits(problem, sampler, thresholds, runs, 100 * n + i)
            limits = clopper_pearson(hits, runs, FALSE_FAILURE)
            rows.append(row(name, f"frequency of E_n, {sampler}", limits, "<=", MISSED))
    return weigh(
        rows,
        "No myopic filter with n particles finds E_n; with n + 1 the best one does with "
        f"probability {min(escape):.3f}.",
    )

"""Action-level rejection sampling, ALRS: SMC-RS with one particle (arXiv 2603.07887)."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import InputError
from simulator.samplers.smc_rejection.sampler import SMCRejection

__all__ = ["ActionLevelRejection"]


@dataclass(frozen=True)
class ActionLevelRejection(SMCRejection):
    r"""ALRS: one particle; each token is drawn ∝ pi_ref V^, by rejection or enumeration.

    It is SMC-RS with N = 1, and exact if V^ = V*. With C_inf = 1 + eps its error can be of order
    min(1, eps sqrt(H)) (arXiv 2510.03149).

    Parameters
    ----------
    n_particles : int
        1, and nothing else.
    method : {"rejection", "enumerate"}
        As in `SMCRejection`.
    eta : float or "auto"
        As in `SMCRejection`.
    max_proposals : int
        As in `SMCRejection`.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> from simulator.problem.problem import Problem
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> ActionLevelRejection().exact_law(problem).law.round(12).tolist()
    [0.25, 0.75]
    """

    n_particles: int = 1

    def __post_init__(self) -> None:
        if self.n_particles != 1 or isinstance(self.n_particles, bool):
            raise InputError(f"n_particles: ALRS has one particle, not {self.n_particles!r}")
        super().__post_init__()

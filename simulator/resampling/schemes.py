"""The one table of resampling schemes: names, codes, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from simulator.resampling import codes
from simulator.typing import Floats, Ints

if TYPE_CHECKING:
    from simulator.resampling.slots import Slots
    from simulator.streams.plain import Xoshiro

__all__ = ["SCHEMES", "SWEEP", "Scheme", "known_as", "scheme_for"]

MANY = 100_000  # particles from which on the sweep is the faster way to multinomial ancestors


@dataclass(frozen=True)
class Scheme:
    """A resampling scheme; its compiled code, twin, law and slots stand in the file of its name.

    Attributes
    ----------
    name : str
        Also of the module in this folder.
    code : int
        By which compiled code knows it; see `simulator.resampling.codes`.
    ordered : bool
        Whether ancestors are in nondecreasing order and the law depends on the order of the
        particles.
    variance : {"multinomial", "at most multinomial", "none known"}
        Whether Var(sum_j N_j phi_j) <= N Var_W(phi) for all phi, N_j the offspring counts: what
        multinomial resampling has with equality, independent slots (stratified, residual,
        killing) and SSP have too, and the others may break.
    negatively_correlated : bool
        Whether Cov(N_i, N_j) <= 0 for i != j and Var(N_j) <= E N_j, given the weights.
    """

    name: str
    code: int
    ordered: bool
    variance: Literal["multinomial", "at most multinomial", "none known"]
    negatively_correlated: bool

    @property
    def fill(self) -> Callable[..., Any]:
        """Compiled function that fills an array of ancestors."""
        return import_module(f"simulator.resampling.{self.name}").fill

    @property
    def plain(self) -> Callable[[Floats, Xoshiro], Ints]:
        """Its twin in plain numpy."""
        return import_module(f"simulator.resampling.{self.name}").plain

    @property
    def offspring(self) -> Callable[[Floats], tuple[Ints, Floats, Ints]]:
        """The exact law of the ancestors; see `simulator.resampling.offspring`."""
        return import_module(f"simulator.resampling.{self.name}").offspring

    @property
    def slots(self) -> Callable[[Floats], Slots]:
        """Its parents as a mixture of independent slots; see `simulator.resampling.slots`."""
        return import_module(f"simulator.resampling.{self.name}").slots


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("multinomial", codes.MULTINOMIAL, False, "multinomial", True),
        Scheme("systematic", codes.SYSTEMATIC, True, "none known", False),
        Scheme("stratified", codes.STRATIFIED, True, "at most multinomial", True),
        Scheme("residual", codes.RESIDUAL, False, "at most multinomial", True),
        Scheme("ssp", codes.SSP, True, "at most multinomial", True),
        Scheme("killing", codes.KILLING, False, "at most multinomial", True),
        Scheme("single", codes.SINGLE, False, "none known", False),
    )
}
FEW = 3  # particles up to which systematic offspring have the law of SSP
SWEEP = Scheme("multinomial_sweep", codes.MULTINOMIAL_SWEEP, False, "multinomial", True)


def scheme_for(name: str, n_particles: int) -> Scheme:
    """Return how so many particles are resampled.

    Parameters
    ----------
    name : str
        Of `SCHEMES`.
    n_particles : int
        Number of particles N.

    Returns
    -------
    Scheme
        Of many particles, "multinomial" has a faster one with the same law.

    Examples
    --------
    >>> scheme_for("multinomial", 10) is SCHEMES["multinomial"]
    True
    """
    return SWEEP if name == "multinomial" and n_particles >= MANY else SCHEMES[name]


def known_as(name: str, n_particles: int) -> Scheme:
    """Return the scheme of the same law of offspring counts of which most is known.

    One particle has one child whatever the scheme. Up to three have at most one fraction of N W_i
    to place, or all but one, and then systematic resampling leaves no choice but that of SSP.

    Parameters
    ----------
    name : str
        Of `SCHEMES`.
    n_particles : int
        Number of particles N.

    Returns
    -------
    Scheme

    Examples
    --------
    >>> [known_as("systematic", n).name for n in (1, 3, 4)]
    ['multinomial', 'ssp', 'systematic']
    """
    if n_particles == 1:
        return SCHEMES["multinomial"]
    return SCHEMES["ssp" if name == "systematic" and n_particles <= FEW else name]

"""What a sampler declares is asked once of one that cannot change, and anew of one that can."""

from dataclasses import dataclass, field
from typing import ClassVar

from simulator.problem.families.reference import reference
from simulator.samplers.facts import Facts, facts_of


@dataclass(frozen=True)
class Fixed:
    asked: ClassVar[list[int]] = []
    n_particles: int = 1

    def facts(self, problem):
        self.asked.append(self.n_particles)
        return Facts(lost_mass=self.n_particles / 8)


@dataclass
class Loose:
    lost: float = 0.0

    def facts(self, problem):
        return Facts(lost_mass=self.lost)


@dataclass(frozen=True)
class Listed:
    """Frozen, but what it holds may change."""

    lost: list[float] = field(default_factory=list)

    def facts(self, problem):
        return Facts(lost_mass=sum(self.lost))


class Heir(Fixed):
    """No frozen dataclass itself."""

    def facts(self, problem):
        return Facts(lost_mass=vars(self).get("lost", 0.0))


def test_a_frozen_sampler_is_asked_once_a_problem():
    Fixed.asked.clear()
    one, other = reference(2), reference(2)
    for _ in range(3):
        assert facts_of(Fixed(2), one).lost_mass == 0.25
    assert Fixed.asked == [2]
    assert facts_of(Fixed(4), one).lost_mass == 0.5
    assert facts_of(Fixed(4), other).lost_mass == 0.5
    assert Fixed.asked == [2, 4, 4]


def test_others_are_asked_anew():
    problem, loose, listed, heir = reference(2), Loose(), Listed(), Heir()
    assert [facts_of(s, problem).lost_mass for s in (loose, listed, heir)] == [0.0] * 3
    loose.lost = 0.5
    listed.lost.append(0.5)
    vars(heir)["lost"] = 0.5
    assert [facts_of(s, problem).lost_mass for s in (loose, listed, heir)] == [0.5] * 3

"""Samplers of a user's own: which statements speak of them hangs on what they declare alone."""

from dataclasses import dataclass

import pytest

from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.samplers.facts import Facts
from simulator.samplers.registry import SAMPLERS, make_sampler, register
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.registry import BOUNDS
from theory.verdict import check

PROBLEM = open_problem("reference:horizon=3")
OF_SMC = ["1.1", "3.2", "3.5", "C.4", "C.6", "S1", "S1t", "S2", "J", "L", "L-level", "T", "Z",
          "K", "K3", "E-upper", "F-star", "TJ", "O", "DM", "DM-sharp", "ZL-5.1",
          "S2-plus", "J-plus", "K-plus"]  # fmt: skip


class HeirOfSMC(SMC):
    """SMC under another name."""


class HeirOfRejection(SMCRejection):
    """SMC by rejection under another name."""


@dataclass(frozen=True)
class Silent:
    """SMC by another author, who declares nothing."""

    n_particles: int

    def run(self, *arguments, **options):
        return SMC(self.n_particles).run(*arguments, **options)

    def exact_law(self, *arguments, **options):
        return SMC(self.n_particles).exact_law(*arguments, **options)


@dataclass(frozen=True)
class Proper(Silent):
    """The author promises proper weights and no more."""

    properly_weighted = True


@dataclass(frozen=True)
class Declared(Silent):
    """The author declares what SMC declares."""

    def facts(self, problem):
        return Facts(family="smc", variance="multinomial", drawn=True, properly_weighted=True)


@dataclass(frozen=True)
class Liar(Declared):
    """It declares what SMC declares, and outputs the best particle."""

    def exact_law(self, *arguments, **options):
        return SMC(self.n_particles, select="best").exact_law(*arguments, **options)


@dataclass(frozen=True)
class Careless(Silent):
    """Its `facts` is no `Facts`."""

    def facts(self, problem):
        return {"family": "smc"}


def told(report):
    """Id to value and status."""
    return {v.id: (v.value, v.status) for v in report.verdicts}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("cls", [HeirOfSMC, Declared])
def test_what_declares_the_facts_of_smc_gets_the_verdicts_of_smc(cls, n):
    found, want = check(PROBLEM, cls(n)), check(PROBLEM, SMC(n))
    assert told(found) == told(want)
    assert sorted(told(found)) == sorted(OF_SMC)
    assert {v.status for v in found.verdicts} == {"holds"}
    assert found.error == want.error
    assert found.skipped.keys() == want.skipped.keys() == BOUNDS.keys() - set(OF_SMC)


def test_a_registered_name_does_not_matter():
    register("heir")(HeirOfSMC)
    try:
        found = check(PROBLEM, make_sampler("heir", 2))
    finally:
        del SAMPLERS["heir"]
    assert told(found) == told(check(PROBLEM, SMC(2)))
    assert len(found.verdicts) == len(OF_SMC)


def test_an_heir_of_rejection_gets_the_verdicts_of_rejection():
    found, want = check(PROBLEM, HeirOfRejection(2)), check(PROBLEM, SMCRejection(2))
    assert told(found) == told(want)
    assert {"3.8", "D.3", "S-RS", "T-RS", "F-star-RS", "K-RS", "TJ-RS", "O-RS"} < set(told(found))
    assert not {"1.1", "T"} & set(told(found))
    assert {v.status for v in found.verdicts} == {"holds"}


def test_who_promises_proper_weights_alone_gets_the_certificate_alone():
    found, smc = check(PROBLEM, Proper(2)), told(check(PROBLEM, SMC(2)))
    assert told(found) == {"Z": smc["Z"]}
    assert found.skipped.keys() == BOUNDS.keys() - {"Z"}


def test_who_declares_nothing_gets_a_reason_for_every_statement():
    found = check(PROBLEM, Silent(2))
    assert found.verdicts == ()
    assert found.error == check(PROBLEM, SMC(2)).error
    assert found.skipped.keys() == BOUNDS.keys()
    for reason in found.skipped.values():
        assert reason.startswith("needs: ")
        assert len(reason.splitlines()) == 1


def test_facts_that_are_none_are_refused_in_one_line():
    with pytest.raises(InputError, match=r"\Afacts: Careless declares [^\n]*, not Facts\Z"):
        check(PROBLEM, Careless(2))


@pytest.mark.slow
def test_a_wrong_declaration_is_seen():
    """With many particles these bounds tend to 0, and the best particle stays off the target."""
    honest, lying = check(PROBLEM, Declared(8)), check(PROBLEM, Liar(8))
    assert {v.status for v in honest.verdicts} == {"holds"}
    assert {v.id for v in lying.verdicts} == set(OF_SMC)
    violated = {v.id for v in lying.verdicts if v.status == "violated"}
    assert violated == {
        "S1", "S1t", "S2", "J", "T", "Z", "K", "K3", "TJ", "DM-sharp",
        "S2-plus", "J-plus", "K-plus"
    }  # fmt: skip

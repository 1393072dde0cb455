"""Every registered sampler keeps the contract, and the contract has teeth."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from simulator.samplers.contract import CONTRACT, contract_problems
from simulator.samplers.registry import SAMPLERS
from simulator.samplers.smc.sampler import SMC

by_name = {clause.__name__: clause for clause in CONTRACT}


@pytest.mark.slow
@pytest.mark.parametrize("clause", by_name)
@pytest.mark.parametrize("name", SAMPLERS)
def test_registered_samplers_keep_the_contract(name, clause):
    by_name[clause](SAMPLERS[name](1 if name in ("alrs", "greedy") else 3))


@dataclass(frozen=True)
class Wrapped:
    """SMC, broken in one way."""

    n_particles: int
    properly_weighted = True

    def run(self, problem, n_runs, **options):
        return self.spoil(SMC(self.n_particles).run(problem, n_runs, **options))

    def exact_law(self, problem, *args, **options):
        return self.spoil_law(SMC(self.n_particles).exact_law(problem, *args, **options))

    def spoil(self, runs):
        return runs

    def spoil_law(self, law):
        return law


class OtherSeed(Wrapped):
    def run(self, problem, n_runs, *, rng, **options):
        return super().run(problem, n_runs, rng=rng + n_runs, **options)


class LastState(Wrapped):
    def spoil(self, runs):
        return replace(runs, states=np.where(runs.failed, -1, 0))


class WrongLaw(Wrapped):
    def spoil_law(self, law):
        moved = 0.9 * law.law + 0.1 * law.law[::-1]
        return replace(law, law=moved, tv=float(np.maximum(law.target - moved, 0).sum()))


class TvOfHalf(Wrapped):
    def spoil_law(self, law):
        return replace(law, tv=law.tv / 2)


class NotZ(Wrapped):
    def spoil_law(self, law):
        return replace(law, mean_w_over_z=1.01)


class NoMessage(Wrapped):
    def run(self, problem, n_runs, *, rng, keep=(), **options):
        keep = [k for k in keep if k == "tokens"]
        return super().run(problem, n_runs, rng=rng, keep=keep, **options)


class NanWeight(Wrapped):
    def spoil(self, runs):
        return replace(runs, log_w=np.full(len(runs), np.inf))


BROKEN = [
    (OtherSeed, "draws_by_seed_alone"),
    (LastState, "gives_well_formed_runs"),
    (LastState, "draws_from_its_exact_law"),
    (WrongLaw, "draws_from_its_exact_law"),
    (TvOfHalf, "has_an_exact_law"),
    (NotZ, "weights_properly_if_it_says_so"),
    (NoMessage, "refuses_bad_arguments"),
    (NanWeight, "gives_well_formed_runs"),
]


@pytest.mark.parametrize(("sampler", "clause"), BROKEN)
def test_a_broken_sampler_breaks_the_contract(sampler, clause):
    with pytest.raises(AssertionError):
        by_name[clause](sampler(3))


@pytest.mark.parametrize("clause", by_name)
def test_the_wrapper_itself_is_sound(clause):
    by_name[clause](Wrapped(3))


def test_best_particle_is_caught_when_it_claims_to_be_proper():
    @dataclass(frozen=True)
    class Best(Wrapped):
        def exact_law(self, problem, *args, **options):
            return SMC(self.n_particles, select="best").exact_law(problem, *args, **options)

    with pytest.raises(AssertionError, match="not proper"):
        by_name["weights_properly_if_it_says_so"](Best(3))


def test_the_problems_differ_in_what_can_go_wrong():
    trees = [p.is_tree for p in contract_problems()]
    assert True in trees
    assert False in trees
    assert any(p.has_edge_reward for p in contract_problems())
    assert any(np.isneginf(p.log_reward).any() for p in contract_problems())

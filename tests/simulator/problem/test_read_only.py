"""Nobody changes what a problem has computed: read-only arrays, and copies for PRMs (T0)."""

import numpy as np
import pytest

from simulator.problem.families.eos import eos
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem


class Scribbler:
    """A PRM that writes on what it is shown, and hands it back."""

    def log_values(self, problem):
        values = problem.log_value_flat
        values[: problem.model.state_start[-2]] += 0.7
        problem.log_reward[:] = problem.log_reward
        return values


def test_a_prm_that_writes_on_its_values_changes_no_log_z():
    for problem in (reference(3), eos(3), product(4)):
        written = problem.with_prm(Scribbler())
        assert written.log_z == problem.log_z
        assert np.array_equal(written.log_value_flat, problem.log_value_flat)
        inner = slice(0, int(problem.model.state_start[-2]))
        want = problem.log_value_flat[inner] + 0.7
        assert written.log_prm_flat[inner] == pytest.approx(want, abs=1e-15)


def arrays(problem):
    """Every array that can be had from a problem, with a name."""
    fb = problem.forward_backward
    for name in ("log_value", "log_prm", "value", "prm", "target"):
        for h, level in enumerate(getattr(problem, name)):
            yield f"{name}[{h}]", level
    for owner in (problem, fb, fb.edges, problem.tables, problem.model):
        for name in dir(owner):
            if not name.startswith("_"):
                found = getattr(owner, name)
                if isinstance(found, np.ndarray):
                    yield f"{type(owner).__name__}.{name}", found
    for h in range(problem.horizon):
        yield f"probs[{h}]", problem.model.probs[h]
        yield f"next_state[{h}]", problem.model.next_state[h]
        if problem.edge_reward is not None and problem.edge_reward[h] is not None:
            yield f"edge_reward[{h}]", problem.edge_reward[h]


@pytest.mark.parametrize("make", [reference, eos, product])
def test_every_array_that_is_handed_out_refuses_to_be_written(make):
    seen = 0
    for name, array in arrays(make(3)):
        assert not array.flags.writeable, name
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        seen += 1
    assert seen > 25


def test_writing_on_what_was_given_changes_nothing():
    edges = [np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]] * 2)]
    reward = np.ones(4)
    tree = reference(2).model
    problem = Problem(tree, reward, "exact", edge_reward=edges)
    before = problem.log_z, problem.digest
    reward[:] = 7
    edges[0][:] = 7
    assert (problem.log_z, problem.digest) == before
    assert problem.with_prm("exact").log_z == before[0]

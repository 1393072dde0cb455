"""The long checks before a release, as far as they can be short."""

import pytest

from scripts import verify
from theory.assumptions import DRAWN, EVERY_LEVEL
from theory.registry import BOUNDS
from theory.statement import bound


@bound(
    id="bold", title="a bold guess", reference="none", formula="0",
    assumptions=(EVERY_LEVEL, DRAWN),
)  # fmt: skip
def bold(problem, sampler):
    """Guess boldly."""
    return 0.0


@pytest.mark.slow
def test_a_bound_that_is_false_fails_the_check_and_a_true_one_passes(monkeypatch):
    monkeypatch.setattr(verify, "BOUNDS", {"S1": BOUNDS["S1"]})
    assert verify.falsify(0.5) == (True, "1 bounds, 0.5 s each: none is broken")
    monkeypatch.setattr(verify, "BOUNDS", {"S1": BOUNDS["S1"], "bold": bold})
    good, told = verify.falsify(0.5)
    assert not good
    assert "bold by D_TV <= bold is broken by SMC(" in told


def test_an_unknown_check_is_refused(capsys):
    assert verify.main(["nothing"]) == 2
    assert "falsify" in capsys.readouterr().err

"""The order of samplers and statements is written down; it does not hang on who imports first."""

import json
import re
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.samplers.registry import SAMPLERS
from simulator.samplers.smc.sampler import SMC
from tests.support.subprocesses import python
from theory.registry import BOUNDS, CLAIMS, RENAMED, bound_named
from theory.verdict import check

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    ["theory.bounds.conditional_weight", "theory.claims.walk_limits",
     "simulator.samplers.reweighted.sampler"],
)  # fmt: skip
def test_the_order_is_the_same_whichever_module_is_imported_first(first):
    found = python(
        f"import json, {first}\n"
        "from theory.registry import BOUNDS, CLAIMS\n"
        "from simulator.samplers.registry import SAMPLERS\n"
        "print(json.dumps([list(BOUNDS), list(CLAIMS), list(SAMPLERS)]))"
    )
    assert json.loads(found) == [list(BOUNDS), list(CLAIMS), list(SAMPLERS)]


def test_samplers_stand_in_the_order_of_the_readme():
    table = README.read_text(encoding="utf-8").split("## Samplers")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == list(SAMPLERS)


def test_old_ids_lead_to_new_ones_with_a_warning():
    assert set(RENAMED.values()) <= set(BOUNDS)
    assert not set(RENAMED) & set(BOUNDS)
    for old, new in RENAMED.items():
        with pytest.warns(FutureWarning, match=f"^{old} is now {new}; "):
            assert bound_named(old) is BOUNDS[new]
    with pytest.warns(FutureWarning, match="^F is now F-star; "):
        found = check(reference(2), SMC(2), bounds=["F"])
    assert [v.id for v in found.verdicts] == ["F-star"]
    with pytest.raises(InputError, match="'G' is not known"):
        bound_named("G")

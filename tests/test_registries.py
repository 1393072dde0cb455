"""The order of samplers and statements is written down; it does not hang on who imports first."""

import json
import re
from pathlib import Path

import pytest

from simulator.samplers.registry import SAMPLERS
from tests.support.subprocesses import python
from theory.registry import BOUNDS, CLAIMS

README = Path(__file__).parents[1] / "README.md"


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

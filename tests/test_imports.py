"""Names that users import, and the house: in which order its rooms may import each other."""

from pathlib import Path

import pytest

import simulator
import theory
from tests.support.import_graph import (
    circles,
    file_arrows,
    modules,
    room_arrows,
    room_of,
    sampler_room,
    upward,
)
from tests.support.subprocesses import python

FROM_BELOW = (
    "simulator.errors",
    "simulator.typing",
    "simulator.checks",
    "simulator.interval",
    "simulator.streams",
    "simulator.problem",
    "simulator.resampling",
    "simulator.text",
    "simulator.exact",
    "simulator.samplers",
    "simulator.measure",
    "simulator.language_models",
    "simulator.strategies",
    "simulator.runs",
    "simulator.contract",
    "theory",
    "figures",
    "scripts",
)
with_types = pytest.mark.parametrize("for_types", [False, True], ids=["run", "run-or-types"])


@pytest.mark.parametrize("package", [simulator, theory], ids=lambda p: p.__name__)
def test_every_promised_name_can_be_imported(package):
    assert sorted(package.__all__) == sorted(package._HOME) == sorted(dir(package))
    for name in package.__all__:
        assert name.isupper() or getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.slow
def test_every_room_has_its_place_in_the_order():
    rooms = {room_of(name) for name in file_arrows()}
    assert rooms - set(FROM_BELOW) == set()


@pytest.mark.slow
@with_types
def test_no_file_imports_one_of_a_higher_room(for_types):
    assert upward(file_arrows(for_types=for_types), FROM_BELOW) == []


@with_types
def test_no_circle_of_files(for_types):
    arrows = file_arrows(for_types=for_types)
    assert len(arrows) > 300
    assert sum(map(len, arrows.values())) > 1000
    assert circles(arrows) == []


@with_types
def test_no_circle_of_rooms(for_types):
    assert circles(room_arrows(file_arrows(for_types=for_types))) == []


@with_types
def test_no_circle_of_algorithms(for_types):
    arrows = {
        name: targets
        for name, targets in file_arrows(for_types=for_types).items()
        if room_of(name) == "simulator.samplers"
    }
    assert circles(room_arrows(arrows, sampler_room)) == []


# the same checks, on houses with a fault


def build(root: Path, **files):
    """Write files, named with __ for a point, and make packages of their folders."""
    for name, text in files.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in path.relative_to(root).parents[:-1]:
            (root / folder / "__init__.py").touch()


HIGHER = {
    "at load": "from theory.registry import BOUNDS",
    "as a module": "from theory import registry",
    "whole": "import theory.registry",
    "inside a function": "def f():\n    from theory.registry import BOUNDS\n    return BOUNDS",
    "from the package that hands it on": "from theory import BOUNDS",
}


@pytest.mark.parametrize("statement", HIGHER.values(), ids=HIGHER)
def test_a_planted_upward_import_is_seen(tmp_path, statement):
    build(tmp_path, simulator__errors=statement, theory__registry="BOUNDS = {}")
    (tmp_path / "theory" / "__init__.py").write_text('_HOME = {"BOUNDS": "registry"}\n')
    arrows = file_arrows(tmp_path)
    assert upward(arrows, FROM_BELOW) == ["simulator.errors imports theory.registry"]
    assert circles(arrows) == circles(room_arrows(arrows)) == []


def test_a_planted_circle_of_rooms_without_one_of_files_is_seen(tmp_path):
    build(
        tmp_path,
        simulator__exact__law="import simulator.measure.error",
        simulator__measure__error="",
        simulator__measure__tally="from simulator.exact import law",
    )
    arrows = file_arrows(tmp_path)
    assert circles(arrows) == []
    assert circles(room_arrows(arrows)) == [{"simulator.exact", "simulator.measure"}]


def test_a_planted_circle_that_only_types_close_is_seen_where_types_count(tmp_path):
    build(
        tmp_path,
        theory__claim="import theory.status",
        theory__status="from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from theory.claim import Claim",
    )
    assert circles(file_arrows(tmp_path)) == []
    assert circles(file_arrows(tmp_path, for_types=True)) == [{"theory.claim", "theory.status"}]


def test_a_planted_room_and_a_relative_import_are_named(tmp_path):
    build(tmp_path, simulator__attic__box="", simulator__errors="from .attic import box")
    assert {room_of(name) for name in modules(tmp_path)} - set(FROM_BELOW) >= {"simulator.attic"}
    with pytest.raises(AssertionError, match=r"errors\.py: relative import"):
        file_arrows(tmp_path)


# what is loaded when


def test_importing_a_package_loads_nothing_heavy():
    code = "import sys, simulator, theory, scripts.cli.app; print('numba' in sys.modules)"
    assert python(code) == "False\n"


@pytest.mark.slow
def test_list_needs_neither_numba_nor_scipy():
    found = python(
        "import sys\n"
        "from scripts.cli.app import main\n"
        "try:\n"
        "    main(['list'])\n"
        "except SystemExit as end:\n"
        "    print(end.code, sorted({'numba', 'scipy'} & set(sys.modules)))\n"
    )
    assert "smc-restart" in found
    assert found.splitlines()[-1] == "0 []"

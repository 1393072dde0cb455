"""Names that users import, and the one direction of imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simulator
import theory

ROOT = Path(__file__).parents[1]
BELOW = {
    "simulator": {"simulator"},
    "theory": {"simulator", "theory"},
    "figures": {"simulator", "theory", "figures"},
    "scripts": {"simulator", "theory", "figures", "scripts"},
}


@pytest.mark.parametrize("package", [simulator, theory], ids=lambda p: p.__name__)
def test_every_promised_name_can_be_imported(package):
    assert sorted(package.__all__) == sorted(package._HOME) == sorted(dir(package))
    for name in package.__all__:
        assert name.isupper() or getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize("package", BELOW)
def test_imports_go_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                assert top not in BELOW or top in BELOW[package], f"{path} imports {name}"


def test_importing_a_package_loads_nothing_heavy():
    code = "import sys, simulator, theory, scripts.cli.app; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "False", found.stderr

"""The check of a device, on the processor; it must find faults, and need only torch's world."""

import site
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bench.gpu_check import check, main
from simulator.text.drawing import Drawn
from tests.support.subprocesses import ROOT

pytest.importorskip("torch")

from simulator.language_models.cached_session import CachedSession
from simulator.language_models.token_laws import TokenLaws

NOT_THERE = ("numba", "llvmlite", "scipy", "matplotlib", "typer", "pyarrow", "pandas", "pytest")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["contract", "agreement", "same_seed"])
def test_parts_hold_on_the_processor(part):
    assert check("cpu", small=True)[part]()


def forgetful(session, ancestors):
    session.rows = session.rows[: len(ancestors)]


def shifted(laws, rows, uniforms, power=1.0):
    drawn = DRAW(laws, rows, uniforms, power)
    return Drawn(drawn.tokens, drawn.log_probs + 1e-3, drawn.log_proposal)


DRAW = TokenLaws.draw
MUTANTS = {
    "a reorder is forgotten": (CachedSession, "reorder", forgetful, "contract"),
    "log-probabilities of draws are off": (TokenLaws, "draw", shifted, "contract"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "name", "mutant", "part"), MUTANTS.values(), ids=MUTANTS)
def test_a_fault_is_found(monkeypatch, owner, name, mutant, part):
    from simulator.language_models import hugging_face

    # the test of a model before its first use would find these first
    monkeypatch.setattr(hugging_face, "fitting_session", lambda lm: CachedSession)
    monkeypatch.setattr(owner, name, mutant)
    with pytest.raises(AssertionError, match="off by"):
        check("cpu", small=True)[part]()


def test_a_device_that_is_not_there(capsys):
    assert main(["--device", "cuda:77"]) == 2
    assert "no device cuda:77" in capsys.readouterr().err


@pytest.mark.slow
def test_torch_and_transformers_are_enough(tmp_path):
    for folder in site.getsitepackages():
        for entry in Path(folder).iterdir():
            if not entry.name.startswith((*NOT_THERE, "__editable__")):
                (tmp_path / entry.name).symlink_to(entry)
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from scripts.bench import gpu_check\n"
        "gpu_check._without_compiler()\n"
        "print(gpu_check.check('cpu', small=True)['same_seed']())\n"
        f"print([m for m in {NOT_THERE} if hasattr(sys.modules.get(m), '__file__')])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["{'equal_texts': True}", "[]"]

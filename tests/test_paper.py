"""The paper: its numbers are fresh, its tests exist, and what is proved here has a proof there."""

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.reproduce import paper
from theory.registry import BOUNDS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "paper").glob("**/sections/*.tex"))
TEXT = "\n".join(p.read_text(encoding="utf-8") for p in SOURCES)
STATEMENT = r"\\begin\{(theorem|proposition|corollary|lemma)\}.*?\\end\{\1\}"


def test_every_test_that_the_paper_names_exists():
    named = re.findall(r"\\tested\{([^}]*)\}", TEXT)
    assert len(named) > 60
    for reference in sorted(set(named)):
        path, name = reference.split("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), reference


def test_no_symbol_has_two_superscripts():
    """A prime or a power after a starred symbol stops LaTeX."""
    assert re.findall(r"\\(?:Vs|pis)(?:_\w|_\{[^{}]*\})?(?:'|\^).*", TEXT) == []


def test_every_proof_is_followed_by_its_tests():
    parts = TEXT.split(r"\end{proof}")
    assert len(parts) > 20
    for before, after in itertools.pairwise(parts):
        assert r"\tested" in after.split(r"\begin{proof}")[0], before[-80:]


def test_every_bound_of_the_registry_is_proved():
    proved = set(re.findall(r"\\bound\{([^}]*)\}", TEXT))
    assert proved == set(BOUNDS)
    for match in re.finditer(STATEMENT, TEXT, re.DOTALL):
        if r"\bound{" in match.group():
            after = TEXT[match.end() :]
            following = re.search(r"\\begin\{(proof|theorem|corollary)\}", after)
            assert following, match.group()[:80]


def test_every_reference_has_its_label_and_labels_are_unique():
    labels = re.findall(r"\\label\{([^}]*)\}", TEXT)
    assert len(labels) == len(set(labels))
    used = re.findall(r"\\(?:eq)?ref\{([^}]*)\}", TEXT)
    assert set(used) <= set(labels)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX: make paper-system")
def test_latex_takes_the_paper(tmp_path):
    """Once, and without figures, which `make paper` draws."""
    source = r"\PassOptionsToPackage{draft}{graphicx}\input{paper}"
    options = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run(
        ["pdflatex", *options, f"-output-directory={tmp_path}", source],
        cwd=ROOT / "paper",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


@pytest.fixture(scope="module")
def fresh():
    return paper.texts()


@pytest.mark.slow
def test_no_generated_number_is_stale(fresh):
    """Made again; `make paper` writes them."""
    for name, text in fresh.items():
        assert (paper.FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is stale"


@pytest.mark.slow
def test_every_generated_file_and_number_is_used(fresh):
    numbers = re.findall(r"\\newcommand\{\\(num\w+)\}", fresh["numbers.tex"])
    used = re.findall(r"\\(num[A-Z]\w*)", TEXT)
    assert set(used) == set(numbers)
    for name in fresh:
        stem = name.removesuffix(".tex")
        main = (ROOT / "paper" / "paper.tex").read_text(encoding="utf-8")
        assert f"generated/{stem}" in TEXT + main


def test_without_results_it_says_what_to_do_before_it_computes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(paper, "texts", None)
    assert paper.main(["--results", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "make reproduce" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_numbers_alone_need_no_results(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "texts", lambda: {"a.tex": "1"})
    made = tmp_path / "out"
    assert paper.main(["--results", str(tmp_path), "--out", str(made), "--numbers"]) == 0
    assert [(p.name, p.read_text()) for p in made.iterdir()] == [("a.tex", "1")]

"""The documentation, as far as it can be read without building it."""

import doctest
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docutils import nodes
from docutils.core import publish_doctree

import simulator
import theory
from figures.catalogue import FIGURES
from scripts.cli.app import main
from scripts.docs import gallery, pictures
from scripts.docs.prose import of_latex, of_prose, plain
from simulator.problem.library import ready_problems
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.registry import SAMPLERS
from tests.support.pages import plain_formulas, too_wide
from theory.notation import SYMBOLS
from theory.registry import CLAIM_GROUPS, GROUPS


def heads(page, line="-"):
    """Titles: lines with a line of dashes, or of other signs, of their length below."""
    lines = page.splitlines()
    return [a for a, b in itertools.pairwise(lines) if a and b == line * len(a)]


@pytest.mark.parametrize(
    ("page", "registry", "groups"),
    [
        (gallery.bounds, theory.BOUNDS, GROUPS),
        (gallery.claims, theory.CLAIMS, CLAIM_GROUPS),
    ],
)
def test_the_gallery_has_a_section_on_every_statement_in_its_group(page, registry, groups):
    assert heads(page()) == list(groups)
    assert [head.split(": ")[0] for head in heads(page(), "~")] == list(registry)


def test_the_gallery_says_what_the_registry_says():
    page = gallery.bounds()
    for bound in theory.BOUNDS.values():
        assert f":Formula: {of_latex(bound.latex)}\n" in page
        assert f"{bound.function.__module__}.{bound.function.__name__}\n" in page


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (gallery.samplers, SAMPLERS),
        (gallery.resampling, SCHEMES),
        (gallery.problems, ready_problems()),
    ],
)
def test_everything_registered_is_listed(page, names):
    assert re.findall(r"^``(\S+)``$", page(), re.MULTILINE) == list(names)


def test_every_sampler_is_exported_so_that_its_link_leads_somewhere():
    assert {kind.__name__ for kind in SAMPLERS.values()} <= set(simulator.__all__)


def test_every_command_has_its_help():
    found = heads(gallery.commands())
    assert {"particlebounds reproduce", "particlebounds list"} <= set(found)
    assert any(name.startswith("particlebounds lm ") for name in found)


@pytest.mark.parametrize(
    "line",
    ["of |x| and of_, a_ b_.", "*args and **options", "1 * 2 | 3", "a `b", "n_runs and log_z"],
)
def test_what_is_no_formula_reads_as_it_was_typed(line):
    assert read(plain([line])[0]).astext() == line


def read(text):
    return publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 1})


@pytest.mark.parametrize(
    ("line", "formulas"),
    [
        ("V*/V^ of x_{h-1}.", ["V^{*}", r"\hat{V}", "x_{h-1}"]),
        ("(E_{pi*}[1/m_h])", [r"\mathbb{E}_{\pi^{*}}", "m_{h}"]),
        ("``V*`` is no V*", ["V^{*}"]),
        ("x_1, y : float", []),
    ],
)
def test_formulas_in_a_docstring_become_mathematics(line, formulas):
    assert [node.astext() for node in read(plain([line])[0]).findall(nodes.math)] == formulas


@pytest.mark.parametrize(
    "line", ["``V*`` is **exact**, `a_`", ">>> 2 ** 3", "* a bullet", r".. math:: s^2_{p,h} V*"]
)
def test_markup_and_examples_are_left_alone(line):
    assert plain([line]) == [line]


def test_what_an_example_prints_and_a_literal_block_are_left_alone():
    text = [">>> f()", "V*", "", "a*", "so::", "", "  |x|", "", "|x|"]
    assert plain(text) == [
        ">>> f()", "V*", "", r"a\*", "so::", "", "  |x|", "", r"\|x\|"
    ]  # fmt: skip


def test_the_glossary_has_every_symbol_as_mathematics():
    page = gallery.notation()
    assert [f":math:`{s.latex}` : {of_prose(s.name)}" for s in SYMBOLS] == [
        line for line in page.splitlines() if line.startswith(":math:")
    ]


def test_the_gallery_of_figures_has_a_picture_and_a_command_for_each():
    page = gallery.figures()
    assert re.findall(r"/pictures/(\w+)\.png", page) == list(FIGURES)
    assert re.findall(r"``particlebounds reproduce (\w+)``", page) == list(FIGURES)


TUTORIAL = sorted((Path(gallery.__file__).parent / "tutorial").glob("*.rst"))
COMMANDS = [
    line.strip()
    for page in TUTORIAL
    for line in page.read_text(encoding="utf-8").splitlines()
    if line.startswith("   particlebounds ") and " lm " not in line and "FILE.py" not in line
]


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIAL, ids=lambda page: page.stem)
def test_the_tutorial_runs(page):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, attempted = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert failed == 0
    assert attempted > 10 or page.stem == "index"


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_tutorial_run(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.slow
def test_pictures_are_drawn_from_the_small_tables(monkeypatch, tmp_path):
    monkeypatch.setattr(pictures, "FIGURES", {"product": FIGURES["product"]})
    pictures.draw_pictures(tmp_path / "new")
    (picture,) = (tmp_path / "new").iterdir()
    assert picture.name == "product.png"
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """All pages, from a copy of their sources, with the pictures that figures are tested by."""
    folder = tmp_path_factory.mktemp("docs")
    ignored = shutil.ignore_patterns("api", "pictures")
    source = shutil.copytree(Path(gallery.__file__).parent, folder / "source", ignore=ignored)
    root = Path(simulator.__file__).parents[1]
    (source / "pictures").mkdir()
    for name in FIGURES:
        baseline = root / "tests" / "figures" / "baseline" / f"test_figure_{name}.png"
        shutil.copy(baseline, source / "pictures" / f"{name}.png")
    command = [
        *(sys.executable, "-m", "sphinx", "-W", "-q", "-D", "draw=0", "-b", "html"),
        *(source, folder / "built"),
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "built"


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_asks_nobody_for_anything(built):
    pages = {p: p.read_text(encoding="utf-8") for p in built.rglob("*.html")}
    assert not [
        p for p, text in pages.items() if re.search(r'(src|<link[^>]*href)="(https?:)?//', text)
    ]
    for kind in SAMPLERS.values():
        assert f'href="api/simulator.{kind.__name__}.html' in pages[built / "registered.html"]


@pytest.mark.slow
def test_no_formula_of_a_page_stands_as_it_is_typed(built):
    generated = ("bounds", "claims", "notation", "figures", "registered", "problem_files")
    written = ("index", "guarantees", "atlas", "language_models", "testing", "benchmarks")
    for name in (*generated, *written):
        assert plain_formulas((built / f"{name}.html").read_text(encoding="utf-8")) == [], name
    assert (built / "bounds.html").read_text(encoding="utf-8").count("<math") > 500


@pytest.mark.slow
def test_no_page_is_wider_than_a_window(built, browser):
    pages = [p for p in built.rglob("*.html") if "_modules" not in p.parts and "api" not in p.parts]
    assert len(pages) > 12
    assert [p.stem for p in pages if max(too_wide(browser, p.as_uri(), 400, 1280)) > 0] == []


@pytest.mark.slow
def test_the_slowest_tests_of_the_page_exist_and_are_marked_and_ordered():
    page = (Path(gallery.__file__).parent / "testing.rst").read_text(encoding="utf-8")
    found = re.findall(r"^   \* - ``(tests/\S+)::(\w+)``\n     - (\d+)\n", page, re.MULTILINE)
    assert len(found) == 10
    for path, name, _ in found:
        source = (Path(simulator.__file__).parents[1] / path).read_text(encoding="utf-8")
        marked = rf"^@pytest\.mark\.slow\n(?:[@ )\]].*\n)*def {name}\("
        if "\npytestmark = pytest.mark.slow\n" in source:
            marked = rf"^def {name}\("
        assert re.search(marked, source, re.MULTILINE), name
    seconds = [int(n) for *_, n in found]
    assert seconds == sorted(seconds, reverse=True)


def test_the_particles_that_bounds_ask_for_are_those_of_the_paper():
    page = (Path(gallery.__file__).parent / "guarantees.rst").read_text(encoding="utf-8")
    generated = Path(gallery.__file__).parents[2] / "paper" / "generated" / "plan.tex"
    plan = generated.read_text(encoding="utf-8").replace("\\,", "")
    names = re.findall(r"\\textsf{([^}]*)}", plan)
    counts = [n for row in re.findall(r"^\$N\$ & (.*)\\\\$", plan, re.M) for n in row.split(" & ")]
    assert len(names) == len(counts) > 20
    asked = re.findall(r"^   \* - (\S+)\n     - (\d+)$", page, re.MULTILINE)
    assert asked == list(zip(names, counts, strict=True))

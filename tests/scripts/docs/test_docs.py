"""The documentation, as far as it can be read without building it."""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docutils.core import publish_doctree

import simulator
import theory
from scripts.docs import gallery
from simulator.problem.library import ready_problems
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.registry import SAMPLERS


def heads(page):
    """Titles: lines with a line of dashes of their length below."""
    lines = page.splitlines()
    return [a for a, b in itertools.pairwise(lines) if a and b == "-" * len(a)]


@pytest.mark.parametrize(
    ("page", "registry"), [(gallery.bounds, theory.BOUNDS), (gallery.claims, theory.CLAIMS)]
)
def test_the_gallery_has_a_section_on_every_statement(page, registry):
    assert [head.split(": ")[0] for head in heads(page())] == list(registry)


def test_the_gallery_says_what_the_registry_says():
    page = gallery.bounds()
    for bound in theory.BOUNDS.values():
        assert f"``{bound.formula}``" in page
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
    ["V* and |x| and W^_, a_ b_.", "E_{pi*}[1/m_h]", "*args and **options", "1 * 2 | 3", "a `b"],
)
def test_a_formula_reads_as_it_was_typed(line):
    def read(text):
        return publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 1})

    assert read(gallery.plain([line])[0]).astext() == line


@pytest.mark.parametrize("line", ["``V*`` is **exact**, `a_`", ">>> 2 ** 3", "* a bullet"])
def test_markup_and_examples_are_left_alone(line):
    assert gallery.plain([line]) == [line]


def test_what_an_example_prints_and_a_literal_block_are_left_alone():
    text = [">>> f()", "V*", "", "V*", "so::", "", "  |x|", "", "|x|"]
    assert gallery.plain(text) == [
        ">>> f()", "V*", "", r"V\*", "so::", "", "  |x|", "", r"\|x\|"
    ]  # fmt: skip


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_asks_nobody_for_anything(tmp_path):
    source = shutil.copytree(
        Path(gallery.__file__).parent, tmp_path / "source", ignore=shutil.ignore_patterns("api")
    )
    built = tmp_path / "built"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", source, built]
    done = subprocess.run(
        command,
        cwd=Path(simulator.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    pages = {p: p.read_text(encoding="utf-8") for p in built.rglob("*.html")}
    assert not [
        p for p, text in pages.items() if re.search(r'(src|<link[^>]*href)="(https?:)?//', text)
    ]
    for kind in SAMPLERS.values():
        assert f'href="api/simulator.{kind.__name__}.html' in pages[built / "registered.html"]

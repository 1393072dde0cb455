"""The chapters in a real browser, from files without a network, and in the running app."""

import html
import os
import re
import time

import pytest

from scripts.demo.catalogue import CHAPTERS
from scripts.demo.lessons import better, coverage, first_order, myopic, particles, perfect
from scripts.demo.parts import show
from simulator import SMC, InputError, open_problem, save_problem
from simulator.problem.files import load_problem

# `make demo-test` runs these alone on the machine; elsewhere a time says nothing
TIMED = os.environ.get("DEMO_TIMED") == "1"
pytestmark = pytest.mark.slow
NAMES = [c.name for c in CHAPTERS]
READ = """() => Object.fromEntries(window.PAGE.panels.map(panel => [panel.name,
  Object.fromEntries(panel.parts.map(part => [part.name,
    part.kind === "drawing" ? part.node.firstChild.getAttribute("aria-label")
    : part.kind === "text" || part.kind === "note" ? part.node.innerText.trim()
    : {caption: part.node.querySelector("caption")?.textContent,
       rows: [...part.node.querySelectorAll("tbody tr")].map(
         line => [...line.cells].map(cell => cell.textContent))}]))]))"""
IDLE = "() => window.PAGE?.panels.every(panel => panel.busy === false)"


def wait_for(page, name, value):
    """Wait until the number of this name shows the value."""
    page.wait_for_function(
        "([name, text]) => [...document.querySelectorAll('[data-name]')]"
        ".some(e => e.dataset.name === name && e.textContent === text)",
        arg=[name, show(value)],
    )


def visit(page, name, setting=""):
    page.goto(f"{name}/index.html{setting}")
    page.wait_for_function(IDLE)


def plain(text):
    """Return the words of HTML, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def told(panel, values):
    """Return what the library says that a panel shows."""
    said = {}
    for name, part in panel.show(**values).items():
        first = part.pieces()[0]
        if part.kind == "drawing":
            said[name] = first["alt"]
        elif part.kind in ("text", "note"):
            said[name] = plain(first)
        else:
            said[name] = {"caption": first["caption"], "rows": first["rows"]}
    return said


def shown(page):
    page.wait_for_function(IDLE)
    page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true })")
    found = page.evaluate(READ)
    for parts in found.values():
        for name, part in parts.items():
            if isinstance(part, str):
                parts[name] = " ".join(part.split())
    return found


def pictures(page):
    return page.evaluate("[...document.querySelectorAll('figure svg')].map(e => e.outerHTML)")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_each_chapter_opens_from_a_file_and_keeps_its_answer_folded(page, chapter, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("index.html")
    page.get_by_role("link", name=chapter.title).click()
    page.get_by_role("heading", level=1, name=chapter.title).wait_for()
    page.wait_for_function(IDLE)
    assert page.get_by_text("Try first.").is_visible()
    fold = page.locator("main > details")
    assert not fold.evaluate("e => e.open")
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    fold.locator(".text").wait_for()
    drawings = [p.name for p in chapter.all_panels() if p.charts]
    assert (page.locator("figure [role=img]").count() > 0) == bool(drawings)
    for drawing in page.locator("figure [role=img]").all():
        assert len(drawing.get_attribute("aria-label")) > 40
        assert drawing.locator("svg path, svg line, svg text").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # every control has a name for who hears the page
    for control in page.locator("main input, main select, main button").all():
        assert control.evaluate("e => e.labels?.length > 0 || e.textContent.trim() !== ''")
    if TIMED:
        page.reload()
        page.wait_for_function(IDLE)
        assert page.evaluate("performance.now()") < 2000


def move(page, control):
    """Take the other value of a thin control, by the keyboard."""
    field = page.locator(f"[data-control={control.name}]")
    field.focus()
    if control.kind == "again":
        page.keyboard.press("Enter")
        return control.grid[1]
    other = next(v for v in control.grid if v != control.default)
    up = control.grid.index(other) > control.grid.index(control.default)
    page.keyboard.press("ArrowDown" if up and control.kind == "choice" else
                        "ArrowRight" if up else "ArrowLeft")  # fmt: skip
    return control.grid[1] if control.kind == "player" else other


@pytest.mark.parametrize("name", NAMES)
def test_every_control_moves_every_number_to_what_the_library_computes(page, thin_chapters, name):
    chapter = thin_chapters[NAMES.index(name)]
    visit(page, name)
    values = {c.name: c.default for c in chapter.controls().values() if c.kind != "file"}
    seconds = []
    for control in [None, *(c for c in chapter.controls().values() if c.kind != "file")]:
        before = shown(page), pictures(page)
        if control is not None:
            begin = time.perf_counter()
            values[control.name] = move(page, control)
            page.wait_for_function(IDLE)
            seconds.append(time.perf_counter() - begin)
            for panel in chapter.panels:
                for other in panel.controls:
                    # another run begins at its start
                    if other.kind == "player" and control in panel.controls[:-1]:
                        values[other.name] = other.grid[0]
        now = shown(page)
        for panel in chapter.all_panels():
            here = {c.name: values[c.name] for c in panel.controls if c.kind != "file"}
            assert now[panel.name] == told(panel, here)
        if control is not None:
            assert (now, pictures(page)) != before, f"{control.name} changes nothing"
    if TIMED:
        assert max(seconds, default=0) < 0.2


def test_the_film_of_a_run_goes_forth_and_back_moves_and_plays(page):
    visit(page, "particle_filter")
    n = 6
    made = particles.film(particles.tree(particles.TREES[0]), n, seed=1)
    last = len(made.frames) - 1

    def expect(step):
        said = f"Step {step} of {last}. {made.frames[step].text}"
        page.wait_for_function(
            "text => document.querySelector('[data-part=said]').innerText.trim() === text", arg=said
        )

    expect(0)
    forth = page.get_by_role("button", name="Next", exact=True)
    forth.focus()
    for step in (1, 2, 3):
        page.keyboard.press("Enter")  # the focus stays where it is
        expect(step)
        page.wait_for_function("document.getAnimations().length > 0")
    founders = made.frames[3].founders.tolist()
    marks = page.locator("[data-part=tree] g.mark-text.role-mark").last
    assert marks.locator("text").all_text_contents() == [str(f + 1) for f in founders]
    wait_for(page, "Founders with descendants", len(set(founders)))
    page.get_by_role("button", name="Back", exact=True).click()
    expect(2)
    page.get_by_label("Speed").select_option("fast")
    page.get_by_label("Play").check()
    expect(last)
    page.get_by_label("Play").uncheck()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(0)
    wait_for(page, "Exact error of the output's law",
             SMC(n).exact_law(open_problem("reference")).tv)  # fmt: skip


def test_an_address_opens_a_setting_and_the_nearest_one_is_said_to_be(page, thin_chapters):
    chapter = thin_chapters[NAMES.index("coverage_and_error")]
    known = chapter.controls()["n"].grid
    assert known == (4, 5)
    visit(page, "coverage_and_error", "#n=77&sigma=0.6&sampler=SMC-RS")
    made = coverage.study("SMC-RS", 2.0, 0.5, 3, 5)
    wait_for(page, "Exact error of SMC-RS", made.report.error.high)
    assert page.get_by_text("nearest value shown: Particles N = 5").is_visible()
    assert page.get_by_text("nearest value shown: PRM error σ = 0.5").is_visible()
    assert page.get_by_text("nearest value shown").count() == 2
    field = page.get_by_label("Particles N")
    assert field.get_attribute("aria-valuetext") == "5"
    field.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("location.hash === '#sampler=SMC-RS'")
    assert page.get_by_text("nearest value shown: Particles N").count() == 0
    # what is no number, or no choice, leaves the default
    page.goto("coverage_and_error/index.html#n=many&sampler=best")
    page.reload()
    page.wait_for_function(IDLE)
    wait_for(page, "Exact error of SMC", coverage.study("SMC", 2.0, 0.5, 3, 4).report.error.high)


def test_numbers_of_some_chapters_against_the_library_itself(page):
    visit(page, "perfect_prm")
    wait_for(page, "Exact error of SMC", perfect.product_curve(64)[3])
    page.get_by_label("Tokens H").first.focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "Particles for an error of 0.1", perfect.enough(128, 0.1))
    wait_for(page, "Exact bias", perfect.bias(64, 16)["Exact bias"])
    visit(page, "first_order")
    wait_for(page, "A", first_order.constant("product", 64).value)
    visit(page, "better_answers")
    wait_for(page, "Accuracy of the output", better.early(4.0, 4)["accuracy"])
    visit(page, "myopic_limit")
    wait_for(page, "best of all myopic filters: P(E)", myopic.deep(2)[1]["P(E)"])


def test_a_file_on_an_exported_page_is_told_what_it_needs(page):
    visit(page, "your_model")
    assert page.get_by_label("Drop a problem file").is_disabled()
    assert page.get_by_text("A file needs the running program").is_visible()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_each_chapter_opens_in_the_running_app(live, chapter):
    live.goto(f"{chapter.name}/")
    live.wait_for_function(IDLE)
    now = shown(live)
    for panel in chapter.all_panels():
        assert now[panel.name] == told(panel, panel.defaults())


def test_the_running_app_computes_what_no_exported_page_knows(live):
    visit(live, "coverage_and_error", "#coverage=2.5")
    live.get_by_label("PRM error").focus()
    seconds = []
    for sigma in (0.6, 0.7, 0.8):
        made = coverage.study("SMC", 2.5, sigma, 3, 4).report
        begin = time.perf_counter()
        live.keyboard.press("ArrowRight")
        wait_for(live, "Exact error of SMC", made.error.high)
        seconds.append(time.perf_counter() - begin)
        for v in made.verdicts:
            wait_for(live, f"{v.id}: Value", v.value)
    if TIMED:
        assert sorted(seconds)[1] < 0.5
    live.get_by_label("Tokens H").focus()
    live.keyboard.press("ArrowRight")
    live.get_by_label("Particles N").focus()
    live.keyboard.press("End")
    live.get_by_text("Capped: with 4 tokens").wait_for()
    wait_for(live, "Exact error of SMC", coverage.study("SMC", 2.5, 0.8, 4, 4).report.error.high)


def test_a_dropped_file_gets_verdicts_or_one_line(live, tmp_path):
    visit(live, "your_model")
    wait_for(live, "Exact error", SMC(4).exact_law(open_problem("reference")).tv)
    bad = tmp_path / "bad.json"
    bad.write_text('{"format": "particlebounds-problem/1", "stages": [{"probs": [[0.5, 0.6]]}], '
                   '"reward": [1, 2], "prm": "exact"}')  # fmt: skip
    upload = live.get_by_label("Drop a problem file")
    upload.set_input_files(bad)
    with pytest.raises(InputError) as fault:
        load_problem(bad)
    alert = live.get_by_role("alert").filter(has_text="bad.json")
    alert.wait_for()
    assert alert.inner_text() == str(fault.value).replace(str(bad), "bad.json")
    good = tmp_path / "good.json"
    problem = open_problem("random-tree:horizon=3,seed=4")
    save_problem(problem, good)
    upload.set_input_files(good)
    wait_for(live, "Exact error", SMC(4).exact_law(problem).tv)
    assert live.get_by_role("alert").filter(has_text="bad.json").count() == 0

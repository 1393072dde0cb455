"""The teaching app in a real browser, at two widths, without a network."""

import os
import time

import pytest

from scripts.demo.catalogue import CHAPTERS
from scripts.demo.lessons import accuracy, coverage, myopic, particles, perfect
from scripts.demo.page import show
from simulator import SMC, InputError, open_problem, save_problem
from simulator.problem.files import load_problem

# `make demo-test` runs these alone on the machine; elsewhere a time says nothing
TIMED = os.environ.get("DEMO_TIMED") == "1"


def wait_for(page, name, value):
    """Wait until the number of this name shows the value."""
    page.wait_for_function(
        "([name, text]) => [...document.querySelectorAll('[data-name]')]"
        ".some(e => e.dataset.name === name && e.textContent === text)",
        arg=[name, show(value)],
    )


def slider(page, label):
    return page.locator("marimo-slider", has_text=label).get_by_role("slider").first


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)
def test_each_chapter_opens_from_the_index_and_keeps_its_answer_folded(page, chapter, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("./")
    page.get_by_role("link", name=chapter.title).click()
    page.get_by_role("heading", level=1, name=chapter.title).wait_for()
    assert page.get_by_text("Try first.").is_visible()
    fold = page.get_by_role("button", name="Answer", exact=True)
    fold.wait_for()
    assert fold.get_attribute("aria-expanded") == "false"
    fold.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("e => e.ariaExpanded === 'true'", arg=fold.element_handle())
    page.wait_for_load_state("networkidle")
    for image in page.locator(".pb-picture img").all():
        assert len(image.get_attribute("alt")) > 40
    for drawing in page.locator(".pb-picture svg").all():
        assert len(drawing.get_attribute("aria-label")) > 40
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_text("An internal error").count() == 0


def test_the_film_of_a_run_goes_forth_and_back_and_plays(page):
    page.goto("./particle_filter/")
    made = particles.film(particles.tree(particles.TREES[0]), 6, seed=1)
    steps = page.locator(".pb-steps")

    def expect(step):
        page.wait_for_function(
            "text => document.querySelector('.pb-steps')?.textContent === text",
            arg=f"Step {step} of {len(made.frames) - 1}. {made.frames[step].text}",
        )

    expect(0)
    forth = page.get_by_role("button", name="Next", exact=True)
    forth.focus()
    for step in (1, 2, 3):
        page.keyboard.press("Enter")  # the focus stays where it is
        expect(step)
    founders = made.frames[3].founders.tolist()
    shown = page.locator(".pb-particle text").all_text_contents()
    assert shown == [str(f + 1) for f in founders]
    wait_for(page, "Founders with descendants", len(set(founders)))
    page.get_by_role("button", name="Back", exact=True).click()
    expect(2)
    page.locator("marimo-dropdown", has_text="Speed").locator("select").select_option("fast")
    page.get_by_role("switch").click()
    expect(len(made.frames) - 1)
    page.get_by_role("switch").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(0)
    wait_for(
        page, "Exact error of the output's law", SMC(6).exact_law(open_problem("reference")).tv
    )
    n = slider(page, "Particles N")
    n.focus()
    page.keyboard.press("ArrowRight")
    wait_for(
        page, "Exact error of the output's law", SMC(7).exact_law(open_problem("reference")).tv
    )
    assert steps.count() == 1


def test_sliders_of_coverage_and_error_move_the_numbers_to_the_library_s(page):
    page.goto("./coverage_and_error/")
    name = "Exact error of SMC"
    wait_for(page, name, coverage.study("SMC", 2.0, 0.5, 3, 4).report.error.high)
    seconds = []
    for label, settings in {
        "Coverage C": [(2.5, 0.5), (3.0, 0.5), (3.5, 0.5)],
        "PRM error": [(3.5, 0.6), (3.5, 0.7), (3.5, 0.8)],
    }.items():
        slider(page, label).focus()
        for c, sigma in settings:
            made = coverage.study("SMC", c, sigma, 3, 4).report
            begin = time.perf_counter()
            page.keyboard.press("ArrowRight")
            wait_for(page, name, made.error.high)
            seconds.append(time.perf_counter() - begin)
            for v in made.verdicts:
                wait_for(page, f"{v.id}: Value", v.value)
    if TIMED:
        assert sorted(seconds)[3] < 0.5
    slider(page, "Tokens H").focus()
    page.keyboard.press("ArrowRight")
    slider(page, "Particles N").focus()
    page.keyboard.press("End")
    page.get_by_text("Capped: with 4 tokens").wait_for()
    wait_for(page, name, coverage.study("SMC", 3.5, 0.8, 4, 4).report.error.high)


def test_numbers_of_the_perfect_prm(page):
    page.goto("./perfect_prm/")
    wait_for(page, "Exact error of SMC", perfect.product_curve(64)[3])
    slider(page, "Tokens H").focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "Exact error of SMC", perfect.product_curve(128)[3])
    wait_for(page, "Particles for an error of 0.1", perfect.enough(128, 0.1))
    wait_for(page, "Exact bias", perfect.bias(64, 16)["Exact bias"])
    wait_for(page, "SMC-RS, N = 1: Error", 0)


def test_numbers_of_the_myopic_limit(page):
    page.goto("./myopic_limit/")
    wait_for(page, "lookahead SMC-RS: P(E)", myopic.simple(1)[-1]["P(E)"])
    slider(page, "Particles N").focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "SMC: Theorem allows", 1.0)
    wait_for(page, "best of all myopic filters: P(E)", myopic.deep(2)[1]["P(E)"])


def test_numbers_of_accuracy(page):
    page.goto("./accuracy_and_error/")
    wait_for(page, "Accuracy", accuracy.row(3, 1.0, 0.3)["accuracy"])
    slider(page, "Sharpness").focus()
    page.keyboard.press("End")
    wait_for(page, "Accuracy", accuracy.row(3, 8.0, 0.3)["accuracy"])
    wait_for(page, "Exact sampling error", accuracy.row(3, 8.0, 0.3)["error"])


def test_a_dropped_file_gets_verdicts_or_one_line(page, tmp_path):
    page.goto("./your_model/")
    wait_for(page, "Exact error", SMC(4).exact_law(open_problem("reference")).tv)
    bad = tmp_path / "bad.json"
    bad.write_text('{"format": "particlebounds-problem/1", "stages": [{"probs": [[0.5, 0.6]]}], '
                   '"reward": [1, 2], "prm": "exact"}')  # fmt: skip
    upload = page.locator("input[type=file]")
    upload.set_input_files(bad)
    with pytest.raises(InputError) as fault:
        load_problem(bad)
    alert = page.get_by_role("alert").filter(has_text="bad.json")
    alert.wait_for()
    assert alert.inner_text() == str(fault.value).replace(str(bad), "bad.json")
    good = tmp_path / "good.json"
    problem = open_problem("random-tree:horizon=3,seed=4")
    save_problem(problem, good)
    upload.set_input_files(good)
    wait_for(page, "Exact error", SMC(4).exact_law(problem).tv)
    assert page.get_by_role("alert").filter(has_text="bad.json").count() == 0

"""Chapter 1: a particle filter on a small tree, step by step, and the genealogy of a longer run."""

import marimo

app = marimo.App(width="medium", app_title="1. What a particle filter does", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from scripts.demo import page
    from scripts.demo.genealogy_picture import genealogy_picture
    from scripts.demo.lessons import particles as lesson
    from scripts.demo.tree_picture import tree_picture

    return genealogy_picture, lesson, mo, page, tree_picture


@app.cell
def _(page):
    page.opening(
        "particle_filter",
        "Press *Next* until the end, several times with *New run*. Which leaf wins too often, "
        "and would more particles help?",
        "A base model writes tokens; the number under a node is the guess V̂ of a reward model "
        "how good the prefix will turn out. Thick branches are likely ones. The filter wants to "
        "draw leaves in proportion to likelihood × reward: the blue bars.",
    )
    return


@app.cell
def _(lesson, mo):
    tree = mo.ui.dropdown(lesson.TREES, value=lesson.TREES[0], label="Tree with")
    particles = mo.ui.slider(
        1, lesson.MOST_PARTICLES, value=6, label="Particles N", show_value=True
    )
    run = mo.ui.button(value=1, on_click=lambda v: v + 1, label="New run")
    get_step, set_step = mo.state(0)
    play = mo.ui.switch(label="Play")
    speed = mo.ui.dropdown(
        {"slow": "2.5s", "normal": "1.2s", "fast": "0.6s"}, value="normal", label="Speed"
    )
    return get_step, particles, play, run, set_step, speed, tree


@app.cell
def _(lesson, particles, run, set_step, tree):
    problem = lesson.tree(tree.value)
    film = lesson.film(problem, particles.value, run.value)
    law = lesson.exact_law(tree.value, particles.value)
    last = len(film.frames) - 1
    set_step(0)
    return film, last, law, problem


@app.cell
def _(last, mo, set_step):
    start = mo.ui.button(label="Start", on_click=lambda _: set_step(0))
    back = mo.ui.button(label="Back", on_click=lambda _: set_step(lambda s: max(s - 1, 0)))
    forth = mo.ui.button(label="Next", on_click=lambda _: set_step(lambda s: min(s + 1, last)))
    return back, forth, start


@app.cell
def _(mo, play, speed):
    clock = mo.ui.refresh(default_interval=speed.value) if play.value else mo.ui.text()
    mo.Html(f'<div style="display: none">{clock}</div>')
    return (clock,)


@app.cell
def _(clock, last, play, set_step):
    if play.value and clock.value:
        set_step(lambda s: min(s + 1, last))
    return


@app.cell
def _(back, forth, mo, page, particles, play, run, speed, start, tree):
    mo.vstack(
        [page.row([tree, particles, run]), page.row([start, back, forth, play, speed])], gap=0.75
    )
    return


@app.cell
def _(film, get_step, last, law, lesson, mo, page, problem, tree_picture):
    step = min(get_step(), last)
    frame = film.frames[step]
    mo.vstack(
        [
            mo.Html(
                f'<p class="pb-steps" aria-live="polite">Step {step} of {last}. {frame.text}</p>'
            ),
            page.row(
                [
                    tree_picture(problem, frame, law.law),
                    page.numbers(lesson.numbers(problem, film, frame, law), "In numbers"),
                ]
            ),
        ]
    )
    return


@app.cell
def _(lesson, mo):
    lineages = mo.ui.slider(2, 32, value=12, label="Particles N", show_value=True)
    scheme = mo.ui.dropdown(
        list(lesson.SCHEMES), value="multinomial, every level", label="Resampling"
    )
    rerun = mo.ui.button(value=1, on_click=lambda v: v + 1, label="Another run")
    return lineages, rerun, scheme


@app.cell
def _(genealogy_picture, lesson, lineages, mo, page, rerun, scheme):
    family = lesson.genealogy(scheme.value, lineages.value, rerun.value)
    mo.vstack(
        [
            mo.md(
                "## The genealogy collapses\n\nA longer run, on the product instance of chapter 3 "
                "with a perfect reward model. Blue lineages reach the end, grey ones died."
            ),
            page.row([lineages, scheme, rerun]),
            page.row(
                [
                    genealogy_picture(family),
                    page.numbers(
                        {
                            "Ancestors at level 1": int(family.survivors[1]),
                            "Ancestors at level 16": int(family.survivors[16]),
                            "One common ancestor up to level": family.common,
                        },
                        "Of the last cloud",
                    ),
                ]
            ),
        ]
    )
    return


@app.cell
def _(law, lesson, page, particles, tree):
    leaf, got, wanted = lesson.most_favoured(law)
    errors = lesson.errors(tree.value)
    page.answer(
        f"With N = {particles.value}, leaf **{leaf}** comes out with probability {got:.3f} where "
        f"the target gives {wanted:.3f}. The estimate of Z is right on average for every N (its "
        f"mean is {law.mean_w_over_z:.6g} Z), yet the law of one output is not the target: weights "
        "are divided by their sum, and a cloud of lucky weights counts no more than one of poor "
        "ones. More particles help: the exact error is "
        + ", ".join(f"{e:.4f} with N = {n}" for n, e in errors.items())
        + ". Resampling keeps the cloud where the value is, and pays with lineages: soon all "
        "particles share their first tokens. Systematic resampling, and resampling only when the "
        "weights have become uneven, keep more of them alive."
    )
    return


if __name__ == "__main__":
    app.run()

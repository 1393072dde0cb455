"""Chapter 4: the recursive trap; filters fall for it and lookahead escapes."""

import marimo

app = marimo.App(width="medium", app_title="4. The myopic limit", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from scripts.demo import myopic_pictures as pictures
    from scripts.demo import page
    from scripts.demo.lessons import myopic as lesson

    return lesson, mo, page, pictures


@app.cell
def _(mo, page, pictures):
    mo.vstack(
        [
            page.opening(
                "myopic_limit",
                "Watch SMC with one particle, then add particles. Then ask the same of two "
                "levels: how many does SMC need there, and how many does the best filter need?",
                "A label is a fair bit. If it equals a hidden bit it multiplies the reward by "
                "1 + θ, else by 1 − θ; but the reward model takes it into account only at the "
                "*reveal*, when it can no longer be changed. A filter is *myopic* if it keeps at "
                "most N prefixes and judges them by V̂ up to the present token.",
            ),
            pictures.trap_picture(),
        ]
    )
    return


@app.cell
def _(mo):
    particles = mo.ui.slider(
        steps=[1, 2, 3, 4, 8, 16, 32, 64], value=1, label="Particles N", show_value=True
    )
    run = mo.ui.button(value=1, on_click=lambda v: v + 1, label="Other runs")
    return particles, run


@app.cell
def _(lesson, mo, page, particles, pictures, run):
    rows = lesson.simple(particles.value)
    mo.vstack(
        [
            mo.md(
                "## One level\n\nThe event E: at least 12 of the 16 labels are good (θ = 0.75). "
                "Six outputs of each sampler:"
            ),
            page.row([particles, run]),
            page.row(
                [
                    pictures.labels_picture(lesson.good_labels(particles.value, run.value)),
                    mo.vstack(
                        [
                            page.table(rows, f"How often outputs are in E, N = {particles.value}"),
                            page.note(
                                "From 2000 runs each, 16,000/N if that is less. The theorem limits "
                                "the mean over hidden bits; 1 means anything. Lookahead judges a "
                                "particle by the mean of V̂ one token ahead."
                            ),
                        ]
                    ),
                ]
            ),
        ]
    )
    return


@app.cell
def _(lesson, mo):
    deep_particles = mo.ui.slider(
        steps=list(lesson.DEEP_PARTICLES), value=2, label="Particles N", show_value=True
    )
    return (deep_particles,)


@app.cell
def _(deep_particles, lesson, mo, page):
    mo.vstack(
        [
            mo.md(
                "## Two levels\n\nNow a label is revealed only after a whole block of 42 inner "
                "labels (θ = 0.5, 5,848 tokens). E: in at least 43 of the 68 copies the outer "
                "label is good and at least 27 of its inner labels are."
            ),
            page.row([deep_particles]),
            page.table(lesson.deep(deep_particles.value), f"How often, N = {deep_particles.value}"),
            page.note(
                "60 runs each, and N up to 128, to answer at once; 'particlebounds reproduce hard' "
                "runs three levels and more samplers. The best of all myopic filters is the exact "
                "value of a game."
            ),
        ]
    )
    return


@app.cell
def _(lesson, page):
    one = {r["Sampler"]: r["P(E)"] for r in lesson.simple(1)}
    four = {r["Sampler"]: r["P(E)"] for r in lesson.simple(4)}
    two_best = {r["Sampler"]: r["P(E)"] for r in lesson.deep(2)}
    three = {r["Sampler"]: r["P(E)"] for r in lesson.deep(3)}
    many = {r["Sampler"]: r["P(E)"] for r in lesson.deep(128)}
    page.answer(
        "One particle has to guess each label: it ends in E with probability "
        f"{one['SMC']:.3f}, while the target does with {one['target']:.3f}. Two particles *could* "
        "hold both labels until the reveal, but SMC holds them by luck only: with N = 4 it is at "
        f"{four['SMC']:.2f}. Looking one token ahead shows the label at once; with rejection one "
        f"particle is then enough ({one['lookahead SMC-RS']:.2f}). With two levels no myopic "
        "filter whatsoever with N = 2 exceeds "
        f"{two_best['best of all myopic filters']:.3f}; with three the best one reaches "
        f"{three['best of all myopic filters']:.2f}, and a filter that holds both labels half of "
        f"the time {three['time-sharing of labels']:.2f}. SMC with 128 is at {many['SMC']:.2f}. "
        "n levels defeat every myopic filter with n particles; the horizon that this takes grows "
        "so fast that theorem 3.9 rules out N(H) = log H/(4 log log H) particles, no more."
    )
    return


if __name__ == "__main__":
    app.run()

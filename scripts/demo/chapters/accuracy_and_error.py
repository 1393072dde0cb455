"""Chapter 5: a sharper PRM gives more right answers from a worse sampler."""

import marimo

app = marimo.App(width="medium", app_title="5. Accuracy is not sampling error", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from scripts.demo import accuracy_pictures as pictures
    from scripts.demo import page
    from scripts.demo.lessons import accuracy as lesson

    # all settings at once: 2 s, so that each slider then answers at once
    for n in lesson.PARTICLES:
        for noise in lesson.SIGMAS:
            lesson.curve(n, noise)
    return lesson, mo, page, pictures


@app.cell
def _(page):
    page.opening(
        "accuracy_and_error",
        "Find the sharpness λ with the most right answers. Is it the one with the least error?",
        "A real language model writes three-digit numbers (digits 1, 2, 4 and 9) that are to be "
        "divisible by 7. The reward is 1.3 for a right answer and 0.3 for another one, and "
        "V̂ = (V* · noise)^λ: λ = 1 without noise is perfect, a larger λ is a sharper, worse guess.",
    )
    return


@app.cell
def _(lesson, mo):
    power = mo.ui.slider(
        steps=list(lesson.LAMBDAS), value=1.0, label="Sharpness λ", show_value=True
    )
    sigma = mo.ui.slider(steps=list(lesson.SIGMAS), value=0.3, label="Noise σ", show_value=True)
    particles = mo.ui.slider(
        steps=list(lesson.PARTICLES), value=3, label="Particles N", show_value=True
    )
    return particles, power, sigma


@app.cell
def _(lesson, mo, page, particles, pictures, power, sigma):
    setting = (particles.value, power.value, sigma.value)
    here = lesson.row(*setting)
    mo.vstack(
        [
            page.row([power, sigma, particles]),
            page.row(
                [
                    pictures.accuracy_picture(*setting),
                    pictures.scatter_picture(*setting),
                    page.numbers(
                        {
                            "Accuracy": here["accuracy"],
                            "Accuracy of the target": here["target"],
                            "Exact sampling error": here["error"],
                            "Largest χ² of a level": here["chi2"],
                        },
                        f"λ = {power.value:g}, σ = {sigma.value:g}, N = {particles.value}",
                    ),
                ]
            ),
            page.note("Capped at N = 3: the law over 64 answers is enumerated exactly."),
        ]
    )
    return


@app.cell
def _(lesson, page, particles, sigma):
    made = lesson.curve(particles.value, sigma.value)
    best = max(range(len(made)), key=lambda i: made[i]["accuracy"])
    least = min(range(len(made)), key=lambda i: made[i]["error"])
    page.answer(
        f"With N = {particles.value} and σ = {sigma.value:g} the accuracy is highest at "
        f"λ = {lesson.LAMBDAS[best]:g} ({made[best]['accuracy']:.3f}, where the target has "
        f"{made[best]['target']:.3f}), the error least at λ = {lesson.LAMBDAS[least]:g} "
        f"({made[least]['error']:.3f}; at the best accuracy it is {made[best]['error']:.3f}). "
        "The target itself is often wrong, since wrong answers keep a reward of 0.3. A sharp "
        "reward model draws the filter to right answers, away from the target. The criteria of "
        "the theorems govern how well one *samples the target*; whether the target is what one "
        "wants is another question (Fig. 4 of the paper)."
    )
    return


if __name__ == "__main__":
    app.run()

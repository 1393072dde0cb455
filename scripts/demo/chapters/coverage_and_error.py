"""Chapter 2: two sliders, coverage and the error of the PRM; exact law and bounds move live."""

import marimo

app = marimo.App(width="medium", app_title="2. Coverage and PRM error", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from scripts.demo import page
    from scripts.demo.coverage_picture import coverage_picture
    from scripts.demo.lessons import coverage as lesson

    return coverage_picture, lesson, mo, page


@app.cell
def _(page):
    page.opening(
        "coverage_and_error",
        "Set the error of the reward model to 0, then the coverage to 1. Which of the two alone "
        "still leaves an error, and which bounds notice?",
        "The target tosses fair coins, but the base model picks token 1 with probability 1/(2C) "
        "only: its *action-level coverage* is C (assumption 3.1). The reward model reports the "
        "true value times exp(σ · normal noise).",
    )
    return


@app.cell
def _(lesson, mo):
    coverage = mo.ui.slider(1, 8, step=0.5, value=2, label="Coverage C", show_value=True)
    sigma = mo.ui.slider(0, 2, step=0.1, value=0.5, label="PRM error σ", show_value=True)
    horizon = mo.ui.slider(2, 4, value=3, label="Tokens H", show_value=True)
    particles = mo.ui.slider(1, 8, value=4, label="Particles N", show_value=True)
    sampler = mo.ui.dropdown(list(lesson.SAMPLERS), value="SMC", label="Sampler")
    noise = mo.ui.button(value=1, on_click=lambda v: v + 1, label="Other noise")
    return coverage, horizon, noise, particles, sampler, sigma


@app.cell
def _(coverage, horizon, lesson, mo, noise, page, particles, sampler, sigma):
    most = lesson.MOST[horizon.value]
    capped = (
        f"Capped: with {horizon.value} tokens the law is enumerated up to N = {most}, to answer "
        f"at once; N = {most} is shown."
        if particles.value > most
        else f"Dots: exact, N up to {most} here. Shaded: bounds that say nothing."
    )
    mo.vstack(
        [
            page.row([coverage, sigma, horizon, particles]),
            page.row([sampler, noise]),
            page.note(capped),
        ],
        gap=0.5,
    )
    return (most,)


@app.cell
def _(coverage, horizon, lesson, most, noise, particles, sampler, sigma):
    n = min(particles.value, most)
    setting = (sampler.value, coverage.value, sigma.value, horizon.value, n, noise.value)
    made = lesson.study(*setting)
    return made, n


@app.cell
def _(coverage, coverage_picture, horizon, lesson, made, mo, n, noise, page, sampler, sigma):
    problem = lesson.coverage_problem(coverage.value, sigma.value, horizon.value, noise.value)
    mo.vstack(
        [
            page.row(
                [
                    coverage_picture(made, n),
                    mo.vstack(
                        [
                            page.numbers(
                                {
                                    f"Exact error of {sampler.value}": made.report.error.high,
                                    **lesson.criteria_of(problem),
                                },
                                f"With N = {n}",
                            ),
                            page.table(
                                [
                                    {
                                        "Bound": v.id,
                                        "It says": v.title,
                                        "Value": v.value,
                                        "Verdict": v.status + (", vacuous" if v.vacuous else ""),
                                    }
                                    for v in made.report.verdicts
                                ],
                                "Bounds",
                            ),
                        ]
                    ),
                ]
            ),
        ]
    )
    return


@app.cell
def _(coverage, horizon, lesson, n, noise, page, sigma):
    place = (horizon.value, n, noise.value)
    only_coverage = lesson.study("SMC", coverage.value, 0.0, *place)
    only_error = lesson.study("SMC", 1.0, sigma.value, *place)
    rejection = lesson.study("SMC-RS", coverage.value, 0.0, *place)
    page.answer(
        f"Each alone is enough. With C = {coverage.value:g} and a perfect reward model the error "
        f"is {only_coverage.report.error.high:.4f}; with C = 1 and σ = {sigma.value:g} it is "
        f"{only_error.report.error.high:.4f}. Every bound for SMC grows with both sliders, and "
        "none is 0 for σ = 0: SMC weights particles *after* their token is drawn, so that even "
        "true values make uneven weights. SMC-RS draws the token by rejection, which costs more "
        "proposals as C grows, but leaves "
        f"{max(rejection.report.error.high, 0.0):.1g} of the error when σ = 0: its bounds "
        "(3.8, S-RS) speak of χ² only. Look also at the slopes: theorem 3.2 and S1 fall like "
        "1/√N, the error itself and the bounds J, F-star and T like 1/N."
    )
    return


if __name__ == "__main__":
    app.run()

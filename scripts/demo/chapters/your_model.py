"""Chapter 6: drop a problem file and see its criteria, its error and a verdict on every bound."""

import marimo

app = marimo.App(width="medium", app_title="6. Your own model", css_file="page.css")


@app.cell
def _():
    import html

    import marimo as mo

    from scripts.demo import page
    from scripts.demo.lessons import own as lesson
    from simulator import InputError, open_problem

    return InputError, html, lesson, mo, open_problem, page


@app.cell
def _(page):
    page.opening(
        "your_model",
        "Save the example as a file, change one number of its reward model (`prm`), and drop it. "
        "Which bound notices first, and does the error follow?",
        "A problem file is a table of next-token probabilities for each stage, a reward for each "
        "end, and the reward model's guesses level by level.",
    )
    return


@app.cell
def _(lesson, mo):
    dropped = mo.ui.file(
        filetypes=[".json", ".npz"], kind="area", max_size=lesson.MOST_BYTES,
        label="Drop a problem file (.json or .npz), or press Enter to choose one",
    )  # fmt: skip
    example = mo.ui.dropdown(list(lesson.EXAMPLES), value="reference", label="Or an example")
    sampler = mo.ui.dropdown(list(lesson.SAMPLERS), value="smc", label="Sampler")
    particles = mo.ui.slider(
        1, lesson.MOST_PARTICLES, value=4, label="Particles N", show_value=True
    )
    return dropped, example, particles, sampler


@app.cell
def _(InputError, dropped, example, html, lesson, mo, open_problem, page):
    problem, fault = None, ""
    try:
        if dropped.value:
            problem = lesson.read(dropped.value[0].name, dropped.value[0].contents)
        else:
            problem = open_problem(example.value)
    except InputError as found:
        fault = str(found)
    shown = (
        mo.Html(f'<p class="pb-error" role="alert">{html.escape(fault)}</p>')
        if fault
        else page.note(f"Shown: {dropped.value[0].name if dropped.value else example.value}")
    )
    return problem, shown


@app.cell
def _(dropped, example, lesson, mo, page, particles, sampler, shown):
    mo.vstack(
        [
            dropped,
            page.row([example, sampler, particles]),
            shown,
            page.note(
                f"Capped: files up to 2 MB, N up to {lesson.MOST_PARTICLES}; the error is exact "
                "where enumerating takes no time, else a certified bracket from "
                f"{lesson.N_RUNS} runs. The bounds T and Z are left to "
                "'particlebounds check FILE', which has no such limits."
            ),
        ],
        gap=0.75,
    )
    return


@app.cell
def _(InputError, html, lesson, mo, page, particles, problem, sampler):
    mo.stop(problem is None)
    try:
        error, rows = lesson.verdicts(problem, sampler.value, particles.value)
        found = [page.numbers(error, f"{sampler.value}, N = {particles.value}")]
        found += [page.table(rows, "Bounds")] if rows else [page.note("No bound speaks of it.")]
    except InputError as refused:
        found = [mo.Html(f'<p class="pb-error" role="alert">{html.escape(str(refused))}</p>')]
    page.row([mo.vstack(found), page.numbers(lesson.criteria_of(problem), "The problem")])
    return


@app.cell
def _(lesson, mo, problem):
    mo.stop(problem is None)
    mo.download(
        lambda: lesson.example_file(problem), filename="problem.json", label="Save as a file"
    )
    return


@app.cell
def _(page):
    page.answer(
        "The bounds that hold at every level at once, L and F-star, follow the single worst "
        "node, however rarely it is visited. 3.2 and S1 weigh it by the target (χ²), and J path "
        "by path. The error moves only as far as the target cares about the node. A zero where "
        "the target goes (lost mass) makes 1.1, 3.2, C.4, S1, S2, L and F-star infinite; J and the "
        "profiles 3.5 and C.6 count the lost outputs. No number of particles brings them back."
    )
    return


if __name__ == "__main__":
    app.run()

"""Chapter 3: instances without PRM error that need many particles, and the repair by rejection."""

import marimo

app = marimo.App(
    width="medium", app_title="3. A perfect reward model is not enough", css_file="page.css"
)


@app.cell
def _():
    import marimo as mo

    from scripts.demo import page
    from scripts.demo import perfect_pictures as pictures
    from scripts.demo.lessons import perfect as lesson

    return lesson, mo, page, pictures


@app.cell
def _(page):
    page.opening(
        "perfect_prm",
        "Double the number of tokens four times. How many more particles keep the error at 0.1?",
        "Here V̂ = V*: the reward model knows the value of every prefix. In the *product instance* "
        "(C.8) each of H bits is fair under the base model, and a one is worth twice a zero.",
    )
    return


@app.cell
def _(lesson, mo):
    tokens = mo.ui.slider(
        steps=[2**k for k in range(2, 15)], value=64, label="Tokens H", show_value=True
    )
    particles = mo.ui.slider(
        steps=list(lesson.PARTICLES), value=8, label="Particles N", show_value=True
    )
    return particles, tokens


@app.cell
def _(lesson, mo, page, particles, pictures, tokens):
    curve = lesson.product_curve(tokens.value)
    error = curve[lesson.PARTICLES.index(particles.value)]
    mo.vstack(
        [
            page.row([tokens, particles]),
            page.row(
                [
                    pictures.product_picture(tokens.value, particles.value, scaled=False),
                    pictures.product_picture(tokens.value, particles.value, scaled=True),
                ]
            ),
            page.numbers(
                {
                    "Exact error of SMC": error,
                    "N / √H": particles.value / tokens.value**0.5,
                    "Particles for an error of 0.1": lesson.enough(tokens.value, 0.1),
                },
                f"H = {tokens.value}, N = {particles.value}",
            ),
        ]
    )
    return


@app.cell
def _(mo):
    length = mo.ui.slider(
        steps=[2**k for k in range(1, 13)], value=64, label="Tokens H", show_value=True
    )
    cloud = mo.ui.slider(
        steps=[2**k for k in range(8)], value=16, label="Particles N", show_value=True
    )
    return cloud, length


@app.cell
def _(cloud, length, lesson, mo, page, pictures):
    mo.vstack(
        [
            mo.md(
                "## Two branches: N of order H\n\nThe first bit chooses a branch, each with "
                "probability ½ under the target. Branch 0 is quiet. In branch 1 every later bit "
                "multiplies the value by ½ or 3⁄2. Whenever weights there fluctuate, the branch "
                "loses a little of its share, and nothing gives it back."
            ),
            page.row([length, cloud]),
            page.row(
                [
                    pictures.two_branch_picture(length.value, cloud.value),
                    page.numbers(
                        lesson.bias(length.value, cloud.value),
                        f"H = {length.value}, N = {cloud.value}",
                    ),
                ]
            ),
            page.note(
                f"Capped at N = {lesson.TWO_BRANCH_MOST}: the exact chain on 0..N takes longer "
                "beyond. The lower bound is proved for N ≥ 5."
            ),
        ]
    )
    return


@app.cell
def _(lesson, mo, page, particles, tokens):
    mo.vstack(
        [
            mo.md(
                "## Rejection repairs it\n\nSMC-RS (Algorithm 2) proposes a parent and a token, "
                "and accepts with probability proportional to V̂(child)/V̂(parent). If V̂ = V* one "
                "particle is enough, at the price of more evaluations a token."
            ),
            page.table(
                lesson.repair(tokens.value, particles.value),
                f"The product instance with H = {tokens.value}",
            ),
            page.note(
                "The error of SMC-RS is certified by bound S-RS, which is 0 here; what is shown "
                "of it is rounding. Its evaluations are a mean of 16 runs."
            ),
        ]
    )
    return


@app.cell
def _(lesson, page):
    asked = {h: lesson.enough(h, 0.1) for h in (64, 256, 1024)}
    wide = [lesson.bias(h, 32)["Exact bias"] for h in (8, 32)]
    page.answer(
        "Four doublings are a factor 16 in H and about √16 = 4 in N: "
        + ", ".join(f"{n} particles for H = {h}" for h, n in asked.items())
        + ". The bits are independent, and each errs by about 4/(27N); H such errors add up like "
        "√H/N. With two branches the errors have one sign and add up like H/N: with N = 32 the "
        f"bias is {wide[0]:.4f} for H = 8 and {wide[1]:.4f} for H = 32. Bound F-star says that H/N "
        "is the worst that a perfect reward model with bounded coverage allows."
    )
    return


if __name__ == "__main__":
    app.run()

"""The index of the chapters."""

import marimo

app = marimo.App(width="medium", app_title="particlebounds: the demo", css_file="page.css")


@app.cell
def _():
    import html

    import marimo as mo

    from scripts.demo.catalogue import CHAPTERS

    return CHAPTERS, html, mo


@app.cell
def _(CHAPTERS, html, mo):
    entries = "".join(
        f'<li><a href="./{c.name}/" target="_self">{html.escape(c.title)}</a> '
        f"({c.minutes} minutes)<br>{html.escape(c.promise)}</li>"
        for c in CHAPTERS
    )
    mo.vstack(
        [
            mo.md(
                "# Particle filtering of language models\n\n"
                f"{len(CHAPTERS)} chapters, an hour in all. Each opens with a question to try and "
                "keeps its answer folded at the end. All numbers are exact unless they say "
                "otherwise, and are computed while you watch. Theorem numbers are those of "
                "arXiv 2603.07887."
            ),
            mo.Html(f'<ol class="pb-index">{entries}</ol>'),
        ]
    )
    return


if __name__ == "__main__":
    app.run()

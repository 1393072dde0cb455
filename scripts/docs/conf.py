"""Settings of Sphinx. It runs from the root of the repository, so that packages are found."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from scripts.docs.gallery import PAGES
from scripts.docs.pictures import draw_pictures
from scripts.docs.prose import plain
from scripts.formulas import mathml

project = "particlebounds"
author = "The particlebounds developers"
copyright = author
version = release = version_of("particlebounds")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["templates"]
exclude_patterns = ["templates"]

smartquotes = False
highlight_language = "none"  # examples are known by their >>>
default_role = "code"  # `name` in a docstring is code
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"  # numpydoc tells the types
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False

html_math_renderer = "mathml"
html_theme = "alabaster"
html_theme_options = {
    "code_font_size": "0.8em",
    "description": "Particle filtering of language models, checked exactly against its theorems",
    "fixed_sidebar": True,
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
    "page_width": "1240px",
    "show_powered_by": False,
    "sidebar_width": "270px",
}
html_static_path = ["static"]
html_css_files = ["page.css"]
html_copy_source = False
html_show_sourcelink = False


LARGE = r"\displaystyle "  # what `scripts.docs.prose.of_latex` begins with


class Registered(SphinxDirective):
    """Puts a page of `scripts.docs.gallery` where it stands."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the page as if it stood here."""
        page = PAGES[self.arguments[0]]()
        return self.parse_text_to_nodes(page, allow_section_headings=True)


def escape(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Make mathematics of the formulas in a docstring, before numpydoc reads it.

    Parameters
    ----------
    lines : list of str
        Changed in place.
    """
    lines[:] = plain(lines)


def formula(writer: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula of a line, or one on a line of its own, in MathML."""
    text = node.astext()
    large = isinstance(node, nodes.math_block) or text.startswith(LARGE)
    made = mathml(text.removeprefix(LARGE), large=large)
    writer.body.append(f"<p>{made}</p>" if isinstance(node, nodes.math_block) else made)
    raise nodes.SkipNode


def pictures(app: Sphinx) -> None:
    """Draw the figures of the gallery beside its page; ``-D draw=0`` takes what is there."""
    if app.config.draw:
        draw_pictures(Path(app.srcdir) / "pictures")


def setup(app: Sphinx) -> None:
    """Add to Sphinx what this project needs."""
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.add_config_value("draw", True, "")
    app.connect("builder-inited", pictures)
    app.add_directive("registered", Registered)
    app.connect("autodoc-process-docstring", escape, priority=100)

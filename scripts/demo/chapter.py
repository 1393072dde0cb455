"""A chapter: a question, panels of controls with what they show, and the answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.demo.controls import Control, Value
from scripts.demo.parts import Part

__all__ = ["Chapter", "Panel"]

Values = Mapping[str, Value]


@dataclass(frozen=True)
class Panel:
    """Controls, and what they show.

    Attributes
    ----------
    name : str
        In addresses.
    controls : tuple of Control
        What `show` takes, by name. A control stands in the first panel that has it.
    show : callable
        Values of the controls to named parts; the same names and kinds for all values.
    charts : mapping of str to callable
        A Vega-Lite chart for each `Drawing`, by its name.
    title, lead : str
        Heading, and Markdown below it.
    """

    name: str
    controls: tuple[Control, ...]
    show: Callable[..., Mapping[str, Part]]
    charts: Mapping[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    title: str = ""
    lead: str = ""

    def defaults(self) -> dict[str, Value]:
        """Return the values with which the page opens."""
        return {c.name: c.default for c in self.controls if c.kind != "file"}

    def settings(self) -> Iterator[dict[str, Value]]:
        """Yield all values of an exported page, those of the last control fastest."""
        asked = [c for c in self.controls if c.kind != "file"]
        for values in itertools.product(*(c.grid for c in asked)):
            yield {c.name: value for c, value in zip(asked, values, strict=True)}

    def parts(self) -> list[dict[str, Any]]:
        """Return names and kinds of the parts, in their order on the page."""
        shown = self.show(**self.defaults())
        return [
            {"name": name, "kind": part.kind, "data": part.names()} for name, part in shown.items()
        ]

    def pieces(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the pieces of all parts.

        Parameters
        ----------
        values : mapping of str to object
            Arguments of `show`.

        Raises
        ------
        InputError
            If there is nothing to show for these values; one line that says why.
        """
        return [piece for part in self.show(**values).values() for piece in part.pieces()]


@dataclass(frozen=True)
class Chapter:
    """A chapter.

    Attributes
    ----------
    name : str
        Of its file and its address.
    title : str
    minutes : int
        What a lecturer needs for it.
    promise : str
        What is to be seen in it.
    lead, question : str
        Markdown: what is to be known, and what to try first.
    panels : tuple of Panel
    answer : Panel
        Folded until it is asked for.
    files : mapping of str to callable
        Files that stand beside the page, and their content.
    """

    name: str
    title: str
    minutes: int
    promise: str
    lead: str
    question: str
    panels: tuple[Panel, ...]
    answer: Panel
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)

    def all_panels(self) -> tuple[Panel, ...]:
        """Return the panels, and the answer at the end."""
        return (*self.panels, self.answer)

    def controls(self) -> dict[str, Control]:
        """Return the controls of all panels, by name."""
        return {c.name: c for panel in self.all_panels() for c in panel.controls}

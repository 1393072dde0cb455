"""Chapters whose exported pages know little, so that they are computed fast."""

from dataclasses import replace


def thin(chapter):
    """Leave two values of each control, the default and one beside it; a film keeps its steps."""
    known = {name: _thin(control) for name, control in chapter.controls().items()}

    def panel(of):
        return replace(of, controls=tuple(known[c.name] for c in of.controls))

    return replace(
        chapter, panels=tuple(map(panel, chapter.panels)), answer=panel(chapter.answer), files={}
    )


def _thin(control):
    if control.kind in ("player", "file"):
        return control
    at = control.grid.index(control.default)
    first = min(at, len(control.grid) - 2)
    return replace(control, grid=control.grid[first : first + 2])

"""The page of the worst instances that searches have found, from the atlas."""

from __future__ import annotations

from theory.falsify.atlas import atlas as entries

__all__ = ["atlas"]


def atlas() -> str:
    """Write the table of the atlas."""
    heads = ("Statement", "Ratio", "N", "Sampler", "Instance")
    rows = [
        (e.statement, f"{e.ratio:.4f}", str(e.particles),
         f"{e.sampler} {e.options.replace(',', ', ')}".strip(), f"``{e.problem}``")
        for e in entries()
    ]  # fmt: skip
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (heads, *rows):
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"

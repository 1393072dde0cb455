"""The page of the worst instances that searches have found, from the atlas."""

from __future__ import annotations

from theory.falsify.atlas import atlas as entries

__all__ = ["atlas"]


def atlas() -> str:
    """Write the table of the atlas."""
    heads = ("Statement", "Sampler", "N", "Ratio", "Instance")
    rows = [
        (e.statement, f"{e.sampler} {e.options}".strip(), str(e.particles), f"{e.ratio:.4f}",
         f"``{e.problem}``")
        for e in entries()
    ]  # fmt: skip
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (heads, *rows):
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"

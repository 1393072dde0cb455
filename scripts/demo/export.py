"""Write the chapters as pages that open from a file, with all their numbers computed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.demo.chapter import Chapter
from scripts.demo.server import need_extra
from simulator.errors import InputError

__all__ = ["write"]


def write(folder: Path, chapters: Sequence[Chapter] | None = None) -> None:
    """Write FOLDER/index.html, FOLDER/CHAPTER/index.html and what they share.

    The pages need no program, no server and no network. A chapter knows what `Control.grid` says.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    chapters : sequence of Chapter, optional
        By default all.

    Raises
    ------
    InputError
        If the extra `demo` is not installed, or the folder cannot be written.
    """
    need_extra()
    from scripts.demo.catalogue import CHAPTERS
    from scripts.demo.page import ASSETS, asset, data_script, html_of, index_html, table_of

    def put(name: str, content: str | bytes) -> None:
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        except OSError as fault:
            raise InputError(f"{file}: {fault.strerror or 'cannot be written'}") from None

    put("index.html", index_html(live=False))
    for name in ASSETS:
        put(f"assets/{name}", asset(name)[0])
    for chapter in CHAPTERS if chapters is None else chapters:
        put(f"{chapter.name}/index.html", html_of(chapter, live=False))
        for name, content in chapter.files.items():
            put(f"{chapter.name}/{name}", content())
        tables = {panel.name: table_of(panel) for panel in chapter.all_panels()}
        put(f"{chapter.name}/data.js", data_script(chapter, tables))
        print(f"particlebounds: wrote {folder / chapter.name / 'index.html'}", file=sys.stderr)

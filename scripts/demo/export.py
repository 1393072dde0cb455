"""Write the chapters as static pages, with the browser's part of marimo beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.demo.catalogue import CHAPTERS, INDEX
from scripts.demo.server import need_extra
from simulator.errors import InputError

__all__ = ["write"]

ASSETS = "assets-of-marimo"


def write(folder: Path) -> None:
    """Write FOLDER/index.html and FOLDER/CHAPTER/index.html, to be put on any web server.

    The pages show the chapters as they open; sliders need the running demo. Nothing is asked of
    another server.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Raises
    ------
    InputError
        If the extra `demo` is not installed, or the folder cannot be written.
    """
    need_extra()
    import marimo

    static = Path(marimo.__file__).with_name("_static")
    pages = {INDEX: folder / "index.html"}
    pages |= {c.notebook: folder / c.name / "index.html" for c in CHAPTERS}
    try:
        shutil.copytree(static, folder / ASSETS, dirs_exist_ok=True)
        for notebook, page in pages.items():
            page.parent.mkdir(exist_ok=True)
            _export(notebook, page)
            up = "." if page.parent == folder else ".."
            text = page.read_text(encoding="utf-8")
            page.write_text(text.replace(_remote(), f"{up}/{ASSETS}"), encoding="utf-8")
            print(f"particlebounds: wrote {page}", file=sys.stderr)
    except OSError as fault:
        raise InputError(f"{folder}: {fault.strerror or 'cannot be written'}") from None


def _export(notebook: Path, page: Path) -> None:
    command = [sys.executable, "-m", "marimo", "--quiet", "export", "html", "--no-include-code"]
    command += ["--force", "--output", str(page), str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{notebook.name}: {done.stderr.strip().splitlines()[-1]}")


def _remote() -> str:
    """Return the address of the content network that exported pages would load marimo from."""
    from marimo import _templates

    return _templates.get_default_asset_url()

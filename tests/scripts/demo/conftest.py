"""Exported pages, the demo served on a free port, and a browser that is cut off from the net."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.demo import export
from scripts.demo.catalogue import CHAPTERS
from tests.scripts.demo.thin import thin

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def address():
    command = [sys.executable, "-m", "scripts.cli.app", "demo", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            yield server.stdout.readline().strip()
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
        finally:
            server.kill()


@pytest.fixture(scope="session")
def thin_chapters():
    return [thin(chapter) for chapter in CHAPTERS]


@pytest.fixture(scope="session")
def exported(tmp_path_factory, thin_chapters):
    """A folder of pages that know little."""
    folder = tmp_path_factory.mktemp("exported")
    export.write(folder, thin_chapters)
    return folder


@pytest.fixture(scope="session")
def offline(browser, exported):
    """Opens exported pages from files, without any network."""
    context = browser.new_context(base_url=f"{exported.as_uri()}/", offline=True)
    context.set_default_timeout(30_000)
    return context


@pytest.fixture(scope="session")
def online(browser, address):
    """Opens the running app."""
    context = browser.new_context(base_url=address)
    context.set_default_timeout(30_000)
    return context


@pytest.fixture
def page(offline):
    """A page from a file."""
    yield from _page(offline, "file")


@pytest.fixture
def live(online):
    """A page of the running app."""
    yield from _page(online, "http")


def _page(context, scheme):
    """Yield a page; fail if it asks for what is not its own, or the console complains."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    faults = []
    page.on("request", lambda r: faults.append(r.url) if not _own(r.url, scheme) else None)
    # a refused file is told to the reader; the browser also says so on the console
    page.on("console", lambda m: faults.append(m.text)
            if m.type == "error" and "400 (Bad Request)" not in m.text else None)  # fmt: skip
    page.on("pageerror", lambda e: faults.append(str(e)))
    yield page
    page.close()
    assert faults == []


def _own(url, scheme):
    parts = urlsplit(url)
    local = parts.hostname == "127.0.0.1" if scheme == "http" else True
    return parts.scheme == "data" or (parts.scheme == scheme and local)

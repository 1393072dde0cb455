"""The demo served on a free port, and a real browser that is cut off from the network."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[3]
# CI runs as root in a small container; no name but this machine's can be resolved
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip


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
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra demo")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium: make demo-test installs it")
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def context(browser, address):
    """One for all tests, so that the browser loads marimo once."""
    return browser.new_context(base_url=address)


@pytest.fixture
def page(context):
    """A page; fails if anything is asked of the network or the console complains."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    faults = []
    page.on("request", lambda r: faults.append(r.url) if not _local(r.url) else None)
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.set_default_timeout(30_000)
    yield page
    page.close()
    assert faults == []


def _local(url):
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"

"""One browser for all tests of pages: the library that drives it starts once in a process."""

import shutil

import pytest

# CI runs as root in a small container; no name but this machine's can be resolved
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip


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

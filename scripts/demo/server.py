"""Serve the chapters to this machine only."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from scripts.demo.catalogue import CHAPTERS, INDEX
from simulator.errors import InputError

__all__ = ["HOST", "application", "need_extra", "serve", "warm_up"]

HOST = "127.0.0.1"


def need_extra() -> None:
    """Complain if the extra `demo` is not installed.

    Raises
    ------
    InputError
    """
    if find_spec("marimo") is None:
        raise InputError("the demo needs the extra demo: pip install 'particlebounds[demo]'")


def application() -> Any:
    """Return the ASGI application: the index at /, each chapter at /NAME/.

    Returns
    -------
    ASGI application
    """
    import marimo

    builder = marimo.create_asgi_app(quiet=True)
    for chapter in CHAPTERS:
        builder = builder.with_app(path=f"/{chapter.name}", root=str(chapter.notebook))
    return builder.with_app(path="/", root=str(INDEX)).build()


def serve(port: int, browser: bool) -> None:
    """Serve until interrupted; the address goes to stdout once all is ready.

    Parameters
    ----------
    port : int
        0 takes a free one.
    browser : bool
        Whether to open the page.

    Raises
    ------
    InputError
        If the port is taken or the extra `demo` is not installed.
    """
    need_extra()
    import uvicorn

    try:
        listener = socket.create_server((HOST, port))
    except OSError as fault:
        raise InputError(f"port {port}: {fault.strerror}; choose another with --port") from None
    with listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        print("particlebounds: preparing the chapters", file=sys.stderr)
        warm_up()
        print(address, flush=True)
        print("particlebounds: Ctrl-C ends the demo", file=sys.stderr)
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        # open pages would keep it alive for ever
        config = uvicorn.Config(application(), log_level="error", timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    sys.stdout.flush()
    os._exit(0)  # the threads of open pages would be waited for


def warm_up() -> None:
    """Run each chapter once: what it compiles and keeps then answers the first slider at once."""
    for chapter in CHAPTERS:
        importlib.import_module(f"scripts.demo.chapters.{chapter.name}").app.run()

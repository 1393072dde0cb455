"""Serve the chapters to this machine only."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from importlib.util import find_spec

from simulator.errors import InputError

__all__ = ["HOST", "need_extra", "serve"]

HOST = "127.0.0.1"
NEEDED = ("altair", "vl_convert", "starlette", "uvicorn", "markdown_it")


def need_extra() -> None:
    """Complain if the extra `demo` is not installed.

    Raises
    ------
    InputError
    """
    if any(find_spec(name) is None for name in NEEDED):
        raise InputError("the demo needs the extra demo: pip install 'particlebounds[demo]'")


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
        from scripts.demo.application import application

        # what this computes and compiles then answers the first slider at once
        app = application()
        print(address, flush=True)
        print("particlebounds: Ctrl-C ends the demo", file=sys.stderr)
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        # open connections would keep it alive for ever
        config = uvicorn.Config(app, ws="none", log_level="error", timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    sys.stdout.flush()

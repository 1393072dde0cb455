"""The chapters as an ASGI application, which computes what their controls ask for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.demo.catalogue import CHAPTERS
from scripts.demo.chapter import Chapter, Panel
from scripts.demo.lessons.own import MOST_BYTES
from scripts.demo.page import ASSETS, asset, data_script, html_of, index_html
from simulator.errors import InputError

__all__ = ["application"]

NAMES = ["127.0.0.1", "localhost"]


def application() -> Starlette:
    """Return the ASGI application: the index at /, each chapter at /NAME/.

    Only requests to this machine by one of its own names are answered, and none that the page of
    another site makes: such a page could otherwise use a name that leads here. There are no web
    sockets. What the chapters open with is computed at once, so that all is compiled.

    Returns
    -------
    Starlette
    """
    index = index_html(live=True)
    return Starlette(
        routes=[
            *(_fixed(path, index, "text/html") for path in ("/", "/index.html")),
            *(_fixed(f"/assets/{name}", *asset(name)) for name in ASSETS),
            *(Mount(f"/{chapter.name}", routes=_routes(chapter)) for chapter in CHAPTERS),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=NAMES, www_redirect=False),
            Middleware(OwnPages),
        ],
    )


class OwnPages:
    """Refuse what the page of another site asks for.

    Parameters
    ----------
    app : ASGI application
        What answers all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None or urlsplit(origin).netloc == headers.get("host"):
            await self.app(scope, receive, send)
        else:
            refusal = PlainTextResponse("another site asked for this", status_code=403)
            await refusal(scope, receive, send)


def _routes(chapter: Chapter) -> list[Route]:
    """Return the page, its data, its files, and its panels as JSON."""
    page = html_of(chapter, live=True)
    return [
        *(_fixed(path, page, "text/html") for path in ("/", "/index.html")),
        _fixed("/data.js", data_script(chapter, None), "text/javascript"),
        *(
            _fixed(f"/{name}", content(), "application/json")
            for name, content in chapter.files.items()
        ),
        *(
            Route(f"/{panel.name}.json", _answers(panel), methods=["GET", "POST"])
            for panel in chapter.all_panels()
        ),
    ]


def _fixed(path: str, content: str | bytes, kind: str) -> Route:
    return Route(path, lambda _: Response(content, media_type=kind))


def _answers(panel: Panel) -> Any:
    """Return the endpoint of a panel: values, and a file if it takes one, to its pieces."""

    def compute(query: QueryParams, content: bytes | None) -> list[Any]:
        values: dict[str, Any] = {}
        for control in panel.controls:
            if control.kind != "file":
                text = query.get(control.name, control.text(control.default))
                values[control.name] = control.read(text)
            elif content is not None:
                values[control.name] = (query.get("file", "file"), content)
        return panel.pieces(values)

    async def answer(request: Request) -> Response:
        content = b""
        async for chunk in request.stream():
            content += chunk
            if len(content) > MOST_BYTES:
                told = f"the file has more than {MOST_BYTES} bytes"
                return PlainTextResponse(told, status_code=413)
        dropped = content if request.method == "POST" else None
        try:
            return JSONResponse(await run_in_threadpool(compute, request.query_params, dropped))
        except InputError as fault:
            return PlainTextResponse(str(fault), status_code=400)

    return answer

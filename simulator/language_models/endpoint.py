"""An address that completes texts over HTTP: asked until it answers, a bounded number of times."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.language_models.extra import http_library
from simulator.language_models.loading import one_line

if TYPE_CHECKING:
    import httpx2

__all__ = ["KEY", "Endpoint", "RefusedError", "is_address"]

KEY = "OPENAI_API_KEY"
CONNECT = 10.0  # seconds
PATIENCE = 60.0  # seconds; the longest pause that a server may ask for
AGAIN = (408, 429)  # and 5xx: statuses that may pass

Body = Mapping[str, Any]
Choice = dict[str, Any]


class RefusedError(InputError):
    """A server has understood a request and will not do it."""


class Endpoint:
    """The completions of a server.

    Connections that fail, replies that are late, cut off or no JSON, and the statuses 408, 429
    and 5xx are asked for again after `wait` seconds, then twice as many, and so on; a server may
    ask for a longer pause. Any other fault is told at once, and so is a connection that fails
    before the server has ever answered: the address is wrong then, or nobody is there yet. The
    value of the environment variable OPENAI_API_KEY is sent along and never shown.

    Parameters
    ----------
    url : str
        As http://HOST:PORT/v1.
    concurrency : int
        Requests under way at once.
    timeout : float
        Seconds without a byte after which a request has failed.
    retries : int
        How often a request that failed is sent again.
    wait : float
        Seconds before it is sent again the first time.

    Raises
    ------
    InputError
        If an argument is out of range, or the HTTP library is missing.
    """

    def __init__(
        self, url: str, *, concurrency: int, timeout: float, retries: int, wait: float
    ) -> None:
        check_int("concurrency", concurrency, 1)
        check_int("retries", retries, 0)
        check_real("timeout", timeout, 0, above=True)
        check_real("wait", wait, 0)
        self._http = http_library()
        address = self._read(url)
        self.concurrency, self.retries, self.wait = concurrency, retries, wait
        self.where = f"{address.netloc.decode()}{address.path}"
        self._address = address
        self._key = os.environ.get(KEY, "")
        self._stopped, self._answered = threading.Event(), False
        client = self._http.Client(
            timeout=self._http.Timeout(timeout, connect=min(timeout, CONNECT), pool=None),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
        )
        self._client = client
        weakref.finalize(self, client.close)

    def ask(self, bodies: Sequence[Body]) -> list[list[Choice]]:
        """Send requests, at most `concurrency` at once.

        Parameters
        ----------
        bodies : sequence of mapping
            What is sent, as JSON.

        Returns
        -------
        list of list of dict
            For each request its choices, one a prompt, in the order of the prompts.

        Raises
        ------
        RefusedError
            If the server refuses a request.
        InputError
            If a request has failed too often.
        """
        self._stopped.clear()
        pool = ThreadPoolExecutor(min(self.concurrency, max(1, len(bodies))))
        try:
            asked = [pool.submit(self._complete, body) for body in bodies]
            for answered in as_completed(asked):
                answered.result()  # the first fault is raised
            return [answered.result() for answered in asked]
        finally:  # after a fault nobody starts or pauses any more, and who waits is not waited for
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _complete(self, body: Body) -> list[Choice]:
        fault, pause = "", 0.0
        for attempt in range(self.retries + 1):
            if attempt and self._stopped.wait(max(pause, self.wait * 2 ** (attempt - 1))):
                break
            pause = 0.0
            try:
                reply = self._client.post(self._address, json=body)
            except self._http.TimeoutException as error:
                fault = f"no answer in time ({type(error).__name__})"
                continue
            except self._http.RequestError as error:
                fault = f"{type(error).__name__}: {one_line(error)}"
                if isinstance(error, self._http.ConnectError) and not self._answered:
                    raise InputError(f"{self.where}: nobody answers there; {fault}") from None
                continue
            self._answered = True
            if reply.status_code in AGAIN or reply.status_code >= 500:
                fault, pause = self._said(reply), _pause(reply)
            elif reply.status_code != 200:
                raise RefusedError(f"{self.where}: {self._said(reply)}{self._hint(reply)}")
            else:
                choices = _choices(reply.content, body)
                if choices is not None:
                    return choices
                fault = f"a reply that is cut off or no list of completions: {self._said(reply)}"
        tries = f"{self.retries + 1} tries" if self.retries else "1 try"
        raise InputError(f"{self.where}: no answer after {tries}; the last time: {fault}")

    def _said(self, reply: httpx2.Response) -> str:
        """Return what a server says that went wrong, in one line and without the key."""
        text = reply.text
        try:
            found = json.loads(text)
            inner = found.get("error", found)
            told = inner.get("message", inner.get("detail")) if isinstance(inner, dict) else inner
            text = told if isinstance(told, str) else text
        except (ValueError, AttributeError):
            pass
        if self._key:
            text = text.replace(self._key, "***")
        line = " ".join(text.split())[:200]
        return f"HTTP {reply.status_code}" + (f": {line}" if line else "")

    def _hint(self, reply: httpx2.Response) -> str:
        lacking = reply.status_code == 404 and not self._address.path.endswith("/v1/completions")
        return "; addresses of servers mostly end in /v1" if lacking else ""

    def _read(self, url: str) -> httpx2.URL:
        try:
            read = self._http.URL(url)
        except (self._http.InvalidURL, TypeError) as fault:
            raise InputError(f"model {url!r:.60}: {one_line(fault)}") from None
        if read.userinfo or read.query or read.fragment:
            raise InputError(f"model: the address holds more than a host and a path; a key: {KEY}")
        if read.scheme not in ("http", "https") or not read.host:
            raise InputError(f"model {url!r:.60}: not an address as http://HOST:PORT/v1")
        return read.copy_with(path=f"{read.path.rstrip('/')}/completions")


def is_address(name: str) -> bool:
    """Whether the name of a model is the address of a server.

    Parameters
    ----------
    name : str
        What a user gives as a model.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_address("http://127.0.0.1:8000/v1"), is_address("smollm2-135m")
    (True, False)
    """
    return name.lower().startswith(("http://", "https://"))


def _pause(reply: httpx2.Response) -> float:
    """Seconds that a busy server asks for."""
    told = reply.headers.get("retry-after", "")
    return min(float(told), PATIENCE) if told.isdecimal() else 0.0


def _choices(content: bytes, body: Body) -> list[Choice] | None:
    """Completions of all prompts in their order; None if the reply does not hold them."""
    prompts = body["prompt"]
    n = 1 if isinstance(prompts, str) else len(prompts)
    try:
        choices: list[Choice] = json.loads(content)["choices"]
        choices = sorted(choices, key=lambda choice: int(choice["index"]))
        fine = [c["index"] for c in choices] == list(range(n)) and all(
            isinstance(c["text"], str) and isinstance(c["finish_reason"], str) for c in choices
        )
    except (ValueError, KeyError, TypeError):  # bytes that are no text are a ValueError
        return None
    return choices if fine else None

"""Servers of completions on a free port: of exact tables, or in front of another, with faults."""

import contextlib
import json
import socket
import threading
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from simulator.text.drawing import pick_token, powers

LATE = 30.0  # seconds; tests wait for less
SEEDS = 2.0**53


class TableServer:
    """Answers as a model of tables does; the first token is where the seed's uniform falls.

    Parameters
    ----------
    lm : TabularLM
        What is served.
    prompt : str
        What all texts begin with.
    stop : {"kept", "told", "silent"}
        What is told of a text that met a stop string.
    draws : bool or str
        Whether it draws; or what a request's "generation_config" must hold that it does.
    extras : set of str
        Fields that are accepted beyond those of every server.
    """

    def __init__(
        self, lm, prompt, *, stop="told", lists=True, seeds="heeded", draws=True,
        extras=("top_k", "min_p", "repetition_penalty"), logprobs=True,
    ):  # fmt: skip
        self.lm, self.prompt, self.stop, self.lists = lm, prompt, stop, lists
        self.seeds, self.draws, self.extras, self.logprobs = seeds, draws, set(extras), logprobs
        self.random = np.random.default_rng(5)
        self.lock, self.busy = threading.Lock(), 0

    def __call__(self, body):
        known = {"model", "prompt", "max_tokens", "temperature", "seed", "stop", "logprobs",
                 "top_p", "n"} | self.extras  # fmt: skip
        if unknown := set(body) - known:
            return 422, {"detail": f"unexpected fields {sorted(unknown)}"}
        prompts = body["prompt"]
        if isinstance(prompts, str):
            prompts = [prompts]
        elif not self.lists:
            return 400, {"detail": "prompt must be a string."}
        choices = [{"index": i, **self.complete(p, body)} for i, p in enumerate(prompts)]
        return 200, {"choices": choices[::-1]}

    def complete(self, prompt, body):
        assert prompt.startswith(self.prompt)
        session = self.lm.start(self.prompt, 1)
        written = self.lm.encode(prompt.removeprefix(self.prompt))
        for token in written:
            session.extend([token])
        tokens, values, reason = [], [], "length"
        uniforms = self.uniforms(body)
        draws = self.draws
        if isinstance(draws, str):
            draws = draws in body.get("generation_config", "")
        greedy = body["temperature"] == 0 or not draws
        while len(tokens) < body["max_tokens"] and reason == "length":
            if len(written) + len(tokens) == self.lm.horizon:
                reason = "stop"
                break
            law = session.next_logprobs()
            if greedy:
                token = int(law[0].argmax())
            else:
                power = 1 / body["temperature"]
                token = int(pick_token(powers(law, power), np.array([next(uniforms)]))[0])
            values.append(float(law[0, token]))
            tokens.append(token)
            session.extend([token])
            if token == self.lm.eos:
                reason = "stop"
            elif any(s in self.lm.decode(tokens) for s in body.get("stop", ())):
                return self.stopped(tokens, values, body)
        words = [self.lm.vocabulary[t] for t in tokens if t != self.lm.eos]
        return self.choice("".join(words), reason, tokens, values)

    def uniforms(self, body):
        if self.seeds == "heeded" and "seed" in body:
            yield body["seed"] / SEEDS
            yield from np.random.default_rng(body["seed"]).random(10_000)
        while True:
            with self.lock:
                u = self.random.random()
            yield u

    def stopped(self, tokens, values, body):
        text = self.lm.decode(tokens)
        at, stop = min((text.find(s), s) for s in body["stop"] if s in text)
        if self.stop == "kept":
            return self.choice(text, "stop", tokens, values)
        told = {"stop_reason": stop} if self.stop == "told" else {}
        return self.choice(text[:at], "stop", tokens, values) | told

    def choice(self, text, reason, tokens, values):
        out = {"text": text, "finish_reason": reason}
        if self.logprobs:
            words = ["" if t == self.lm.eos else self.lm.vocabulary[t] for t in tokens]
            out["logprobs"] = {"tokens": words, "token_logprobs": values}
        return out


@contextmanager
def serving(answer, faults=(), dies_after=None):
    """Serve a function of a request's body to status and reply; yields the server.

    Parameters
    ----------
    faults : iterable
        What goes wrong with the requests in turn, None for nothing: "drop" the connection,
        "late", "cut" the reply, "half" of the JSON, or a status.
    dies_after : int, optional
        From this request on, all connections are dropped.

    Attributes of the server
    ------------------------
    url : str
    asked : list of dict
    headers : list
    most : int
        Requests under way at once.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer, server.faults, server.dies_after = answer, deque(faults), dies_after
    server.asked, server.headers, server.most, server.under_way = [], [], 0, 0
    server.lock, server.over = threading.Lock(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    block_on_close = False
    request_queue_size = 64  # else connections at once are turned away for a second


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.asked.append(body)
            server.headers.append(dict(self.headers))
            server.under_way += 1
            server.most = max(server.most, server.under_way)
            fault = server.faults.popleft() if server.faults else None
            if server.dies_after is not None and len(server.asked) > server.dies_after:
                fault = "drop"
        reply = self.reply_to(body, fault)
        with server.lock:
            server.under_way -= 1  # before the client can have the reply and ask again
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it did not wait
            self.send(*reply, fault)

    def reply_to(self, body, fault):
        if fault == "drop":
            return 0, b""
        if isinstance(fault, int):
            status, found = fault, {"error": {"message": "try again"}}
        elif self.path != "/v1/completions":
            status, found = 404, {"detail": "Not Found"}
        else:
            try:
                status, found = self.server.answer(body)
            except Exception as error:  # told to the client, whose test fails then
                status, found = 400, {"detail": repr(error)}
        if fault == "late":
            self.server.over.wait(LATE)
        return status, json.dumps(found).encode()

    def send(self, status, data, fault):
        if fault == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        length = len(data)
        if fault == "half":
            data = data[: length // 2]
            length = len(data)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data[: length // 2] if fault == "cut" else data)

    def log_message(self, *_):
        pass

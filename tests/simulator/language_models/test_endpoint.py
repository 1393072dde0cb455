"""Requests that fail: what is asked again, what is told at once, and in which words."""

import time

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models import extra
from simulator.language_models.completions import CompletionsLM
from simulator.language_models.endpoint import KEY, Endpoint, RefusedError
from simulator.problem.model import TabularModel
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM
from tests.support.served import TableServer, serving

FAULTS = ["drop", "late", "cut", "half", 408, 429, 500, 503]
BODY = {"prompt": "p", "model": "m"}


def answer(body):
    n = 1 if isinstance(body["prompt"], str) else len(body["prompt"])
    return 200, {
        "choices": [{"index": i, "text": "x", "finish_reason": "length"} for i in range(n)]
    }


def ask(server, bodies=(BODY,), **options):
    settings = {"concurrency": 4, "timeout": 0.3, "retries": 2, "wait": 0.001} | options
    return Endpoint(server.url, **settings).ask(bodies)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_may_pass_is_asked_again(fault):
    with serving(answer, [fault, fault]) as server:
        assert ask(server)[0][0]["text"] == "x"
        assert len(server.asked) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_pass_is_one_line(fault):
    with serving(answer, [fault] * 3) as server:
        with pytest.raises(InputError) as told:
            ask(server)
        line = str(told.value)
        assert line.startswith(f"127.0.0.1:{server.server_port}/v1/completions: no answer after 3")
        assert "\n" not in line
        assert len(line) < 300
        words = {"drop": "RemoteProtocolError", "late": "no answer in time", "cut": "Protocol",
                 "half": "cut off"}  # fmt: skip
        assert words.get(fault, f"HTTP {fault}: try again") in line
        assert len(server.asked) == 3


def test_nobody_at_the_address_is_one_line():
    with serving(answer) as server:
        pass
    begin = time.perf_counter()
    with pytest.raises(InputError, match=r"/v1/completions: nobody answers there; ConnectError"):
        ask(server, [BODY] * 3, wait=30.0)
    assert time.perf_counter() - begin < 10


def test_who_has_answered_once_is_asked_again_when_it_is_gone():
    with serving(answer) as server:
        endpoint = Endpoint(server.url, concurrency=1, timeout=1, retries=2, wait=0.001)
        endpoint.ask([BODY])
    with pytest.raises(InputError, match=r"no answer after 3 tries; the last time: ConnectError"):
        endpoint.ask([BODY])


@pytest.mark.parametrize(
    "reply",
    [
        {"text": "x", "index": 0}, {"text": None, "index": 0, "finish_reason": "stop"},
        {"text": "x", "index": 1, "finish_reason": "stop"}, {"finish_reason": "stop", "index": 0},
    ],
)  # fmt: skip
def test_replies_of_another_form_are_faults(reply):
    with (
        serving(lambda body: (200, {"choices": [reply]})) as server,
        pytest.raises(InputError, match="cut off or no list of completions"),
    ):
        ask(server)
    with serving(lambda body: (200, [])) as server, pytest.raises(InputError, match="cut off"):
        ask(server)


def test_a_list_needs_as_many_replies():
    with serving(answer) as server:
        assert len(ask(server, [BODY | {"prompt": ["a", "b"]}])[0]) == 2
    one = [{"index": 0, "text": "x", "finish_reason": "stop"}]
    with (
        serving(lambda body: (200, {"choices": one})) as server,
        pytest.raises(InputError, match="cut off"),
    ):
        ask(server, [BODY | {"prompt": ["a", "b"]}])


def test_what_a_server_refuses_is_told_at_once():
    for said in ({"error": {"message": "no\nmodel m"}}, {"detail": "no model m"}):
        with serving(lambda body, said=said: (404, said)) as server:
            with pytest.raises(RefusedError, match=r"/v1/completions: HTTP 404: no model m$"):
                ask(server)
            assert len(server.asked) == 1
    with serving(answer) as server:
        server.url = server.url.removesuffix("/v1")
        with pytest.raises(RefusedError, match=r"mostly end in /v1"):
            ask(server)


def test_the_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv(KEY, "sk-secret")
    with serving(lambda body: (401, {"error": {"message": "wrong key sk-secret"}})) as server:
        with pytest.raises(RefusedError) as told:
            ask(server)
        assert server.headers[0]["Authorization"] == "Bearer sk-secret"
    assert "wrong key ***" in str(told.value)
    assert "secret" not in str(told.value)


def test_pauses_double_and_a_server_may_ask_for_longer_ones(monkeypatch):
    with serving(answer, [500] * 3) as server:
        endpoint = Endpoint(server.url, concurrency=1, timeout=1, retries=3, wait=0.25)
        pauses = []
        monkeypatch.setattr(endpoint._stopped, "wait", pauses.append)
        endpoint.ask([BODY])
    assert pauses == [0.25, 0.5, 1.0]


def test_after_a_fault_nobody_waits():
    with serving(answer, [400] + [500] * 30) as server:
        begin = time.perf_counter()
        with pytest.raises(RefusedError):
            ask(server, [BODY] * 8, wait=30.0)
        assert time.perf_counter() - begin < 10
        assert len(server.asked) <= 8


def test_without_the_library_one_line_says_so(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(extra.importlib, "import_module", refuse)
    with pytest.raises(InputError, match=r"pip install 'particlebounds\[lm\]'"):
        CompletionsLM("http://127.0.0.1:1/v1", "m")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["drop", "late", "cut", "half", 429, 500])
def test_runs_are_the_same_when_every_third_request_fails(fault):
    rng = np.random.default_rng(1)
    tables = TabularLM(TabularModel.tree([rng.dirichlet([1, 1, 1], 3**h) for h in range(3)]))
    prm = TextPRM(lambda texts: [1.0 + t.count("1") for t in texts])
    found = []
    for faults in ([], [None, None, fault] * 5):
        with serving(TableServer(tables, ""), faults) as server:
            lm = CompletionsLM(server.url, "m", step_tokens=1, timeout=0.3, wait=0.001)
            runs = SMC(4).run(LanguageModelProblem(lm, "", 3, prm), 2, rng=1, keep=("tokens",))
            found.append((runs.log_w.tolist(), [lm.decode(t) for t in runs.tokens]))
    assert found[0] == found[1]

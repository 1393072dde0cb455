"""The vLLM backend with a stand-in that has vLLM's request and reply types, not its engine."""

import builtins
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.bench.gpu_check import plain_forward
from simulator.errors import InputError
from simulator.language_models.vllm import VllmLM, load_vllm
from simulator.samplers.smc.sampler import SMC
from simulator.text.contract import check_sessions
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching


@dataclass
class SamplingParams:
    max_tokens: int = 16
    temperature: float = 1.0
    logprobs: int | None = None
    detokenize: bool = True
    ignore_eos: bool = False


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list
    logprobs: list


@dataclass
class RequestOutput:
    request_id: str
    prompt_token_ids: list
    outputs: list
    finished: bool = True


@dataclass
class FakeLLM:
    """`vllm.LLM` as far as the backend uses it, on a tiny model of transformers."""

    lm: object
    tokenizer: object
    max_logprobs: int = -1
    asked: list = field(default_factory=list)

    def get_tokenizer(self):
        return self.tokenizer

    @property
    def llm_engine(self):
        config = SimpleNamespace(get_vocab_size=lambda: self.lm.n_tokens)
        return SimpleNamespace(model_config=config)

    def generate(self, prompts, sampling_params, *, use_tqdm=True):
        assert isinstance(sampling_params, SamplingParams)
        assert sampling_params.max_tokens == 1
        assert sampling_params.logprobs == -1
        assert not use_tqdm
        self.asked.append(len(prompts))
        return [self._reply(i, p["prompt_token_ids"]) for i, p in enumerate(prompts)]

    def _reply(self, i, ids):
        table = self.lm.start(ids, 1).next_logprobs()[0].astype(np.float32)
        order = np.argsort(-table)
        kept = order if self.max_logprobs == -1 else order[: self.max_logprobs]
        logprobs = {int(a): Logprob(float(table[a]), k + 1) for k, a in enumerate(kept)}
        token = int(order[0])
        return RequestOutput(str(i), ids, [CompletionOutput(0, "", [token], [logprobs])])


def test_contract(tiny, tokenizer):
    lm = VllmLM(FakeLLM(tiny, tokenizer), SamplingParams)
    check_sessions(lm, plain_forward(tiny, [0, 2]), [0, 2], 4, 20, seed=1, tolerance=1e-5)


def test_same_runs_as_the_adapter_of_transformers(tiny, tokenizer):
    fake = FakeLLM(tiny, tokenizer)
    runs = []
    for lm in (tiny, VllmLM(fake, SamplingParams)):
        problem = LanguageModelProblem(lm, [0, 2], 4, PromptSwitching([0, 3]))
        runs.append(SMC(5).run(problem, 3, rng=2, keep=("tokens",)))
    assert (runs[0].tokens == runs[1].tokens).all()
    assert runs[0].log_w == pytest.approx(runs[1].log_w, abs=1e-4)
    assert max(fake.asked) <= 15  # all particles of all runs at once, equal ones once


def test_text(tiny, tokenizer):
    lm = VllmLM(FakeLLM(tiny, tokenizer), SamplingParams)
    assert lm.decode(lm.encode("ab.")) == "ab."
    assert lm.start("ab", 2).texts == [[2, 3], [2, 3]]
    lm = VllmLM(FakeLLM(tiny, tokenizer), SamplingParams, special_tokens=True)
    assert lm.start("ab", 1).texts == [[0, 2, 3]]
    assert lm.continuation("ab", [4, 6]) == "c."


def test_ids_without_a_text_are_never_drawn(tiny, tokenizer, monkeypatch):
    short = tokenizer.get_vocab()
    del short["!"]
    monkeypatch.setattr(tokenizer, "get_vocab", lambda: short)
    monkeypatch.setattr(tokenizer, "convert_ids_to_tokens", lambda i: {7: None}.get(i, "a"))
    lm = VllmLM(FakeLLM(tiny, tokenizer), SamplingParams)
    law = np.exp(lm.start([0, 2], 1).next_logprobs()[0])
    full = np.exp(tiny.start([0, 2], 1).next_logprobs()[0])
    assert law[7] == 0
    assert law[:7] == pytest.approx(full[:7] / full[:7].sum(), abs=1e-6)


def test_laws_that_are_none_are_refused(tiny, tokenizer, monkeypatch):
    lm = VllmLM(FakeLLM(tiny, tokenizer), SamplingParams)
    monkeypatch.setattr(Logprob, "__init__", lambda self, *_: setattr(self, "logprob", np.nan))
    with pytest.raises(InputError, match="vllm: log-probabilities that are not finite"):
        lm.start([0], 1).next_logprobs()


def test_too_few_log_probabilities_are_told(tiny, tokenizer):
    lm = VllmLM(FakeLLM(tiny, tokenizer, max_logprobs=5), SamplingParams)
    with pytest.raises(InputError, match="5 of 8"):
        lm.start([0], 1).next_logprobs()


def test_without_vllm_one_line_says_so(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "vllm":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match="pip install vllm"):
        load_vllm("some-model")

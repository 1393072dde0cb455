"""Tokens a second of SMC over those of the library's own `generate`, and where the time goes."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.prompts import prompt_set
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

__all__ = ["VOCABULARY", "outside_forward", "over_generate", "random_model", "ratios", "smc"]

VOCABULARY = 151_936  # of Qwen's models
SIZES = {  # as in Qwen2.5-0.5B, and far smaller
    "half a billion": {
        "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2,
    },
    "tiny": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1,
    },
}  # fmt: skip


def random_model(size: str, device: str, dtype: str, n_tokens: int = VOCABULARY) -> HuggingFaceLM:
    """Build a model of random weights on a device; nothing is downloaded.

    Parameters
    ----------
    size : {"half a billion", "tiny"}
    device : str
        "cpu", "cuda", ...
    dtype : str
        Of its numbers: "float32", "bfloat16", ...
    n_tokens : int, optional
        V.

    Returns
    -------
    HuggingFaceLM
        Of bare tokens.
    """
    import torch
    import transformers

    config = transformers.Qwen2Config(
        vocab_size=n_tokens, max_position_embeddings=1024, bos_token_id=0, eos_token_id=None,
        pad_token_id=None, initializer_range=0.1, **SIZES[size],
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(device):
        model = transformers.Qwen2ForCausalLM(config).to(getattr(torch, dtype))
    return HuggingFaceLM(model, name=f"{size}, V = {n_tokens}")


def smc(lm: HuggingFaceLM, prompt: list[int], n_particles: int, horizon: int) -> Runs:
    """Draw N texts of H tokens by SMC with a constant PRM, resampled at every level.

    Parameters
    ----------
    lm : HuggingFaceLM
    prompt : list of int
    n_particles, horizon : int
        N and H.

    Returns
    -------
    Runs
        One.
    """
    constant = PromptSwitching(prompt)  # from a prompt to the same one: V^ = 1
    problem = LanguageModelProblem(lm, prompt, horizon, constant, eos=None)
    return SMC(n_particles).run(problem, 1, rng=0)


def over_generate(
    lm: HuggingFaceLM, prompt: list[int], n_particles: int, horizon: int, repetitions: int = 5
) -> dict[str, Any]:
    """Compare `smc` with ``generate(do_sample=True)`` of as many texts of as many tokens.

    Parameters
    ----------
    lm : HuggingFaceLM
    prompt : list of int
        Tokens that all texts begin with.
    n_particles, horizon : int
        N and H.
    repetitions : int, optional
        Pairs of runs, one after the other in this process.

    Returns
    -------
    dict
        Tokens a second of both, and the ratio: median, least and largest of the pairs. On the
        CPU seconds are those of the processor, elsewhere those of the clock.
    """
    torch, device = lm.torch, lm.model.device
    ids = torch.as_tensor([prompt], device=device)
    options = {
        "do_sample": True, "top_k": 0, "num_return_sequences": n_particles,
        "max_new_tokens": horizon, "min_new_tokens": horizon, "pad_token_id": 0,
        "attention_mask": torch.ones_like(ids),
    }  # fmt: skip

    def theirs() -> None:
        with torch.inference_mode():
            lm.model.generate(ids, **options)

    def ours() -> None:
        smc(lm, prompt, n_particles, horizon)

    pairs = [(_seconds(lm, ours), _seconds(lm, theirs)) for _ in range(repetitions + 1)][1:]
    ratios = sorted(b / a for a, b in pairs)
    tokens = n_particles * horizon
    return {
        "particles": n_particles,
        "horizon": horizon,
        "tokens_per_second": round(tokens / statistics.median(a for a, _ in pairs), 1),
        "generate_tokens_per_second": round(tokens / statistics.median(b for _, b in pairs), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_least": round(ratios[0], 3),
        "ratio_largest": round(ratios[-1], 3),
    }


def ratios(lm: HuggingFaceLM, n_particles: int, horizon: int) -> Iterator[dict[str, Any]]:
    """Compare with `generate` on a model, and on a tiny one with a vocabulary as wide as any.

    Parameters
    ----------
    lm : HuggingFaceLM
        With a tokenizer.
    n_particles, horizon : int
        N and H.

    Yields
    ------
    dict
        As `over_generate` and `outside_forward` have it, and the model.
    """
    plain, _ = prompt_set("styles")
    tiny = random_model("tiny", str(lm.model.device), "float32")
    for model, prompt in ((lm, lm.prompt_tokens(plain)), (tiny, [0, 1, 2])):
        yield {
            "model": model.name,
            **over_generate(model, prompt, n_particles, horizon),
            **outside_forward(model, prompt, n_particles, horizon),
        }


def outside_forward(
    lm: HuggingFaceLM, prompt: list[int], n_particles: int, horizon: int
) -> dict[str, float]:
    """Measure the share of the time of `smc` that is not the model's own forward pass.

    Parameters
    ----------
    lm : HuggingFaceLM
    prompt : list of int
    n_particles, horizon : int
        N and H.

    Returns
    -------
    dict
        "outside_forward", a share of the clock's seconds; devices finish each pass first.
    """
    spent = 0.0

    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal spent
        begin = _now(lm)
        out = lm.forward(*arguments, **options)
        spent += _now(lm) - begin
        return out

    lm.session_type()
    watched = copy.copy(lm)
    watched.forward = timed  # type: ignore[method-assign]
    smc(watched, prompt, n_particles, horizon)  # what is done once only
    spent = 0.0
    begin = _now(lm)
    smc(watched, prompt, n_particles, horizon)
    return {"outside_forward": round(1 - spent / (_now(lm) - begin), 3)}


def _seconds(lm: HuggingFaceLM, work: Callable[[], None]) -> float:
    clock = time.process_time if lm.model.device.type == "cpu" else time.perf_counter
    _now(lm)
    begin = clock()
    work()
    _now(lm)
    return clock() - begin


def _now(lm: HuggingFaceLM) -> float:
    """Read the clock when the device has finished."""
    if lm.model.device.type == "cuda":
        lm.torch.cuda.synchronize(lm.model.device)
    return time.perf_counter()

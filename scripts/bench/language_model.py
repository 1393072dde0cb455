"""Speed of SMC in prompt switching on a real language model, and of reward models with a cache."""

from __future__ import annotations

import time

import numpy as np

from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.prompts import prompt_set
from simulator.language_models.reward_prm import RewardPRM
from simulator.runs.spent import peak_memory
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem, PRMSession
from simulator.text.prompt_switching import PromptSwitching
from simulator.typing import Floats, Ints

__all__ = ["measure", "measure_judge"]

MIB = 1 << 20
JUDGE = {
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}


def measure(
    lm: HuggingFaceLM, n_particles: int, horizon: int, runs: int
) -> dict[str, float | int | str]:
    """Time SMC between the first two prompts of the styles.

    Parameters
    ----------
    lm : HuggingFaceLM
        Just loaded, as the memory is the largest that the process ever had.

    Returns
    -------
    dict
        "tokens_per_second" counts the N·H·runs tokens drawn, each of which is scored under
        both prompts; memory in MiB, of the device too if it is not the CPU.
    """
    plain, styles = prompt_set("styles")
    problem = LanguageModelProblem(lm, plain, horizon, PromptSwitching(styles[0]), eos=None)
    sampler = SMC(n_particles)
    device, torch = lm.model.device, lm.torch
    loaded = _peak_mib()
    sampler.run(problem, 1, rng=1)  # what is done once only
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    begin = time.perf_counter()
    sampler.run(problem, runs, rng=0)
    seconds = time.perf_counter() - begin
    found: dict[str, float | int | str] = {
        "model": lm.name,
        "device": str(device),
        "threads": int(torch.get_num_threads()),
        "particles": n_particles,
        "horizon": horizon,
        "runs": runs,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(n_particles * horizon * runs / seconds, 1),
        "peak_after_loading_mib": loaded,
        "peak_mib": _peak_mib(),
    }
    if device.type == "cuda":
        found["device_peak_mib"] = round(torch.cuda.max_memory_allocated(device) / MIB)
    return found


def measure_judge(
    lm: HuggingFaceLM, n_particles: int = 8, horizon: int = 128
) -> dict[str, float | int]:
    """Time a reward model that reads new tokens only against one that reads each text anew.

    It is a small transformer of random weights that judges random tokens after each of them;
    particles are resampled at each level. Both read the same tokens, and equal texts once.

    Parameters
    ----------
    lm : HuggingFaceLM
        Gives its vocabulary and its tokenizer.

    Returns
    -------
    dict
        "judge_ratio" is the processor time of reading anew over that of reading what is new;
        "judge_gap" by how much log V^ differs at most.
    """
    _, transformers = torch_and_transformers()
    config = transformers.LlamaConfig(
        vocab_size=lm.n_tokens, num_labels=1, max_position_embeddings=horizon + 8, **JUDGE
    )
    lm.torch.manual_seed(0)
    model = transformers.LlamaForTokenClassification(config).to(lm.model.device)
    seconds, values = [], []
    for cached in (True, False):
        prm = RewardPRM(model, lm.tokenizer, "token", cached=cached)
        prm.memory_type()  # what is done once only
        problem = LanguageModelProblem(lm, "", horizon, prm, eos=None)
        begin = time.process_time()
        values.append(_judged(prm.start(problem, n_particles), np.flatnonzero(lm.known),
                              n_particles, horizon))  # fmt: skip
        seconds.append(time.process_time() - begin)
    return {
        "judge_particles": n_particles,
        "judge_horizon": horizon,
        "judge_ratio": round(seconds[1] / seconds[0], 1),
        "judge_gap": float(f"{np.abs(values[1] - values[0]).max():.1g}"),
    }


def _judged(session: PRMSession, tokens: Ints, n_particles: int, horizon: int) -> Floats:
    """log V^ of random texts at each level, (horizon, n)."""
    rng, everyone = np.random.default_rng(1), np.arange(n_particles)
    out = np.empty((horizon, n_particles))
    for level in out:
        session.extend(rng.choice(tokens, n_particles), np.zeros(n_particles))
        level[:] = session.log_values(everyone, np.zeros(n_particles, np.bool_))
        session.reorder(rng.integers(0, n_particles, n_particles))
    return out


def _peak_mib() -> int | str:
    held = peak_memory()
    return "not known" if held is None else round(held / MIB)

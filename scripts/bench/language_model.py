"""Memory and tokens a second of SMC in prompt switching on a real language model."""

from __future__ import annotations

import resource
import sys
import time

from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.prompts import prompt_set
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

__all__ = ["measure"]

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts in
MIB = 1 << 20


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
    loaded = _peak()
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
        "peak_after_loading_mib": round(loaded / MIB),
        "peak_mib": round(_peak() / MIB),
    }
    if device.type == "cuda":
        found["device_peak_mib"] = round(torch.cuda.max_memory_allocated(device) / MIB)
    return found


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT

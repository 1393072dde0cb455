"""Check language models on a device, where torch and transformers are all there is.

``python -m scripts.bench.gpu_check`` from the repository's root; `make gpu-check` calls it.
Models have random weights and are built on the device, so nothing is downloaded. It prints one
JSON line a part and ends with exit code 1 if a part has failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simulator.typing import Floats

__all__ = ["check", "main", "plain_forward"]

PROMPT = [0, 2, 3]
AGREE = 1e-4  # log-probabilities in float32 on two devices


def plain_forward(lm: Any, prompt: Any) -> Callable[[Sequence[int]], Floats]:
    """Return what says log M(. | text) by one forward pass over the whole text, no cache.

    Parameters
    ----------
    lm : HuggingFaceLM
        At temperature 1, without a nucleus or hidden tokens.
    prompt : str or sequence of int
        What all texts continue.

    Returns
    -------
    callable
        Tokens behind the prompt to (V,) log-probabilities.
    """
    torch, start = lm.torch, lm.prompt_tokens(prompt)

    def full(tokens: Sequence[int]) -> Floats:
        ids = torch.tensor([[*start, *tokens]], device=lm.model.device)
        with torch.inference_mode():
            logits = lm.model(ids, use_cache=False).logits[0, -1]
        return np.asarray(torch.log_softmax(logits.double(), -1).cpu().numpy())

    return full


def check(device: str, *, small: bool = False) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the parts of the check, by name.

    Parameters
    ----------
    device : str
        "cuda", "cuda:1", "cpu", ...
    small : bool, optional
        Whether to use models and numbers of particles that a processor manages in seconds.

    Returns
    -------
    dict
        Name to a function without arguments, which returns what to print or raises
        AssertionError.
    """
    from scripts.bench import generation
    from simulator.text.contract import check_draws, check_sessions

    def contract() -> dict[str, Any]:
        for dtype, tolerance in (("float64", 1e-10), ("float32", AGREE)):
            lm = generation.random_model("tiny", device, dtype, n_tokens=1000)
            check_sessions(
                lm, plain_forward(lm, PROMPT), PROMPT, 6, 50, seed=1, tolerance=tolerance
            )
            session = lm.start(PROMPT, 6)
            session.extend([5, 6, 7, 8, 9, 5])
            check_draws(session, seed=2, tolerance=1e-10)
        return {"reorders": 50, "dtypes": ["float64", "float32"]}

    def agreement() -> dict[str, Any]:
        here = generation.random_model("tiny", "cpu", "float32", n_tokens=1000)
        there = generation.random_model("tiny", device, "float32", n_tokens=1000)
        there.model.load_state_dict(here.model.state_dict())
        paths = np.random.default_rng(3).integers(0, 1000, (16, 32))
        off = max(
            float(np.abs(a - b).max())
            for a, b in zip(here.laws(PROMPT, paths), there.laws(PROMPT, paths), strict=True)
        )
        assert off <= AGREE, f"log-probabilities differ from those of the CPU by {off:.3g}"
        return {"largest_difference_from_cpu": off, "allowed": AGREE}

    def same_seed() -> dict[str, Any]:
        lm = generation.random_model("tiny", device, "float32")
        one, two = (generation.smc(lm, PROMPT, 8, 8).states for _ in range(2))
        assert np.array_equal(one, two), "one seed gives two texts"
        return {"equal_texts": True}

    def speed() -> dict[str, Any]:
        size, dtype = ("tiny", "float32") if small else ("half a billion", "bfloat16")
        lm = generation.random_model(size, device, dtype)
        out: dict[str, Any] = {"model": lm.name, "dtype": dtype}
        for n in (8, 32) if small else (32, 128):
            horizon, pairs = (8, 2) if small else (64, 3)
            out[f"N = {n}"] = {
                **generation.over_generate(lm, PROMPT, n, horizon, pairs),
                **generation.outside_forward(lm, PROMPT, n, horizon),
            }
        if lm.model.device.type == "cuda":
            peak = lm.torch.cuda.max_memory_allocated(lm.model.device)
            out["device_peak_mib"] = round(peak / 2**20)
        return out

    parts = (contract, agreement, same_seed, speed)
    return {part.__name__: part for part in parts}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0, 1 if a part has failed, 2 if there is no such device.
    """
    parser = argparse.ArgumentParser(description="Check language models on a device.")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu, ...")
    parser.add_argument("--small", action="store_true", help="sizes that a processor manages")
    options = parser.parse_args(arguments)
    _without_compiler()
    import torch
    import transformers

    try:
        torch.empty(1, device=options.device)
    except (RuntimeError, AssertionError) as fault:
        print(
            f"gpu-check: no device {options.device}: {str(fault).splitlines()[0]}", file=sys.stderr
        )
        return 2
    name = options.device
    if name.startswith("cuda"):
        name = torch.cuda.get_device_name(options.device)
    _say("machine", device=name, torch=torch.__version__, transformers=transformers.__version__)
    failed = 0
    for part, run in check(options.device, small=options.small).items():
        begin = time.perf_counter()
        try:
            found, well = run(), True
        except AssertionError as fault:
            found, well = {"fault": str(fault)}, False
        failed += not well
        _say(part, well=well, seconds=round(time.perf_counter() - begin, 1), **found)
    return int(failed > 0)


def _say(part: str, **found: Any) -> None:
    print(json.dumps({"part": part, **found}), flush=True)


def _without_compiler() -> None:
    """Stand in for numba where there is none: it compiles for tables, and here are only texts."""
    if importlib.util.find_spec("numba") is None:
        stand_in = types.ModuleType("numba")

        def njit(*given: Any, **options: Any) -> Any:
            return given[0] if given else lambda kernel: kernel

        vars(stand_in).update(njit=njit, prange=range)
        sys.modules["numba"] = stand_in


if __name__ == "__main__":
    sys.exit(main())

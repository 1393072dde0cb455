"""Load a model of transformers: whole, in evaluation mode, and on a device that is there."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator, Mapping
from functools import partialmethod
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.language_models.extra import torch_and_transformers

__all__ = [
    "check_device",
    "check_whole",
    "evaluating",
    "one_line",
    "open_model",
    "open_tokenizer",
    "quiet",
]

SHOWN = 3  # names of weights


def open_model(auto: Any, where: str | Path, device: str, dtype: str, label: str) -> Any:
    """Load a model and refuse one whose file does not fill it.

    Parameters
    ----------
    auto : type
        The class of transformers that says what kind of model is meant.
    where : str or Path
        A folder, or a name on the hub.
    device : str
        "cpu", "cuda", "cuda:1", ...
    dtype : str
        Of the weights, as torch calls it.
    label : str
        What messages call the model.

    Returns
    -------
    transformers.PreTrainedModel
        In evaluation mode.

    Raises
    ------
    InputError
        If it cannot be had, or not whole; says why in one line.
    """
    torch, _ = torch_and_transformers()
    check_device(device)
    try:
        model, info = auto.from_pretrained(
            where, dtype=getattr(torch, dtype), output_loading_info=True
        )
    except Exception as fault:  # files, weights and settings fail in many libraries
        raise InputError(f"{label}: {one_line(fault)}") from None
    check_whole(info, label)
    try:
        return evaluating(model.to(torch.device(device)))
    except Exception as fault:
        raise InputError(f"{label} on {device}: {one_line(fault)}") from None


def open_tokenizer(where: str | Path, label: str) -> Any:
    """Load a tokenizer.

    Parameters
    ----------
    where : str or Path
        A folder, or a name on the hub.
    label : str
        What messages call the model.

    Returns
    -------
    transformers.PreTrainedTokenizerBase

    Raises
    ------
    InputError
        If it cannot be had.
    """
    _, transformers = torch_and_transformers()
    try:
        return transformers.AutoTokenizer.from_pretrained(where)
    except Exception as fault:  # as above
        raise InputError(f"{label}: its tokenizer: {one_line(fault)}") from None


def check_whole(info: Mapping[str, Collection[Any]], label: str) -> None:
    """Refuse a model that does not consist of what its file holds.

    Weights that are tied to others need not be in a file.

    Parameters
    ----------
    info : mapping
        What transformers tells of the loading, with ``output_loading_info=True``.
    label : str
        What messages call the model.

    Raises
    ------
    InputError
        If weights are missing, which then are random; are left over; or have another shape.
    """
    told = (
        ("missing_keys", "its file lacks {}, which would be random"),
        ("mismatched_keys", "its file has another shape of {}, which would be random"),
        ("unexpected_keys", "its file holds {}, for which this kind of model has no place"),
        ("error_msgs", "{}"),
    )
    for key, sentence in told:
        names = sorted(str(x[0] if isinstance(x, tuple) else x) for x in info.get(key, ()))
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise InputError(f"{label}: {sentence.format(', '.join(names[:SHOWN]) + more)}")


def check_device(device: str) -> None:
    """Refuse a device that holds no numbers or is not there.

    Parameters
    ----------
    device : str
        As torch names it.

    Raises
    ------
    InputError
        If it is no such device.
    """
    torch, _ = torch_and_transformers()
    try:
        if torch.device(device).type == "meta":
            raise InputError("device meta: it holds shapes, no numbers")
        torch.zeros(1, device=device).cpu()
    except InputError:
        raise
    except Exception as fault:  # a driver, a name, a number
        raise InputError(f"device {device}: {one_line(fault)}") from None


def evaluating(model: Any) -> Any:
    """Put a model into evaluation mode, where nothing is left out at random.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        It is changed in place.

    Returns
    -------
    transformers.PreTrainedModel
        The same.

    Raises
    ------
    InputError
        If it has no numbers, being on the device meta.
    """
    if getattr(model.device, "type", None) == "meta":
        raise InputError("device meta: it holds shapes, no numbers")
    return model.eval()


def one_line(fault: BaseException) -> str:
    """Return what an exception says, in one line of at most 200 characters.

    Parameters
    ----------
    fault : BaseException
        Anything raised.

    Returns
    -------
    str
        The name of its type, where it says nothing.
    """
    return " ".join(str(fault).split())[:200] or type(fault).__name__


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep the libraries' progress bars and warnings off the terminal.

    Parameters
    ----------
    transformers : module
        The library, from `torch_and_transformers`.
    """
    from tqdm.std import tqdm

    transformers.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    # some bars, such as that of GGUF files, do not ask the library whether they may be shown
    shown = tqdm.__init__
    tqdm.__init__ = partialmethod(shown, disable=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        tqdm.__init__ = shown

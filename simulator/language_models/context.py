"""How many tokens a model reads at most, as its configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.errors import InputError

__all__ = ["check_length", "context_length", "windows"]

NAMES = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
    "context_length",
)
WINDOWS = ("sliding_window", "attention_chunk_size", "window_size")
# with these, a longer text turns the positions of all its tokens anew: what was read of a
# shorter one does not hold, and one pass over a text is not its prefixes' passes
MOVING = ("dynamic", "longrope")


def context_length(config: Any) -> int | None:
    """Return the largest number of tokens that a model reads rightly.

    Parameters
    ----------
    config : transformers.PretrainedConfig
        That of the text part of a model.

    Returns
    -------
    int or None
        None where the configuration names no limit. With positions that move once a text
        outgrows the length of the training ("dynamic" and "longrope"), that length.
    """
    found = [getattr(config, name, None) for name in NAMES]
    for rope in _ropes(getattr(config, "rope_parameters", None)):
        if rope.get("rope_type") in MOVING:
            found.append(rope.get("original_max_position_embeddings"))
            found.append(getattr(config, "original_max_position_embeddings", None))
    return min((n for n in found if _is_size(n)), default=None)  # type: ignore[type-var]


def windows(config: Any) -> list[int]:
    """Return the numbers of tokens that layers with a window look back on.

    Parameters
    ----------
    config : transformers.PretrainedConfig
        That of the text part of a model.

    Returns
    -------
    list of int
        Empty where no layer has one.
    """
    found = (getattr(config, name, None) for name in WINDOWS)
    return [n for n in found if _is_size(n)]  # type: ignore[misc]


def check_length(length: int, limit: int | None, name: str) -> None:
    """Refuse a text that is longer than what a model reads.

    Parameters
    ----------
    length : int
        Tokens of the text, with its prompt.
    limit : int or None
        From `context_length`.
    name : str
        What the message calls the model.

    Raises
    ------
    InputError
        If it is longer.
    """
    if limit is not None and length > limit:
        raise InputError(
            f"{name} reads at most {limit} tokens, not the {length} of a prompt and what "
            "continues it: shorten the prompt or the horizon"
        )


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _ropes(found: object) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of rotary positions, which may be one for all layers or one a kind."""
    if isinstance(found, Mapping):
        yield found
        for inner in found.values():
            yield from _ropes(inner)

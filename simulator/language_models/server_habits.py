"""What a server does with requests, found out by asking it, not by its name.

Servers agree on the format of completions and differ in what their samplers leave out by
default, in whether an equal seed gives an equal text, whether a request may hold many prompts,
and what they tell of a text that met a stop string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from simulator.errors import InputError
from simulator.language_models.endpoint import Endpoint, RefusedError

__all__ = ["Habits", "find_habits"]

TOKENS = 4  # a reply
HOT = 2.0  # a temperature at which no two texts of so many tokens are equal by chance
SEEDS = (0x1F123456789ABC, 0x0A0B0C0D0E0F1A, 0x05A5A5A5C3C3C3)  # as long as those of draws

# what makes servers draw from the whole law of the model: the first that a server accepts
WHOLE_LAW: tuple[dict[str, Any], ...] = (
    {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},  # vLLM, llama.cpp
    {  # transformers, which takes the likeliest token unless told to draw
        "top_p": 1.0,
        "generation_config": json.dumps(
            {"do_sample": True, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
        ),
    },
    {"top_p": 1.0},
)


class Habits(NamedTuple):
    """What a server does.

    Parameters
    ----------
    fields : dict
        To be sent with every request, so that nothing is left out of the model's law.
    concurrency : int
        Requests at once; 1 where more would mix up their seeds.
    takes_lists : bool
        Whether a request may hold many prompts.
    tells_stop : bool
        Whether a text that met a stop string holds it, or is told which it was. Else a text
        that met one looks like a text that has ended.
    """

    fields: dict[str, Any]
    concurrency: int
    takes_lists: bool
    tells_stop: bool


def find_habits(endpoint: Endpoint, body: Mapping[str, Any], *, seeded: bool, stop: bool) -> Habits:
    """Ask a server a few short questions.

    Parameters
    ----------
    endpoint : Endpoint
        The server; its `concurrency` may be lowered to 1.
    body : mapping
        "model" and "prompt", a text.
    seeded : bool
        Whether equal seeds must give equal texts; else whether lists are taken is asked.
    stop : bool
        Whether what it does at stop strings is asked.

    Returns
    -------
    Habits

    Raises
    ------
    InputError
        If the server refuses the model, does not draw, or does not repeat itself.
    """
    question = {**body, "max_tokens": TOKENS}
    fields = _whole_law(endpoint, question)
    hot = {**question, **fields, "temperature": HOT}
    texts = _texts(endpoint, hot, seeded)
    if len(set(texts)) == 1:
        raise InputError(
            f"{endpoint.where}: it does not draw: {len(texts)} texts at temperature {HOT:g} are "
            f"all {texts[0]!r:.60}"
        )
    if seeded and not _repeats(texts):
        endpoint.concurrency = 1  # some servers keep one generator for all requests
        if not _repeats(_texts(endpoint, hot, seeded)):
            raise InputError(
                f"{endpoint.where}: equal seeds give different texts; reproducible=False "
                "(lm sample: --unseeded) does without seeds"
            )
    cold = {**question, **fields, "temperature": 0.0}
    return Habits(
        fields,
        endpoint.concurrency,
        not seeded and _takes_lists(endpoint, cold),
        stop and _tells_stop(endpoint, cold),
    )


def _whole_law(endpoint: Endpoint, question: dict[str, Any]) -> dict[str, Any]:
    refusal: RefusedError | None = None
    for fields in WHOLE_LAW:
        try:
            endpoint.ask([{**question, **fields, "temperature": HOT}])
        except RefusedError as fault:
            refusal = fault
        else:
            return fields
    assert refusal is not None
    raise refusal


def _texts(endpoint: Endpoint, hot: dict[str, Any], seeded: bool) -> list[str]:
    """Texts of each seed twice, asked for at once."""
    bodies = [{**hot, **({"seed": s} if seeded else {})} for s in SEEDS * 2]
    return [choices[0]["text"] for choices in endpoint.ask(bodies)]


def _repeats(texts: list[str]) -> bool:
    return texts[: len(SEEDS)] == texts[len(SEEDS) :]


def _takes_lists(endpoint: Endpoint, question: dict[str, Any]) -> bool:
    try:
        endpoint.ask([{**question, "prompt": [question["prompt"]] * 2}])
    except InputError:  # refused, or answered as if it were one prompt
        return False
    return True


def _tells_stop(endpoint: Endpoint, question: dict[str, Any]) -> bool:
    """Whether the likeliest text, stopped at one of its own signs, shows or tells this sign."""
    text = endpoint.ask([question])[0][0]["text"]
    signs = [c for c in text if c.isprintable() and c != "\N{REPLACEMENT CHARACTER}"]
    if not signs:
        return False
    sign = signs[len(signs) // 2]
    reply = endpoint.ask([{**question, "stop": [sign]}])[0][0]
    return sign in reply["text"] or reply.get("stop_reason") == sign

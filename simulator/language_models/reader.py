"""What the sessions of a model of transformers ask it for."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from simulator.language_models.token_laws import TokenLaws
from simulator.typing import Bools, Ints

__all__ = ["Reader"]


class Reader(Protocol):
    """A model with its settings; see `simulator.language_models.hugging_face.HuggingFaceLM`."""

    torch: Any
    model: Any
    config: Any
    name: str
    batch: int
    n_tokens: int
    context: int | None
    known: Bools
    temperature: float
    top_p: float

    def forward(self, tokens: Ints, length: int, *, keep: int = 0, cache: Any = None) -> Any:
        """Run the model on texts of one length."""

    def law(self, logits: Any, texts: Ints, prompt_length: int) -> TokenLaws:
        """Turn the logits behind texts into laws, where they are."""

    def check_column(self, tokens: npt.ArrayLike, n: int) -> Ints:
        """Return one token a text as an array, or refuse it."""

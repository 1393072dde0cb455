"""Reward models of the transformers library: log-scores behind the tokens of texts.

Three kinds of model judge. A classifier of sequences gives a text one output, at its last token;
one of tokens gives an output at each token; a causal language model is asked how probable a good
word is behind a token, among all words or against a bad one. All are read in one of two ways:
whole texts, as anybody would, or new tokens only, with a cache of those before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.language_models.context import check_length, context_length
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.loading import (
    evaluating,
    one_line,
    open_model,
    open_tokenizer,
    quiet,
)
from simulator.typing import Floats, Ints

__all__ = ["KINDS", "NAME", "Judge", "open_judge"]

KINDS = {
    "sequence": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "causal": "AutoModelForCausalLM",
}
NAME = "reward model"
MOST_OUTPUTS = 1 << 27  # numbers that a forward pass may give


class Judge:
    """A model that judges tokens by what stands before them.

    The score is sigmoid(output) where there is one output, and the softmax share of `label` where
    there are several; of a causal language model it is P(good), or P(good) / (P(good) + P(bad)).

    Parameters
    ----------
    model : transformers.PreTrainedModel
        It is put into evaluation mode.
    kind : {"sequence", "token", "causal"}
        What the model is.
    label : int, optional
        The output of a classifier that means "good"; by default the last.
    good : int, optional
        The token of a causal model that means "good".
    bad : int, optional
        The one that means "bad"; without it the share of `good` is that among all tokens.
    batch : int, optional
        Texts a forward pass.

    Raises
    ------
    InputError
        If an option is out of range.
    """

    name = NAME

    def __init__(
        self,
        model: Any,
        kind: str,
        *,
        label: int = -1,
        good: int | None = None,
        bad: int | None = None,
        batch: int = 64,
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_int("batch", batch, 1)
        self.torch, _ = torch_and_transformers()
        self.config = model.config.get_text_config()
        self.n_tokens = int(self.config.vocab_size)
        self.known = np.ones(self.n_tokens, np.bool_)
        self.n_outputs = self.n_tokens if kind == "causal" else int(model.config.num_labels)
        check_int("label", label, -self.n_outputs, self.n_outputs - 1)
        if (kind == "causal") != (good is not None) or (bad is not None and good is None):
            raise InputError("good: the word that means so, for kind 'causal' and no other")
        for name, word in (("good", good), ("bad", bad)):
            if word is not None:
                check_int(name, word, 0, self.n_outputs - 1)
        self.model, self.kind, self.batch = evaluating(model), kind, batch
        self.label = label if good is None else good
        self.rival = bad
        self.context = context_length(self.config)
        self.padding = getattr(self.config, "pad_token_id", None) if kind == "sequence" else None

    def last(self, tokens: Ints) -> int:
        """Return the place where the score of a text is read.

        Parameters
        ----------
        tokens : (k,) int array
            All tokens of a text, at least one.

        Returns
        -------
        int
            The last; of sequence classifiers that know a padding token, the last that is not it.
        """
        if self.padding is None:
            return len(tokens) - 1
        fine = np.flatnonzero(tokens != self.padding)
        return int(fine[-1]) if fine.size else 0

    def together(self, k: int) -> int:
        """Return how many texts share a forward pass.

        Parameters
        ----------
        k : int
            Tokens that are read of each.

        Returns
        -------
        int
            At most `batch`, and as many as have outputs that are not too many.
        """
        return max(1, min(self.batch, MOST_OUTPUTS // (k * self.n_outputs)))

    def whole(self, texts: Ints) -> Floats:
        """Return log-scores of texts of one length, each read from its beginning.

        Parameters
        ----------
        texts : (n, k) int array
            All tokens of each.

        Returns
        -------
        (n, k) array
            At each token; the one score of a sequence classifier stands at all of them.

        Raises
        ------
        InputError
            If the texts are too long, or the model fails or is of another kind.
        """
        alone = self.kind == "sequence" and self.padding is None  # such refuse a batch
        step = 1 if alone else self.together(texts.shape[1])
        parts = [self._whole(texts[i : i + step]) for i in range(0, len(texts), step)]
        return np.concatenate(parts)

    def _whole(self, texts: Ints) -> Floats:
        logits = self._run(lambda ids: self.model(ids).logits, texts, texts.shape[1])
        positions = () if self.kind == "sequence" else (texts.shape[1],)
        if logits.shape != (len(texts), *positions, self.n_outputs):
            named = "model of {} tokens" if self.kind == "causal" else "classifier of {} labels"
            raise InputError(
                f"{NAME}: outputs of shape {tuple(logits.shape)}; is it a {self.kind} "
                f"{named.format(self.n_outputs)}?"
            )
        scores = self._log_share(logits).reshape(len(texts), -1)
        return np.broadcast_to(scores, texts.shape)

    def behind(self, tokens: Ints, length: int, cache: Any) -> Floats:
        """Return log-scores at new tokens of texts of one length.

        Parameters
        ----------
        tokens : (n, k) int array
            The last k tokens of each.
        length : int
            Tokens of each text, with those in the cache.
        cache : transformers.Cache
            What was read before; it grows.

        Returns
        -------
        (n, k) array
            Of a sequence classifier as if the text ended there.

        Raises
        ------
        InputError
            If the texts are too long, or the model fails.
        """

        def read(ids: Any) -> Any:
            cached = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
            if self.kind != "sequence":
                return self.model(**cached).logits
            return self.model.score(self.model.base_model(**cached).last_hidden_state)

        return self._log_share(self._run(read, tokens, length))

    def _run(self, read: Callable[[Any], Any], tokens: Ints, length: int) -> Any:
        """Return outputs of the model, or say in one line why there are none."""
        check_length(length, self.context, NAME)
        self.model.eval()  # whoever holds the model may have trained it since
        with self.torch.inference_mode():
            try:
                return read(self.torch.as_tensor(tokens, device=self.model.device))
            except (RuntimeError, IndexError, ValueError) as fault:
                raise InputError(
                    f"{NAME}: it failed on {len(tokens)} texts of {length} tokens: "
                    f"{one_line(fault)}"
                ) from None

    def _log_share(self, logits: Any) -> Floats:
        """log P(good) by the outputs along the last axis."""
        functional, good = self.torch.nn.functional, self.label
        if self.rival is not None:
            logits, good = logits[..., [self.label, self.rival]], 0
        if logits.shape[-1] == 1:
            score = functional.logsigmoid(logits[..., 0].double())
        else:
            score = functional.log_softmax(logits.double(), -1)[..., good]
        return np.asarray(score.cpu().numpy())


def open_judge(name: str | Path, kind: str, device: str) -> tuple[Any, Any]:
    """Load a reward model and its tokenizer.

    Parameters
    ----------
    name : str or Path
        A folder, or a name on the hub.
    kind : {"sequence", "token", "causal"}
        What the model is.
    device : str
        "cpu", "cuda", "cuda:1", ...

    Returns
    -------
    model : transformers.PreTrainedModel
        In evaluation mode, in float32.
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    InputError
        If it cannot be had, or its file lacks weights, as that of a plain language model lacks
        the part that classifies.
    """
    _, transformers = torch_and_transformers()
    check_choice("kind", kind, KINDS)
    label = f"{NAME} {name!s}"
    with quiet(transformers):
        auto = getattr(transformers, KINDS[kind])
        return open_model(auto, name, device, "float32", label), open_tokenizer(name, label)

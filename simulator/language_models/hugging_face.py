"""Causal language models of the transformers library, with their key-value cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.words import token_words
from simulator.text.language_model import (
    WAIT,
    LanguageModel,
    Prompt,
    Session,
    check_prompt,
)
from simulator.typing import Floats, Ints

__all__ = ["HuggingFaceLM"]


class HuggingFaceLM(LanguageModel):
    """A causal language model of transformers as M(. | text).

    Log-probabilities are the log-softmax of the logits in float64. A temperature or a nucleus
    other than 1 makes another law of it, and that renormalised law is what is sampled and
    scored.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode, on any device.
    tokenizer : transformers.PreTrainedTokenizerBase or None
        None is for models of bare tokens.
    temperature : float, optional
        > 0.
    top_p : float, optional
        In (0, 1]; the smallest set of tokens of at least this mass is kept.
    batch : int, optional
        Rows at once.

    Raises
    ------
    InputError
        If an option is out of range.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        batch: int = 256,
        name: str = "language model",
    ) -> None:
        check_real("temperature", temperature, 0, above=True)
        check_real("top_p", top_p, 0, 1, above=True)
        check_int("batch", batch, 1)
        self.model, self.tokenizer = model, tokenizer
        self.temperature, self.top_p = temperature, top_p
        self.batch, self.name = batch, name
        self.n_tokens = int(model.config.vocab_size)
        self.eos, self.stops = self._ends()
        self.torch, _ = torch_and_transformers()

    def _ends(self) -> tuple[int | None, tuple[int, ...]]:
        """Return the tokenizer's end of a text, and those that the model's settings name too."""
        named = [self.tokenizer.eos_token_id] if self.tokenizer else []
        for settings in (getattr(self.model, "generation_config", None), self.model.config):
            found = getattr(settings, "eos_token_id", None)
            named += found if isinstance(found, list) else [found]
        ends = list(dict.fromkeys(int(t) for t in named if t is not None))
        return (ends[0], tuple(ends[1:])) if ends else (None, ())

    def chat(self, message: str, *, system: str | None = None) -> list[int]:
        """Return the prompt that asks a chat model for its reply, by the model's own template.

        Parameters
        ----------
        message : str
            What the user says.
        system : str, optional
            By default what the template puts there.

        Raises
        ------
        InputError
            If the tokenizer has no chat template.
        """
        self._need_tokenizer()
        if not self.tokenizer.chat_template:
            raise InputError(f"chat: {self.name} has no chat template; use a plain prompt")
        said = [] if system is None else [{"role": "system", "content": system}]
        said.append({"role": "user", "content": message})
        text = self.tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
        return self.encode(text)

    def start(self, prompt: Prompt, n: int) -> HuggingFaceSession:
        """Begin n copies of a prompt, which is read once; see `LanguageModel.start`."""
        return HuggingFaceSession(self, self.prompt_tokens(prompt), n)

    def prompt_tokens(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt; an empty one becomes the token that begins a text.

        Raises
        ------
        InputError
            If it has none.
        """
        check_prompt(prompt)
        ids = self.encode(prompt) if isinstance(prompt, str) else [int(t) for t in prompt]
        begin = self.tokenizer.bos_token_id if self.tokenizer else self.model.config.bos_token_id
        if not ids and begin is not None:
            ids = [int(begin)]
        if not ids or not all(0 <= t < self.n_tokens for t in ids):
            raise InputError(f"prompt: {prompt!r:.60} has no tokens, or unknown ones")
        return ids

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, none added."""
        self._need_tokenizer()
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        self._need_tokenizer()
        return str(self.tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False))

    def words(self) -> list[bytes]:
        """Return what each token adds to a text; see `LanguageModel.words`."""
        self._need_tokenizer()
        return token_words(self.tokenizer, self.n_tokens)

    def _need_tokenizer(self) -> None:
        if self.tokenizer is None:
            raise InputError("this language model has no tokenizer, only tokens")

    def log_probs(self, logits: Any) -> Floats:
        """Turn logits into the log-probabilities that are sampled and scored.

        Parameters
        ----------
        logits : (..., V) tensor

        Returns
        -------
        (..., V) float64 array
            On the host.
        """
        torch = self.torch
        out = torch.log_softmax(logits.double() / self.temperature, dim=-1)
        if self.top_p < 1:
            ranked, order = torch.sort(out, dim=-1, descending=True, stable=True)
            mass_before = torch.cumsum(ranked.exp(), dim=-1) - ranked.exp()
            cut = torch.zeros_like(out, dtype=torch.bool)
            cut.scatter_(-1, order, mass_before >= self.top_p)
            out = torch.log_softmax(out.masked_fill(cut, -torch.inf), dim=-1)
        return np.asarray(out.cpu().numpy())

    def laws(self, prompt: Prompt, tokens: npt.ArrayLike) -> Iterator[Floats]:
        """Read all levels in one forward pass; see `LanguageModel.laws`."""
        torch, paths = self.torch, np.asarray(tokens, dtype=np.int64)
        n, length = paths.shape
        ids = np.tile(self.prompt_tokens(prompt), (n, 1))
        rows = np.column_stack([ids, np.maximum(paths, 0)])[:, :-1]
        tensor = torch.as_tensor(rows, device=self.model.device)
        with torch.inference_mode():
            logits = self.model(tensor, use_cache=False, logits_to_keep=length).logits
        for h in range(length):  # one column at a time: a vocabulary wide in float64
            yield self.log_probs(logits[:, h])


class HuggingFaceSession(Session):
    """A batch with a `DynamicCache`; a forward pass happens when it cannot be put off.

    Texts that agree share one row of the cache and of the forward pass, and resampling only
    notes which row a text sits in, so copies of a particle cost nothing. A text that waits is
    fed a token that nobody attends to and keeps its log-probabilities.
    """

    def __init__(self, lm: HuggingFaceLM, prompt: list[int], n: int) -> None:
        _, transformers = torch_and_transformers()
        self.lm = lm
        self.place = np.zeros(n, dtype=np.int64)  # row of each text
        self.pending: Ints | None = None  # token that each text has yet to be fed
        self.cache = transformers.DynamicCache(config=lm.model.config)
        self.length = np.full(1, len(prompt), dtype=np.int64)
        self.mask = np.ones((1, len(prompt)), dtype=np.int64)
        self.table = lm.log_probs(self._forward(np.array([prompt]), None))

    def _forward(self, tokens: Ints, positions: Ints | None) -> Any:
        torch, device = self.lm.torch, self.lm.model.device
        inputs: dict[str, Any] = {"input_ids": torch.as_tensor(tokens, device=device)}
        if positions is not None and not self.mask.all():
            inputs["attention_mask"] = torch.as_tensor(self.mask, device=device)
            inputs["position_ids"] = torch.as_tensor(positions, device=device)
        with torch.inference_mode():
            out = self.lm.model(
                **inputs, past_key_values=self.cache, use_cache=True, logits_to_keep=1
            )
        return out.logits[:, -1]

    def next_logprobs(self) -> Floats:
        """Return log M(. | text) of every text; see `Session.next_logprobs`."""
        if self.pending is not None:
            self._flush(self.pending)
        return self.table[self.place]

    def _flush(self, pending: Ints) -> None:
        """Feed the tokens: one row for each different pair of row and token."""
        pairs = self.place * (self.lm.n_tokens + 1) + (pending - WAIT)
        _, first, after = np.unique(pairs, return_index=True, return_inverse=True)
        rows, tokens = self.place[first], pending[first]
        if not np.array_equal(rows, np.arange(self.length.size)):
            self.cache.batch_select_indices(self._index(rows))
        moving = tokens != WAIT
        self.mask = np.column_stack([self.mask[rows], moving])
        length = self.length[rows]
        logits = self._forward(np.maximum(tokens, 0)[:, None], length[:, None])
        table = np.empty((rows.size, self.lm.n_tokens))
        table[~moving] = self.table[rows[~moving]]
        table[moving] = self.lm.log_probs(logits[self._index(np.flatnonzero(moving))])
        self.table, self.length = table, length + moving
        self.place, self.pending = after, None

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one token behind every text; see `Session.extend`."""
        column = np.array(tokens, dtype=np.int64)
        if column.shape != self.place.shape:
            raise InputError(f"tokens: shape {column.shape} for {self.place.size} texts")
        if self.pending is not None:
            self._flush(self.pending)
        if (column != WAIT).any():
            self.pending = column

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Note which rows the texts sit in now; see `Session.reorder`."""
        self._take(self, np.asarray(ancestors, dtype=np.int64))

    def fork(self, rows: npt.ArrayLike) -> HuggingFaceSession:
        """Return a session that goes on from some texts; see `Session.fork`."""
        _, transformers = torch_and_transformers()
        new = object.__new__(HuggingFaceSession)
        new.lm = self.lm
        new._take(self, np.asarray(rows, dtype=np.int64))
        used, new.place = np.unique(new.place, return_inverse=True)
        new.length, new.mask, new.table = self.length[used], self.mask[used], self.table[used]
        new.cache = transformers.DynamicCache(config=self.lm.model.config)
        for k, layer in enumerate(self.cache.layers):
            index = self._index(used)
            new.cache.update(layer.keys[index], layer.values[index], k)
        return new

    def _index(self, rows: Ints) -> Any:
        return self.lm.torch.as_tensor(rows, device=self.lm.model.device)

    def _take(self, other: HuggingFaceSession, rows: Ints) -> None:
        self.place = other.place[rows]
        self.pending = None if other.pending is None else other.pending[rows]

"""Causal language models of the transformers library as language models of the laboratory."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.language_models.context import check_length, context_length
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.loading import evaluating, one_line
from simulator.language_models.self_test import ReadingSession, fitting_session
from simulator.language_models.token_laws import TokenLaws
from simulator.language_models.tokenized import Tokenized, check_text
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

MOST_LOGITS = 1 << 23  # that one forward pass gives for texts whose tokens are known


class HuggingFaceLM(LanguageModel):
    """A causal language model of transformers as M(. | text).

    Log-probabilities are the log-softmax of the logits in float64, over the tokens that the
    tokenizer has a text for: models often have some more, which are never drawn. A temperature
    or a nucleus other than 1 makes another law of it, and that renormalised law is what is
    sampled and scored.

    What is scored is what continues the tokens of the prompt. A prompt that is a text begins
    with whatever `special_tokens` says; one of tokens is taken as it is, as is that of `chat`.

    Before its first use a model is tested: what a session says must be what plain forward
    passes say (`simulator.language_models.self_test`).

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal one, on any device; it is put into evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase or None
        None is for models of bare tokens.
    temperature : float, optional
        What logits are divided by, > 0.
    top_p : float, optional
        In (0, 1]; the smallest set of tokens of at least this mass is kept.
    batch : int, optional
        Rows at once.
    special_tokens : bool or None, optional
        What a prompt that is a text begins with: None, what the tokenizer puts in front of a
        text; True, the token that begins a text; False, nothing.
    name : str, optional
        What messages call the model.

    Raises
    ------
    InputError
        If an option is out of range, or the model is not one that continues texts.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        batch: int = 256,
        special_tokens: bool | None = None,
        name: str = "language model",
    ) -> None:
        check_real("temperature", temperature, 0, above=True)
        check_real("top_p", top_p, 0, 1, above=True)
        check_int("batch", batch, 1)
        self.torch, _ = torch_and_transformers()
        if getattr(model.config, "is_encoder_decoder", False):
            raise InputError(f"{name}: it has an encoder, so it does not continue a text")
        self.model, self.tokenizer = evaluating(model), tokenizer
        self.temperature, self.top_p = temperature, top_p
        self.batch, self.name = batch, name
        self.config = _text_config(model.config, name)
        self.n_tokens = int(self.config.vocab_size)
        self.context = context_length(self.config)
        self._keep = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._text = None if tokenizer is None else Tokenized(tokenizer, special_tokens)
        self.known = np.ones(self.n_tokens, np.bool_)
        if self._text is not None:
            self.known = self._text.known(self.n_tokens)
        self.eos, self.stops = self._ends()
        self._session: type[ReadingSession] | None = None

    @property
    def same_support(self) -> bool:
        """Whether no text is impossible under one prompt and possible under another.

        A softmax is nowhere 0, whatever the temperature, and the tokens without a text are the
        same everywhere; a nucleus keeps other tokens under other prompts.
        """
        return self.top_p == 1

    def _ends(self) -> tuple[int | None, tuple[int, ...]]:
        """Return the tokenizer's end of a text, and those that the model's settings name too."""
        named = [self.tokenizer.eos_token_id] if self.tokenizer else []
        settings = getattr(self.model, "generation_config", None), self.model.config, self.config
        for some in settings:
            found = getattr(some, "eos_token_id", None)
            named += found if isinstance(found, list) else [found]
        ends = list(dict.fromkeys(int(t) for t in named if t is not None))
        return (ends[0], tuple(ends[1:])) if ends else (None, ())

    def session_type(self) -> type[ReadingSession]:
        """Return the kind of session that this model gets, once it has passed its test.

        Returns
        -------
        type

        Raises
        ------
        InputError
            If no kind says what plain forward passes say.
        """
        self.model.eval()  # whoever holds the model may have trained it since
        if self._session is None:
            self._session = fitting_session(self)
        return self._session

    def chat(self, message: str, *, system: str | None = None) -> list[int]:
        """Return the prompt that asks a chat model for its reply, by the model's own template.

        It begins as the template says: no token is put in front of it.

        Parameters
        ----------
        message : str
            What the user says.
        system : str, optional
            By default what the template puts there.

        Returns
        -------
        list of int

        Raises
        ------
        InputError
            If the tokenizer has no chat template, or it does not take such messages.
        """
        text = self._tokenized()
        if not self.tokenizer.chat_template:
            raise InputError(f"chat: {self.name} has no chat template; use a plain prompt")
        said = [] if system is None else [{"role": "system", "content": system}]
        said.append({"role": "user", "content": message})
        for each in said:
            check_text(each["content"])
        try:
            whole = self.tokenizer.apply_chat_template(
                said, tokenize=False, add_generation_prompt=True
            )
        except Exception as fault:  # a template may raise what it likes
            raise InputError(f"chat: the template of {self.name}: {one_line(fault)}") from None
        return text.encode(whole)

    def start(self, prompt: Prompt, n: int) -> Session:
        """Begin n copies of a prompt, which is read once; see `LanguageModel.start`.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        n : int
            Number of copies.

        Returns
        -------
        Session
            With one row a copy.

        Raises
        ------
        InputError
            If the prompt is none, or the model does not pass its test.
        """
        return self.session_type()(self, self.prompt_tokens(prompt), n)

    def prompt_tokens(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt; an empty one becomes the token that begins a text.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, which begins as `special_tokens` says; or tokens, taken as they are.

        Returns
        -------
        list of int

        Raises
        ------
        InputError
            If it has none, unknown ones, or more than the model reads.
        """
        check_prompt(prompt)
        if isinstance(prompt, str):
            ids = self._tokenized().prompt(prompt)
        else:
            ids = [int(t) for t in prompt]
        begin = self.tokenizer.bos_token_id if self.tokenizer else self.config.bos_token_id
        if not ids and begin is not None:
            ids = [int(begin)]
        if not ids or not all(0 <= t < self.n_tokens and self.known[t] for t in ids):
            raise InputError(f"prompt: {prompt!r:.60} has no tokens, or unknown ones")
        check_length(len(ids), self.context, self.name)
        return ids

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, none added; see `LanguageModel.encode`.

        Parameters
        ----------
        text : str
            A text; what some tokenizers do to the beginning of one is done to it.

        Returns
        -------
        list of int
        """
        return self._tokenized().encode(text)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens that stand alone; see `LanguageModel.decode`.

        Parameters
        ----------
        tokens : sequence of int
            Tokens of this model, without `WAIT`.

        Returns
        -------
        str
        """
        return self._tokenized().decode(tokens)

    def words(self) -> list[bytes]:
        """Return what each token adds to a text; see `LanguageModel.words`.

        Returns
        -------
        list of bytes
        """
        return token_words(self._tokenized().tokenizer, self.n_tokens)

    def continuation(self, prompt: Prompt, tokens: Sequence[int]) -> str:
        """Return what tokens add to the text of a prompt; see `LanguageModel.continuation`.

        Parameters
        ----------
        prompt : str or sequence of int
            What they continue.
        tokens : sequence of int
            Tokens of this model, without `WAIT`.

        Returns
        -------
        str
            With the space in front of its first word, if it has one.
        """
        return self._tokenized().continuation(prompt, tokens)

    def _tokenized(self) -> Tokenized:
        if self._text is None:
            raise InputError("this language model has no tokenizer, only tokens")
        return self._text

    def check_column(self, tokens: npt.ArrayLike, n: int) -> Ints:
        """Return one token a text as an array, or refuse it.

        Parameters
        ----------
        tokens : (n,) int array
            With `WAIT` for texts that do not move.
        n : int
            Number of texts.

        Returns
        -------
        (n,) int array
            A copy.

        Raises
        ------
        InputError
            If there are more or fewer, or some that the model does not have.
        """
        column = np.array(tokens, dtype=np.int64)
        if column.shape != (n,):
            raise InputError(f"tokens: shape {column.shape} for {n} texts")
        if n and not WAIT <= column.min() <= column.max() < self.n_tokens:
            raise InputError(f"tokens: one is not from 0 to {self.n_tokens - 1}")
        return column

    def forward(self, tokens: Ints, length: int, *, keep: int = 0, cache: Any = None) -> Any:
        """Run the model on texts of one length.

        Parameters
        ----------
        tokens : (n, k) int array
            The last k tokens of each; all of them where there is no cache.
        length : int
            Tokens of each text, with those in the cache.
        keep : int, optional
            Positions at the end whose logits are needed; by default all.
        cache : transformers.Cache, optional
            What was read before; it grows.

        Returns
        -------
        transformers.utils.ModelOutput
            With ``logits`` of at least these positions.

        Raises
        ------
        InputError
            If the texts are too long, or the model fails on them.
        """
        check_length(length, self.context, self.name)
        torch = self.torch
        inputs: dict[str, Any] = {"use_cache": cache is not None}
        if self._keep:
            inputs["logits_to_keep"] = keep
        if cache is not None:
            inputs["past_key_values"] = cache
        with torch.inference_mode():
            try:
                ids = torch.as_tensor(tokens, device=self.model.device)
                return self.model(input_ids=ids, **inputs)
            except (RuntimeError, IndexError, ValueError) as fault:
                raise InputError(
                    f"{self.name}: it failed on {len(tokens)} texts of {length} tokens: "
                    f"{one_line(fault)}"
                ) from None

    def law(self, logits: Any, texts: Ints, prompt_length: int) -> TokenLaws:
        """Turn the logits behind texts into laws, or name the text where that fails.

        Parameters
        ----------
        logits : (n, V) tensor
            What the model says of the next token; logits of tokens without a text are lost.
        texts : (n, k) int array
            All tokens of each text.
        prompt_length : int
            How many of them are the prompt's.

        Returns
        -------
        TokenLaws
            On the device; probability 0 for tokens without a text, and outside the nucleus.

        Raises
        ------
        InputError
            If logits are not finite, or not of V tokens.
        """
        if logits.shape[-1] != self.n_tokens:
            raise InputError(
                f"{self.name}: {logits.shape[-1]} logits for {self.n_tokens} tokens; is it a "
                "model that continues texts?"
            )
        torch = self.torch
        with torch.inference_mode():
            hidden = torch.as_tensor(np.flatnonzero(~self.known), device=logits.device)
            if len(hidden):  # whatever they are, they must not look like a fault
                logits[:, hidden] = logits[:, [int(np.argmax(self.known))]]
            peak = logits.amax(dim=-1)
            extremes = torch.stack([logits.amin(dim=-1), peak]).double() / self.temperature
            fine = torch.isfinite(extremes).all(dim=0)
            if not fine.all():
                row = int((~fine).nonzero()[0, 0])
                self._refuse_logits([int(t) for t in texts[row]], prompt_length)
            if len(hidden):
                logits[:, hidden] = -torch.inf
            if self.top_p < 1:
                return TokenLaws(self._nucleus(logits))
        return TokenLaws(logits, 1 / self.temperature, peak)

    def _nucleus(self, logits: Any) -> Any:
        """Log-probabilities of the smallest set of tokens of mass `top_p`, -inf of the others."""
        torch = self.torch
        out = torch.log_softmax(logits.double() / self.temperature, dim=-1)
        ranked, order = torch.sort(out, dim=-1, descending=True, stable=True)
        mass_before = torch.cumsum(ranked.exp(), dim=-1) - ranked.exp()
        cut = torch.zeros_like(out, dtype=torch.bool)
        cut.scatter_(-1, order, mass_before >= self.top_p)
        return out.masked_fill(cut, -torch.inf)

    def _refuse_logits(self, text: list[int], prompt_length: int) -> None:
        shown = repr(text if self._text is None else self._text.decode(text))
        shown = shown if len(shown) <= 60 else f"...{shown[-57:]}"
        raise InputError(
            f"{self.name}: logits that are not finite at step {len(text) - prompt_length + 1}, "
            f"behind the text {shown}"
        )

    def texts_at_once(self, length: int) -> int:
        """See `LanguageModel.texts_at_once`: fewer where texts are long or words are many.

        Parameters
        ----------
        length : int

        Returns
        -------
        int
        """
        return max(1, min(self.batch, MOST_LOGITS // max(1, length * self.n_tokens)))

    def laws(self, prompt: Prompt, tokens: npt.ArrayLike) -> Iterator[Floats]:
        """Read all levels in one forward pass; see `LanguageModel.laws`.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        tokens : (n, H) int array
            n rows at once.

        Yields
        ------
        (n, V) array
            One row a text, for each of the H tokens in turn.

        Raises
        ------
        InputError
            If the texts are too long, or the model does not pass its test.
        """
        self.session_type()
        paths = np.asarray(tokens, dtype=np.int64)
        n, length = paths.shape
        for column in paths.T:
            self.check_column(column, n)
        waits = paths == WAIT
        if length == 0 or (waits[:, :-1] & ~waits[:, 1:]).any():  # not at the end only
            yield from super().laws(prompt, paths)
            return
        ids = self.prompt_tokens(prompt)
        rows = np.column_stack([np.tile(ids, (n, 1)), np.maximum(paths, 0)])[:, :-1]
        logits = self.forward(rows, rows.shape[1], keep=length).logits[:, -length:]
        if not self.torch.isfinite(logits).all():  # what comes later spoils what comes before
            yield from super().laws(prompt, paths)
            return
        table = np.empty((n, self.n_tokens))
        for h in range(length):  # one column at a time: a vocabulary wide in float64
            go = ~waits[:, h - 1] if h else np.ones(n, dtype=np.bool_)  # the others keep their law
            at = self.torch.as_tensor(go, device=logits.device)
            found = self.law(logits[at, h], rows[go, : len(ids) + h], len(ids)).table()
            table = found if go.all() else np.where(go[:, None], 0.0, table)
            table[go] = found
            yield table


def _text_config(config: Any, name: str) -> Any:
    """Return the settings of the part that continues texts."""
    try:
        found = config.get_text_config(decoder=True)
    except ValueError as fault:
        raise InputError(f"{name}: {one_line(fault)}") from None
    if not isinstance(getattr(found, "vocab_size", None), int):
        raise InputError(f"{name}: its configuration names no vocab_size")
    return found

"""A vLLM engine behind the language-model interface.

One request a text and level, for one token and the log-probabilities of the whole vocabulary;
the engine's prefix cache keeps what the texts have in common, so a reorder is free. Tested
with a stand-in that honours vLLM's request and reply types, not on a live engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.language_models.tokenized import Tokenized
from simulator.language_models.words import token_words
from simulator.text.language_model import (
    WAIT,
    LanguageModel,
    Prompt,
    Session,
    check_prompt,
)
from simulator.typing import Floats

__all__ = ["VllmLM", "load_vllm"]


class VllmLM(LanguageModel):
    """A ``vllm.LLM`` as M(. | text).

    Parameters
    ----------
    engine : vllm.LLM
        Made with ``max_logprobs=-1`` and ``enable_prefix_caching=True``.
    sampling_params : callable
        ``vllm.SamplingParams``.
    batch : int, optional
        Texts a call.
    name : str, optional
        Shown in messages and tables.
    special_tokens : bool or None, optional
        What a prompt begins with; as in `simulator.language_models.hugging_face.HuggingFaceLM`.
    """

    def __init__(
        self,
        engine: Any,
        sampling_params: Callable[..., Any],
        *,
        batch: int = 256,
        name: str = "vllm",
        special_tokens: bool | None = None,
    ) -> None:
        self.engine, self.batch, self.name = engine, batch, name
        self.tokenizer = engine.get_tokenizer()
        self._text = Tokenized(self.tokenizer, special_tokens)
        self.n_tokens = int(engine.llm_engine.model_config.get_vocab_size())
        self.known = self._text.known(self.n_tokens)
        eos = self.tokenizer.eos_token_id
        self.eos = None if eos is None else int(eos)
        # one token, thrown away: the draw is ours; -1 asks for the whole vocabulary
        self.request = sampling_params(
            max_tokens=1, temperature=1.0, logprobs=-1, detokenize=False, ignore_eos=True
        )

    def start(self, prompt: Prompt, n: int) -> VllmSession:
        """Begin n copies of a prompt; see `LanguageModel.start`."""
        check_prompt(prompt)
        ids = self._text.prompt(prompt) if isinstance(prompt, str) else [int(t) for t in prompt]
        if not ids:
            raise InputError("prompt: it has no tokens")
        return VllmSession(self, [ids] * n)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, none added."""
        return self._text.encode(text)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return self._text.decode(tokens)

    def continuation(self, prompt: Prompt, tokens: Sequence[int]) -> str:
        """Return what tokens add to the text of a prompt; see `LanguageModel.continuation`."""
        return self._text.continuation(prompt, tokens)

    def words(self) -> list[bytes]:
        """Return what each token adds to a text; see `LanguageModel.words`."""
        return token_words(self.tokenizer, self.n_tokens)

    def ask(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Ask for the next-token law of texts.

        Returns
        -------
        (n, V) array

        Raises
        ------
        InputError
            If the engine keeps log-probabilities back, or they are no law.
        """
        requests = [{"prompt_token_ids": list(t)} for t in texts]
        replies = self.engine.generate(requests, self.request, use_tqdm=False)
        out = np.full((len(texts), self.n_tokens), -np.inf)
        for row, reply in zip(out, replies, strict=True):
            found = reply.outputs[0].logprobs[0]
            if len(found) < self.n_tokens:
                raise InputError(
                    f"vllm: log-probabilities of {len(found)} of {self.n_tokens} tokens came back; "
                    "make the engine with max_logprobs=-1"
                )
            for token, entry in found.items():
                row[token] = entry.logprob
        out[:, ~self.known] = -np.inf  # the head of a model is often longer than its vocabulary
        if np.isnan(out).any() or np.isposinf(out).any() or np.isneginf(out).all(axis=1).any():
            raise InputError(f"{self.name}: log-probabilities that are not finite came back")
        # float32 on the way: make the rows laws again
        return np.asarray(out - np.logaddexp.reduce(out, axis=1)[:, None])


class VllmSession(Session):
    """Texts as lists of tokens; equal ones are asked about once."""

    def __init__(self, lm: VllmLM, texts: list[list[int]]) -> None:
        self.lm, self.texts = lm, texts
        self.log_probs: Floats | None = None

    def next_logprobs(self) -> Floats:
        """Ask the engine, unless nothing has changed; see `Session.next_logprobs`."""
        if self.log_probs is None:
            distinct = list(dict.fromkeys(map(tuple, self.texts)))
            place = {t: i for i, t in enumerate(distinct)}
            table = self.lm.ask(distinct)
            self.log_probs = table[[place[tuple(t)] for t in self.texts]]
        return self.log_probs

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one token behind every text; see `Session.extend`."""
        column = np.asarray(tokens, dtype=np.int64)
        self.texts = [
            t if a == WAIT else [*t, int(a)] for t, a in zip(self.texts, column, strict=True)
        ]
        self.log_probs = None

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Copy texts; see `Session.reorder`."""
        rows = np.asarray(ancestors, dtype=np.int64)
        self.texts = [self.texts[i] for i in rows]
        self.log_probs = None if self.log_probs is None else self.log_probs[rows]

    def fork(self, rows: npt.ArrayLike) -> VllmSession:
        """Return a session of some texts; see `Session.fork`."""
        return VllmSession(self.lm, [self.texts[i] for i in np.asarray(rows, dtype=np.int64)])


def load_vllm(name: str, **options: Any) -> VllmLM:
    """Start a vLLM engine for a model.

    Parameters
    ----------
    name : str
        Name or folder.
    **options
        Of ``vllm.LLM``.

    Raises
    ------
    InputError
        If vLLM is not installed.
    """
    try:
        import vllm
    except ImportError:
        raise InputError("vllm is not installed: pip install vllm") from None
    engine = vllm.LLM(model=name, max_logprobs=-1, enable_prefix_caching=True, **options)
    return VllmLM(engine, vllm.SamplingParams, name=name)

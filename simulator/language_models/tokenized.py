"""Texts and their tokens: what begins a prompt, which tokens have a text, what a user reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.typing import Bools

__all__ = ["Tokenized", "check_text"]

TAIL = 8  # tokens of the prompt that a continuation is decoded with


class Tokenized:
    """A tokenizer as language models use it.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        A tokenizer, as it was saved with its model.
    special_tokens : bool or None, optional
        What a prompt begins with: None, what the tokenizer puts in front of a text; True, the
        token that begins a text; False, nothing.

    Raises
    ------
    InputError
        If there is no token that begins a text, but it is asked for.
    """

    def __init__(self, tokenizer: Any, special_tokens: bool | None = None) -> None:
        if special_tokens not in (None, True, False):
            raise InputError(f"special_tokens: {special_tokens!r} is not None, True or False")
        if special_tokens and tokenizer.bos_token_id is None:
            raise InputError("special_tokens: this tokenizer has no token that begins a text")
        self.tokenizer, self.special_tokens = tokenizer, special_tokens
        self._last: tuple[str | tuple[int, ...], tuple[int, ...], str] = ((), (), "")

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, none added.

        Parameters
        ----------
        text : str
            Any text.

        Returns
        -------
        list of int

        Raises
        ------
        InputError
            If it has characters that are none.
        """
        check_text(text)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def prompt(self, text: str) -> list[int]:
        """Return the tokens of a prompt, with what it begins with unless that is there already.

        Parameters
        ----------
        text : str
            A prompt.

        Returns
        -------
        list of int

        Raises
        ------
        InputError
            If it has characters that are none.
        """
        tokens = self.encode(text)
        front = self._front(text, tokens)
        return tokens if tokens[: len(front)] == front else [*front, *tokens]

    def _front(self, text: str, tokens: list[int]) -> list[int]:
        if self.special_tokens is not None:
            return [int(self.tokenizer.bos_token_id)] if self.special_tokens else []
        if not tokens:
            dressed = list(self.tokenizer(text)["input_ids"])
            return [t for t in dressed[:1] if t == self.tokenizer.bos_token_id]
        try:
            return self.around(text)[0]  # what comes behind would end the text
        except InputError as fault:
            raise InputError(f"prompt: {fault}; say special_tokens=True or False") from None

    def around(self, text: str) -> tuple[list[int], list[int]]:
        """Return what the tokenizer puts in front of a text and behind it.

        Parameters
        ----------
        text : str
            One that has tokens.

        Returns
        -------
        front, back : list of int

        Raises
        ------
        InputError
            If the tokens of the text are not found among those with what is added.
        """
        dressed, tokens = list(self.tokenizer(text)["input_ids"]), self.encode(text)
        for k in range(len(dressed) - len(tokens) + 1):
            if tokens and dressed[k : k + len(tokens)] == tokens:
                return dressed[:k], dressed[k + len(tokens) :]
        raise InputError(f"{text!r:.60}: what the tokenizer adds to it cannot be told")

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, special ones written out.

        Parameters
        ----------
        tokens : sequence of int
            What a text consists of.

        Returns
        -------
        str
        """
        return str(self.tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False))

    def continuation(self, prompt: str | Sequence[int], tokens: Sequence[int]) -> str:
        """Return what tokens add to the text of a prompt.

        Some tokenizers drop the space in front of a text's first word. So the tokens are
        decoded behind the last ones of the prompt, whose own text is cut off.

        Parameters
        ----------
        prompt : str or sequence of int
            A text, or its tokens.
        tokens : sequence of int
            What continues it.

        Returns
        -------
        str
            The text of the tokens alone, where the prompt has no text of its own.
        """
        key = prompt if isinstance(prompt, str) else tuple(int(t) for t in prompt[-TAIL:])
        if self._last[0] != key:  # the same prompt is asked about again and again
            tail = tuple(self.prompt(key)[-TAIL:]) if isinstance(key, str) else key
            if set(tail) <= set(self.tokenizer.all_special_ids):
                tail = ()
            self._last = key, tail, self.decode(tail)
        _, tail, head = self._last
        whole = self.decode([*tail, *tokens])
        # not so where the tokens complete a character that the prompt has broken off
        return whole[len(head) :] if tokens and whole.startswith(head) else self.decode(tokens)

    def known(self, n_tokens: int) -> Bools:
        """Tell which tokens the tokenizer has a text for.

        Parameters
        ----------
        n_tokens : int
            Tokens that the model has; often more, so that their number is a round one.

        Returns
        -------
        (n_tokens,) bool array
        """
        out = np.zeros(n_tokens, dtype=np.bool_)
        ids = np.array(sorted(self.tokenizer.get_vocab().values()), dtype=np.int64)
        out[ids[(ids >= 0) & (ids < n_tokens)]] = True
        for token in np.flatnonzero(~out):  # two tokens of one text: only one is in the vocabulary
            out[token] = self._has(int(token))
        return out

    def _has(self, token: int) -> bool:
        try:
            text = self.tokenizer.convert_ids_to_tokens(token)
        except Exception:  # libraries differ in what they raise
            return False
        unknown = getattr(self.tokenizer, "unk_token", None)
        return bool(text) and text != unknown


def check_text(text: str) -> None:
    """Refuse a text with characters that are none, such as bytes that were no UTF-8.

    Parameters
    ----------
    text : str
        A prompt, or what continues one.

    Raises
    ------
    InputError
        If it has some; the line shows the first.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as fault:
        raise InputError(
            f"text: {text!a:.60} has {text[fault.start]!a}, which is no character"
        ) from None

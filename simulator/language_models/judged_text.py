"""What a judge reads of a text: its tokens, and at which of them it is asked for a score."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from simulator.errors import InputError
from simulator.language_models.tokenized import Tokenized, check_text
from simulator.language_models.words import token_words
from simulator.text.steps import split_steps

__all__ = ["JudgedText", "Layout"]


class JudgedText(NamedTuple):
    """Tokens of a text, and the places of those that end a step; neither if no step has ended."""

    tokens: tuple[int, ...]
    ends: tuple[int, ...]


class Layout:
    """How a judge's texts are laid out: its prompt, and what separates and marks their steps.

    Without a separator a text is one step, always ended, whose end is its last token. With one,
    what follows the last separator is left out until its step has ended; a text that has ended
    ends its last step.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        That of the judge.
    prompt : str, optional
        Put before every text.
    separator : str or None, optional
        Ends a step; where there is no tag, the score is read at the token that completes it.
    tag : str, optional
        Put behind each step, in front of its separator; the score is read at its last token.
    keep_separator : bool, optional
        Whether separators are read too; without them there must be a tag.

    Raises
    ------
    InputError
        If these do not fit together.
    """

    def __init__(
        self,
        tokenizer: Any,
        prompt: str = "",
        separator: str | None = None,
        tag: str = "",
        keep_separator: bool = True,
    ) -> None:
        for text in (prompt, separator or "", tag):
            check_text(text)
        if separator == "":
            raise InputError("separator: empty, so that no step ends")
        if separator is None and (tag or not keep_separator):
            raise InputError("tag, keep_separator: only with a separator, which ends a step")
        if not (tag or keep_separator):
            raise InputError("keep_separator=False: only with a tag, which marks the end of a step")
        self.tokenizer, self.prompt, self.separator = tokenizer, prompt, separator
        self.tag, self.keep_separator = tag, keep_separator
        self.begin = tokenizer.bos_token or tokenizer.eos_token or ""  # of texts without a token

    def with_prompt(self, prompt: str) -> Layout:
        """Return the same layout with another prompt.

        Parameters
        ----------
        prompt : str
            Put before every text.

        Returns
        -------
        Layout

        Raises
        ------
        InputError
            If it has characters that are none.
        """
        return Layout(self.tokenizer, prompt, self.separator, self.tag, self.keep_separator)

    def reads_tokens_of(self, model: Any) -> bool:
        """Tell whether the tokens of a language model can be read as they are.

        Parameters
        ----------
        model : LanguageModel
            What writes.

        Returns
        -------
        bool
            Whether its tokenizer has the same tokens under the same numbers, and no tag is put
            among them.
        """
        other = getattr(model, "tokenizer", None)
        if other is None or self.tag:
            return False
        return other is self.tokenizer or other.get_vocab() == self.tokenizer.get_vocab()

    def of_text(self, text: str, final: bool) -> JudgedText:
        """Return what is read of a continuation that is given as a text.

        Parameters
        ----------
        text : str
            Without the prompt.
        final : bool
            Whether it has ended.

        Returns
        -------
        JudgedText

        Raises
        ------
        InputError
            If it has no tokens, or it cannot be told where its steps end.
        """
        check_text(text)
        if self.separator is None:
            tokens = self._tokens(self.prompt + text)["input_ids"]
            return JudgedText(tuple(tokens), (len(tokens) - 1,))
        steps = split_steps(text, self.separator, final)
        if not steps:
            return JudgedText((), ())
        if not getattr(self.tokenizer, "is_fast", False):
            raise InputError(
                f"separator: {type(self.tokenizer).__name__} does not tell where in a text its "
                "tokens are; take a fast tokenizer"
            )
        cut = final and not text.endswith(self.separator)
        whole, marks = self.prompt, []
        for left in range(len(steps) - 1, -1, -1):
            whole += steps[-1 - left] + self.tag
            if not (self.tag or (cut and left == 0)):
                whole += self.separator
            marks.append(len(whole) - 1)
            if self.tag and self.keep_separator and left:
                whole += self.separator
        found = self._tokens(whole, return_offsets_mapping=True)
        inner = [k for k, part in enumerate(found.sequence_ids(0)) if part is not None]
        spans = [found["offset_mapping"][k] for k in inner]
        ends = sorted({inner[_place(spans, mark)] for mark in marks})
        return JudgedText(tuple(found["input_ids"]), tuple(ends))

    def of_tokens(self, tokens: Sequence[int], final: bool) -> JudgedText:
        """Return what is read of a continuation that is given as tokens.

        Parameters
        ----------
        tokens : sequence of int
            Those of a model whose tokens can be read as they are, without those that end a text.
        final : bool
            Whether the text has ended.

        Returns
        -------
        JudgedText

        Raises
        ------
        InputError
            If it cannot be told what the tokenizer puts around a text.
        """
        if not tokens:
            return self.of_text("", final)
        front, back = self._around
        if self.separator is None:
            row = (*front, *tokens, *back)
            return JudgedText(row, (len(row) - 1,))
        words = [self._words[t] for t in tokens]
        whole, mark = b"".join(words), self.separator.encode()
        stops = list(accumulate(map(len, words)))
        ends, at = set(), 0
        while (found := whole.find(mark, at)) >= 0:
            at = found + len(mark)
            ends.add(bisect_left(stops, at))
        if final and (at < len(whole) or not ends):
            ends.add(len(tokens) - 1)
        if not ends:
            return JudgedText((), ())
        row = (*front, *tokens[: max(ends) + 1], *back)
        return JudgedText(row, tuple(len(front) + k for k in sorted(ends)))

    @property
    def head(self) -> tuple[int, ...]:
        """Tokens of the prompt alone; none where there is no prompt."""
        return tuple(self._tokens(self.prompt)["input_ids"]) if self.prompt else ()

    @cached_property
    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tokens in front of a continuation, those of the prompt among them, and behind it."""
        reader = Tokenized(self.tokenizer)
        prompt = reader.encode(self.prompt)
        plain = set(range(len(self.tokenizer))) - set(self.tokenizer.all_special_ids)
        texts = (reader.decode([t]) for t in sorted(plain))
        sample = self.prompt if prompt else next((t for t in texts if reader.encode(t)), "")
        front, back = reader.around(sample)
        return (*front, *prompt), tuple(back)

    @cached_property
    def _words(self) -> list[bytes]:
        """What each token adds to a text, special ones written out."""
        words = token_words(self.tokenizer, len(self.tokenizer))
        added = self.tokenizer.added_tokens_decoder.items()
        special = {token for token, entry in added if entry.special}
        for token in special.union(self.tokenizer.all_special_ids):
            words[token] = self.tokenizer.convert_ids_to_tokens(token).encode()
        return words

    def _tokens(self, text: str, **options: Any) -> Any:
        found = self.tokenizer(text or self.begin, **options)
        if not found["input_ids"]:
            raise InputError(f"{text!r:.60}: the reward model's tokenizer makes no token of it")
        return found


def _place(spans: Sequence[tuple[int, int]], mark: int) -> int:
    """Return the token that holds a character, or where it was dropped the last one before it.

    A character in several tokens is held by the last of them. Some tokenizers tell of blank
    tokens only where they end.
    """
    stops = [stop for _, stop in spans]
    k = bisect_left(stops, mark + 1)
    if k < len(spans) and (spans[k][0] <= mark or spans[k] == (mark + 1, mark + 1)):
        return bisect_right(stops, stops[k]) - 1
    return max(0, k - 1)

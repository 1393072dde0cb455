"""The bytes that the tokens of a tokenizer add to a text."""

from __future__ import annotations

from typing import Any

__all__ = ["token_words"]

CUT = "\ufffd"  # what a tokenizer writes for a part of a character


def token_words(tokenizer: Any, n_tokens: int) -> list[bytes]:
    """Return what each token adds behind another one.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        Parts of characters are read off the names of its tokens if it works on bytes, or has names
        like <0xE2>.
    n_tokens : int
        V, padding of the model included.

    Returns
    -------
    list of bytes
        Empty for special tokens, for those that the tokenizer does not have, and for parts of
        characters whose bytes it does not tell.
    """
    known = min(n_tokens, len(tokenizer))
    special = {t for t, token in tokenizer.added_tokens_decoder.items() if token.special}
    names = tokenizer.convert_ids_to_tokens(list(range(known)))
    alphabet = byte_alphabet()
    out = []
    for token, name in enumerate(names):
        # twice, as some tokenizers leave out the space of the first word
        once, twice = (
            tokenizer.decode([token] * n, clean_up_tokenization_spaces=False) for n in (1, 2)
        )
        if name is None or token in special or token in tokenizer.all_special_ids:
            out.append(b"")
        elif CUT not in twice:
            out.append(twice[len(once) :].encode())
        elif len(name) == 6 and name.startswith("<0x"):
            out.append(bytes([int(name[3:5], 16)]))
        elif set(name) <= alphabet.keys():
            out.append(bytes(alphabet[c] for c in name))
        else:
            out.append(b"")
    return out + [b""] * (n_tokens - known)


def byte_alphabet() -> dict[str, int]:
    """Return the letter that byte-level tokenizers write for each byte.

    Printable bytes are their own letters; the others follow, from U+0100 on.

    Examples
    --------
    >>> [byte_alphabet()[c] for c in "aĠ"]
    [97, 32]
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + k): b for k, b in enumerate(hidden)}

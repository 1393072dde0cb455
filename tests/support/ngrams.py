"""N-gram models by their formula: counts of slices, asked for one history at a time."""

import itertools
from collections import Counter


def naive(text, unit, end, vocabulary):
    """Texts as lists of tokens with their ends, the tokens in order, and what texts begin with."""
    lines = [line.split() for line in text.split("\n") if line.split()]
    if unit == "words":
        often = Counter(w for line in lines for w in line)
        known = sorted(often, key=lambda w: (-often[w], w))[:vocabulary]
        lines = [[w if w in known else "<unk>" for w in line] for line in lines]
    if end == "never":
        lines = [[word for line in lines for word in line]]
    texts = lines if unit == "words" else [list(" ".join(line)) for line in lines]
    tokens = sorted({token for line in texts for token in line})
    if end == "never":
        return texts, tokens, []
    return [["<s>", *line, "</s>"] for line in texts], [*tokens, "</s>"], ["<s>"]


def naive_row(texts, tokens, past, order):
    """p(. | past) with Witten-Bell interpolation."""
    row = [1 / len(tokens)] * len(tokens)
    for length in range(order):
        if length > len(past):
            break
        context = past[len(past) - length :]
        follow = Counter(
            text[i + length]
            for text in texts
            for i in range(len(text) - length)
            if text[i : i + length] == context and text[i + length] != "<s>"
        )
        n, kinds = sum(follow.values()), len(follow)
        if n:
            row = [(follow[t] + kinds * p) / (n + kinds) for t, p in zip(tokens, row, strict=True)]
    return row


def histories(tokens, longest):
    """All sequences of up to so many tokens."""
    for length in range(longest + 1):
        yield from itertools.product(tokens, repeat=length)

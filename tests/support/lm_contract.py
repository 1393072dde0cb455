"""What every language model must do; run on the tabular, the tiny and the packaged one."""

import numpy as np

from simulator.text.language_model import WAIT


def check_reorders(lm, full, prompt, n, reorders, seed, tolerance, allowed=None, every=1):
    """Random tokens, waits and reorders keep log-probabilities equal to `full` recomputation.

    `full(tokens)` gives log M(. | tokens) of one text from a plain forward pass; it is asked
    after every so many of the reorders, and at the end.
    """
    rng = np.random.default_rng(seed)
    allowed = np.arange(lm.n_tokens) if allowed is None else np.asarray(allowed)
    session = lm.start(prompt, n)
    texts = [[] for _ in range(n)]
    for done in range(1, reorders + 1):
        if rng.random() < 0.7:
            tokens = rng.choice(allowed, n)
            if rng.random() < 0.4:
                tokens[rng.random(n) < 0.5] = WAIT
            session.extend(tokens)
            texts = [t if a == WAIT else [*t, int(a)] for t, a in zip(texts, tokens, strict=True)]
        ancestors = rng.integers(0, n, n)
        session.reorder(ancestors)
        texts = [texts[i] for i in ancestors]
        if done % every == 0:
            _compare(session, full, texts, tolerance)
    _compare(session, full, texts, tolerance)
    forked = session.fork([n - 1, 0])
    forked.extend(allowed[:2])
    _compare(session, full, texts, tolerance)
    _compare(forked, full, [[*texts[-1], int(allowed[0])], [*texts[0], int(allowed[1])]], tolerance)


def _compare(session, full, texts, tolerance):
    found = session.next_logprobs()
    assert found.dtype == np.float64
    assert np.abs(np.logaddexp.reduce(found, axis=1)).max() < 1e-9
    for row, text in zip(found, texts, strict=True):
        assert np.abs(row - full(text)).max() < tolerance


def plain_forward(lm, prompt):
    """Log-probabilities from one forward pass over the whole text, no cache."""
    import torch

    def full(tokens):
        ids = torch.tensor([[*lm.prompt_tokens(prompt), *tokens]])
        with torch.inference_mode():
            logits = lm.model(ids, use_cache=False).logits[0, -1]
        return torch.log_softmax(logits.double(), -1).numpy()

    return full

"""Walk through every random choice of an engine, so that its law is exact and no draw is made."""

import numpy as np

from simulator.samplers.smc import conditional_text as conditional_module
from simulator.samplers.smc import text as smc_module
from simulator.samplers.smc_rejection import text as rejection_module
from simulator.text import language_model as session_module
from simulator.text import particles as cloud_module


class Choices:
    """Replay a script of choices, then take the first possible one; `advance` goes to the next."""

    def __init__(self):
        self.script, self.laws = [], []
        self.rewind()

    def rewind(self):
        self.at, self.probability = 0, 1.0

    def choose(self, p):
        p = np.asarray(p, dtype=float) / np.sum(p)
        if self.at == len(self.script):
            self.script.append(int(np.flatnonzero(p)[0]))
            self.laws.append(p)
        k = self.script[self.at]
        self.at += 1
        self.probability *= p[k]
        return k

    def advance(self):
        """Whether there is another script; it differs in the last choice that has one more."""
        while self.script:
            later = np.flatnonzero(self.laws[-1][self.script[-1] + 1 :])
            if later.size:
                self.script[-1] += 1 + int(later[0])
                self.rewind()
                return True
            self.script.pop()
            self.laws.pop()
        return False


def every_run(monkeypatch, sampler, problem):
    """Yield (probability, one run) for all choices of tokens, multinomial ancestors and output."""
    return every_outcome(
        monkeypatch, lambda: sampler.run(problem, 1, rng=0, keep=("tokens",))
    )  # fmt: skip


def every_outcome(monkeypatch, play):
    """Yield (probability, what `play` returns) for all choices that an engine makes meanwhile."""
    choices = Choices()

    def tokens(log_probs, uniforms):
        return np.array([choices.choose(np.exp(row)) for row in log_probs], dtype=np.int64)

    def ancestors(weights, rng):
        return np.array([choices.choose(weights) for _ in weights])

    def output(cloud, weights):
        return np.array([choices.choose(w) if w.any() else -1 for w in weights])

    for module in (cloud_module, session_module):
        monkeypatch.setattr(module, "pick_token", tokens)
    for module in (smc_module, rejection_module):  # each has a name of its own for it
        monkeypatch.setattr(module, "pick_weighted", output)

    def free_ancestors(weights, uniforms):
        return np.array([choices.choose(weights) for _ in uniforms], dtype=np.int64)

    monkeypatch.setattr("simulator.resampling.multinomial.plain", ancestors)
    monkeypatch.setattr(conditional_module, "invert", free_ancestors)
    while True:
        result = play()
        yield choices.probability, result
        if not choices.advance():
            return

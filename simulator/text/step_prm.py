r"""Language models as process reward models: the probability of a word behind each step.

Some process reward models are language models that were trained to write "+" or "-" behind a tag
that ends each step (P. Wang et al., "Math-Shepherd", arXiv 2312.08935). The score of a step is

    P(+ | text up to the step, tag),   or   P(+) / (P(+) + P(-)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.errors import InputError
from simulator.text.language_model import WAIT, LanguageModel
from simulator.text.prms import TextPRM
from simulator.text.steps import one_token, split_steps
from simulator.typing import Floats

__all__ = ["StepPRM"]


class StepPRM(TextPRM):
    r"""Judge texts by the last of their steps, and each step by a language model.

    V^ is the score of the last step that `delimiter` has ended, 1 before the first, and the same
    until the next step ends; what follows the last delimiter of a finished text is a step too.
    Give a problem the delimiter's token as `delimiters`, and particles are resampled when their
    steps end. For other uses of the scores of a text see
    `simulator.samplers.reweighted.aggregations`. Each text is read anew; for a judge of
    transformers `simulator.language_models.reward_prm.RewardPRM` reads new tokens only.

    Parameters
    ----------
    model : LanguageModel
        What judges; not necessarily what writes.
    tag : str
        Put behind each step, before its delimiter; the last one is what `good` follows.
    good : str or int, optional
        The word, one token of `model`, that follows a good step; or its number.
    bad : str or int, optional
        The word that follows a bad step. If given, the score is P(good) / (P(good) + P(bad)).
    delimiter : str, optional
        Ends a step.
    prompt : str, optional
        Put before every text.
    batch : int, optional
        Largest number of texts a call.

    Raises
    ------
    InputError
        If `delimiter` is empty, or a word is not one token of `model`.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> from simulator.text.tabular import TabularLM
    >>> first = [[0.5, 0.5, 0.0]]  # of a judge that knows "a", "+" and "-"
    >>> judge = TabularLM(TabularModel.tree([first, [[0.0, 0.8, 0.2]] * 3]), ["a", "+", "-"])
    >>> prm = StepPRM(judge, "", delimiter=".")
    >>> np.exp(prm.log_values_of(["", "a", "a.", "a.b"], final=False)).round(3).tolist()
    [1.0, 1.0, 0.8, 0.8]
    """

    def __init__(
        self,
        model: LanguageModel,
        tag: str,
        good: str | int = "+",
        bad: str | int | None = None,
        *,
        delimiter: str = "\n",
        prompt: str = "",
        batch: int = 1024,
    ) -> None:
        super().__init__(self._unfinished, self._finished, batch=batch)
        if not delimiter:
            raise InputError("delimiter: empty, so that no step ends")
        self.model, self.tag, self.delimiter, self.prompt = model, tag, delimiter, prompt
        self.good = self._token("good", good)
        self.bad = None if bad is None else self._token("bad", bad)

    def _token(self, name: str, word: str | int) -> int:
        return one_token(name, word, self.model.encode, self.model.n_tokens, self.model.name)

    def _unfinished(self, texts: Sequence[str]) -> Floats:
        return self._values([split_steps(text, self.delimiter, False) for text in texts])

    def _finished(self, texts: Sequence[str]) -> Floats:
        return self._values([split_steps(text, self.delimiter, True) for text in texts])

    def _values(self, steps: Sequence[Sequence[str]]) -> Floats:
        """V^ by the last step; equal beginnings are judged once."""
        keys = [tuple(s) for s in steps]
        judged = [key for key in dict.fromkeys(keys) if key]
        score = dict(zip(judged, self._scores(judged), strict=True)) if judged else {}
        return np.array([score.get(key, 1.0) for key in keys])

    def _scores(self, steps: Sequence[tuple[str, ...]]) -> Floats:
        between = self.tag + self.delimiter
        rows = [self.model.encode(between.join(s) + self.tag) for s in steps]
        good = self._log_prob(rows, self.good)
        if self.bad is None:
            return np.exp(good)
        bad = self._log_prob(rows, self.bad)
        if (impossible := np.isneginf(good) & np.isneginf(bad)).any():
            text = between.join(steps[int(np.argmax(impossible))])
            raise InputError(f"prm: neither word is possible behind {text!r:.60}")
        return np.exp(good - np.logaddexp(good, bad))

    def _log_prob(self, rows: Sequence[Sequence[int]], word: int) -> Floats:
        """Log P(word) behind each row."""
        paths = np.full((len(rows), max(map(len, rows)) + 1), WAIT, dtype=np.int64)
        for path, row in zip(paths, rows, strict=True):
            path[: len(row)] = row
            path[len(row)] = word
        ends = np.array([len(row) for row in rows], dtype=np.int64)
        found: Floats = self.model.score(self.prompt, paths)[np.arange(len(rows)), ends]
        return found

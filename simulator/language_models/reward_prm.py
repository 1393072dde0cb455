"""Reward models of the transformers library as PRMs that read new tokens only."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from simulator.checks import check_choice, check_real
from simulator.errors import InputError
from simulator.language_models.judge import NAME, Judge, open_judge
from simulator.language_models.judge_memory import (
    MEMORIES,
    Memory,
    RereadMemory,
    Row,
    fitting_memory,
)
from simulator.language_models.judged_text import JudgedText, Layout
from simulator.language_models.tokenized import Tokenized
from simulator.samplers.reweighted.aggregations import AGGREGATIONS, aggregate
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem, LanguagePRM, PRMSession
from simulator.text.steps import one_token
from simulator.typing import Bools, Floats, Ints

__all__ = ["RewardPRM", "load_reward_prm"]


class RewardPRM(LanguagePRM):
    r"""Judge texts by a reward model that keeps its cache: V^ = A(s_1, ..., s_h)^beta.

    s_1, ..., s_h are the scores of the steps that have ended, and A puts them together. A score
    is sigmoid(output) of a model with one output, else the softmax share of `label`; of a causal
    language model it is P(good), or P(good) / (P(good) + P(bad)), as in P. Wang et al.,
    "Math-Shepherd", arXiv 2312.08935.

    Without `separator` a text is one step, whose score stands at its last token: V^ is then that
    of `simulator.language_models.reward_model.RewardModel`. With one, each separator ends a step,
    whose score stands at the token that completes the separator, or at the last token of `tag`
    behind the step. V^ is 1 before the first step has ended, and the same until the next ends;
    when a text ends, what follows its last separator is a step, whose score stands at its last
    token or tag.

    What was read stays in a cache, and only what is new of a text is read, when V^ is asked for.
    If the tokenizer has the tokens of the language model under the same numbers, and there is no
    tag, tokens are read as they are; else the text is, and where new text changes old tokens,
    these are read again. Before its first use the model is tested: one whose scores with a cache
    are not those of whole texts, as it looks ahead or keeps a state elsewhere, reads each text
    anew.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A classifier of sequences or tokens, or a causal language model; it is put into evaluation
        mode.
    tokenizer : transformers.PreTrainedTokenizerBase
        The tokenizer of this model.
    kind : {"sequence", "token", "causal"}, optional
        What the model is.
    label : int, optional
        The output of a classifier that means "good"; by default the last.
    good : str or int, optional
        The word of a causal model, one token or its number, that means "good".
    bad : str or int, optional
        The one that means "bad".
    beta : float, optional
        Inverse temperature, >= 0.
    prompt : str, optional
        Put before every text; separators in it do not count.
    separator : str or int, optional
        Ends a step: a text, or a token of this model. Not for classifiers of sequences.
    tag : str, optional
        Put behind each step, in front of its separator.
    keep_separator : bool, optional
        Whether separators are read too; False only with a tag.
    aggregate : {"last", "minimum", "product", "mean"}, optional
        A; others than the last need a separator.
    end_only : bool, optional
        Whether V^ is 1 until the text has ended; it is read only then.
    batch : int, optional
        Texts a forward pass.
    cached : bool, optional
        False reads each text anew, whatever the model.

    Raises
    ------
    InputError
        If an option is out of range, or options do not fit together.

    Examples
    --------
    One that judges by "+" and "-" behind a tag, and one with a token for the ends of steps:

    >>> tagged = {"kind": "causal", "good": "+", "bad": "-", "separator": "\n", "tag": " #"}
    >>> own = {"kind": "token", "separator": "\n\n", "tag": "<end>", "keep_separator": False}
    >>> prm = load_reward_prm("folder", aggregate="minimum", **tagged)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        kind: str = "sequence",
        *,
        label: int = -1,
        good: str | int | None = None,
        bad: str | int | None = None,
        beta: float = 1.0,
        prompt: str = "",
        separator: str | int | None = None,
        tag: str = "",
        keep_separator: bool = True,
        aggregate: str = "last",
        end_only: bool = False,
        batch: int = 256,
        cached: bool = True,
    ) -> None:
        check_real("beta", beta, 0)
        check_choice("aggregate", aggregate, AGGREGATIONS)
        if separator is None and aggregate != "last":
            raise InputError(f"aggregate: {aggregate} needs a separator, which ends a step")
        if separator is not None and kind == "sequence":
            raise InputError("separator: a sequence classifier gives a text one score")
        words = Tokenized(tokenizer)
        numbers = [
            None if word is None else one_token(name, word, words.encode, len(tokenizer), NAME)
            for name, word in (("good", good), ("bad", bad))
        ]
        if separator is not None and not isinstance(separator, str):
            token = one_token("separator", separator, words.encode, len(tokenizer), NAME)
            separator = words.decode([token])
        self.judge = Judge(model, kind, label=label, good=numbers[0], bad=numbers[1], batch=batch)
        self.layout = Layout(tokenizer, prompt, separator, tag, keep_separator)
        self.beta, self.aggregate = beta, aggregate
        self.end_only, self.cached = end_only, cached
        self._memory: type[Memory] | None = None

    def with_prompt(self, prompt: str) -> RewardPRM:
        """Return the same PRM under another prompt.

        Parameters
        ----------
        prompt : str
            Put before every text.

        Returns
        -------
        RewardPRM
            With the same model, which is not tested again.

        Raises
        ------
        InputError
            If it has characters that are none, or the model does not pass its test.
        """
        self.memory_type()
        new = copy(self)
        new.layout = self.layout.with_prompt(prompt)
        return new

    def memory_type(self) -> type[Memory]:
        """Return the kind of memory that this model gets, once it has passed its test.

        Returns
        -------
        type
            `CachedMemory` or `RereadMemory` of `simulator.language_models.judge_memory`.

        Raises
        ------
        InputError
            If the model cannot be read, draws numbers, or gives none.
        """
        if self._memory is None:
            kinds = MEMORIES if self.cached else (RereadMemory,)
            self._memory = fitting_memory(self.judge, kinds)
        return self._memory

    def start(self, problem: LanguageModelProblem, n: int) -> PRMSession:
        """Begin with n empty texts; see `LanguagePRM.start`.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled; it holds the model, the prompt and where texts stop.
        n : int
            Number of texts.

        Returns
        -------
        PRMSession
            With one row a text.

        Raises
        ------
        InputError
            If the reward model does not pass its test.
        """
        return _RewardSession(self, problem, n)


class _RewardSession(PRMSession):
    """Texts as tokens of the writer; what was read of them is the business of the memory."""

    def __init__(self, prm: RewardPRM, problem: LanguageModelProblem, n: int) -> None:
        self.prm, self.problem, self.ends = prm, problem, set(problem.ends)
        self.as_tokens = prm.layout.reads_tokens_of(problem.lm)
        self.memory = prm.memory_type()(prm.judge)
        head = prm.layout.head
        if head:
            self.memory.scores([head])
        self.paths: list[tuple[int, ...]] = [()] * n
        self.read: list[Row] = [head] * n  # of each text, when it was last asked for

    def log_values(self, rows: Ints, final: Bools) -> Floats:
        texts = [self._judged(self.paths[i], bool(f)) for i, f in zip(rows, final, strict=True)]
        ended = [k for k, text in enumerate(texts) if text.ends]
        scores = self.memory.scores([texts[k].tokens for k in ended])
        for k in ended:
            self.read[rows[k]] = texts[k].tokens
        self.memory.keep(self.read)
        out = np.zeros(len(texts))  # V^ = 1 before the first step has ended
        for k, found in zip(ended, scores, strict=True):
            out[k] = aggregate(self.prm.aggregate, found[list(self._places(texts[k]))])
        if not np.isfinite(out).all():
            text = self.problem.text(self.paths[rows[int(np.argmin(np.isfinite(out)))]])
            raise InputError(f"{NAME}: its output for {text!r:.60} is not finite")
        return self.prm.beta * out

    def _judged(self, path: tuple[int, ...], final: bool) -> JudgedText:
        """Lay out what is read of a text, without the token that ended it."""
        if self.prm.end_only and not final:
            return JudgedText((), ())
        if not self.as_tokens:
            return self.prm.layout.of_text(self.problem.text(path), final)
        end = next((k for k, a in enumerate(path) if a in self.ends), len(path))
        return self.prm.layout.of_tokens(path[:end], final)

    def _places(self, text: JudgedText) -> tuple[int, ...]:
        if self.prm.judge.kind == "sequence":
            return (self.prm.judge.last(np.array(text.tokens)),)
        return text.ends

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        self.paths = [
            path if a == WAIT else (*path, int(a))
            for path, a in zip(self.paths, tokens, strict=True)
        ]

    def reorder(self, ancestors: Ints) -> None:
        self.paths = [self.paths[i] for i in ancestors]
        self.read = [self.read[i] for i in ancestors]

    def fork(self, rows: Ints) -> PRMSession:
        new = copy(self)
        new.memory = self.memory.copy()
        new.reorder(rows)
        return new


def load_reward_prm(
    name: str | Path, kind: str = "sequence", *, device: str = "cpu", **options: Any
) -> RewardPRM:
    """Load a reward model as a PRM by name or folder.

    Parameters
    ----------
    name : str or Path
        A folder, or a name on the hub.
    kind : {"sequence", "token", "causal"}, optional
        What the model is.
    device : str, optional
        "cpu", "cuda", "cuda:1", ...
    **options
        As in `RewardPRM`.

    Returns
    -------
    RewardPRM

    Raises
    ------
    InputError
        If it cannot be had, or its file lacks weights, as that of a plain language model lacks
        the part that classifies.
    """
    model, tokenizer = open_judge(name, kind, device)
    return RewardPRM(model, tokenizer, kind, **options)

"""Reward models of the transformers library as functions of texts, for `TextPRM`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.checks import check_choice, check_real
from simulator.errors import InputError
from simulator.language_models.judge import NAME, Judge, open_judge
from simulator.language_models.tokenized import check_text
from simulator.typing import Floats

__all__ = ["RewardModel", "load_reward_model"]

KINDS = ("sequence", "token")


class RewardModel:
    r"""Score texts by a classifier: V^ = P(label)^beta.

    A model with one output gives sigmoid(output); with several, the softmax share of `label`.
    A sequence classifier is asked for its output; a token classifier, as process reward
    models often are, for the output at the last token.

    A text has the tokens that the tokenizer makes of it and of the prompt before it, with
    those that it puts around a text. Sequence classifiers read their output at the last token
    that is not the padding token; where they have none, texts are judged one by one.

    Each text is read anew; `simulator.language_models.reward_prm.RewardPRM` reads new tokens only.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A classifier of sequences or of tokens; it is put into evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase
        The tokenizer of this model.
    kind : {"sequence", "token"}, optional
        What the model classifies.
    label : int, optional
        The output that means "good"; by default the last.
    beta : float, optional
        Inverse temperature, >= 0.
    prompt : str, optional
        Put before every text.
    batch : int, optional
        Texts a forward pass.

    Raises
    ------
    InputError
        If an option is out of range.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        kind: str = "sequence",
        *,
        label: int = -1,
        beta: float = 1.0,
        prompt: str = "",
        batch: int = 64,
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_real("beta", beta, 0)
        check_text(prompt)
        self.judge = Judge(model, kind, label=label, batch=batch)
        self.tokenizer, self.beta, self.prompt, self.batch = tokenizer, beta, prompt, batch

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Return V^ of texts.

        Parameters
        ----------
        texts : sequence of str
            Continuations of the prompt.

        Returns
        -------
        (n,) array

        Raises
        ------
        InputError
            If the model cannot judge one; names it.
        """
        parts = [self._scores(texts[i : i + self.batch]) for i in range(0, len(texts), self.batch)]
        return np.exp(self.beta * np.concatenate([np.zeros(0), *parts]))

    def _scores(self, texts: Sequence[str]) -> Floats:
        """log P(label); texts of one length share a pass, so that nothing is padded."""
        begin = self.tokenizer.bos_token or self.tokenizer.eos_token or ""
        for text in texts:
            check_text(text)
        rows = [self.tokenizer(self.prompt + t or begin)["input_ids"] for t in texts]
        out = np.empty(len(rows))
        for length in sorted({len(r) for r in rows}):
            same = [i for i, r in enumerate(rows) if len(r) == length]
            out[same] = self.judge.whole(np.array([rows[i] for i in same], dtype=np.int64))[:, -1]
        if not np.isfinite(out).all():
            bad = texts[int(np.argmin(np.isfinite(out)))]
            raise InputError(f"{NAME}: its output for {bad!r:.60} is not finite")
        return out


def load_reward_model(
    name: str | Path, kind: str = "sequence", *, device: str = "cpu", **options: Any
) -> RewardModel:
    """Load a reward model by name or folder.

    Parameters
    ----------
    name : str or Path
        A folder, or a name on the hub.
    kind : {"sequence", "token"}, optional
        What the model classifies.
    device : str, optional
        "cpu", "cuda", "cuda:1", ...
    **options
        As in `RewardModel`.

    Returns
    -------
    RewardModel

    Raises
    ------
    InputError
        If it cannot be had, or its file lacks weights, as that of a plain language model lacks
        the part that judges.
    """
    check_choice("kind", kind, KINDS)
    model, tokenizer = open_judge(name, kind, device)
    return RewardModel(model, tokenizer, kind, **options)

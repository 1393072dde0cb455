"""Reward models of the transformers library as functions of texts, for `TextPRM`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.checks import check_choice, check_int, check_real
from simulator.errors import InputError
from simulator.language_models.context import check_length, context_length
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.loading import (
    evaluating,
    one_line,
    open_model,
    open_tokenizer,
    quiet,
)
from simulator.language_models.tokenized import check_text
from simulator.typing import Floats

__all__ = ["RewardModel", "load_reward_model"]

KINDS = ("sequence", "token")
NAME = "reward model"


class RewardModel:
    r"""Score texts by a classifier: V^ = P(label)^beta.

    A model with one output gives sigmoid(output); with several, the softmax share of `label`.
    A sequence classifier is asked for its output; a token classifier, as process reward
    models often are, for the output at the last token.

    A text has the tokens that the tokenizer makes of it and of the prompt before it, with
    those that it puts around a text. Sequence classifiers read their output at the last token
    that is not the padding token; where they have none, texts are judged one by one.

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
        check_int("batch", batch, 1)
        check_text(prompt)
        self.torch, _ = torch_and_transformers()
        self.n_labels = int(model.config.num_labels)
        check_int("label", label, -self.n_labels, self.n_labels - 1)
        self.model, self.tokenizer, self.kind = evaluating(model), tokenizer, kind
        self.label, self.beta, self.prompt, self.batch = label, beta, prompt, batch
        text_config = model.config.get_text_config()
        self.context = context_length(text_config)
        alone = kind == "sequence" and getattr(text_config, "pad_token_id", None) is None
        self.together = 1 if alone else batch  # texts of one length that share a forward pass

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
            check_length(length, self.context, NAME)
            same = [i for i, r in enumerate(rows) if len(r) == length]
            for k in range(0, len(same), self.together):
                at = same[k : k + self.together]
                out[at] = self._log_share([rows[i] for i in at])
        if not np.isfinite(out).all():
            bad = texts[int(np.argmin(np.isfinite(out)))]
            raise InputError(f"{NAME}: its output for {bad!r:.60} is not finite")
        return out

    def _log_share(self, rows: list[list[int]]) -> Floats:
        """log P(label) of texts of one length."""
        torch = self.torch
        self.model.eval()  # whoever holds the model may have trained it since
        with torch.inference_mode():
            try:
                logits = self.model(torch.as_tensor(rows, device=self.model.device)).logits.double()
            except (RuntimeError, IndexError, ValueError) as fault:
                raise InputError(
                    f"{NAME}: it failed on {len(rows)} texts of {len(rows[0])} tokens: "
                    f"{one_line(fault)}"
                ) from None
        positions = (len(rows[0]),) if self.kind == "token" else ()
        if logits.shape != (len(rows), *positions, self.n_labels):
            raise InputError(
                f"{NAME}: outputs of shape {tuple(logits.shape)}; is it a {self.kind} classifier "
                f"of {self.n_labels} labels?"
            )
        if self.kind == "token":
            logits = logits[:, -1]
        if self.n_labels == 1:
            score = torch.nn.functional.logsigmoid(logits[:, 0])
        else:
            score = torch.log_softmax(logits, -1)[:, self.label]
        return np.asarray(score.cpu().numpy())


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
    _, transformers = torch_and_transformers()
    auto = {
        "sequence": transformers.AutoModelForSequenceClassification,
        "token": transformers.AutoModelForTokenClassification,
    }
    check_choice("kind", kind, auto)
    label = f"{NAME} {name!s}"
    with quiet(transformers):
        model = open_model(auto[kind], name, device, "float32", label)
        return RewardModel(model, open_tokenizer(name, label), kind, **options)

"""Reward models of the transformers library as functions of texts, for `TextPRM`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.checks import check_choice, check_real
from simulator.errors import InputError
from simulator.language_models.extra import torch_and_transformers
from simulator.typing import Floats

__all__ = ["RewardModel", "load_reward_model"]

KINDS = ("sequence", "token")


class RewardModel:
    r"""Score texts by a classifier: V^ = P(label)^beta.

    A model with one output gives sigmoid(output); with several, the softmax share of `label`.
    A sequence classifier is asked for its output; a token classifier, as process reward
    models often are, for the output at the last token.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A classifier of sequences or of tokens.
    tokenizer : transformers.PreTrainedTokenizerBase
    kind : {"sequence", "token"}, optional
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
        self.torch, _ = torch_and_transformers()
        self.model, self.tokenizer, self.kind = model, tokenizer, kind
        self.label, self.beta, self.prompt, self.batch = label, beta, prompt, batch

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Return V^ of texts.

        Returns
        -------
        (n,) array
        """
        parts = [self._scores(texts[i : i + self.batch]) for i in range(0, len(texts), self.batch)]
        return np.exp(self.beta * np.concatenate([np.zeros(0), *parts]))

    def _scores(self, texts: Sequence[str]) -> Floats:
        """log P(label); texts of one length share a batch, so that nothing is padded."""
        torch = self.torch
        begin = self.tokenizer.bos_token or self.tokenizer.eos_token or ""
        rows = [self.tokenizer(self.prompt + t or begin)["input_ids"] for t in texts]
        out = np.empty(len(rows))
        for length in sorted({len(r) for r in rows}):
            at = [i for i, r in enumerate(rows) if len(r) == length]
            ids = torch.as_tensor([rows[i] for i in at], device=self.model.device)
            with torch.inference_mode():
                logits = self.model(ids).logits.double()
            if self.kind == "token":
                logits = logits[:, -1]
            if logits.shape[-1] == 1:
                score = torch.nn.functional.logsigmoid(logits[:, 0])
            else:
                score = torch.log_softmax(logits, -1)[:, self.label]
            out[at] = score.cpu().numpy()
        return out


def load_reward_model(
    name: str | Path, kind: str = "sequence", *, device: str = "cpu", **options: Any
) -> RewardModel:
    """Load a reward model by name or folder.

    Parameters
    ----------
    kind : {"sequence", "token"}, optional
    **options
        As in `RewardModel`.

    Raises
    ------
    InputError
        If it cannot be had.
    """
    torch, transformers = torch_and_transformers()
    auto = {
        "sequence": transformers.AutoModelForSequenceClassification,
        "token": transformers.AutoModelForTokenClassification,
    }
    check_choice("kind", kind, auto)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
        model = auto[kind].from_pretrained(name, dtype=torch.float32).to(device).eval()
    except (OSError, ValueError, RuntimeError, AssertionError) as fault:
        raise InputError(f"reward model {name!s}: {' '.join(str(fault).split())[:200]}") from None
    return RewardModel(model, tokenizer, kind, **options)

"""A session that reads every text from its beginning, for models whose state is not copied."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.language_models.reader import Reader
from simulator.text.language_model import WAIT, Session
from simulator.typing import Floats

__all__ = ["RereadSession"]

Text = tuple[int, ...]


class RereadSession(Session):
    """A batch of texts without any cache: right for every causal model, and slower.

    Texts of one length share a forward pass, so nothing is padded; equal ones are read once,
    and one that waits is not read again.

    Parameters
    ----------
    lm : Reader
        The model.
    prompt : list of int
        Tokens that all texts begin with.
    n : int
        Number of texts.
    """

    def __init__(self, lm: Reader, prompt: list[int], n: int) -> None:
        self.lm, self.prompt_length = lm, len(prompt)
        self.texts: list[Text] = [tuple(prompt)] * n
        self.laws: dict[Text, Floats] = {}
        self._read()

    def _read(self) -> None:
        """Read the texts that have not been, and forget those that nobody has any more."""
        self.laws = {t: self.laws[t] for t in self.texts if t in self.laws}
        new = [t for t in dict.fromkeys(self.texts) if t not in self.laws]
        for length in sorted({len(t) for t in new}):
            some = [t for t in new if len(t) == length]
            for i in range(0, len(some), self.lm.batch):
                part = some[i : i + self.lm.batch]
                tokens = np.array(part)
                logits = self.lm.forward(tokens, length, keep=1).logits[:, -1]
                table = self.lm.law(logits, tokens, self.prompt_length).table()
                self.laws.update(zip(part, table, strict=True))

    def next_logprobs(self) -> Floats:
        """Return log M(. | text) of every text; see `Session.next_logprobs`."""
        self._read()
        return np.array([self.laws[t] for t in self.texts]).reshape(-1, self.lm.n_tokens)

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one token behind every text; see `Session.extend`.

        Parameters
        ----------
        tokens : (n,) int array
            `WAIT` leaves a text as it is.
        """
        column = self.lm.check_column(tokens, len(self.texts))
        self.texts = [
            t if a == WAIT else (*t, int(a)) for t, a in zip(self.texts, column, strict=True)
        ]

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Copy texts; see `Session.reorder`.

        Parameters
        ----------
        ancestors : (m,) int array
            Which texts, by their rows.
        """
        self.texts = [self.texts[i] for i in np.asarray(ancestors, dtype=np.int64)]

    def fork(self, rows: npt.ArrayLike) -> RereadSession:
        """Return a session that goes on from some texts; see `Session.fork`.

        Parameters
        ----------
        rows : (m,) int array
            Which texts, by their rows.

        Returns
        -------
        RereadSession
        """
        new = object.__new__(RereadSession)
        new.lm, new.prompt_length = self.lm, self.prompt_length
        new.texts, new.laws = list(self.texts), dict(self.laws)
        new.reorder(rows)
        return new

"""A model behind the completions interface of a server: each level is one piece of its text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.language_models.endpoint import Endpoint
from simulator.language_models.pieces import PieceNumbers, read_log_prob, read_piece
from simulator.language_models.server_habits import Habits, find_habits
from simulator.text.drawing import WAIT, Drawn
from simulator.text.language_model import LanguageModel, Prompt, Session
from simulator.typing import Bools, Floats, Ints

__all__ = ["CompletionsLM"]

SEEDS = 2.0**53  # a uniform has 53 bits, and so has its seed
PIECES = 2**31 - 1  # paths are int32
LIST = 32  # prompts


class CompletionsLM(LanguageModel):
    r"""A model that a server completes texts with: vLLM, llama.cpp, transformers and others.

    A level is a piece of text: what the server writes in at most `step_tokens` tokens, up to and
    with the first of the `delimiters`. So a problem has neither delimiters nor `block_tokens`, and
    its horizon counts pieces. pi_ref is the law of the texts that the server writes at this
    temperature, with nothing cut off its distribution if it lets us (`top_k`, `top_p`, `min_p`,
    penalties). A server reads each text anew as tokens, also where a piece has ended in the middle
    of a word, and says by itself that a text has ended.

    Samplers that only draw from pi_ref and judge texts (`TextPRM`, `StepPRM`, reward models) run on
    it: SMC with every scheme of resampling, SIS, best-of-N, beam search with `draws`, rejection
    with a given `eta`, lookahead with `rollouts`. What needs the probability of each next token is
    refused: other proposals, prompt switching, regular expressions, enumeration.

    Parameters
    ----------
    url : str
        The address, as http://HOST:PORT/v1. A key is taken from the environment variable
        OPENAI_API_KEY.
    model : str
        The model's name on that server.
    delimiters : str or sequence of str, optional
        Texts that end a piece.
    step_tokens : int, optional
        Largest number of tokens a piece.
    temperature : float, optional
        Of pi_ref, > 0.
    reproducible : bool, optional
        Whether every draw is a request with a seed made of the sampler's own random number, so
        that equal seeds give equal texts (up to rounding that depends on what else a server is
        doing). A server that mixes seeds up is asked one thing at a time; one that does not heed
        them is refused. With False no seeds are sent, and many prompts share a request where the
        server takes lists. Both at once would give all prompts of a request the same randomness.
    logprobs : bool, optional
        Whether to ask for the log-probabilities of what is drawn, which `score` and PRMs then
        have. A server that tells none is refused. Only at temperature 1: servers differ in what
        they report at others. Without it, PRMs are told 0.
    concurrency : int, optional
        Most requests at once.
    batch : int, optional
        Rows in one session, and prompts a request. By default `concurrency`, so that runs are
        done one after the other and a server that dies takes few; 32 where requests hold lists.
    timeout : float, optional
        Seconds of silence after which a request has failed.
    retries : int, optional
        How often a request that failed is sent again.
    wait : float, optional
        Seconds before the first time, doubled each time.

    Raises
    ------
    InputError
        If an argument is out of range, or the HTTP library is missing.

    Examples
    --------
    >>> lm = CompletionsLM("http://127.0.0.1:8000/v1", "my-model", delimiters="\n")
    >>> lm.name
    'my-model'
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        delimiters: str | Sequence[str] = (),
        step_tokens: int = 32,
        temperature: float = 1.0,
        reproducible: bool = True,
        logprobs: bool = False,
        concurrency: int = 8,
        batch: int | None = None,
        timeout: float = 120.0,
        retries: int = 5,
        wait: float = 0.5,
    ) -> None:
        self.delimiters = (delimiters,) if isinstance(delimiters, str) else tuple(delimiters)
        if not all(isinstance(d, str) and d for d in self.delimiters):
            raise InputError(f"delimiters: {delimiters!r:.60} are not texts of a sign and more")
        check_int("step_tokens", step_tokens, 1)
        check_real("temperature", temperature, 0, above=True)
        if logprobs and temperature != 1:
            raise InputError("logprobs: only at temperature 1, as servers differ in what they tell")
        self.endpoint = Endpoint(
            url, concurrency=concurrency, timeout=timeout, retries=retries, wait=wait
        )
        if batch is None:
            batch = concurrency if reproducible else LIST
        check_int("batch", batch, 1)
        self.step_tokens, self.temperature, self.batch = step_tokens, temperature, batch
        self.reproducible, self.logprobs, self.name = reproducible, logprobs, model
        self.n_tokens, self.eos = PIECES, 0
        self.numbers = PieceNumbers()
        self._log_probs: dict[tuple[str, int], float] = {}
        self._habits: Habits | None = None

    def habits(self, prompt: str) -> Habits:
        """Return what the server does; it is asked the first time.

        Parameters
        ----------
        prompt : str
            What short trial texts continue.

        Returns
        -------
        Habits
        """
        if self._habits is None:
            self._habits = find_habits(
                self.endpoint,
                {"model": self.name, "prompt": prompt},
                seeded=self.reproducible,
                stop=bool(self.delimiters),
            )
        return self._habits

    def start(self, prompt: Prompt, n: int) -> CompletionsSession:
        """Begin n copies of a prompt; see `LanguageModel.start`.

        Parameters
        ----------
        prompt : str
            A text; a server has no tokens that we know.
        n : int
            Number of copies.

        Returns
        -------
        CompletionsSession
            With one row a copy.
        """
        if not isinstance(prompt, str):
            raise InputError(f"prompt: {self.name} is served, so it must be a text")
        self.habits(prompt)
        return CompletionsSession(self, [prompt] * n)

    def ends_text(self, tokens: Ints) -> Bools:
        """Whether pieces end a text; see `LanguageModel.ends_text`.

        Parameters
        ----------
        tokens : int array
            Numbers of pieces, or `WAIT`.

        Returns
        -------
        bool array
            Of the same shape.
        """
        ended = [a != WAIT and self.numbers.pieces[a].ended for a in tokens.ravel().tolist()]
        return np.array(ended, dtype=np.bool_).reshape(tokens.shape)

    def encode(self, text: str) -> list[int]:
        """Refuse: what a server takes for tokens is not known.

        Parameters
        ----------
        text : str
            Whatever it is.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{self.name} is served, and the tokens of {text!r:.60} are not known; what ends a "
            "piece is an argument of CompletionsLM"
        )

    def decode(self, tokens: Sequence[int]) -> str:
        """Join pieces.

        Parameters
        ----------
        tokens : sequence of int
            Numbers of pieces.

        Returns
        -------
        str

        Raises
        ------
        InputError
            If one is no piece.
        """
        for number in tokens:
            if not 0 <= number < len(self.numbers.pieces):
                raise InputError(f"tokens: {number} is no piece that {self.name} has written")
        return "".join(self.numbers.pieces[number].text for number in tokens)

    def words(self) -> list[bytes]:
        """Refuse: the vocabulary is not known."""
        raise InputError(self._refusal)

    def states(self, prompt: Prompt, tokens: npt.NDArray[np.int32]) -> Ints:
        """Give texts numbers, equal ones to equal texts, whatever pieces they are made of.

        Parameters
        ----------
        prompt : str
            What the texts continue.
        tokens : (n, T) int32 array
            Numbers of pieces.

        Returns
        -------
        (n,) int array
            >= 0; whether the text has ended counts too.
        """
        out = []
        for row in tokens.astype(np.int64):
            end = bool(self.ends_text(row).any())
            text = self.decode([int(a) for a in row if a != WAIT])
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass") + bytes([end])).digest()
            out.append(int.from_bytes(digest[:8], "little") >> 1)
        return np.array(out, dtype=np.int64)

    def score(self, prompt: Prompt, tokens: npt.ArrayLike) -> Floats:
        """Return the log-probabilities of pieces that were drawn, as the server has told them.

        Parameters
        ----------
        prompt : str
            What the texts continue.
        tokens : (n, H) int array
            Numbers of pieces, behind the end of a text `WAIT` or 0.

        Returns
        -------
        (n, H) array
            Of the tokens by which each piece was first written; 0 behind the end of a text.

        Raises
        ------
        InputError
            If `logprobs` was not asked for, or this model has not drawn a piece there.
        """
        if not self.logprobs:
            raise InputError(f"{self.name} is served: logprobs=True keeps what it tells")
        paths = np.asarray(tokens, dtype=np.int64)
        out = np.zeros(paths.shape)
        for row, path in zip(out, paths, strict=True):
            text, ended = str(prompt), False
            for h, number in enumerate(path):
                if number == WAIT or ended:
                    continue
                piece = self.decode([number])
                if (text, number) not in self._log_probs:
                    raise InputError(f"{self.name} has not written {piece!r:.60} there")
                row[h] = self._log_probs[text, number]
                text, ended = text + piece, self.numbers.pieces[number].ended
        return out

    def draw(self, texts: Sequence[str], uniforms: Floats) -> tuple[Ints, Floats]:
        """Ask for one more piece of each text.

        Parameters
        ----------
        texts : sequence of str
            Prompts with their continuations.
        uniforms : (m,) array
            In [0, 1); made into seeds, if there are any.

        Returns
        -------
        numbers : (m,) int array
            Of the pieces.
        log_probs : (m,) array
            As the server tells them; 0 if it was not asked.
        """
        found = self._pieces(texts, uniforms)
        numbers, log_probs = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts))
        for i, (text, choice) in enumerate(zip(texts, found, strict=True)):
            piece = read_piece(choice, self.delimiters)
            numbers[i] = self.numbers.of(piece)
            if self.logprobs:
                log_probs[i] = read_log_prob(choice, piece)
                self._log_probs.setdefault((text, int(numbers[i])), float(log_probs[i]))
        return numbers, log_probs

    def _pieces(self, texts: Sequence[str], uniforms: Floats) -> list[dict[str, Any]]:
        assert self._habits is not None  # a session has begun
        body = {
            "model": self.name,
            "max_tokens": self.step_tokens,
            "temperature": self.temperature,
            **self._habits.fields,
        }
        if self._habits.tells_stop:
            body["stop"] = list(self.delimiters)
        if self.logprobs:
            body["logprobs"] = 1
        if self._habits.takes_lists:
            size = self.batch
            lists = [list(texts[i : i + size]) for i in range(0, len(texts), size)]
            bodies = [{**body, "prompt": prompts} for prompts in lists]
        elif self.reproducible:
            seeds = [int(u * SEEDS) for u in uniforms]
            bodies = [{**body, "prompt": t, "seed": s} for t, s in zip(texts, seeds, strict=True)]
        else:
            bodies = [{**body, "prompt": text} for text in texts]
        return [choice for choices in self.endpoint.ask(bodies) for choice in choices]

    @cached_property
    def _refusal(self) -> str:
        return (
            f"{self.name} is served and only draws texts: the probabilities of all next tokens, "
            "which this needs, are not known"
        )


class CompletionsSession(Session):
    """Texts that a server goes on with."""

    def __init__(self, lm: CompletionsLM, texts: list[str]) -> None:
        self.lm, self.texts = lm, texts

    def next_logprobs(self) -> Floats:
        """Refuse: a server does not tell them."""
        raise InputError(self.lm._refusal)

    def draw(self, rows: Ints, uniforms: Floats, *, power: float = 1.0) -> Drawn:
        """Ask the server for a piece a row; log M and log q are the same; see `Session.draw`."""
        if power != 1:
            raise InputError(self.lm._refusal)
        tokens, log_probs = self.lm.draw([self.texts[i] for i in rows], uniforms)
        return Drawn(tokens, log_probs, log_probs)

    def extend(self, tokens: npt.ArrayLike) -> None:
        """Put one piece behind every text; see `Session.extend`."""
        column = np.asarray(tokens, dtype=np.int64)
        self.texts = [
            text if a == WAIT else text + self.lm.decode([int(a)])
            for text, a in zip(self.texts, column, strict=True)
        ]

    def reorder(self, ancestors: npt.ArrayLike) -> None:
        """Copy texts; see `Session.reorder`."""
        self.texts = [self.texts[i] for i in np.asarray(ancestors, dtype=np.int64)]

    def fork(self, rows: npt.ArrayLike) -> CompletionsSession:
        """Return a session of some texts; see `Session.fork`."""
        new = copy(self)
        new.reorder(rows)
        return new

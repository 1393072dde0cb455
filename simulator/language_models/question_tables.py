"""Next-token tables of the default model on the packaged questions that one digit answers."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from simulator.language_models.prompts import prompts
from simulator.language_models.tabulate import tabulate, word_tokens
from simulator.problem.model import TabularModel
from simulator.text.language_model import LanguageModel

__all__ = ["HORIZON", "QuestionTables", "make_question_tables", "question_tables", "tables_facts"]

HORIZON = 3


@dataclass(frozen=True)
class QuestionTables:
    """A question, and how a model goes on after it with four words.

    Parameters
    ----------
    prompt, answer : str
        The question, and the digit that answers it.
    words : tuple of str
        Token a is ``words[a]``: a space, a line break, the answer, and the wrong digit that the
        model finds likeliest.
    plain, informed : TabularModel
        Trees of three levels after the question alone, and after examples and the question.
    """

    prompt: str
    answer: str
    words: tuple[str, ...]
    plain: TabularModel
    informed: TabularModel

    @property
    def texts(self) -> list[str]:
        """The text of each leaf, in the order of the terminal states."""
        size = len(self.words)
        places = np.arange(size**HORIZON)[:, None] // size ** np.arange(HORIZON)[::-1] % size
        return ["".join(self.words[a] for a in path) for path in places]


def question_tables() -> list[QuestionTables]:
    r"""Return the packaged tables of the ten questions; no model is needed.

    Returns
    -------
    list of QuestionTables

    Examples
    --------
    >>> first = question_tables()[0]
    >>> first.prompt, first.words
    ('Question: What is 2 + 3?\nAnswer:', (' ', '\n', '5', '4'))
    >>> first.texts[8:10]
    [' 5 ', ' 5\n']
    """
    tables, facts = _archive()["tables"], tables_facts()
    cuts = np.cumsum([tables.shape[-1] ** h for h in range(HORIZON)])[:-1]
    return [
        QuestionTables(
            asked["prompt"], asked["answer"], tuple(asked["words"]),
            *(TabularModel.tree(np.split(side, cuts)) for side in both),
        )
        for asked, both in zip(facts["questions"], tables, strict=True)
    ]  # fmt: skip


def tables_facts() -> dict[str, Any]:
    """Return where the tables come from.

    Returns
    -------
    dict
        Keys "model", "examples" (what stands before the informed prompt) and "questions".

    Examples
    --------
    >>> len(tables_facts()["questions"])
    10
    """
    facts: dict[str, Any] = json.loads(str(_archive()["meta"]))
    return facts


def make_question_tables(lm: LanguageModel, examples: str, out: Path, name: str) -> None:
    """Tabulate a model on the packaged questions that one digit answers, and write the archive.

    Parameters
    ----------
    lm : LanguageModel
        The model.
    examples : str
        Answered questions, which stand before the prompt of the informed side.
    out : Path
        An .npz file.
    name : str
        Of the model, for the archive.
    """
    asked = [q for q in prompts()["questions"] if q["answer"] in "0123456789"]
    told, tables = [], []
    for question in asked:
        words = (" ", "\n", question["answer"], _likeliest_other(lm, question))
        told.append({"prompt": question["prompt"], "answer": question["answer"], "words": words})
        sides = [tabulate(lm, e + question["prompt"], words, HORIZON) for e in ("", examples)]
        tables.append([np.concatenate(model.probs) for model in sides])
    facts = {"model": name, "examples": examples, "questions": told}
    np.savez_compressed(out, tables=np.array(tables), meta=json.dumps(facts))


def _likeliest_other(lm: LanguageModel, question: dict[str, Any]) -> str:
    """Say which wrong digit is likeliest after the question and a space."""
    digits = [d for d in "0123456789" if d != question["answer"]]
    session = lm.start(question["prompt"], 1)
    session.extend(word_tokens(lm, [" "]))
    return digits[int(np.argmax(session.next_logprobs()[0, word_tokens(lm, digits)]))]


@cache
def _archive() -> dict[str, Any]:
    raw = files("simulator.language_models").joinpath("data", "questions.npz").read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}

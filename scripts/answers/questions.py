"""Files of questions whose answers can be checked: JSON lines, one question a line.

A line is ``{"prompt": TEXT, "answer": TEXT or NUMBER}`` or ``{"prompt": TEXT, "checker":
"FILE.py:FUNCTION"}``, the file relative to the folder of the questions. An answer is right if it
equals what is extracted from the text, by default its first number or word
(`simulator.text.answers.first_answer`); a checker is called with the text and says True or False.
``"id"`` names a question, else its line does; ``"chat": true`` poses it as a message to a chat.
Empty lines are skipped. A function with a parameter called `prompt` is given the question too.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scripts.cli.own import named_function
from simulator.checks import is_int, is_real, reading
from simulator.errors import InputError
from simulator.problem.json_object import known_fields, parse_object
from simulator.text.answers import first_answer

__all__ = ["Marker", "Question", "extractor", "marker", "read_questions", "with_prompt"]

FIELDS = ("prompt", "answer", "checker", "id", "chat")

Label = str | bool | None
Marker = Callable[[str], tuple[Label, bool]]


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    id : str
        What tables call it.
    prompt : str
        What is asked.
    answer : str or None
        The right answer, as it is extracted.
    checker : str or None
        FILE.py:FUNCTION in its place.
    chat : bool
        Whether the prompt is a message to a chat.
    """

    id: str
    prompt: str
    answer: str | None
    checker: str | None
    chat: bool


def read_questions(path: Path, extract: str | None = None) -> list[Question]:
    """Read a file of questions, and see that its checkers can be loaded.

    Parameters
    ----------
    path : Path
        The file.
    extract : str, optional
        FILE.py:FUNCTION of a text, which returns the answer or None.

    Raises
    ------
    InputError
        If a line is malformed; one line that names file and line.
    """
    with reading(path):
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    found: dict[str, Question] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = _question(parse_object(line), number, path.parent, extract)
            if question.id in found:
                raise InputError(f"id: {question.id!r:.60} is given twice")
        except InputError as fault:
            raise InputError(f"{path}: line {number}: {fault}") from None
        found[question.id] = question
    if not found:
        raise InputError(f"{path}: holds no question")
    return list(found.values())


def _question(
    content: dict[str, object], number: int, folder: Path, extract: str | None
) -> Question:
    known_fields(content, FIELDS, "")
    prompt, name, chat = (
        content.get("prompt"),
        content.get("id", number),
        content.get("chat", False),
    )
    if not isinstance(prompt, str) or not prompt.strip():
        raise InputError(f"prompt: {prompt!r:.60} is no text")
    if not (is_int(name) or (isinstance(name, str) and name.strip())):
        raise InputError(f"id: {name!r:.60} is neither a text nor a whole number")
    if not isinstance(chat, bool):
        raise InputError(f"chat: {chat!r:.60} is neither true nor false")
    for text in (prompt, str(name)):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(f"{text!r:.60} holds half a character") from None
    if ("answer" in content) == ("checker" in content):
        raise InputError("give an answer or a checker, one of the two")
    if "answer" in content:
        return Question(str(name), prompt, _answer(content["answer"], extract), None, chat)
    checker = content["checker"]
    if not isinstance(checker, str):
        raise InputError(f"checker: {checker!r:.60} is not FILE.py:FUNCTION")
    placed = str(folder / checker)
    named_function(placed, "checker")
    return Question(str(name), prompt, None, placed, chat)


def _answer(given: object, extract: str | None) -> str:
    fine = isinstance(given, str) or (is_real(given) and math.isfinite(given))  # type: ignore[arg-type]
    answer = str(given).strip()
    if not fine or not answer:
        raise InputError(f"answer: {given!r:.60} is neither a text nor a number")
    if extract is not None:
        return answer
    first = first_answer(answer)
    if first is None or first != answer.casefold().replace(",", "").replace("−", "-"):
        raise InputError(
            f"answer: {answer!r:.60} is not one number or word, which is what is taken from a "
            "text; give --extract, or a checker"
        )
    return first


def extractor(extract: str | None, prompt: str) -> Callable[[str], str | None]:
    """Return the function that takes the answer out of a text.

    Parameters
    ----------
    extract : str or None
        FILE.py:FUNCTION; None for the first number or word.
    prompt : str
        The question.
    """
    if extract is None:
        return first_answer
    function = with_prompt(named_function(extract, "extract"), prompt)

    def extracted(text: str) -> str | None:
        answer = function(text)
        return None if answer is None else str(answer).strip()

    return extracted


def marker(question: Question, extract: str | None) -> Marker:
    """Return the function that marks a text: what it answers, and whether this is right.

    Parameters
    ----------
    question : Question
        What was asked.
    extract : str or None
        As in `extractor`. Where a checker decides, the answers are "right" and "wrong".
    """
    if question.checker is None:
        extracted = extractor(extract, question.prompt)

        def compared(text: str) -> tuple[Label, bool]:
            answer = extracted(text)
            return answer, answer is not None and answer == question.answer

        return compared
    check = with_prompt(named_function(question.checker, "checker"), question.prompt)

    def checked(text: str) -> tuple[Label, bool]:
        right = check(text)
        if not isinstance(right, (bool, np.bool_)):
            raise InputError(
                f"{question.checker}: {right!r:.60} for {text!r:.60}, neither True nor False"
            )
        return bool(right), bool(right)

    return checked


def with_prompt(function: Callable[..., Any], prompt: str) -> Callable[..., Any]:
    """Give a function the question, if it has a parameter `prompt`.

    Parameters
    ----------
    function : callable
        Of a text or of texts.
    prompt : str
        The question.
    """
    try:
        asks = "prompt" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        asks = False
    return partial(function, prompt=prompt) if asks else function

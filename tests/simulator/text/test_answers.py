"""What the first number or word of a text is."""

import pytest

from simulator.text.answers import first_answer

TEXTS = {
    " Paris.": "paris", "paris\nLondon": "paris", "4": "4", " 4\n5": "4", "$5.50, say": "5.50",
    "1,250 m": "1250", "1,250,000.5": "1250000.5", "1, 2": "1", "1,2": "1", "1,2345": "1",
    "-3": "-3", "−3": "-3", "5-3": "5", ".5": ".5", "3/4 of it": "3/4", "5.": "5", "12th": "12th",
    "**42**": "42", "'quoted'": "quoted", "twenty-one": "twenty-one", "don't": "don't",
    "Zürich!": "zürich", "東京": "東京", "x=5": "x", "": None, "  ...": None, "\n\n7": "7",
    "the 4th": "the", "3.14.15": "3.14",
}  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), TEXTS.items(), ids=map(repr, TEXTS))
def test_first_answer(text, answer):
    assert first_answer(text) == answer

"""N-gram models against naive formulas, and ARPA files against numbers made by hand."""

import math

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.ngrams import backoff, counts
from simulator.problem.ngrams.arpa import read_arpa, write_arpa
from simulator.problem.ngrams.backoff import BEGIN, Backoff
from simulator.problem.ngrams.counts import count_ngrams
from tests.support.ngrams import histories, naive, naive_row

TEXT = "abba aab abc\nbab  cab\n\nabc ab\n"
CASES = [
    {"order": order, "unit": unit, "end": end, "vocabulary": 3}
    for order in (1, 2, 3, 5)
    for unit in ("characters", "words")
    for end in ("never", "line")
]


def faults(case):
    """Histories whose row differs from the naive one."""
    model, rows = count_ngrams(TEXT, **case), count_ngrams(TEXT, **case).rows()
    texts, tokens, first = naive(TEXT, case["unit"], case["end"], case["vocabulary"])
    assert list(model.tokens) == tokens
    spelling = [i for i in range(len(tokens)) if i != model.end]
    wrong = []
    for history in histories(spelling, 4):
        state = rows.start
        for token in history:
            state = rows.next_context[state, token]
        past = first + [tokens[t] for t in history]
        expected = naive_row(texts, tokens, past, case["order"])
        if not np.allclose(rows.probs[state], expected, rtol=1e-12, atol=0):
            wrong.append(history)
    return wrong


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_history_has_the_naive_law(case):
    assert faults(case) == []


MUTANTS = {
    "no interpolation": (
        counts, "_interpolated",
        lambda c, size: (
            {k: {t: n / sum(r.values()) for t, n in r.items()} for k, r in c.items()}, {},
        ),
    ),
    "a state forgets its context": (Backoff, "longest", lambda model, context: ()),
    "texts do not begin": (counts, "BEGIN", 0),
}  # fmt: skip


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found(monkeypatch, owner, name, mutant):
    case = {"order": 3, "unit": "characters", "end": "line", "vocabulary": 3}
    monkeypatch.setattr(owner, name, mutant)
    assert found(case) != []


def found(case):
    """Faults; that rows do not sum to 1 is one."""
    try:
        return faults(case)
    except InputError as fault:
        return [str(fault)]


@pytest.mark.parametrize("end", ["never", "line"])
def test_a_lowered_model_is_that_of_a_lower_order(end):
    high, low = count_ngrams(TEXT, 4, end=end), count_ngrams(TEXT, 2, end=end)
    assert high.lowered(2) == low
    assert (high.order, low.order, high.lowered(4)) == (4, 2, high)


def test_rare_words_become_one_token():
    model = count_ngrams("the cat the dog the cat a", unit="words", vocabulary=2, order=1)
    assert model.tokens == ("<unk>", "cat", "the")
    # p = (n + T/A) / (7 + T), T = A = 3
    assert [model.listed[()][t] for t in range(3)] == pytest.approx([0.3, 0.3, 0.4])


BAD = [
    ({"order": 0}, "order: 0 is not a whole number from 1 to 5"),
    ({"order": 6}, "order: 6 is not a whole number from 1 to 5"),
    ({"order": 2.0}, "order"),
    ({"unit": "bytes"}, "unit: 'bytes' is not known, only characters, words are"),
    ({"vocabulary": 0}, "vocabulary"),
    ({"end": "page"}, "end: 'page' is not known, only never, line are"),
    ({"text": " \n "}, "text: holds nothing to count"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(InputError, match=message) as fault:
        count_ngrams(**{"text": TEXT, **change})
    assert "\n" not in str(fault.value)


def test_a_table_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(backoff, "LIMIT", 20)
    with pytest.raises(TooLargeError, match="lower order"):
        count_ngrams(TEXT, 3).rows()


# ARPA files

HAND = r"""
made by hand

\data\
ngram 1=5
ngram 2=4
ngram 3=1

\1-grams:
-99 <s> -0.30103
-0.60206 </s>
-0.60206 a -0.69897
-0.60206 b -0.1249387
-0.60206 c

\2-grams:
-0.30103 <s> a -0.39794
-0.09691 a b 0.0
-0.60206 b a
-0.60206 b b

\3-grams:
-0.30103 <s> a b

\end\
"""
# by hand: p(b | <s> a) = 0.5, and what it does not list has 0.4 p(. | a), where p(b | a) = 0.8 and
# the rest is 0.2 p(.)
TOKENS = ["</s>", "a", "b", "c"]
LAWS = {
    (): [0.25, 0.25, 0.25, 0.25],
    ("a",): [0.05, 0.05, 0.8, 0.05],
    ("b",): [0.1875, 0.25, 0.25, 0.1875],
    ("<s>",): [0.125, 0.5, 0.125, 0.125],
    ("<s>", "a"): [0.02, 0.02, 0.5, 0.02],
}


def balanced():
    """The file with back-off weights for which rows sum to 1."""
    text = HAND.replace("a -0.69897", f"a {math.log10(0.2 / 0.75):.7f}")
    text = text.replace("b -0.1249387", "b 0")
    text = text.replace("<s> -0.30103", f"<s> {math.log10(0.5 / 0.75):.7f}")
    return text.replace("<s> a -0.39794", f"<s> a {math.log10(0.5 / 0.2):.7f}")


def test_a_file_made_by_hand_has_the_probabilities_made_by_hand(tmp_path):
    file = tmp_path / "hand.arpa"
    file.write_text(balanced())
    model = read_arpa(file)
    rows = model.rows()
    assert list(model.tokens) == TOKENS
    assert (model.order, model.end, model.separator) == (3, 0, " ")
    found = {
        tuple("<s>" if t == BEGIN else TOKENS[t] for t in c): rows.probs[i]
        for c, i in rows.contexts.items()
    }
    third = 0.2 / 3
    expected = {
        (): [0.25] * 4,
        ("a",): [third, third, 0.8, third],
        ("b",): [0.25] * 4,
        ("<s>",): [0.5 / 3, 0.5, 0.5 / 3, 0.5 / 3],
        ("<s>", "a"): [0.5 / 3, 0.5 / 3, 0.5, 0.5 / 3],
    }
    assert set(found) == set(expected)
    for context, law in expected.items():
        assert found[context] == pytest.approx(law, abs=2e-6)
        assert found[context].sum() == pytest.approx(1, abs=1e-14)
    assert 0 < rows.largest_change < 2e-6
    # the texts <s>, <s> a, <s> a b, <s> a b c: after b the context is (b), after c none
    state, seen = rows.start, [rows.start]
    for token in (1, 2, 3):
        state = rows.next_context[state, token]
        seen.append(state)
    names = {i: c for c, i in rows.contexts.items()}
    assert [names[s] for s in seen] == [(BEGIN,), (BEGIN, 1), (2,), ()]


def test_listed_numbers_and_factors_are_those_of_the_file(tmp_path):
    file = tmp_path / "hand.arpa"
    file.write_text(HAND)
    model = read_arpa(file)
    for context, law in LAWS.items():
        key = tuple(BEGIN if w == "<s>" else TOKENS.index(w) for w in context)
        for token, p in enumerate(law):
            c, factor = key, 1.0
            while token not in model.listed.get(c, {}):
                factor, c = factor * model.backoff.get(c, 1.0), c[1:]
            assert factor * model.listed[c][token] == pytest.approx(p, rel=1e-5)
    with pytest.raises(InputError, match=r"which is more than 0\.001 off"):
        model.rows()


@pytest.mark.parametrize("end", ["never", "line"])
@pytest.mark.parametrize("unit", ["characters", "words"])
def test_write_and_read_give_the_same_model(tmp_path, unit, end):
    model = count_ngrams(TEXT, 3, unit=unit, vocabulary=3, end=end)
    write_arpa(model, tmp_path / "x.arpa", digits=15)
    again = read_arpa(tmp_path / "x.arpa", unit=unit)
    assert sorted(again.tokens) == sorted(model.tokens)
    order = [again.tokens.index(t) for t in model.tokens]
    one, two = model.rows(), again.rows()
    assert one.probs.shape == two.probs.shape
    state, other = one.start, two.start
    for token in [0, 1, 2, 1, 0, 2, 2, 1, 1, 0]:
        assert two.probs[other][order] == pytest.approx(one.probs[state], rel=1e-12)
        if token != model.end:
            state, other = one.next_context[state, token], two.next_context[other, order[token]]


def test_few_digits_are_put_right_and_the_change_is_told(tmp_path):
    model = count_ngrams(TEXT, 3)
    write_arpa(model, tmp_path / "x.arpa", digits=3)
    rows = read_arpa(tmp_path / "x.arpa", unit="characters").rows()
    assert 1e-5 < rows.largest_change < 2e-3
    assert rows.probs.sum(axis=1) == pytest.approx(1, abs=1e-14)


MALFORMED = {
    "no data": ("\\data\\", "data", "bad.arpa: holds no"),
    "order 6": ("ngram 3=1", "ngram 3=1\nngram 4=1\nngram 5=1\nngram 6=1", "order 6 is not"),
    "a gap": ("ngram 2=4", "ngram 4=4", "line 6: ngram 2= was expected"),
    "too few": ("ngram 2=4", "ngram 2=5", "line 22: fewer 2-grams than the 5"),
    "too many": ("ngram 2=4", "ngram 2=3", "line 20: more 2-grams than the 3"),
    "a word too many": ("-0.60206 b b", "-0.60206 b b a c", "line 20: not of the form"),
    "no number": ("-0.60206 b b", "x b b", "line 20: 'x' is not a number"),
    "nan": ("-0.60206 b b", "nan b b", "line 20: 'nan' is not a logarithm"),
    "above 1": ("-0.60206 b b", "0.1 b b", r"line 20: probability 10\^0.1 is above 1"),
    "unknown": ("-0.60206 b b", "-0.60206 b d", "line 20: 'd' is no 1-gram"),
    "twice": ("-0.60206 b b", "-0.60206 b a", "line 20: 'b a' is given twice"),
    "<s> inside": ("-0.60206 b b", "-0.60206 b <s>", "line 20: <s> stands behind"),
    "no end": ("\\end\\", "", "ends without"),
    "wrong section": ("\\2-grams:", "\\3-grams:", "line 16: .2-grams: was expected"),
    "no front": ("-0.30103 <s> a b\n", "-0.30103 c a b\n", "bad.arpa: n-grams: 'c a' goes on"),
}


@pytest.mark.parametrize(("old", "new", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_told_by_file_and_line(tmp_path, old, new, message):
    file = tmp_path / "bad.arpa"
    assert old in HAND
    file.write_text(HAND.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as fault:
        read_arpa(file)
    assert str(fault.value).startswith(str(file))
    assert "\n" not in str(fault.value)


def test_other_faults_of_files(tmp_path):
    (tmp_path / "hand.arpa").write_text(HAND.replace(" c\n", " cc\n"))
    with pytest.raises(InputError, match="'cc' is not one character; unit=words reads words"):
        read_arpa(tmp_path / "hand.arpa", unit="characters")
    (tmp_path / "latin.arpa").write_bytes(b"\\data\\\nngram 1=1\n\xe9")
    with pytest.raises(InputError, match=r"latin\.arpa: not UTF-8"):
        read_arpa(tmp_path / "latin.arpa")
    with pytest.raises(InputError, match="Is a directory"):
        read_arpa(tmp_path)


def test_a_model_without_all_tokens_is_refused():
    with pytest.raises(InputError, match="not every token"):
        Backoff(("a", "b"), {(): {0: 1.0}}, {}, "")


def test_counts_of_one_small_text():
    model = count_ngrams("abab", 2)
    assert model.listed == {(): {0: 0.5, 1: 0.5}, (0,): {1: 2.5 / 3}, (1,): {0: 0.75}}
    assert model.backoff[0,] == 1 / 3

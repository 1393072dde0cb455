"""Step PRMs that are language models, against tables read by hand."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.text.problem import LanguageModelProblem
from simulator.text.step_prm import StepPRM
from simulator.text.tabular import TabularLM

WORDS = ["a", ".", "#", "+", "-"]
DEPTH = 6
RNG = np.random.default_rng(1)
TABLES = [RNG.dirichlet(np.ones(5), 5**h) for h in range(DEPTH)]
JUDGE = TabularLM(TabularModel.tree(TABLES), WORDS)


def law_behind(text):
    """P(. | text) of the judge, from the table of the level."""
    state = 0
    for letter in text:
        state = 5 * state + WORDS.index(letter)
    return dict(zip(WORDS, TABLES[len(text)][state], strict=True))


def share(text):
    law = law_behind(text)
    return law["+"] / (law["+"] + law["-"])


# what was written, what the judge reads before its verdict while the text goes on, and at its end
CASES = [
    ("", None, "#"),
    ("a", None, "a#"),
    ("a.", "a#", "a#"),
    ("a.a", "a#", "a#.a#"),
    ("aa.", "aa#", "aa#"),
    ("a.a.", "a#.a#", "a#.a#"),
    ("..", "#.#", "#.#"),
]


@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("final", [False, True])
def test_the_score_is_the_judges_probability_of_a_good_word_behind_the_last_step(final, batch):
    texts = [text for text, *_ in CASES]
    read = [case[1 + final] for case in CASES]
    alone = StepPRM(JUDGE, "#", delimiter=".", batch=batch).log_values_of(texts, final)
    want = [1.0 if r is None else law_behind(r)["+"] for r in read]
    assert np.exp(alone) == pytest.approx(want, abs=1e-14)
    both = StepPRM(JUDGE, "#", bad="-", delimiter=".", batch=batch).log_values_of(texts, final)
    want = [1.0 if r is None else share(r) for r in read]
    assert np.exp(both) == pytest.approx(want, abs=1e-14)
    assert len(set(np.round(both, 9))) == len(set(read))


def test_words_may_be_given_by_their_numbers():
    by_word = StepPRM(JUDGE, "#", "-", "+", delimiter=".").log_values_of(["a."], False)
    by_number = StepPRM(JUDGE, "#", 4, 3, delimiter=".").log_values_of(["a."], False)
    assert by_word == by_number
    assert np.exp(by_word[0]) == pytest.approx(1 - share("a#"), abs=1e-14)


def test_equal_beginnings_are_judged_once(monkeypatch):
    asked = []
    score = JUDGE.score
    monkeypatch.setattr(JUDGE, "score", lambda p, t: asked.append(len(t)) or score(p, t))
    StepPRM(JUDGE, "#", delimiter=".").log_values_of(["a.", "a.a", "a.aa", "a", "aa."], False)
    assert asked == [2]


def test_on_the_writers_tree_steps_are_resampled_by_the_judge():
    writer = TabularLM(TabularModel.tree([[[0.7, 0.3]], [[0.4, 0.6]] * 2]), ["a", "."])
    prm = StepPRM(JUDGE, "#", bad="-", delimiter=".")
    problem = LanguageModelProblem(writer, "", 2, prm)
    session = prm.start(problem, 4)
    session.extend(np.array([0, 0, 1, 1]), np.zeros(4))
    assert session.log_values(np.arange(4), np.zeros(4, dtype=bool)) == pytest.approx(
        [0, 0, np.log(share("#")), np.log(share("#"))]
    )
    session.extend(np.array([0, 1, 0, 1]), np.zeros(4))
    want = [share(r) for r in ("aa#", "a#", "#.a#", "#.#")]
    got = session.log_values(np.arange(4), np.ones(4, dtype=bool))
    assert np.exp(got) == pytest.approx(want, abs=1e-14)


def test_words_that_are_no_token_and_judges_without_a_verdict_are_refused():
    for options, told in (
        ({"good": "++"}, "good: '[+][+]' is not one token of tabular, but 2"),
        ({"good": ""}, "good: '' is not one token of tabular, but 0"),
        ({"good": None}, "good: None is no token of tabular"),
        ({"good": True}, "good: True is no token of tabular"),
        ({"bad": 5}, "bad: 5 is no token of tabular"),
        ({"delimiter": ""}, "delimiter: empty"),
    ):
        with pytest.raises(InputError, match=told):
            StepPRM(JUDGE, "#", **options)
    mute = TabularLM(TabularModel.tree([[[1.0, 0, 0, 0, 0]], [[1.0, 0, 0, 0, 0]] * 5]), WORDS)
    with pytest.raises(InputError, match="prm: neither word is possible behind 'a'"):
        StepPRM(mute, "", bad="-", delimiter=".").log_values_of(["a."], False)


def test_a_transformers_model_judges_as_its_own_forward_pass_says(torch, tiny, tokenizer):
    from simulator.language_models.hugging_face import HuggingFaceLM

    judge = HuggingFaceLM(tiny.model, tokenizer, batch=2)
    prm = StepPRM(judge, "c", "!", "d", delimiter=".", prompt="ab", batch=5)
    texts = ["a.", "ab.b", "a.b.", "", "bb.a.a."]
    read = ["abac", "ababc", "abac.bc", None, "abbbc.ac.ac"]
    got = np.exp(prm.log_values_of(texts, final=False))
    for value, text in zip(got, read, strict=True):
        if text is None:
            assert value == 1
            continue
        ids = torch.as_tensor([tokenizer(text)["input_ids"]])
        with torch.inference_mode():
            two = torch.softmax(tiny.model(ids).logits[0, -1, [7, 5]].double(), -1)
        assert value == pytest.approx(float(two[0]), abs=1e-10)

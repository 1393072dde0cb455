"""The adapter of transformers on tiny models: cache against full recomputation."""

import copy

import numpy as np
import pytest

from scripts.bench.gpu_check import plain_forward
from simulator.errors import InputError
from simulator.language_models import hugging_face
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.study import read_texts
from simulator.samplers.smc.sampler import SMC
from simulator.text.contract import check_sessions
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

PROMPT = [0, 2, 3]


@pytest.mark.slow
def test_cache_equals_plain_forward_after_fifty_reorders(tiny):
    check_sessions(tiny, plain_forward(tiny, PROMPT), PROMPT, 6, 50, seed=1, tolerance=1e-10)


def test_equal_texts_share_one_row_of_the_cache(tiny):
    session = tiny.start(PROMPT, 6)
    session.extend([2, 2, 2, 3, 3, WAIT])
    assert session.next_logprobs().shape == (6, 8)
    assert {n: len(b.kept) for n, b in session.blocks.items()} == {3: 1, 4: 2}
    session.reorder([0, 1, 0, 2])
    session.extend([4, 4, 4, 5])
    assert session.next_logprobs().shape == (4, 8)
    assert {n: len(b.kept) for n, b in session.blocks.items()} == {5: 2}
    assert session.blocks[5].cache.layers[0].keys.shape[0] == 2


def test_score_in_one_pass_equals_step_by_step(tiny):
    paths = np.random.default_rng(2).integers(0, 8, (20, 7))  # more rows than one batch
    paths[3, 4:] = WAIT
    session = tiny.start(PROMPT, len(paths))
    steps = np.zeros(paths.shape)
    for h, column in enumerate(paths.T):
        table = session.next_logprobs()
        steps[:, h] = np.where(column == WAIT, 0, table[np.arange(20), np.maximum(column, 0)])
        session.extend(column)
    assert np.abs(tiny.score(PROMPT, paths) - steps).max() < 1e-10
    assert (tiny.score(PROMPT, paths)[3, 4:] == 0).all()


@pytest.mark.parametrize(("most", "rows"), [(1, 1), (7 * 8 * 3, 3), (7 * 8 * 3 - 1, 2)])
def test_texts_are_scored_a_few_at_once_so_that_their_logits_fit(tiny, monkeypatch, most, rows):
    paths = np.random.default_rng(4).integers(0, 8, (8, 7))
    whole = tiny.score(PROMPT, paths)
    seen, forward = [], HuggingFaceLM.forward

    def watched(self, tokens, *given, **named):
        seen.append(len(tokens))
        return forward(self, tokens, *given, **named)

    monkeypatch.setattr(hugging_face, "MOST_LOGITS", most)
    monkeypatch.setattr(HuggingFaceLM, "forward", watched)
    assert np.abs(tiny.score(PROMPT, paths) - whole).max() < 1e-10
    assert max(seen) == rows
    seen.clear()
    read_texts(tiny, PROMPT, [PROMPT], paths)
    assert max(seen) == rows


@pytest.mark.parametrize("waits", [np.s_[3, 4:], np.s_[3, 2:4]])
def test_laws_of_texts_that_wait(tiny, waits):
    paths = np.random.default_rng(2).integers(0, 8, (5, 7))
    paths[waits] = WAIT
    session = tiny.start(PROMPT, 5)
    for table, column in zip(tiny.laws(PROMPT, paths), paths.T, strict=True):
        assert np.abs(table - session.next_logprobs()).max() < 1e-10
        session.extend(column)
    assert list(tiny.laws(PROMPT, paths[:, :0])) == []


def test_a_batch_equals_single_rows(tiny):
    paths = np.random.default_rng(3).integers(0, 8, (5, 6))
    one_by_one = np.concatenate([tiny.score(PROMPT, p[None]) for p in paths])
    assert np.abs(tiny.score(PROMPT, paths) - one_by_one).max() < 1e-10


def test_temperature_and_nucleus_are_renormalised(tiny):
    raw = tiny.start(PROMPT, 1).next_logprobs()[0]
    warm = HuggingFaceLM(tiny.model, temperature=2.0).start(PROMPT, 1).next_logprobs()[0]
    assert warm == pytest.approx(raw / 2 - np.logaddexp.reduce(raw / 2), abs=1e-12)
    cut = np.exp(HuggingFaceLM(tiny.model, top_p=0.6).start(PROMPT, 1).next_logprobs()[0])
    p = np.exp(raw)
    order = np.argsort(-p)
    size = int(np.searchsorted(np.cumsum(p[order]), 0.6)) + 1
    expected = np.zeros(8)
    expected[order[:size]] = p[order[:size]] / p[order[:size]].sum()
    assert 0 < size < 8
    assert cut == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"temperature": 0.0}, "temperature"), ({"top_p": 0.0}, "top_p"), ({"batch": 0}, "batch")],
)
def test_options_out_of_range_are_refused(tiny, options, named):
    with pytest.raises(InputError, match=named):
        HuggingFaceLM(tiny.model, **options)


def test_prompts_are_checked(tiny):
    assert tiny.prompt_tokens([]) == [0]
    for prompt in (7, [8], ["a"], "text"):
        with pytest.raises(InputError):
            tiny.start(prompt, 1)


def test_text_and_tokens(tiny, tokenizer):
    lm = HuggingFaceLM(tiny.model, tokenizer)
    assert lm.encode("abc!") == [2, 3, 4, 7]
    assert lm.decode([2, 3, 7]) == "ab!"
    assert lm.eos == 1


def test_chat_template_and_several_ends(tiny, tokenizer):
    plain = HuggingFaceLM(tiny.model, tokenizer)
    assert (plain.eos, plain.stops) == (1, ())
    with pytest.raises(InputError, match="chat template"):
        plain.chat("ab")
    chatty = copy.deepcopy(tokenizer)
    chatty.chat_template = (
        "{% for m in messages %}{{ '!' if m['role'] == 'system' else '.' }}{{ m['content'] }}"
        "{% endfor %}{% if add_generation_prompt %}d{% endif %}"
    )
    model = copy.copy(tiny.model)
    model.generation_config = copy.deepcopy(tiny.model.generation_config)
    model.generation_config.eos_token_id = [1, 7]
    lm = HuggingFaceLM(model, chatty)
    assert lm.chat("ab") == chatty.convert_tokens_to_ids([".", "a", "b", "d"])
    assert lm.chat("a", system="c") == chatty.convert_tokens_to_ids(["!", "c", ".", "a", "d"])
    assert (lm.eos, lm.stops) == (1, (7,))
    problem = LanguageModelProblem(lm, lm.chat("ab"), 9, PromptSwitching(lm.chat("ba")))
    assert problem.ends == (1, 7)
    runs = SMC(4).run(problem, 8, rng=3, keep=("tokens",))
    for path in runs.tokens:
        stop = np.flatnonzero(np.isin(path, [1, 7]))
        if stop.size:  # nothing but padding behind the first end
            assert (path[stop[0] + 1 :] == 1).all()
            assert problem.text(path) == lm.decode(path[: stop[0]])
    assert np.isin(runs.tokens, [7]).any()

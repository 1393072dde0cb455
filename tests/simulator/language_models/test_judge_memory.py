"""What a judge remembers: texts that grow, part and turn back, in any order."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models.judge import Judge
from simulator.language_models.judge_memory import CachedMemory, RereadMemory, fitting_memory


@pytest.fixture(scope="module")
def judge(torch):
    """A judge of tokens, in float64."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=5, hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=64, initializer_range=0.8,
        bos_token_id=0, eos_token_id=1, pad_token_id=None,
    )  # fmt: skip
    torch.manual_seed(2)
    return Judge(transformers.LlamaForTokenClassification(config).double(), "token", batch=3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [CachedMemory, RereadMemory])
def test_scores_are_those_of_whole_texts_whatever_was_asked_before(judge, kind):
    rng, memory = np.random.default_rng(1), kind(judge)
    for _ in range(60):  # short texts of few tokens: they share beginnings of all lengths
        rows = [tuple(rng.integers(0, 3, rng.integers(1, 7)).tolist()) for _ in range(5)]
        asked = memory if rng.random() < 0.8 else memory.copy()
        for row, scores in zip(rows, asked.scores(rows), strict=True):
            assert scores == pytest.approx(judge.whole(np.array([row]))[0], abs=1e-10)
        if rng.random() < 0.5:
            asked.keep(rows[:2])


def test_what_is_not_kept_is_forgotten(judge):
    memory = CachedMemory(judge)
    memory.scores([(1, 2), (1, 3), (1, 2, 3)])
    memory.keep([(1, 3), (4, 4)])
    assert [(texts, len(block.texts)) for block, texts in memory.blocks] == [([(1, 3)], 1)]
    memory.keep([])
    assert memory.blocks == []


def test_a_copy_goes_on_by_itself(judge):
    memory = CachedMemory(judge)
    memory.scores([(1, 2)])
    other = memory.copy()
    other.scores([(1, 2, 3)])
    other.keep([(1, 2, 3)])
    assert [texts for _, texts in memory.blocks] == [[(1, 2)]]


def test_a_pass_takes_no_more_texts_than_it_may(judge, monkeypatch):
    shapes, behind = [], judge.behind
    monkeypatch.setattr(
        judge, "behind", lambda t, *more: shapes.append(t.shape) or behind(t, *more)
    )
    rows = [(0, k, j) for k in range(2) for j in range(4)]
    CachedMemory(judge).scores(rows)
    assert [n for n, _ in shapes] == [3, 3, 2]
    monkeypatch.setattr("simulator.language_models.judge.MOST_OUTPUTS", 12)
    assert (judge.together(3), judge.together(1), judge.together(100)) == (2, 3, 1)


@pytest.mark.parametrize("forgotten", ["keys", "table"])
def test_a_memory_that_does_not_cut_what_is_old_fits_no_judge(judge, monkeypatch, forgotten):
    whole = CachedMemory._beginnings

    def careless(self, places, length):
        right = whole(self, places, length)
        if forgotten == "keys":  # those of another token in place of the last that is shared
            for layer in right.cache.layers:
                layer.keys = layer.keys.roll(1, dims=-2)
        else:
            right.kept.table = right.kept.table[:, ::-1]
        return right

    monkeypatch.setattr(CachedMemory, "_beginnings", careless)
    assert fitting_memory(judge) is RereadMemory
    with pytest.raises(InputError, match="off by"):
        fitting_memory(judge, (CachedMemory,))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_rounding_is_tolerated(judge, torch, dtype):
    import copy

    model = copy.deepcopy(judge.model).to(getattr(torch, dtype))
    assert fitting_memory(Judge(model, "token")) is CachedMemory

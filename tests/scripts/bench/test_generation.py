"""What is timed is what is said: as many texts of as many tokens on both sides."""

import pytest

pytest.importorskip("torch")

from scripts.bench import generation


def test_both_sides_draw_the_same_number_of_tokens(monkeypatch):
    lm = generation.random_model("tiny", "cpu", "float32", n_tokens=50)
    drawn, generate, smc = [], lm.model.generate, generation.smc

    def theirs(ids, **options):
        out = generate(ids, **options)
        drawn.append(out.shape[0] * (out.shape[1] - ids.shape[1]))
        return out

    def ours(*arguments):
        runs = smc(*arguments)
        drawn.append(int(runs.model_calls.sum()))
        return runs

    monkeypatch.setattr(lm.model, "generate", theirs)
    monkeypatch.setattr(generation, "smc", ours)
    found = generation.over_generate(lm, [1, 2], 3, 4, repetitions=2)
    assert drawn == [12] * 6
    assert found["ratio_least"] <= found["ratio"] <= found["ratio_largest"]
    assert found["ratio_least"] > 0


def test_the_share_outside_the_forward_pass_is_one():
    lm = generation.random_model("tiny", "cpu", "float32", n_tokens=50)
    assert 0 < generation.outside_forward(lm, [1, 2], 3, 4)["outside_forward"] < 1

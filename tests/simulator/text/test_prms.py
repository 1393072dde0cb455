"""PRMs on texts: batches, counts, what is refused; reward models against a plain forward."""

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.reward_model import RewardModel, load_reward_model
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import EndReward, TextPRM, majority, pass_rate
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model

KEEP = ("tokens", "ess", "genealogy")


def texts_of(problem):
    """Text of each prefix over "a" and "b" to V^ in a binary tree."""
    return {
        "".join("ab"[int(d)] for d in np.binary_repr(i, h)) if h else "": v
        for h, level in enumerate(problem.prm)
        for i, v in enumerate(level)
    }


def test_a_function_of_texts_gives_the_runs_of_the_tabular_prm():
    problem = reference(4)
    lm = TabularLM(problem.model, ["a", "b"])
    table = texts_of(problem)
    prm = TextPRM(lambda texts: [table[t] for t in texts])
    posed = LanguageModelProblem(lm, "", 4, prm)
    for sampler in (SMC(5), SMC(4, block=2, select="best"), SMC(3, ess_threshold=0.5)):
        a = sampler.run(posed, 20, rng=3, keep=KEEP)
        b = sampler.run(as_language_model(problem), 20, rng=3, keep=KEEP)
        for field in ("tokens", "genealogy", "failed", "prm_evaluations"):
            assert (getattr(a, field) == getattr(b, field)).all(), field
        assert a.log_w == pytest.approx(b.log_w, abs=1e-12)


def test_calls_are_batched_and_counted():
    lm = TabularLM(reference(4).model, ["a", "b"])
    prm = TextPRM(lambda texts: np.ones(len(texts)), batch=16)
    runs = SMC(5).run(LanguageModelProblem(lm, "", 4, prm), 6, rng=1)
    assert (runs.prm_evaluations == 20).all()
    assert prm.texts == 6 * 20 + 1  # and the root
    assert prm.calls == 1 + 4 * 2  # 30 texts a level in batches of 16


def test_the_reward_at_the_end_is_the_only_weight():
    lm = TabularLM(TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]), ["a", "b"])
    prm = EndReward(pass_rate([lambda t: t.startswith("b"), lambda t: t == "ba"]))
    runs = SMC(1).run(LanguageModelProblem(lm, "", 2, prm), 400, rng=1, keep=("tokens",))
    weight = {(0, 0): 0.0, (0, 1): 0.0, (1, 0): 1.0, (1, 1): 0.5}
    assert set(np.exp(runs.log_w[~runs.failed])) <= {1.0, 0.5}
    assert runs.failed.any()
    for path, w in zip(runs.tokens[~runs.failed], runs.log_w[~runs.failed], strict=True):
        assert np.exp(w) == weight[tuple(path)]


def test_majority():
    reward = majority(["x=4", "4", "5"], answer=lambda t: t[-1:])
    assert reward(["so 4", "5", "6"]) == pytest.approx([2 / 3, 1 / 3, 0])


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda texts: -np.ones(len(texts)), "not a number >= 0"),
        (lambda texts: np.full(len(texts), np.nan), "not a number >= 0"),
        (lambda texts: [1.0], r"shape \(1,\)"),
        (lambda texts: np.zeros(len(texts)), "root"),
    ],
)
def test_bad_values_are_refused(function, named):
    lm = TabularLM(reference(2).model, ["a", "b"])
    with pytest.raises(InputError, match=named):
        SMC(2).run(LanguageModelProblem(lm, "", 2, TextPRM(function)), 3, rng=1)


def test_functions_of_texts_do_not_judge_all_children():
    lm = TabularLM(reference(2).model, ["a", "b"])
    problem = LanguageModelProblem(lm, "", 2, TextPRM(lambda texts: np.ones(len(texts))))
    with pytest.raises(InputError, match="one by one"):
        SMC(2, proposal="optimal").run(problem, 1, rng=1)


def test_optional_results_that_are_not_offered():
    problem = as_language_model(reference(2))
    with pytest.raises(InputError, match="nothing"):
        SMC(2).run(problem, 1, rng=1, keep=("nothing",))
    with pytest.raises(InputError, match="not a problem"):
        SMC(2).run("reference", 1, rng=1)


@pytest.fixture(scope="module", params=[("sequence", 1), ("sequence", 3), ("token", 2)])
def classifier(request, torch):
    import transformers

    kind, labels = request.param
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64, num_labels=labels, pad_token_id=1,
        initializer_range=0.8,
    )  # fmt: skip
    classes = {
        "sequence": transformers.LlamaForSequenceClassification,
        "token": transformers.LlamaForTokenClassification,
    }
    return kind, classes[kind](config).double().eval()


def test_reward_model_scores_each_text_as_alone(torch, classifier, tokenizer):
    kind, model = classifier
    reward = RewardModel(model, tokenizer, kind, beta=2.0, prompt="ab", batch=2)
    texts = ["a", "bc!", "d", "", "cc"]
    found = reward(texts)
    for text, value in zip(texts, found, strict=True):
        ids = torch.tensor([tokenizer("ab" + text)["input_ids"]])
        with torch.inference_mode():
            logits = model(ids).logits[0]
        out = logits[-1] if kind == "token" else logits
        p = torch.sigmoid(out)[0] if out.numel() == 1 else torch.softmax(out, -1)[-1]
        assert value == pytest.approx(float(p) ** 2, rel=1e-10)
    assert reward([]).shape == (0,)


def test_reward_model_steers_smc(tiny, classifier, tokenizer):
    kind, model = classifier
    prm = TextPRM(RewardModel(model, tokenizer, kind))
    lm = HuggingFaceLM(tiny.model, tokenizer)
    runs = SMC(4).run(LanguageModelProblem(lm, "ab", 5, prm), 3, rng=1, keep=("tokens",))
    texts = [lm.decode(t[: list(t).index(1)] if 1 in t else t) for t in runs.tokens]
    assert np.isfinite(runs.log_w).all()
    assert len(texts) == 3


def test_reward_models_that_cannot_be_had(torch, tmp_path):
    with pytest.raises(InputError, match="kind"):
        load_reward_model(tmp_path, "picture")
    with pytest.raises(InputError, match="reward model"):
        load_reward_model(tmp_path)
    with pytest.raises(InputError, match="beta"):
        RewardModel(None, None, beta=-1.0)


def test_problem_arguments_are_checked():
    lm = TabularLM(reference(2).model, ["a", "b"])
    prm = EndReward(lambda texts: np.ones(len(texts)))
    for options in ({"horizon": 0}, {"horizon": 2, "block_tokens": 0}, {"horizon": 2, "eos": 5}):
        with pytest.raises(InputError):
            LanguageModelProblem(lm, "", prm=prm, **options)
    with pytest.raises(InputError, match="vocabulary"):
        TabularLM(reference(2).model, ["a"])
    assert isinstance(reference(2), Problem)

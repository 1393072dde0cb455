"""Reward models that read new tokens only, against plain forward passes over whole texts."""

import copy
import math
from functools import cache, partial

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models import judge_memory
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.judge import Judge
from simulator.language_models.judge_memory import CachedMemory, RereadMemory
from simulator.language_models.reward_model import RewardModel
from simulator.language_models.reward_prm import RewardPRM, _RewardSession, load_reward_prm
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.smc.sampler import SMC
from simulator.text.language_model import WAIT
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.step_prm import StepPRM
from tests.simulator.conftest import VOCABULARY

SIZES = {
    "vocab_size": 12, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 128,
    "initializer_range": 0.8, "pad_token_id": None,
}  # fmt: skip
AUTO = {
    "sequence": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "causal": "AutoModelForCausalLM",
}
LETTERS = {**dict(enumerate(VOCABULARY)), WAIT: ""}
STEPS = {"separator": "."}
WORDS = {"good": "a", "bad": "b"}
CASES = {  # kind of judge, settings of its model, options
    "sequence of one output": ("sequence", {"num_labels": 1}, {}),
    "sequence with padding": ("sequence", {"num_labels": 3, "pad_token_id": 4}, {"label": 1}),
    "token": ("token", {"num_labels": 2}, {}),
    "token, last": ("token", {}, STEPS),
    "token, minimum": ("token", {}, {**STEPS, "aggregate": "minimum"}),
    "token, product": ("token", {"num_labels": 1}, {**STEPS, "aggregate": "product"}),
    "token, mean": ("token", {}, {**STEPS, "aggregate": "mean", "label": 0}),
    "token, two letters": ("token", {}, {"separator": "ab", "aggregate": "product"}),
    "causal": ("causal", {}, WORDS),
    "causal, steps": ("causal", {}, {**WORDS, **STEPS, "aggregate": "mean"}),
    "causal, one word": ("causal", {}, {"good": "!", **STEPS}),
    "causal, tag": ("causal", {}, {**WORDS, **STEPS, "tag": "!c", "aggregate": "product"}),
    "token, tag alone": ("token", {}, {**STEPS, "tag": "!", "keep_separator": False}),
}


@pytest.fixture(scope="module")
def make(torch):
    """Model of a kind that judges, in float32."""
    import transformers

    def build(task, kind="Llama", **settings):
        config = getattr(transformers, f"{kind}Config")(**{**SIZES, **settings})
        torch.manual_seed(3)
        return getattr(transformers, AUTO[task]).from_config(config).eval()

    return build


@pytest.fixture(scope="module")
def merging(torch):
    """A tokenizer with other tokens, which new letters may change: "ab" and "abc" are tokens."""
    import tokenizers
    import transformers

    words = ["<s>", "</s>", *"dcba.!", "ab", "abc", "aa", ".."]
    inner = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            {w: i for i, w in enumerate(words)},
            [("a", "b"), ("ab", "c"), ("a", "a"), (".", ".")],
        )
    )
    inner.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>"
    )


@pytest.fixture(params=["own", "other"])
def reader(request, tokenizer, merging):
    """The tokenizer of a judge: that of the writer, or another."""
    return tokenizer if request.param == "own" else merging


@pytest.fixture(scope="module")
def writer(torch, tokenizer):
    import transformers

    config = transformers.LlamaConfig(**{**SIZES, "vocab_size": 8, "eos_token_id": 1})
    torch.manual_seed(0)
    return HuggingFaceLM(transformers.LlamaForCausalLM(config), tokenizer)


def naive_value(model, tokenizer, kind, text, final, **options):
    """V^ of a text by one plain forward pass; letters are told apart by where they stand."""
    import torch

    prompt, separator = options.get("prompt", ""), options.get("separator")
    marks = None
    if separator is not None:
        *steps, rest = text.split(separator)
        closed = [True] * len(steps)
        if final and (rest or not steps):
            steps, closed = [*steps, rest], [*closed, False]
        if not steps:
            return 1.0
        tag, between = options.get("tag", ""), separator * options.get("keep_separator", True)
        whole, marks = prompt, []
        for step, ended in zip(steps, closed, strict=True):
            whole += step + tag
            if tag:
                marks.append(len(whole) - 1)
            whole += between * ended
            if not tag:
                marks.append(len(whole) - 1)
        text = whole[len(prompt) :] if not tag else whole[len(prompt) : marks[-1] + 1]
    found = tokenizer(prompt + text or "<s>", return_offsets_mapping=True)
    with torch.inference_mode():
        logits = model(torch.tensor([found["input_ids"]])).logits[0].double()
    if kind == "sequence":
        logits = logits[None]
    if kind == "causal":
        law = torch.softmax(logits, -1)
        score = law[:, tokenizer.convert_tokens_to_ids(options["good"])]
        if "bad" in options:
            score = score / (score + law[:, tokenizer.convert_tokens_to_ids(options["bad"])])
    elif logits.shape[-1] == 1:
        score = torch.sigmoid(logits[:, 0])
    else:
        score = torch.softmax(logits, -1)[:, options.get("label", -1)]
    if marks is None:
        return float(score[-1]) ** options.get("beta", 1.0)
    places = sorted(
        {
            next((k for k, (i, j) in enumerate(found["offset_mapping"]) if i <= m < j), 0)
            for m in marks
        }
    )
    scores = [float(score[k]) for k in places]
    together = {"last": scores[-1], "minimum": min(scores), "product": math.prod(scores),
                "mean": sum(scores) / len(scores)}  # fmt: skip
    return together[options.get("aggregate", "last")] ** options.get("beta", 1.0)


def compare(session, texts, final, value):
    """Values of a session, asked of some texts, are those of whole texts."""
    asked = np.arange(len(texts))[:: 1 + (len(texts) > 3)]
    found = np.exp(session.log_values(asked, final[asked]))
    right = [value("".join(texts[i]), bool(final[i])) for i in asked]
    assert found == pytest.approx(right, abs=1e-5)


def check_reorders(prm, problem, value, seed, reorders=50, n=6, session=None):
    """Random letters, waits, reorders and forks leave the values what they are."""
    rng = np.random.default_rng(seed)
    session = session or prm.start(problem, n)
    texts = [""] * n
    compare(session, texts, np.zeros(n, np.bool_), value)
    for _ in range(reorders):
        for _ in range(rng.integers(0, 3)):  # what nobody asks about is read later
            tokens = rng.choice([2, 3, 4, 5, 6, 6], n)
            tokens[rng.random(n) < 0.4] = WAIT
            session.extend(tokens, np.zeros(n))
            texts = [t + LETTERS[a] for t, a in zip(texts, tokens, strict=True)]
        ancestors = rng.integers(0, n, n)
        session.reorder(ancestors)
        texts = [texts[i] for i in ancestors]
        compare(session, texts, rng.random(n) < 0.3, value)
        if rng.random() < 0.2:
            rows = rng.integers(0, n, 2)
            fork, parts = session.fork(rows), [texts[i] + "!" for i in rows]
            fork.extend(np.array([7, 7]), np.zeros(2))
            compare(fork, parts, rng.random(2) < 0.5, value)
            compare(session, texts, np.zeros(n, np.bool_), value)


def setting(make, writer, tokenizer, case, **more):
    """PRM, problem and naive value of a case."""
    kind, settings, options = CASES[case]
    options = {**options, **more}
    model = make(kind, **settings)
    number = {"separator": tokenizer.convert_tokens_to_ids(".")} if "mean" in case else {}
    prm = RewardPRM(model, tokenizer, kind, **{**options, **number})
    problem = LanguageModelProblem(writer, "dd", 120, prm)
    return prm, problem, cache(partial(naive_value, model, tokenizer, kind, **options))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_fifty_reorders_leave_the_values_of_whole_texts(make, writer, reader, case):
    prm, problem, value = setting(make, writer, reader, case, prompt="c.", beta=0.5)
    assert prm.memory_type() is CachedMemory
    check_reorders(prm, problem, value, 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["sequence of one output", "token, mean", "causal, steps"])
def test_without_a_cache_or_a_prompt_too(make, writer, reader, case):
    for memory in (CachedMemory, RereadMemory):
        prm, problem, value = setting(make, writer, reader, case, cached=memory is CachedMemory)
        assert prm.memory_type() is memory
        check_reorders(prm, problem, value, 2, reorders=15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "kind", "settings", "memory"),
    [
        ("token", "GPT2", {}, CachedMemory),
        ("token", "Mistral", {"sliding_window": 6}, CachedMemory),
        ("token", "Bert", {}, RereadMemory),  # looks ahead
        ("sequence", "Bert", {}, RereadMemory),
        ("causal", "Mamba", {"state_size": 4, "time_step_rank": 4}, RereadMemory),
    ],
)
def test_a_cache_is_used_where_it_can_be_trusted(make, writer, tokenizer, task, kind, settings,
                                                 memory):  # fmt: skip
    model = make(task, kind, **settings)
    options = {**(WORDS if task == "causal" else {}), **(STEPS if task != "sequence" else {})}
    options["aggregate"] = "product" if "separator" in options else "last"
    prm = RewardPRM(model, tokenizer, task, **options)
    assert prm.memory_type() is memory
    value = cache(partial(naive_value, model, tokenizer, task, **options))
    check_reorders(prm, LanguageModelProblem(writer, "dd", 120, prm), value, 3, reorders=25)


def test_a_session_that_forgets_who_was_copied_is_found_out(make, writer, tokenizer):
    class Forgetful(_RewardSession):
        def reorder(self, ancestors):
            pass

    prm, problem, value = setting(make, writer, tokenizer, "token, mean")
    check_reorders(prm, problem, value, 1, session=_RewardSession(prm, problem, 6))
    with pytest.raises(AssertionError):
        check_reorders(prm, problem, value, 1, session=Forgetful(prm, problem, 6))


def test_a_memory_that_takes_too_much_for_known_is_found_out(make, writer, tokenizer, monkeypatch):
    prm, problem, value = setting(make, writer, tokenizer, "token")
    common = judge_memory._common
    monkeypatch.setattr(judge_memory, "_common", lambda a, b: min(common(a, b) + 1, len(a), len(b)))
    with pytest.raises(AssertionError):
        check_reorders(prm, problem, value, 1, session=with_memory(prm, problem, CachedMemory))
    assert prm.memory_type() is RereadMemory
    check_reorders(prm, problem, value, 1)


def with_memory(prm, problem, memory):
    """A session whose memory has passed no test."""
    other = copy.copy(prm)
    other._memory = memory
    return other.start(problem, 6)


@pytest.fixture
def passes(monkeypatch):
    """Texts and tokens a text of each forward pass."""
    done, behind = [], Judge.behind
    monkeypatch.setattr(
        Judge, "behind", lambda self, t, *more: done.append(t.shape) or behind(self, t, *more)
    )
    return done


def test_only_new_tokens_are_read_and_only_when_asked_for(make, writer, tokenizer, passes):
    prm, problem, _ = setting(make, writer, tokenizer, "token", prompt="cc")
    prm.memory_type()
    passes.clear()
    session, everyone, on = prm.start(problem, 4), np.arange(4), np.zeros(4, np.bool_)

    def read(*columns, asked=everyone):
        passes.clear()
        for column in columns:
            session.extend(np.array(column), np.zeros(4))
        assert passes == []
        session.log_values(asked, on[asked])
        return passes

    assert passes == [(1, 2)]  # the prompt
    assert read() == []
    assert read([2, 3, 4, WAIT]) == [(3, 1)]
    assert read([2, 3, WAIT, WAIT], [4, 4, WAIT, WAIT]) == [(2, 2)]
    session.reorder(np.array([0, 0, 1, 0]))
    assert read([5, 5, 5, 6]) == [(3, 1)]  # two texts are one
    assert read([WAIT] * 4) == []
    assert read([2, 2, 2, 2], asked=np.array([2])) == [(1, 1)]
    assert read(asked=np.array([0, 3])) == [(2, 1)]


def test_a_step_is_read_at_its_end(make, writer, tokenizer, passes):
    prm, problem, _ = setting(make, writer, tokenizer, "token, last", prompt="cc")
    prm.memory_type()
    session = prm.start(problem, 2)
    passes.clear()
    for column in ([2, 3], [2, 3], [2, 6]):
        session.extend(np.array(column), np.zeros(2))
        found = session.log_values(np.arange(2), np.zeros(2, np.bool_))
    assert found[0] == 0.0 > found[1]
    assert passes == [(1, 3)]


def test_another_tokenizer_reads_again_what_it_must(make, writer, merging, passes):
    prm, problem, _ = setting(make, writer, merging, "token")
    prm.memory_type()
    session = prm.start(problem, 1)
    passes.clear()
    for token in (2, 5, 2, 3, 4, 5):  # a, ad, ada, adab, adabc, adabcd
        session.extend(np.array([token]), np.zeros(1))
        session.log_values(np.arange(1), np.zeros(1, np.bool_))
    assert passes == [(1, 1)] * 6  # "a", then "ab", then "abc" in the same place


def test_runs_are_those_of_a_reward_model_that_reads_anew(make, writer, tokenizer):
    model = make("sequence", num_labels=2)
    anew = TextPRM(RewardModel(model, tokenizer, beta=2.0, prompt="ab"))
    cached = RewardPRM(model, tokenizer, beta=2.0, prompt="ab")
    for sampler in (SMC(4, "systematic"), SMC(3, proposal="tempered"), Lookahead(2, 2)):
        runs = [
            sampler.run(LanguageModelProblem(writer, "dd", 6, prm), 3, rng=1, keep=("tokens",))
            for prm in (anew, cached)
        ]
        assert (runs[0].tokens == runs[1].tokens).all()
        assert runs[0].log_w == pytest.approx(runs[1].log_w, abs=1e-4)


def test_a_causal_judge_says_what_step_prm_says(make, writer, tokenizer):
    model = make("causal", vocab_size=8)
    step = StepPRM(HuggingFaceLM(model, tokenizer), "!c", "a", "b", delimiter=".", prompt="c")
    prm = RewardPRM(model, tokenizer, "causal", good="a", bad="b", separator=".", tag="!c",
                    prompt="c")  # fmt: skip
    problem = LanguageModelProblem(writer, "dd", 20, prm)
    session = prm.start(problem, 3)
    texts = ["d.ab", "a..b", "bbba"]
    for letters in zip(*texts, strict=True):
        session.extend(np.array([VOCABULARY.index(x) for x in letters]), np.zeros(3))
    for final in (False, True):
        found = session.log_values(np.arange(3), np.full(3, final))
        assert found == pytest.approx(step.log_values_of(texts, final), abs=1e-5)


def test_an_ended_text_is_judged_without_what_ended_it(make, writer, reader):
    prm, problem, value = setting(make, writer, reader, "token, mean")
    assert problem.ends == (1,)
    session = prm.start(problem, 1)
    for token in (2, 6, 3, 1):
        session.extend(np.array([token]), np.zeros(1))
    compare(session, ["a.b"], np.ones(1, np.bool_), value)


def test_before_the_end_nothing_is_read_where_only_ends_count(make, writer, tokenizer, passes):
    prm, problem, value = setting(make, writer, tokenizer, "token", end_only=True, prompt="c")
    prm.memory_type()
    session = prm.start(problem, 2)
    passes.clear()
    for column in ([2, 3], [4, 4], [2, WAIT]):
        session.extend(np.array(column), np.zeros(2))
        assert session.log_values(np.arange(2), np.zeros(2, np.bool_)).tolist() == [0.0, 0.0]
    assert passes == []
    compare(session, ["aca", "bc"], np.ones(2, np.bool_), lambda text, _: value(text, True))
    assert sorted(passes) == [(1, 2), (1, 3)]


def test_another_prompt_needs_no_other_test(make, writer, tokenizer, monkeypatch):
    prm, problem, value = setting(make, writer, tokenizer, "token, mean", prompt="c.")
    first = RewardPRM(
        prm.judge.model, tokenizer, "token", separator=".", aggregate="mean", label=0, prompt="a"
    )
    other = first.with_prompt("c.")
    monkeypatch.setattr("simulator.language_models.reward_prm.fitting_memory", None)
    check_reorders(other, problem, value, 4, reorders=10)
    assert first.layout.prompt == "a"


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        ("picture", {}, "picture"),
        ("sequence", STEPS, "one score"),
        ("sequence", {"good": "a"}, "good"),
        ("token", {"bad": "a"}, "good"),
        ("causal", {}, "good"),
        ("causal", {"good": "ab"}, "not one token of reward model, but 2"),
        ("causal", {"good": 99}, "99 is no token"),
        ("token", {"label": 2}, "label"),
        ("token", {"beta": -1.0}, "beta"),
        ("token", {"batch": 0}, "batch"),
        ("token", {"aggregate": "mean"}, "needs a separator"),
        ("token", {**STEPS, "aggregate": "median"}, "median"),
        ("token", {"separator": ""}, "empty"),
        ("token", {"separator": 99}, "99 is no token"),
        ("token", {"tag": "!"}, "only with a separator"),
        ("token", {**STEPS, "keep_separator": False}, "only with a tag"),
        ("token", {"prompt": "\udcff"}, "no character"),
    ],
)
def test_options_that_do_not_fit_are_one_line(make, tokenizer, kind, options, named):
    model = make(kind if kind in AUTO else "token")
    with pytest.raises(InputError, match=named) as told:
        RewardPRM(model, tokenizer, kind, **options)
    assert "\n" not in str(told.value)


def test_models_that_cannot_judge_are_one_line(make, writer, tokenizer, torch):
    model = make("token")
    for other in ("sequence", "causal"):
        options = WORDS if other == "causal" else {}
        prm = RewardPRM(model, tokenizer, other, **options)
        with pytest.raises(InputError, match=f"is it a {other}"):
            prm.memory_type()
    prm = RewardPRM(copy.deepcopy(model), tokenizer, "token")
    session = prm.start(LanguageModelProblem(writer, "dd", 9, prm), 2)
    with torch.no_grad():
        prm.judge.model.model.embed_tokens.weight[3] = float("nan")
    session.extend(np.array([2, 3]), np.zeros(2))
    with pytest.raises(InputError, match="'b' is not finite"):
        session.log_values(np.arange(2), np.zeros(2, np.bool_))
    with torch.no_grad():
        prm.judge.model.model.embed_tokens.weight[:] = float("nan")
    with pytest.raises(InputError, match="finite"):
        RewardPRM(prm.judge.model, tokenizer, "token").memory_type()


def test_a_text_longer_than_the_context_is_one_line(make, writer, tokenizer):
    prm = RewardPRM(make("token", max_position_embeddings=16), tokenizer, "token", prompt="a" * 16)
    session = prm.start(LanguageModelProblem(writer, "dd", 9, prm), 1)
    session.extend(np.array([2]), np.zeros(1))
    with pytest.raises(InputError, match="at most 16 tokens, not the 17"):
        session.log_values(np.arange(1), np.zeros(1, np.bool_))


def test_a_judge_that_draws_is_refused(make, tokenizer, torch):
    model = make("token")
    forward = model.forward
    model.forward = lambda *a, **k: noisy(forward(*a, **k), torch)
    with pytest.raises(InputError, match="equal texts"):
        RewardPRM(model, tokenizer, "token").memory_type()


def noisy(out, torch):
    out.logits = out.logits + torch.rand_like(out.logits)
    return out


@pytest.mark.parametrize("kind", AUTO)
def test_it_comes_back_from_its_folder(make, writer, tokenizer, tmp_path, kind):
    model, options = make(kind), WORDS if kind == "causal" else {}
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = []
    for prm in (load_reward_prm(tmp_path, kind, **options),
                RewardPRM(model, tokenizer, kind, **options)):  # fmt: skip
        session = prm.start(LanguageModelProblem(writer, "dd", 9, prm), 2)
        session.extend(np.array([2, 3]), np.zeros(2))
        found.append(session.log_values(np.arange(2), np.zeros(2, np.bool_)))
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0][0] != pytest.approx(found[0][1], abs=1e-3)

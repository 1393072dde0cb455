"""Models that are not what they seem, files that are cut, devices that are not there."""

import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models.context import context_length, windows
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.loading import check_whole, one_line, quiet
from simulator.language_models.packaged import load_language_model
from simulator.language_models.reward_model import RewardModel, load_reward_model
from simulator.text.language_model import WAIT


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tiny, tokenizer, tmp_path):
    """A folder that holds a tiny model and its tokenizer."""
    tiny.model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def refused(call, *named):
    """The line with which something is refused."""
    with pytest.raises(InputError) as told:
        call()
    line = str(told.value)
    assert "\n" not in line
    for name in named:
        assert name in line
    return line


def rewrite(folder, change):
    """Change the weights of a folder."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def test_a_whole_model_is_loaded(folder, tiny):
    lm = load_language_model(str(folder), dtype="float64")
    found, right = (x.start([0, 2], 1).next_logprobs() for x in (lm, tiny))
    assert np.abs(found - right).max() < 1e-12
    assert not lm.model.training


def test_a_layer_that_lacks_is_named(folder, tiny):
    lost = [n for n in tiny.model.state_dict() if ".1." in n]
    rewrite(folder, lambda weights: [weights.pop(n) for n in lost])
    line = refused(lambda: load_language_model(str(folder)), "lacks", sorted(lost)[0])
    assert f"and {len(lost) - 3} more" in line


def test_a_layer_too_many_is_named(folder):
    settings = json.loads((folder / "config.json").read_text())
    settings["num_hidden_layers" if "num_hidden_layers" in settings else "n_layer"] = 1
    settings.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(settings))
    refused(lambda: load_language_model(str(folder)), "no place", ".1.")


def test_a_weight_of_another_shape_is_named(folder, tiny):
    name = next(n for n in tiny.model.state_dict() if ".0." in n and n.endswith(".weight"))
    rewrite(folder, lambda weights: weights.update({name: weights[name][:4].clone()}))
    refused(lambda: load_language_model(str(folder)), str(folder))


def test_what_transformers_tells_of_a_loading():
    fine = {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()}
    check_whole(fine, "model")
    told = {**fine, "mismatched_keys": {("head.weight", (2, 3), (2, 4))}}
    refused(lambda: check_whole(told, "model"), "another shape of head.weight")
    refused(lambda: check_whole({"error_msgs": ["something else"]}, "model"), "something else")


def test_a_plain_model_is_no_reward_model(folder):
    for kind in ("sequence", "token"):
        refused(lambda kind=kind: load_reward_model(folder, kind), "lacks", ".weight, which")


@pytest.mark.parametrize("tied", [False, True])
def test_a_reward_model_is_no_language_model(torch, tokenizer, tmp_path, tied):
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=16, tie_word_embeddings=tied,
    )  # fmt: skip
    transformers.LlamaForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    named = "holds score.weight" if tied else "lacks lm_head.weight"
    refused(lambda: load_language_model(str(tmp_path)), named)


def test_an_encoder_is_no_language_model(torch, tokenizer, tmp_path):
    import transformers

    config = transformers.BertConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, initializer_range=0.5,
    )  # fmt: skip
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    refused(lambda: load_language_model(str(tmp_path)), "not causal")


@pytest.mark.parametrize("kept", [0, 4, 20, 2000])
def test_a_cut_file_is_one_line(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    refused(lambda: load_language_model(str(folder)), str(folder))
    refused(lambda: load_reward_model(folder), str(folder))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"model_type": "no-such"}'])
def test_damaged_settings_are_one_line(folder, name, content):
    (folder / name).write_text(content)
    refused(lambda: load_language_model(str(folder)), str(folder))


@pytest.mark.parametrize("device", ["meta", "cuda", "cuda:7", "nonsense", "cpu:x", ""])
def test_devices_that_are_not_there(folder, torch, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one")
    for load in (load_language_model, load_reward_model):
        refused(lambda load=load: load(str(folder), device=device), f"device {device}")


def test_a_model_of_shapes_only(tiny, tokenizer):
    model = copy.deepcopy(tiny.model).to("meta")
    refused(lambda: HuggingFaceLM(model), "meta")
    refused(lambda: RewardModel(model, tokenizer), "meta")


def test_dropout_is_never_drawn(torch, tokenizer):
    import transformers

    config = transformers.GPT2Config(
        vocab_size=8, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.5,
        resid_pdrop=0.5, num_labels=2, pad_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config).double().train()
    lm = HuggingFaceLM(model)
    assert not model.training
    laws = [lm.start([0, 2], 1).next_logprobs()]
    model.transformer.train()  # somebody else goes on training it
    laws.append(lm.start([0, 2], 1).next_logprobs())
    laws.append(next(iter(lm.laws([0, 2], np.array([[1]])))))
    model.train()
    laws.append(lm.start([0, 2], 1).next_logprobs())
    assert (laws[0] == laws[1]).all()
    assert (laws[0] == laws[3]).all()
    assert (laws[0] == laws[2]).all()
    judge = transformers.GPT2ForSequenceClassification(config).train()
    reward = RewardModel(judge, tokenizer)
    first = reward(["ab"])
    judge.train()
    assert (reward(["ab"]) == first).all()
    assert all(p.grad is None for m in (model, judge) for p in m.parameters())


def test_no_gradient_is_kept(tiny):
    session = tiny.start([0, 2], 1)
    session.extend([3])
    session.next_logprobs()
    block = next(iter(session.blocks.values()))
    assert not any(layer.keys.requires_grad for layer in block.cache.layers)


def poisoned(lm, torch, value):
    """A copy of a model that was tested, whose embedding of one token is spoilt since."""
    lm.session_type()
    bad = copy.copy(lm)
    bad.model = copy.deepcopy(lm.model)
    with torch.no_grad():
        bad.model.get_input_embeddings().weight[5, 0] = value
    return bad


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_name_text_and_step(tiny, torch, tokenizer, value):
    named = poisoned(HuggingFaceLM(tiny.model, tokenizer, name="it"), torch, value)
    if named.model.get_input_embeddings().weight is named.model.get_output_embeddings().weight:
        refused(lambda: named.start("ab", 1), "it: logits that are not finite at step 1", "'ab'")
        return
    session = named.start("ab", 2)
    session.extend([2, 5])
    refused(session.next_logprobs, "step 2", "'abd'")
    paths = np.array([[2, 3, 4], [2, 5, 4]])
    refused(lambda: named.score("ab", paths), "step 3", "'abad'")
    bare = poisoned(HuggingFaceLM(tiny.model), torch, value)
    refused(lambda: bare.start([0, 5], 1), "[0, 5]")
    long = [2] * 80 + [5]
    assert len(refused(lambda: named.start(long, 1))) < 200


def test_a_model_of_nothing_but_nan_is_refused_before_use(tiny, torch):
    model = copy.deepcopy(tiny.model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(float("nan"))
    refused(lambda: HuggingFaceLM(model).start([0], 1), "not finite")


def test_a_temperature_that_overflows(tiny):
    refused(lambda: HuggingFaceLM(tiny.model, temperature=1e-320).start([0], 1), "not finite")


def test_texts_longer_than_the_context(tiny):
    assert tiny.context == 128
    refused(lambda: tiny.start([2] * 129, 1), "at most 128 tokens, not the 129")
    session = tiny.start([2] * 127, 2)
    session.extend([3, WAIT])
    assert np.isfinite(session.next_logprobs()).all()  # 128 tokens are read
    session.extend([4, 4])  # nobody has asked what comes next
    refused(session.next_logprobs, "128")
    assert np.isfinite(tiny.score([2] * 127, np.array([[3, 4]]))).all()
    refused(lambda: tiny.score([2] * 127, np.array([[3, 4, 5]])), "128")


def test_lengths_by_any_name(torch):
    import transformers

    for name, value in (
        ("GPT2", {"n_positions": 50}),
        ("Mpt", {"max_seq_len": 50}),
        ("Rwkv", {"context_length": 50}),
        ("Llama", {"max_position_embeddings": 50}),
    ):
        assert context_length(getattr(transformers, f"{name}Config")(**value)) == 50
    assert context_length(transformers.MambaConfig()) is None
    rope = {"rope_theta": 1e4, "short_factor": [1.0] * 8, "long_factor": [4.0] * 8}
    moving = transformers.Phi3Config(
        hidden_size=32, num_attention_heads=2, max_position_embeddings=50,
        original_max_position_embeddings=20,
        rope_parameters={**rope, "rope_type": "longrope", "original_max_position_embeddings": 20},
    )  # fmt: skip
    assert context_length(moving) == 20  # what was read holds up to here
    assert windows(transformers.MistralConfig(sliding_window=6)) == [6]
    assert windows(transformers.LlamaConfig()) == []


def test_a_context_too_short_for_anything(torch):
    import transformers

    config = transformers.GPT2Config(vocab_size=8, n_embd=8, n_layer=1, n_head=1, n_positions=4)
    model = transformers.GPT2LMHeadModel(config)
    refused(lambda: HuggingFaceLM(model).start([0], 1), "at most 4")


def test_the_vocabulary_of_a_model_that_sees(torch):
    import transformers

    config = transformers.Gemma3Config(
        text_config={
            "vocab_size": 11, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
            "sliding_window": 6, "max_position_embeddings": 40,
        },
        vision_config={
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 16, "patch_size": 8,
        },
        mm_tokens_per_image=4, image_token_index=10, boi_token_index=9, eoi_token_index=8,
    )  # fmt: skip
    assert not hasattr(config, "vocab_size")
    lm = HuggingFaceLM(transformers.AutoModelForCausalLM.from_config(config).eval())
    assert (lm.n_tokens, lm.context) == (11, 40)
    session = lm.start([2, 3], 2)
    session.extend([4, 5])
    assert session.next_logprobs().shape == (2, 11)
    nameless = copy.copy(lm.model)
    nameless.config = SimpleNamespace(
        is_encoder_decoder=False, get_text_config=lambda decoder: SimpleNamespace()
    )
    refused(lambda: HuggingFaceLM(nameless), "vocab_size")


def test_a_failure_inside_the_model_is_one_line(tiny, monkeypatch):
    session = tiny.start([0, 2], 1)

    def fail(**inputs):
        raise RuntimeError("out of memory:\n 2 GiB asked for")

    session.extend([3])
    monkeypatch.setattr(tiny.model, "forward", fail)
    refused(session.next_logprobs, "1 texts of 3 tokens: out of memory: 2 GiB asked for")


def test_an_exception_that_says_nothing_has_a_name():
    assert one_line(KeyError()) == "KeyError"


# Reward models.


@pytest.fixture(params=["sequence", "token"])
def judge(request, torch):
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=16, num_labels=2, pad_token_id=None,
        initializer_range=0.8,
    )  # fmt: skip
    torch.manual_seed(1)
    kinds = {"sequence": "LlamaForSequenceClassification", "token": "LlamaForTokenClassification"}
    return request.param, getattr(transformers, kinds[request.param])(config).double().eval()


def test_a_reward_model_without_padding(judge, tokenizer, torch):
    kind, model = judge
    texts = ["ab", "cd", "a!", "abc", "ab</s>"]
    found = RewardModel(model, tokenizer, kind)(texts)
    for text, value in zip(texts, found, strict=True):
        with torch.inference_mode():
            out = model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0]
        out = out[-1] if kind == "token" else out
        assert value == pytest.approx(float(torch.softmax(out, -1)[-1]), rel=1e-10)


def test_what_a_reward_model_cannot_judge_is_one_line(judge, tokenizer, torch):
    kind, model = judge
    reward = RewardModel(model, tokenizer, kind)
    refused(lambda: reward(["ab", "a" * 17]), "at most 16 tokens, not the 17")
    refused(lambda: reward(["a\ud800"]), "no character")
    refused(lambda: RewardModel(model, tokenizer, kind, prompt="\udcff"), "no character")
    for label in (2, -3, True):
        refused(lambda label=label: RewardModel(model, tokenizer, kind, label=label), "label")
    other = "sequence" if kind == "token" else "token"
    refused(lambda: RewardModel(model, tokenizer, other)(["ab"]), f"a {other} classifier")
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.model.embed_tokens.weight[3] = float("nan")
    line = refused(lambda: RewardModel(broken, tokenizer, kind)(["aa", "ab"]), "not finite")
    assert "'ab'" in line


def test_a_language_model_in_place_of_a_reward_model(tiny, tokenizer):
    for kind in ("sequence", "token"):
        refused(lambda kind=kind: RewardModel(tiny.model, tokenizer, kind)(["ab"]), "classifier")


def test_a_reward_model_comes_back_from_its_folder(judge, tokenizer, tmp_path):
    kind, model = judge
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = load_reward_model(tmp_path, kind)(["ab", "c"])
    assert found == pytest.approx(RewardModel(model, tokenizer, kind)(["ab", "c"]), rel=1e-5)


def test_no_progress_bar_of_a_library_is_seen(capsys):
    transformers = pytest.importorskip("transformers")
    bars = pytest.importorskip("transformers.modeling_gguf_pytorch_utils").tqdm
    with quiet(transformers):
        assert list(bars(range(3), desc="Converting")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    assert list(bars(range(3), desc="Converting")) == [0, 1, 2]  # others see theirs as before
    assert "Converting" in capsys.readouterr().err

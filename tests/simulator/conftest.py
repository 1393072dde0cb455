"""Tiny language models with random weights, in float64."""

import pytest

VOCABULARY = ["<s>", "</s>", "a", "b", "c", "d", ".", "!"]


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="session", params=["llama", "gpt2"])
def tiny(request, torch):
    """A causal language model of 8 tokens, without a tokenizer."""
    import transformers

    from simulator.language_models.hugging_face import HuggingFaceLM

    torch.manual_seed(0)
    if request.param == "llama":
        config = transformers.LlamaConfig(
            vocab_size=8, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
            bos_token_id=0, eos_token_id=1, initializer_range=0.5,
        )  # fmt: skip
        model = transformers.LlamaForCausalLM(config)
    else:
        config = transformers.GPT2Config(
            vocab_size=8, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=0,
            eos_token_id=1, initializer_range=0.5,
        )  # fmt: skip
        model = transformers.GPT2LMHeadModel(config)
    return HuggingFaceLM(model.double().eval(), batch=16, name=request.param)


@pytest.fixture(scope="session")
def tokenizer(torch):
    """One token a word of the vocabulary, no spaces between them."""
    import tokenizers
    import transformers

    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(VOCABULARY)}, unk_token="<s>")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    inner.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )

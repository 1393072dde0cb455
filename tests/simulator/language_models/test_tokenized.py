"""What begins a prompt, what a user reads, and which tokens are never drawn."""

import copy

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

WORDS = ["<s>", "</s>", "▁a", "▁b", "c", "▁"]


@pytest.fixture(scope="module")
def pieces(torch):
    """A tokenizer like sentencepiece: begins with <s>, and drops a text's first space."""
    import tokenizers
    import transformers

    inner = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            {**{w: i for i, w in enumerate(WORDS)}, "a": 6, "b": 7},
            [("▁", "a"), ("▁", "b")],
        )
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    inner.decoder = tokenizers.decoders.Metaspace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>"
    )


def test_a_prompt_begins_as_the_tokenizer_says(tiny, pieces, tokenizer):
    assert HuggingFaceLM(tiny.model, pieces).prompt_tokens("a b") == [0, 2, 3]
    assert HuggingFaceLM(tiny.model, tokenizer).prompt_tokens("ab") == [2, 3]  # adds nothing
    never = HuggingFaceLM(tiny.model, pieces, special_tokens=False)
    assert never.prompt_tokens("a b") == [2, 3]
    always = HuggingFaceLM(tiny.model, tokenizer, special_tokens=True)
    assert always.prompt_tokens("ab") == [0, 2, 3]
    for lm in (never, always):
        assert lm.prompt_tokens([2, 3]) == [2, 3]  # tokens are what they are
        assert lm.prompt_tokens("") == [0]
        assert 0 not in lm.encode("a")


def test_the_beginning_is_scored(tiny, pieces):
    lm, bare = HuggingFaceLM(tiny.model, pieces), HuggingFaceLM(tiny.model)
    paths = np.array([[2, 4], [3, 3]])
    assert (lm.score("a", paths) == bare.score([0, 2], paths)).all()
    assert np.abs(lm.score("a", paths) - bare.score([2], paths)).max() > 0.01


def test_what_stands_behind_a_text_does_not_end_a_prompt(tiny, pieces):
    import tokenizers

    closing = copy.deepcopy(pieces)
    closing.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    assert closing("a")["input_ids"] == [0, 2, 1]
    lm = HuggingFaceLM(tiny.model, closing)
    assert lm.prompt_tokens("a") == [0, 2]
    assert lm.prompt_tokens("") == [0]


def test_no_beginning_is_put_twice(tiny, pieces):
    lm = HuggingFaceLM(tiny.model, pieces)
    assert lm.prompt_tokens("<s>a").count(0) == 1
    chatty = copy.deepcopy(pieces)
    chatty.chat_template = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    lm = HuggingFaceLM(tiny.model, chatty)
    assert lm.chat("a b").count(0) == 1
    assert lm.prompt_tokens(lm.chat("a b")) == lm.chat("a b")
    text = chatty.apply_chat_template([{"role": "user", "content": "a b"}], tokenize=False)
    assert lm.prompt_tokens(text) == lm.chat("a b")
    chatty.chat_template = "{{ raise_exception('no such role') }}"
    with pytest.raises(InputError, match="no such role"):
        lm.chat("a")


@pytest.mark.parametrize("choice", [True, "yes", 2])
def test_a_beginning_that_is_not_there_is_refused(tiny, pieces, choice):
    without = copy.deepcopy(pieces)
    without.bos_token = None
    with pytest.raises(InputError, match="special_tokens"):
        HuggingFaceLM(tiny.model, without, special_tokens=choice)


def test_the_first_space_of_a_continuation_is_kept(tiny, pieces):
    lm = HuggingFaceLM(tiny.model, pieces)
    assert lm.decode([3, 4]) == "bc"  # alone
    for prompt in ("a", [0, 2], [2]):
        assert lm.continuation(prompt, [3, 4]) == " bc"
        assert lm.continuation(prompt, [4, 3]) == "c b"
        assert lm.continuation(prompt, []) == ""
    for prompt in ("", [0]):  # nothing before it: the text begins here
        assert lm.continuation(prompt, [3, 4]) == "bc"


def test_prms_and_users_read_the_first_space(tiny, pieces):
    lm = HuggingFaceLM(tiny.model, pieces)
    seen = []

    def value(texts):
        seen.extend(texts)
        return np.ones(len(texts))

    problem = LanguageModelProblem(lm, "a", 2, TextPRM(value), eos=None)
    runs = SMC(4).run(problem, 40, rng=1, keep=("tokens",))
    spaced = [problem.text(t) for t in runs.tokens if t[0] in (2, 3)]
    assert spaced
    assert all(t.startswith(" ") for t in spaced)
    assert set(spaced) <= set(seen)


def test_a_broken_character_is_decoded_alone(tiny):
    class Bytes:
        """Two tokens, the halves of one character."""

        bos_token_id = eos_token_id = None
        all_special_ids = ()

        def get_vocab(self):
            return {str(i): i for i in range(8)}

        def decode(self, tokens, **options):
            return bytes([0xC3, 0xA9, 0x61][t] for t in tokens).decode("utf-8", "replace")

    lm = HuggingFaceLM(tiny.model, Bytes())
    assert lm.continuation([0], [1, 2]) == "\ufffda"
    assert lm.continuation([0, 1], [2]) == "a"


def test_tokens_without_a_text_are_never_drawn(tiny, tokenizer, torch):
    import transformers

    config = copy.deepcopy(tiny.model.config)
    config.vocab_size = 12  # the tokenizer has 8
    torch.manual_seed(0)
    lm = HuggingFaceLM(transformers.AutoModelForCausalLM.from_config(config).double(), tokenizer)
    assert lm.n_tokens == 12
    law = lm.start("ab", 1).next_logprobs()[0]
    assert np.isneginf(law[8:]).all()
    raw = HuggingFaceLM(lm.model).start([2, 3], 1).next_logprobs()[0]
    assert np.isfinite(raw).all()
    assert np.exp(law) == pytest.approx(
        np.append(np.exp(raw[:8]) / np.exp(raw[:8]).sum(), np.zeros(4)), abs=1e-12
    )
    problem = LanguageModelProblem(lm, "ab", 5, PromptSwitching("ba"), eos=None)
    assert problem.log_z == 0  # the same tokens everywhere
    for sampler in (SMC(6), SMC(4, proposal="optimal"), SMC(4, proposal="uniform")):
        runs = sampler.run(problem, 20, rng=1, keep=("tokens",))
        assert runs.tokens.max() < 8
        assert len(problem.text(runs.tokens[0])) >= 5
    with pytest.raises(InputError, match="unknown"):
        lm.start([2, 9], 1)
    cut = HuggingFaceLM(lm.model, tokenizer, top_p=0.5).start("ab", 1).next_logprobs()[0]
    assert np.isneginf(cut[8:]).all()
    assert np.logaddexp.reduce(cut) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "prompt",
    [b"ab", bytearray(b"ab"), [True, 2], "a\ud800b", b"\xff".decode("utf-8", "surrogateescape")],
)
def test_bytes_and_halves_of_characters_are_no_prompt(tiny, tokenizer, prompt):
    lm = HuggingFaceLM(tiny.model, tokenizer)
    with pytest.raises(InputError) as told:
        lm.start(prompt, 1)
    assert "\n" not in str(told.value)
    str(told.value).encode("utf-8")  # can be printed


def test_chat_messages_of_halves_of_characters(tiny, tokenizer):
    chatty = copy.deepcopy(tokenizer)
    chatty.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(InputError, match="no character"):
        HuggingFaceLM(tiny.model, chatty).chat("a\udcff")

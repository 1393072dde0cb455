"""The bytes of tokens, of tokenizers of three kinds."""

import re

from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.words import byte_alphabet, token_words
from simulator.samplers.smc.sampler import SMC
from simulator.text.problem import LanguageModelProblem
from simulator.text.regex import RegexPRM


def made(torch, names, decoder):
    import tokenizers
    import transformers

    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(names)}, unk_token="<s>")
    )
    inner.decoder = decoder(tokenizers.decoders)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>")


def test_words_of_whole_characters(tokenizer):
    assert token_words(tokenizer, 10) == [b"", b"", b"a", b"b", b"c", b"d", b".", b"!", b"", b""]


def test_tokens_of_bytes(torch):
    names = ["<s>", "Ġthe", "Ã", "©", "Ã©", "ĠÃ"]
    found = token_words(made(torch, names, lambda d: d.ByteLevel()), len(names))
    assert found == [b"", b" the", b"\xc3", b"\xa9", "é".encode(), b" \xc3"]


def test_the_space_of_a_first_word_is_kept(torch):
    names = ["<s>", "▁the", "the", "<0xC3>", "<0xA9>", "<0x41>"]
    found = token_words(
        made(
            torch, names,
            lambda d: d.Sequence(
                [d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]
            ),
        ),
        len(names),
    )  # fmt: skip
    assert found == [b"", b" the", b"the", b"\xc3", b"\xa9", b"A"]


def test_the_alphabet_of_bytes_has_a_letter_for_each():
    assert sorted(byte_alphabet().values()) == list(range(256))


def test_texts_of_a_model_match(tiny, tokenizer):
    lm = HuggingFaceLM(tiny.model, tokenizer)
    prm = RegexPRM("[ab]+(c|d!)+")
    problem = LanguageModelProblem(lm, "ab", 5, prm, force_end=True)
    runs = SMC(3, proposal="optimal").run(problem, 6, rng=1, keep=("tokens",))
    assert not runs.failed.any()
    assert all(re.fullmatch("[ab]+(c|d!)+", problem.text(t)) for t in runs.tokens)

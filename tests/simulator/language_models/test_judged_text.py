"""What a judge reads of a text: tokens and the ends of steps, for tokenizers of many ways."""

import pytest

from simulator.errors import InputError
from simulator.language_models.judged_text import JudgedText, Layout


@pytest.fixture(scope="module")
def build(torch):
    """A tokenizer of words that are merged, with what the caller puts in."""
    import tokenizers
    import transformers

    def make(words, merges=(), *, byte_level=None, around=None, blank=False):
        inner = tokenizers.Tokenizer(
            tokenizers.models.BPE({w: i for i, w in enumerate(words)}, list(merges))
        )
        if byte_level is not None:
            inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
            inner.decoder = tokenizers.decoders.ByteLevel()
            inner.post_processor = tokenizers.processors.ByteLevel(trim_offsets=byte_level)
        else:
            inner.decoder = tokenizers.decoders.Fuse()
        if blank:
            inner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        if around:
            inner.post_processor = tokenizers.processors.TemplateProcessing(
                single=f"{around[0]} $A {around[1]}",
                special_tokens=[(w, words.index(w)) for w in around],
            )
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=inner, bos_token=words[0], eos_token=words[1]
        )

    return make


WORDS = ["<s>", "</s>", "a", "b", ".", "#", "ab", ".."]
MERGES = [("a", "b"), (".", ".")]


def named(tokenizer, found):
    """Tokens by their names, those where a step ends in brackets."""
    names = tokenizer.convert_ids_to_tokens(list(found.tokens))
    return " ".join(f"[{w}]" if k in found.ends else w for k, w in enumerate(names))


@pytest.mark.parametrize(
    ("text", "going", "ended"),
    [
        ("", "", "[<s>]"),
        ("a", "", "[a]"),
        ("a.", "a [.]", "a [.]"),
        ("a.b", "a [.]", "a [.] [b]"),
        ("a.ab", "a [.]", "a [.] [ab]"),
        (".ba.", "[.] b a [.]", "[.] b a [.]"),
        ("a..", "a [..]", "a [..]"),  # one token ends two steps
    ],
)
def test_ends_of_steps_in_a_text(build, text, going, ended):
    tokenizer = build(WORDS, MERGES)
    layout = Layout(tokenizer, separator=".")
    assert named(tokenizer, layout.of_text(text, False)) == going
    assert named(tokenizer, layout.of_text(text, True)) == ended
    if ".." not in text:  # of tokens the same, if they are those of the text
        tokens = layout.of_text(text, True).tokens if text else ()
        assert named(tokenizer, layout.of_tokens(tokens, False)) == going
        assert named(tokenizer, layout.of_tokens(tokens, True)) == ended


def test_tokens_are_read_as_they_are(build):
    tokenizer = build(WORDS, MERGES, around=("<s>", "</s>"))
    layout = Layout(tokenizer, "b.", separator="b")
    assert layout.head == (0, 3, 4, 1)  # of the prompt alone
    found = layout.of_tokens([2, 3, 2], False)  # not the token "ab"
    assert named(tokenizer, found) == "<s> b . a [b] </s>"
    found = layout.of_tokens([6, 2], True)
    assert named(tokenizer, found) == "<s> b . [ab] [a] </s>"
    assert layout.of_tokens([2, 2], False) == JudgedText((), ())
    assert named(tokenizer, Layout(tokenizer).of_tokens([2, 3], False)) == "<s> a b [</s>]"


def test_tags_and_separators(build):
    tokenizer = build(WORDS, MERGES)
    between = Layout(tokenizer, "b", separator=".", tag="##")
    assert named(tokenizer, between.of_text("ab.a.b", False)) == "b ab # [#] . a # [#]"
    assert named(tokenizer, between.of_text("a.b", True)) == "b a # [#] . b # [#]"
    alone = Layout(tokenizer, separator=".", tag="#", keep_separator=False)
    assert named(tokenizer, alone.of_text("ab.a.", False)) == "ab [#] a [#]"
    assert named(tokenizer, alone.of_text("", True)) == "[#]"


def test_a_special_token_may_end_steps(build):
    from tokenizers import AddedToken

    words = [*WORDS, "<end>"]
    tokenizer = build(words, MERGES)
    tokenizer.add_tokens(AddedToken("<end>", special=True))
    layout = Layout(tokenizer, separator="<end>")
    assert named(tokenizer, layout.of_tokens([2, 8, 3], False)) == "a [<end>]"
    assert named(tokenizer, layout.of_text("a<end>b", True)) == "a [<end>] [b]"


@pytest.mark.parametrize("trim", [False, True])
def test_blank_separators_of_byte_level_tokenizers(build, trim):
    words = ["<s>", "</s>", "a", "b", ".", "Ċ", "ĊĊ", ".ĊĊ", "Ð", "¸"]
    merges = [("Ċ", "Ċ")]
    tokenizer = build(words, merges, byte_level=trim)
    layout = Layout(tokenizer, "b", separator="\n\n")
    assert named(tokenizer, layout.of_text("a.\n\nb", False)) == "b a . [ĊĊ]"
    # the pattern of this kind of tokenizer parts blanks in front of a letter
    assert named(tokenizer, layout.of_text("a.\n\nb", True)) == "b a . Ċ [Ċ] [b]"
    assert named(tokenizer, layout.of_tokens([2, 7, 3], False)) == "b a [.ĊĊ]"
    assert named(tokenizer, layout.of_tokens([2, 5, 5, 3], True)) == "b a Ċ [Ċ] [b]"
    letter = Layout(tokenizer, separator="и")  # of two tokens
    assert named(tokenizer, letter.of_text("aиb", False)) == "a Ð [¸]"
    assert named(tokenizer, letter.of_tokens([2, 8, 9, 3], False)) == "a Ð [¸]"


def test_separators_that_a_tokenizer_drops(build):
    tokenizer = build(WORDS, MERGES, blank=True)
    found = Layout(tokenizer, separator="\n\n").of_text("a.\n\nb\n\na", True)
    assert named(tokenizer, found) == "a [.] [b] [a]"


def test_which_tokens_can_be_read(build):
    from types import SimpleNamespace

    mine, equal, other = build(WORDS, MERGES), build(WORDS), build([*WORDS[:2], "b", "a"])
    layout = Layout(mine)
    for tokenizer, fine in ((mine, True), (equal, True), (other, False), (None, False)):
        assert layout.reads_tokens_of(SimpleNamespace(tokenizer=tokenizer)) == fine
    assert not layout.reads_tokens_of(SimpleNamespace())
    assert not Layout(mine, separator=".", tag="#").reads_tokens_of(SimpleNamespace(tokenizer=mine))


def test_what_cannot_be_read_is_one_line(build):
    tokenizer = build(WORDS, MERGES)
    with pytest.raises(InputError, match="no character"):
        Layout(tokenizer).of_text("\ud800", True)
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(InputError, match="makes no token"):
        Layout(tokenizer).of_text("", False)

    class Slow:
        bos_token, eos_token, is_fast = "<s>", "</s>", False

    with pytest.raises(InputError, match="Slow does not tell where"):
        Layout(Slow(), separator=".").of_text("a.", True)

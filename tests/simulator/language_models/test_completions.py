"""A served model against the same tables at hand: equal numbers give equal runs."""

import json

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.language_models import completions, endpoint
from simulator.language_models.completions import CompletionsLM, CompletionsSession
from simulator.language_models.packaged import load_language_model
from simulator.problem.model import TabularModel
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.beam import Beam
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.text.prms import TextPRM
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.text.regex import RegexPRM
from simulator.text.rewards import log_rewards
from simulator.text.tabular import TabularLM
from tests.support.served import TableServer, serving

PROMPT, H, END = "Go: ", 4, 2
WORDS = ["a", "b.", "<end>"]
DRAWN = {"smc by rejection": SMCRejection(3, method="rejection", eta=12.0),
         "lookahead": Lookahead(3, depth=2, rollouts=2), "beam": Beam(2, draws=3),
         "sis": SIS(4), "best of n": BestOfN(4),
         "late smc": SMC(4, ess_threshold=0.5, block=2, select="best")}  # fmt: skip
DRAWN |= {scheme: SMC(4, resampling=scheme) for scheme in SCHEMES}


def value(texts):
    return [0.0 if "aaa" in t else 1 + 0.5 * t.count("a") + t.count("b.a") for t in texts]


def reward(texts, closed):
    return [(0.5 + t.count("b")) * (2 if end else 1) for t, end in zip(texts, closed, strict=True)]


PRM = TextPRM(value, reward, tells_end=True)


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(3)
    tree = TabularModel.tree([rng.dirichlet([2.0, 2.0, 0.7], 3**h) for h in range(H)])
    return TabularLM(tree, WORDS, eos=END)


def served(server, **options):
    return CompletionsLM(server.url, "tables", **{"step_tokens": 1, "wait": 0.001} | options)


def draw(lm, sampler, runs=6, seed=2, prm=PRM, horizon=H):
    problem = LanguageModelProblem(lm, PROMPT, horizon, prm)
    found = sampler.run(problem, runs, rng=seed, keep=("tokens",))
    texts = [problem.text(path) for path in found.tokens]  # of a failed run, nothing
    return found, texts


def same(here, there):
    """Whether runs agree in all but the numbers of tokens."""
    (mine, texts), (theirs, others) = here, there
    equal = texts == others and (mine.failed == theirs.failed).all()
    for field in ("prm_evaluations", "model_calls"):
        equal &= (getattr(mine, field) == getattr(theirs, field)).all()
    if mine.log_w is not None:
        finite = ~mine.failed
        equal &= mine.log_w[finite] == pytest.approx(theirs.log_w[finite], abs=1e-12)
    return bool(equal)


@pytest.fixture(scope="module")
def server(tables):
    with serving(TableServer(tables, PROMPT)) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_equal_numbers_give_the_runs_of_the_same_tables_at_hand(server, tables, name):
    here = draw(tables, DRAWN[name])
    assert len(set(here[1])) > 1
    assert same(draw(served(server), DRAWN[name]), here)


def no_reorder(monkeypatch):
    monkeypatch.setattr(CompletionsSession, "reorder", lambda self, ancestors: None)


def one_seed_for_all(monkeypatch):
    old = CompletionsLM.draw
    monkeypatch.setattr(
        CompletionsLM, "draw", lambda self, t, u: old(self, t, u[:1].repeat(len(u)))
    )


def ends_are_missed(monkeypatch):
    monkeypatch.setattr(
        CompletionsLM, "ends_text", lambda self, tokens: np.zeros(tokens.shape, dtype=bool)
    )


def coarse_seeds(monkeypatch):
    monkeypatch.setattr(completions, "SEEDS", 2.0**52)


def shuffled_replies(monkeypatch):
    old = endpoint.Endpoint.ask
    monkeypatch.setattr(endpoint.Endpoint, "ask", lambda self, bodies: old(self, bodies)[::-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant", [no_reorder, one_seed_for_all, ends_are_missed, coarse_seeds, shuffled_replies]
)
def test_mutants_differ(server, monkeypatch, mutant):
    right = draw(served(server, step_tokens=2), SMC(4), horizon=2)
    lm = served(server, step_tokens=2)
    lm.habits(PROMPT)
    mutant(monkeypatch)
    try:
        found = draw(lm, SMC(4), horizon=2)
    except InputError:
        return  # the server was sent a text that is none of its own
    assert not same(found, right)


def test_temperature_is_sent(server, tables):
    hot, plain = (draw(served(server, temperature=t), SIS(4)) for t in (1.9, 1.0))
    assert hot[1] != plain[1]


def test_pieces_end_with_their_delimiter_whatever_is_told_of_stops(tables):
    found, lengths = {}, {}
    for stop in ("kept", "told", "silent"):
        with serving(TableServer(tables, PROMPT, stop=stop)) as running:
            lm = served(running, delimiters=".", step_tokens=3)
            found[stop] = draw(lm, SMC(4), horizon=2)
            pieces = lm.numbers.pieces
            lengths[stop] = sum("stop" in body for body in running.asked)
    assert same(found["kept"], found["told"])
    assert same(found["kept"], found["silent"])
    assert lengths["silent"] == 1  # the question; where it would hide the end, nothing is stopped
    assert lengths["told"] > 20
    assert any(p.text.endswith(".") for p in pieces)
    assert all(p.text.count(".") <= 1 and p.text.find(".") in (-1, len(p.text) - 1) for p in pieces)
    assert all(not p.ended for p in pieces if p.text.endswith("."))


@pytest.mark.slow
def test_equal_seeds_give_equal_texts_and_others_do_not(server):
    first, second, other = (draw(served(server), SMC(4), seed=s) for s in (7, 7, 8))
    assert same(first, second)
    assert first[1] != other[1]


def test_numbers_of_texts_do_not_depend_on_their_pieces(server):
    whole, pieces = (served(server, step_tokens=n) for n in (H, 1))
    long, short = (draw(lm, SIS(1), runs=40, horizon=h) for lm, h in ((whole, 1), (pieces, H)))
    number = dict(zip(long[1], long[0].states, strict=True))
    both = [(n, number[t]) for t, n in zip(short[1], short[0].states, strict=True) if t in number]
    assert len(both) > 5
    assert sum(a == b for a, b in both) >= len(both) - 2 * len(set(long[1]))
    assert len(set(long[0].states)) >= len(set(long[1]))


def test_what_servers_leave_out_is_switched_off(tables):
    for extras, sent in (
        (("top_k", "min_p", "repetition_penalty"), {"top_k": -1, "min_p": 0.0}), ((), {}),
    ):  # fmt: skip
        with serving(TableServer(tables, PROMPT, extras=extras)) as running:
            draw(served(running), SMC(2), runs=1)
            assert sent.items() <= running.asked[-1].items()
            assert running.asked[-1]["top_p"] == 1
    greedy = TableServer(tables, PROMPT, draws="do_sample", extras=("generation_config",))
    with serving(greedy) as running:
        assert same(draw(served(running), SMC(4)), draw(tables, SMC(4)))
        assert json.loads(running.asked[-1]["generation_config"])["top_k"] == 0


def test_a_server_that_does_not_draw_is_refused(tables):
    with (
        serving(TableServer(tables, PROMPT, draws=False)) as running,
        pytest.raises(InputError, match=r"127.0.0.1:\d+/v1/completions: it does not draw: 6"),
    ):
        draw(served(running), SMC(2))


def test_a_server_that_heeds_no_seeds_is_refused_unless_told(tables):
    with serving(TableServer(tables, PROMPT, seeds="ignored")) as running:
        with pytest.raises(InputError, match="equal seeds give different texts"):
            draw(served(running), SMC(2))
        runs, texts = draw(served(running, reproducible=False), SMC(4), runs=8)
        assert np.isfinite(runs.log_w[~runs.failed]).all()
        assert len(set(texts)) > 2
        asked = [body for body in running.asked if isinstance(body["prompt"], list)]
        assert max(len(body["prompt"]) for body in asked) == 32  # all rows of a batch at once
        assert not any("seed" in body for body in asked)


@pytest.mark.slow
def test_lists_draw_from_the_same_law(tables):
    """The estimate of Z is unbiased: 4000 runs miss by 6 standard errors once in 5e8."""
    problem = LanguageModelProblem(tables, PROMPT, H, PRM)
    exact = _mean_reward(tables, problem)
    with serving(TableServer(tables, PROMPT)) as running:
        lm = served(running, reproducible=False, batch=4000)
        runs, _ = draw(lm, SMC(2), runs=2000)
        asked = len(running.asked)
    w = np.exp(runs.log_w)
    assert abs(w.mean() - exact) < 6 * w.std() / np.sqrt(w.size)
    assert asked < 20


def _mean_reward(tables, problem):
    def ahead(path, log_p):
        if path and (path[-1] == END or len(path) == H):
            text = problem.text(path)
            return np.exp(log_p) * reward([text], [path[-1] == END])[0] * (value([text])[0] >= 0)
        session = tables.start(PROMPT, 1)
        for token in path:
            session.extend([token])
        law = session.next_logprobs()[0]
        alive = not path or value([problem.text(path)])[0] > 0
        return alive * sum(ahead([*path, a], log_p + law[a]) for a in range(3))

    return ahead([], 0.0)


def test_prompts_without_lists_are_sent_one_by_one(tables):
    with serving(TableServer(tables, PROMPT, lists=False)) as running:
        draw(served(running, reproducible=False), SMC(4))
        assert sum(isinstance(body["prompt"], list) for body in running.asked) == 1


def test_a_server_with_one_generator_is_asked_one_thing_at_a_time(tables):
    class Muddled(TableServer):
        """Forgets the seeds of requests that overlap."""

        def __call__(self, body):
            with self.lock:
                self.busy += 1
            running.over.wait(0.005)
            if self.busy > 1:
                body = {k: v for k, v in body.items() if k != "seed"}
            found = super().__call__(body)
            with self.lock:
                self.busy -= 1
            return found

    with serving(Muddled(tables, PROMPT)) as running:
        lm = served(running)
        assert same(draw(lm, SMC(4)), draw(tables, SMC(4)))
        assert lm.endpoint.concurrency == 1


def test_requests_at_once_have_a_limit(tables):
    class Slow(TableServer):
        def __call__(self, body):
            running.over.wait(0.01)
            return super().__call__(body)

    with serving(Slow(tables, PROMPT)) as running:
        draw(served(running, concurrency=3), SMC(16), runs=1)
        assert running.most == 3


def test_log_probabilities_are_those_of_the_tables(server, tables):
    lm = served(server, logprobs=True, step_tokens=2, delimiters=".")
    runs, texts = draw(lm, SIS(1), runs=20)
    found = lm.score(PROMPT, runs.tokens).sum(axis=1)
    for text, path, log_prob in zip(texts, runs.tokens, found, strict=True):
        tokens = tables.encode(text)
        ended = lm.ends_text(path.astype(np.int64)).any() and len(tokens) < H
        tokens += [END] * ended
        row = np.array([tokens + [-1] * (H - len(tokens))])
        assert log_prob == pytest.approx(tables.score(PROMPT, row).sum(), abs=1e-12)
    with pytest.raises(InputError, match=r"has not written '[ab.]*' there"):
        lm.score("Stop: ", runs.tokens)
    with pytest.raises(InputError, match="logprobs=True keeps"):
        served(server).score(PROMPT, runs.tokens)
    with pytest.raises(InputError, match="only at temperature 1"):
        served(server, logprobs=True, temperature=0.5)


def test_rewards_of_texts_that_are_there_are_those_of_the_tables(server, tables):
    lm = served(server, logprobs=True, step_tokens=2)
    runs, texts = draw(lm, SIS(1), runs=20, horizon=2)
    found = np.exp(log_rewards(LanguageModelProblem(lm, PROMPT, 2, PRM), runs.tokens))
    ended = lm.ends_text(runs.tokens.astype(np.int64)).any(axis=1)
    assert 0 < ended.sum() < 20
    assert found == pytest.approx(reward(texts, ended), abs=1e-12)


def test_a_server_without_log_probabilities_is_refused_where_they_are_asked_for(tables):
    with serving(TableServer(tables, PROMPT, logprobs=False)) as running:
        assert same(draw(served(running), SMC(2)), draw(tables, SMC(2)))
        with pytest.raises(InputError, match="logprobs: the server tells none"):
            draw(served(running, logprobs=True), SMC(2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sampler", "prm"),
    [
        (SMC(2, proposal="optimal"), PRM), (SMC(2, proposal="uniform"), PRM),
        (SMC(2, proposal="tempered"), PRM), (SMC(2), PromptSwitching("Stop: ")),
        (SMC(2), RegexPRM("a*")), (Beam(2), PRM), (SMCRejection(2, method="enumerate"), PRM),
        (SMCIndependent(2), PRM), (Backtracking(1), PRM), (Lookahead(2, depth=1, rollouts=0), PRM),
    ],
    ids=lambda given: str(given) if isinstance(given, Sampler) else type(given).__name__,
)  # fmt: skip
def test_what_needs_whole_laws_is_refused_by_name(server, sampler, prm):
    with pytest.raises(InputError, match="tables is served and only draws texts"):
        draw(served(server), sampler, prm=prm)


def test_bad_input_is_told(server):
    lm = served(server)
    for options, said in (
        ({"delimiters": "."}, "an argument of CompletionsLM"), ({"prompt": [1]}, "must be a text"),
    ):  # fmt: skip
        problem = {"lm": lm, "prompt": PROMPT, "horizon": 2, "prm": PRM} | options
        with pytest.raises(InputError, match=said):
            SMC(2).run(LanguageModelProblem(**problem), 1, rng=1)
    for options, said in (
        ({"delimiters": [".", ""]}, "texts of a sign"), ({"temperature": 0.0}, "temperature"),
        ({"step_tokens": 0}, "step_tokens"), ({"concurrency": 0}, "concurrency"),
        ({"timeout": 0}, "timeout"), ({"retries": -1}, "retries"), ({"batch": 0}, "batch"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            served(server, **options)
    for url, said in (
        ("ftp://host/v1", "not an address"), ("http:///v1", "not an address"), (7, "model 7"),
        ("http://me:secret@host/v1", "OPENAI_API_KEY"), ("http://host:x/v1", "port"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said) as told:
            CompletionsLM(url, "tables")
        assert "secret" not in str(told.value)
    with pytest.raises(InputError, match="5 is no piece"):
        lm.decode([5])
    with pytest.raises(InputError, match="a served model only draws texts"):
        load_language_model(server.url)

"""Constrained texts against the enumeration of all texts."""

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.constrained import constrained
from simulator.problem.library import open_problem
from simulator.problem.ngrams import constraint
from simulator.problem.ngrams.arpa import write_arpa
from simulator.problem.ngrams.backoff import Backoff
from simulator.problem.ngrams.constraint import Constraint, ExpectedPRM
from simulator.problem.ngrams.counts import count_ngrams
from simulator.problem.prms import TemperedPRM
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from tests.support.ngrams import naive, naive_row

TEXT = "abba aab ab\nbab aab\naab ab\n"
CHARACTERS = {"unit": "characters", "order": 3, "vocabulary": 9}
WORDS = {"unit": "words", "order": 2, "vocabulary": 2}
CASES = {
    "characters": (CHARACTERS, "never", "(ab?)* ?a", 5),
    "characters that end": (CHARACTERS, "line", "a(b a|b)*", 4),
    "words": (WORDS, "never", "(aab |ab )*<unk> ab.*", 5),
    "words that end": (WORDS, "line", "ab|(aab ?)+|", 4),
    "one token": (CHARACTERS, "line", "a?", 1),
}


def spell(tokens, unit):
    return (" " if unit == "words" else "").join(t for t in tokens if t != "</s>")


class AllTexts:
    """pi_ref, r and V* of every sequence of tokens, by the formulas."""

    def __init__(self, options, end, pattern, horizon):
        self.texts, self.tokens, self.first = naive(
            TEXT, options["unit"], end, options["vocabulary"]
        )
        self.options, self.pattern, self.horizon = options, pattern, horizon

    def row(self, past, order=None):
        if "</s>" in past:
            return [float(t == "</s>") for t in self.tokens]
        order = self.options["order"] if order is None else order
        return naive_row(self.texts, self.tokens, [*self.first, *past], order)

    def reward(self, past):
        return float(bool(re.fullmatch(self.pattern, spell(past, self.options["unit"]), re.ASCII)))

    def value(self, past, order=None):
        if len(past) == self.horizon:
            return self.reward(past)
        row = self.row(past, order)
        return sum(
            p * self.value((*past, t), order) for t, p in zip(self.tokens, row, strict=True) if p
        )


def faults(options, end, pattern, horizon):
    """What differs from the enumeration: names of quantities."""
    alike = AllTexts(options, end, pattern, horizon)
    made = Constraint(count_ngrams(TEXT, end=end, **options), pattern, horizon)
    lower = max(1, options["order"] - 1)
    exact = made.problem()
    expected = made.problem(ExpectedPRM(made, lower))
    mask = constrained_mask(made)
    assert list(made.model.tokens) == alike.tokens
    wrong = set()
    for length in range(horizon + 1):
        for path in itertools.product(range(len(alike.tokens)), repeat=length):
            past = tuple(alike.tokens[t] for t in path)
            if any(t == "</s>" and u != "</s>" for t, u in itertools.pairwise(past)):
                continue
            state, p = 0, 1.0
            for h, token in enumerate(path):
                p *= exact.model.probs[h][state, token]
                state = exact.model.next_state[h][state, token]
            value = alike.value(past)
            found = {
                "value": (exact.value[length][state], value),
                "expected": (expected.prm[length][state], alike.value(past, lower)),
                "mask": (mask.prm[length][state], float(value > 0)),
            }
            if value > 0:  # else all laws are as good
                law = alike.row(past) if length < horizon else None
                if law is not None:
                    found["law"] = (exact.model.probs[length][state], law)
            if length == horizon:
                found["reward"] = (exact.reward[state], alike.reward(past))
            for name, (one, two) in found.items():
                if not np.allclose(one, two, rtol=1e-11, atol=0):
                    wrong.add(name)
    return wrong


def constrained_mask(made):
    return made.problem(TemperedPRM(0.0))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_all_values_are_those_of_the_enumeration(case):
    assert faults(*case) == set()


def cut(self, number, matched, contexts):
    """Moves by the token that ends texts as by any other."""
    return number[self.table.next[matched], self.rows.next_context[contexts]]


MUTANTS = {
    "ends are not looked at": ("characters that end", Constraint, "_moves", cut),
    "the order stays": ("characters", Backoff, "lowered", lambda model, order: model),
    "spaces come first too": (
        "words", constraint, "TokenTable", lambda automaton, later, first: TABLE(automaton, later),
    ),
}  # fmt: skip
TABLE = constraint.TokenTable


@pytest.mark.parametrize(("case", "owner", "name", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found(monkeypatch, case, owner, name, mutant):
    monkeypatch.setattr(owner, name, mutant)
    if mutant is cut:
        assert faults(*CASES[case]) == {"value", "expected", "mask", "law", "reward"}
    elif name == "lowered":
        assert faults(*CASES[case]) == {"expected"}
    else:
        with pytest.raises(InputError, match="has no match"):
            faults(*CASES[case])


@pytest.mark.parametrize("name", ["characters", "characters that end"])
def test_local_masking_has_the_law_of_masked_rows(name):
    options, end, pattern, horizon = CASES[name]
    alike = AllTexts(options, end, pattern, horizon)
    problem = constrained_mask(Constraint(count_ngrams(TEXT, end=end, **options), pattern, horizon))
    law = {(): 1.0}
    for _ in range(horizon):
        after = {}
        for past, p in law.items():
            row = [
                q * (alike.value((*past, t)) > 0)
                for t, q in zip(alike.tokens, alike.row(past), strict=True)
            ]
            for t, q in zip(alike.tokens, row, strict=True):
                if q:
                    after[*past, t] = p * q / sum(row)
        law = after
    assert {alike.reward(past) for past in law} == {1.0}
    found = ActionLevelRejection().exact_law(problem)
    z = alike.value(())
    weights = {}
    for past in law:
        weights[past] = (
            np.prod([alike.row(past[:h])[alike.tokens.index(past[h])] for h in range(horizon)]) / z
        )
    assert sum(weights.values()) == pytest.approx(1, abs=1e-12)
    tv = sum(abs(law[y] - weights[y]) for y in law) / 2
    assert found.tv == pytest.approx(tv, abs=1e-12)
    assert tv > 0.01


PATTERNS = {
    "date": (r"\d{4}-\d{2}-\d{2}", 10),
    "address": (r"[a-z.]+@[a-z]+\.(org|com|net|edu)", 20),
    "quotes": (r'[^"]*("[^"]*"[^"]*)*', 40),
    "word": (r"(.* )?particles( .*)?", 60),
    "held out: steps of one to three letters": (r"(([a-z]{1,3}),? )*[a-z]{4}", 24),
}


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "horizon"), PATTERNS.values(), ids=PATTERNS)
def test_what_is_drawn_under_the_packaged_text_matches(pattern, horizon):
    problem = constrained(pattern=pattern, horizon=horizon, prm="expected")
    tokens = sorted(alphabet())
    runs = ActionLevelRejection(method="enumerate").run(problem, 40, rng=1, keep=("tokens",))
    assert not runs.failed.any()
    texts = ["".join(tokens[t] for t in path) for path in runs.tokens]
    assert all(re.fullmatch(pattern, text, re.ASCII) for text in texts)
    assert problem.lost_states == []


def alphabet():
    text = files("simulator.problem").joinpath("data", "own_text.txt").read_text(encoding="utf-8")
    assert 95_000 < len(text) < 105_000
    return set(text) - {"\n"}


@pytest.mark.slow
def test_z_is_the_frequency_of_matches_under_the_model():
    # naive draws from rows; fails falsely with probability 1e-9, and would catch Z off by .05
    pattern, horizon, n = r"[^,.]*", 12, 4000
    rows = count_ngrams(TEXT.replace("bab", "b,a.b"), 3).rows()
    model = count_ngrams(TEXT.replace("bab", "b,a.b"), 3)
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(n):
        state, text = rows.start, ""
        for _ in range(horizon):
            token = rng.choice(len(model.tokens), p=rows.probs[state])
            text, state = text + model.tokens[token], rows.next_context[state, token]
        hits += bool(re.fullmatch(pattern, text))
    low, high = clopper_pearson(hits, n, 1e-9)
    z = np.exp(Constraint(model, pattern, horizon).problem().log_z)
    assert low < z < high < low + 0.1


@pytest.mark.slow
def test_stages_share_one_table():
    problem = constrained(pattern=r".*\d.*", horizon=500)
    assert len(problem.model.tables) == 2
    assert problem.model.probs[1] is problem.model.probs[499]


@pytest.mark.slow
def test_specs_quote_patterns():
    plain = constrained(pattern=r"\d{4}-\d{2}-\d{2}", horizon=10, prm="exact")
    assert open_problem("constrained:prm=exact").digest == plain.digest
    quoted = open_problem('constrained:pattern="[^"",]{2,9}""[a-z]{3}", horizon=9')
    assert quoted.digest == constrained(pattern='[^",]{2,9}"[a-z]{3}', horizon=9).digest
    unquoted = open_problem('constrained:pattern=[^"]*:"[^=/]*,horizon=9')
    assert unquoted.digest == constrained(pattern='[^"]*:"[^=/]*', horizon=9).digest


def test_text_files_and_arpa_files_are_read(tmp_path):
    (tmp_path / "mine.txt").write_text(TEXT)
    by_text = open_problem(f"constrained:text={tmp_path}/mine.txt,pattern=(ab?)*,horizon=4")
    write_arpa(count_ngrams(TEXT, 3), tmp_path / "mine.arpa", digits=15)
    by_file = open_problem(f"constrained:text={tmp_path}/mine.arpa,pattern=(ab?)*,horizon=4")
    assert by_file.log_z == pytest.approx(by_text.log_z, abs=1e-12)
    lower = open_problem(f"constrained:text={tmp_path}/mine.arpa,order=1,pattern=(ab?)*,horizon=4")
    made = Constraint(count_ngrams(TEXT, 1), "(ab?)*", 4).problem()
    assert lower.log_z == pytest.approx(made.log_z, abs=1e-12)


BAD = {
    "constrained:order=6": "order: 6 is not a whole number from 1 to 5",
    "constrained:order=0": "order: 0",
    "constrained:horizon=0": "horizon: 0",
    "constrained:horizon=9": "has no match that 9 tokens spell$",
    "constrained:pattern=[A-Z]*B.*": "of its characters the model lacks '.*B",
    "constrained:pattern=(a": "position 0",
    "constrained:pattern=a{1,2}": "value with a comma stands between double quotes",
    'constrained:pattern="a': "double quote",
    'constrained:pattern="a"b': "double quote",
    "constrained:text=nowhere.txt": "nowhere.txt: no such file",
    "constrained:text=nowhere.arpa": "nowhere.arpa: no such file",
    "constrained:text=nowhere.arpa,end=line": "end: an ARPA file says itself",
    "constrained:prm=perfect": "prm: 'perfect' is not known, only mask, expected, exact",
    "constrained:prm=expected,expected_order=4": "expected_order: 4 is not a whole number from 1",
    "constrained:unit=bytes": "unit: 'bytes'",
}


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "message"), BAD.items(), ids=BAD)
def test_a_bad_spec_is_refused_in_one_line(spec, message):
    with pytest.raises(InputError, match=message) as fault:
        open_problem(spec)
    assert "\n" not in str(fault.value)
    assert str(fault.value).startswith("constrained: ")


def test_too_many_states_are_refused(monkeypatch):
    monkeypatch.setattr(constraint, "LIMIT", 1000)
    with pytest.raises(TooLargeError, match="lower order"):
        constrained()

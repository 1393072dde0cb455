"""Regular expressions as PRM, against Python's `re` on every text of small models (T0)."""

import itertools
import re
import sys

import numpy as np
import pytest

import simulator.problem.regular.token_table as token_table
import simulator.text.regex as regex
from simulator.errors import InputError, TooLargeError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.baselines.beam import Beam, Greedy
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.text.problem import LanguageModelProblem
from simulator.text.regex import RegexPRM
from simulator.text.tabular import TabularLM
from tests.support.choices import every_run

LONGEST = 4
WORDS = ["a", "b", "ab", "", "."]
EOS = 4


class ByteLM(TabularLM):
    """Tokens that may be parts of characters."""

    def words(self):
        return list(self.pieces)

    def decode(self, tokens):
        return b"".join(self.pieces[a] for a in tokens).decode("utf-8", "replace")


def model(n, horizon=LONGEST):
    """Laws of all prefixes over n tokens, none alike."""
    rng = np.random.default_rng(1)
    return TabularModel.tree([rng.dirichlet(np.ones(n), n**h) for h in range(horizon)])


def problem(pattern, horizon=LONGEST, words=WORDS, eos=EOS, **options):
    lm = TabularLM(model(len(words), horizon), words, eos=eos)
    return LanguageModelProblem(lm, "", horizon, RegexPRM(pattern), **options)


def judged(problem, path, final):
    """V^ of one path, by a session that has read it."""
    session = problem.prm.start(problem, 1)
    for token in path:
        session.extend(np.array([token]), np.zeros(1))
    value = session.log_values(np.zeros(1, dtype=int), np.array([final]))
    return session, float(np.exp(value[0]))


def truth(problem, path):
    """Whether any text that begins so, and has ended as it may, matches."""
    words = problem.lm.words()
    if path and not all(words[a] for a in path if a not in problem.ends):
        return False
    if (path and path[-1] in problem.ends) or len(path) == problem.horizon:
        closed = path and path[-1] in problem.ends
        text = problem.text(path)
        whole = "\ufffd" not in text  # the sign for what is no character
        found = re.fullmatch(problem.prm.pattern, text, re.ASCII)
        return bool(found and whole and (closed or not problem.force_end))
    return any(truth(problem, (*path, a)) for a in range(len(words)))


def faults(problem):
    """Paths whose V^, or whose children's, are not what `re` says."""
    found = []
    v = problem.lm.n_tokens
    rest = [a for a in range(v) if a not in problem.ends]
    for h in range(problem.horizon):
        for path in itertools.product(rest, repeat=h):
            session, value = judged(problem, path, False)
            if value != truth(problem, path):
                found.append(path)
            last = np.full((1, v), h + 1 == problem.horizon)
            last[:, problem.ends] = True
            children = np.exp(session.child_log_values(np.zeros((1, v)), last))[0]
            for a in range(v):
                child = (*path, a)
                alone = judged(problem, child, bool(last[0, a]))[1]
                cut = problem.force_end and h + 1 == problem.horizon and a not in problem.ends
                if alone != children[a] or (not cut and alone != truth(problem, child)):
                    found.append(child)
    return found


PATTERNS = ["a*b", "(ab)+", "[^b]*", "b?(a|ab){2}", "a{3}", "(?:ab|b)*a", "aa?", ".+b", "(?i)A*B"]
ENDS = {
    "end or cut": {},
    "must end": {"force_end": True},
    "cut only": {"eos": None},
    "two ends": {"stops": [1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_values_are_what_python_says_of_all_texts(pattern, ends):
    posed = problem(pattern, 3, **ends)
    if truth(posed, ()):
        assert faults(posed) == []
    else:
        with pytest.raises(InputError, match="no match"):
            posed.prm.start(posed, 1)


def test_a_token_may_be_a_part_of_a_character():
    pieces = [b"\xc3", b"\xa9", b"\xa8\xc3", b"a", b"\xf0\x9f", b"\x98\x80"]
    lm = ByteLM(model(len(pieces), 3), ["?"] * len(pieces))
    lm.pieces = pieces
    for pattern in ("é+a?", "[^é]a?", ".a|é", "[à-è]*é", "😀a?|é"):
        posed = LanguageModelProblem(lm, "", 3, RegexPRM(pattern), eos=None)
        assert faults(posed) == []


def parents(session, log_probs, last):
    value = session.alive[session.left, session.states]
    return np.where(value[:, None] & np.ones(last.shape, bool), 0.0, -np.inf)


def never_final(session, rows, final):
    return np.where(session.alive[session.left[rows], session.states[rows]], 0.0, -np.inf)


MUTANTS = {
    "the mask of the parent": ("_RegexSession", "child_log_values", parents),
    "the end is not looked at": ("_RegexSession", "log_values", never_final),
    "the limit is forgotten": (
        "_TokenTable", "alive",
        lambda table, problem: ALIVE(table, problem)[[-1] * (problem.max_tokens + 1)],
    ),
}  # fmt: skip
ALIVE = regex._TokenTable.alive


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found(monkeypatch, owner, name, mutant):
    assert faults(problem("a?b{3}|a", 3)) == []
    monkeypatch.setattr(getattr(regex, owner), name, mutant)
    assert faults(problem("a?b{3}|a", 3)) != []


def tabulated(posed):
    """The same problem in tables: V^ of all prefixes, asked for one by one."""
    rows = [
        [
            judged(posed, path, h == posed.horizon)[1]
            for path in itertools.product(range(posed.lm.n_tokens), repeat=h)
        ]
        for h in range(posed.horizon + 1)
    ]
    return Problem(posed.lm.model(""), rows[-1], rows)


@pytest.mark.parametrize("sampler", [SMC(2, proposal="optimal"), SMC(2)], ids=repr)
def test_every_run_on_text_has_the_exact_law_of_the_tables(monkeypatch, sampler):
    posed = problem("a*b|ba", 2, ["a", "b"], None)
    tables = tabulated(posed)
    exact = sampler.exact_law(tables)
    law, failed = np.zeros(4), 0.0
    for p, run in every_run(monkeypatch, sampler, posed):
        if run.failed[0]:
            failed += p
        else:
            law[run.tokens[0] @ [2, 1]] += p
    assert law == pytest.approx(exact.law, abs=1e-12)
    assert failed == pytest.approx(1 - exact.law.sum(), abs=1e-12)
    matches = np.array(["aa", "ab", "ba", "bb"]) != "aa"
    matches &= np.array(["aa", "ab", "ba", "bb"]) != "bb"
    if sampler.proposal == "optimal":
        assert law[matches].sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("horizon", [2, 3, 4])
def test_the_optimal_proposal_puts_all_mass_on_matches(horizon):
    posed = problem("(ab?)*", horizon, ["a", "b"], None)
    tables = tabulated(posed)
    law = SMC(2, proposal="optimal").exact_law(tables).law
    texts = ["".join(t) for t in itertools.product("ab", repeat=horizon)]
    matches = np.array([bool(re.fullmatch("(ab?)*", t)) for t in texts])
    assert law[matches].sum() == pytest.approx(1, abs=1e-12)
    assert 0 < matches.sum() < matches.size
    assert SMC(2).exact_law(tables).law[matches].sum() < 0.999  # pi_ref runs into dead ends


SAMPLERS = [
    SMC(3, proposal="optimal"), Beam(3), Greedy(), SMCRejection(3, "enumerate"),
    Lookahead(3, 1), SMCIndependent(40), Backtracking(200), SMC(4, proposal="tempered"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("ends", [{}, {"force_end": True}], ids=["cut", "forced"])
def test_what_samplers_draw_matches(sampler, ends):
    posed = problem("(ab|b)+a", **ends)
    runs = sampler.run(posed, 30, rng=1, keep=("tokens",))
    texts = [posed.text(t) for t in runs.tokens[~runs.failed]]
    assert texts
    assert all(re.fullmatch("(ab|b)+a", t) for t in texts)
    if isinstance(sampler, Beam) or getattr(sampler, "proposal", "") == "optimal":
        assert not runs.failed.any()


@pytest.mark.parametrize("eos", [3, None])
def test_blocks_are_judged_too(eos):
    lm = TabularLM(model(4), ["a", "b", ";", "."], eos=eos)
    options = {"delimiters": [2], "block_tokens": 2}
    posed = LanguageModelProblem(lm, "", 2, RegexPRM("(a?;){2}"), **options)
    assert judged(posed, (2,), False)[1] == 1  # the last block may be shorter than the limit
    assert judged(posed, (1,), False)[1] == 0
    runs = SMC(40).run(posed, 20, rng=1, keep=("tokens",))
    assert (~runs.failed).any()
    for tokens in runs.tokens[~runs.failed]:
        assert re.fullmatch("(a?;){2}", posed.text(tokens))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a|b", "position 0"), ("*", "nothing to repeat"), ("^ab$", "anchors"),
        ("(a)\\1", "regular language"), ("[^\\s\\S]", "matches nothing"), (5, "no text"),
        ("a++a", "differently by Python"), ("[^]a]", "differently by Python"),
        ("b(?!a).*", "differently by Python"), ("x{}", "differently on the empty text"),
        ("a{3,1}", "min repeat"), ("(?u)a", "incompatible"), ("a{99999999999}", "too large"),
    ],
)  # fmt: skip
def test_patterns_that_cannot_be_had_are_refused_in_one_line(pattern, message):
    with pytest.raises(InputError, match=message) as refused:
        RegexPRM(pattern)
    assert "\n" not in str(refused.value)


def test_a_pattern_without_a_match_of_this_length_is_refused():
    assert faults(problem("a{8}|b", 3)) == []
    for sampler in (SMC(2), Beam(2)):
        with pytest.raises(InputError, match="no match that 3 tokens"):
            sampler.run(problem("b{4}", 3), 1, rng=1)


def test_a_table_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(token_table, "LIMIT", 14)
    with pytest.raises(TooLargeError, match="may have 14 entries"):
        SMC(2).run(problem("abab"), 1, rng=1)


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "interegular", None)
    with pytest.raises(InputError, match="pip install interegular"):
        RegexPRM("a")

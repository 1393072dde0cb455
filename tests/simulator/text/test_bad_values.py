"""What users give as a text problem or its PRM is accepted or refused in one line (T0)."""

import numpy as np
import pytest

from simulator import bracket, save_problem
from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.samplers.smc.sampler import SMC
from simulator.text.prms import EndReward, TextPRM, as_numbers, majority, pass_rate
from simulator.text.problem import LanguageModelProblem
from simulator.text.tabular import TabularLM, as_language_model
from theory import Criteria, check
from theory.criteria import criteria
from theory.laws.first_order import first_order_law
from theory.plan import plan

LM = TabularLM(TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(3)]), ["a", "."])
FLAT = TextPRM(lambda texts: np.ones(len(texts)))


def refused(call, *words):
    with pytest.raises(InputError) as fault:
        call()
    line = str(fault.value)
    assert len(line.splitlines()) == 1
    for word in words:
        assert word in line


@pytest.mark.parametrize("prm", [len, None, "exact", 3.0])
def test_what_is_no_prm_is_refused(prm):
    refused(lambda: LanguageModelProblem(LM, "", 3, prm), "prm", "TextPRM")


GOOD = {
    "list": [0.5, 1],
    "whole numbers": np.array([1, 2]),
    "booleans": [True, False],
    "float32": np.array([0.5, 1], dtype=np.float32),
    "fractions of numpy": [np.float64(0.5), np.int8(1)],
    "objects": np.array([0.5, 1], dtype=object),
}


@pytest.mark.parametrize("values", GOOD.values(), ids=GOOD)
def test_numbers_of_any_kind_are_accepted(values):
    assert as_numbers(values) == pytest.approx([float(v) for v in values])
    assert as_numbers(v for v in values).shape == (2,)


def test_tensors_of_any_precision_and_with_gradients_are_accepted():
    torch = pytest.importorskip("torch")
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        tensor = torch.tensor([0.5, 2.0], dtype=dtype, requires_grad=True)
        assert as_numbers(tensor).tolist() == [0.5, 2.0]
        assert as_numbers(list(tensor)).tolist() == [0.5, 2.0]


BAD = {
    "a dict": {"a": 1.0},
    "a text": "1.0",
    "texts": ["1.0", "2.0"],
    "complex": [1 + 1j, 2],
    "too large": [10**400, 1],
    "nothing": None,
    "one number": 1.0,
    "lists of unequal length": [[1, 2], [3]],
    "none inside": [None, 1.0],
}


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
def test_what_is_no_sequence_of_numbers_is_refused(values):
    problem = LanguageModelProblem(LM, "", 3, TextPRM(lambda texts: values))
    refused(lambda: SMC(2).run(problem, 1, rng=1), "prm")


def test_tokens_may_be_given_as_texts_and_one_alone():
    one = LanguageModelProblem(LM, "", 3, FLAT, eos=".", stops="a")
    two = LanguageModelProblem(LM, "", 3, FLAT, eos=1, stops=[0])
    assert (one.eos, one.stops, one.ends) == (two.eos, two.stops, two.ends) == (1, (0,), (1, 0))
    assert LanguageModelProblem(LM, "", 3, FLAT, delimiters=1, block_tokens=2).delimiters == (1,)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"eos": "</s>"}, "eos"),
        ({"eos": "a."}, "eos"),
        ({"delimiters": "aa"}, "delimiters"),
        ({"eos": 0, "stops": 5}, "5"),
        ({"eos": 0, "stops": [1.5]}, "stops"),
        ({"eos": True}, "eos"),
        ({"block_tokens": 2}, "block_tokens"),
    ],
)
def test_what_is_no_token_is_refused(options, word):
    refused(lambda: LanguageModelProblem(LM, "", 3, FLAT, **options), word)


def test_shares_of_nothing_are_refused():
    refused(lambda: majority([]), "votes")
    refused(lambda: pass_rate([]), "checks")
    assert majority(["a"])(["a"]).tolist() == [1.0]
    assert isinstance(EndReward(majority(["a"])), TextPRM)


def test_what_only_knows_tables_says_so(tmp_path):
    problem = as_language_model(reference(2))
    calls = {
        "check": lambda: check(problem, SMC(2)),
        "plan": lambda: plan(problem, SMC, 0.1),
        "law": lambda: first_order_law(problem, SMC(2)),
        "criteria": lambda: criteria(problem),
        "bracket": lambda: bracket(problem, SMC(2), 10, rng=1),
        "exact_law": lambda: SMC(2).exact_law(problem),
        "save_problem": lambda: save_problem(problem, tmp_path / "p.json"),
    }
    for name, call in calls.items():
        refused(call, name, "tabular")
    refused(lambda: check("reference", SMC(2)), "check", "not a problem")
    assert Criteria(reference(2)).action_coverage >= 1

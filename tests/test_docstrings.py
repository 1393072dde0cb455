"""Every public name says what it does, and each parameter what it is (numpydoc's checks)."""

import importlib
import inspect

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

from tests.support.public_names import public_names

WANTED = {
    "GL08": "no docstring",
    "SS05": "the summary is no imperative",
    "YD01": "a generator without Yields",
    "PR01": "parameters are missing",
    "PR02": "unknown parameters",
    "PR03": "wrong order of parameters",
    "PR04": "a parameter has no type",
    "PR07": "a parameter has no description",
}
INHERITED = "See `Sampler."  # written once, in the base class


class Unwrapped(Validator):
    """Sees through what `theory.bound` makes of a function."""

    def __init__(self, obj_name):
        super().__init__(get_doc_object(inspect.unwrap(Validator._load_obj(obj_name))))


def faults(name):
    doc = inspect.getdoc(inspect.unwrap(Validator._load_obj(name))) or ""
    if doc.startswith(INHERITED):
        return []
    found = validate(name, validator_cls=Unwrapped)["errors"]
    return [text for code, text in found if code in WANTED]


@pytest.mark.slow
@pytest.mark.parametrize("name", public_names())
def test_every_public_parameter_says_what_it_is(name):
    assert faults(name) == []


def test_a_parameter_without_a_word_is_seen(monkeypatch):
    def silent(x):
        """Do nothing.

        Parameters
        ----------
        x : int
        """

    module = importlib.import_module("simulator.checks")
    monkeypatch.setattr(module, "silent", silent, raising=False)
    assert faults("simulator.checks.silent") == ['Parameter "x" has no description']

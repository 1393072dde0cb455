"""Samplers by name, with options as text."""

import dataclasses
import inspect

import pytest

from simulator.errors import InputError
from simulator.samplers.registry import SAMPLERS, make_sampler, parse_options, register
from simulator.samplers.smc.sampler import SMC

every = pytest.mark.parametrize("name", SAMPLERS)


def some(name):
    """3 particles, or as many as the sampler prescribes."""
    prescribed = dataclasses.fields(SAMPLERS[name])[0].default
    return 3 if prescribed is dataclasses.MISSING else prescribed


@every
def test_a_sampler_is_a_frozen_dataclass_of_its_options(name):
    cls = SAMPLERS[name]
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert next(f.name for f in dataclasses.fields(cls)) == "n_particles"
    assert make_sampler(name, some(name)) == cls(some(name))


@every
def test_a_sampler_runs_with_a_seed_and_optional_results(name):
    parameters = inspect.signature(SAMPLERS[name].run).parameters
    assert {"problem", "n_runs", "rng", "keep"} <= set(parameters)
    assert parameters["rng"].default is inspect.Parameter.empty


@every
def test_defaults_written_as_text_read_back(name):
    fields = [f for f in dataclasses.fields(SAMPLERS[name]) if f.name != "n_particles"]
    texts = [f"{f.name}={f.default}" for f in fields]
    options = parse_options(name, texts)
    assert options == {f.name: f.default for f in fields}
    assert make_sampler(name, some(name), **options) == SAMPLERS[name](some(name))


def test_the_number_of_particles_may_be_left_to_the_sampler():
    assert make_sampler("smc").n_particles == 4
    assert make_sampler("alrs").n_particles == 1


def test_what_may_be_automatic_is_read_as_a_number_or_a_name():
    assert parse_options("smc-rs", ["eta=2.5"]) == {"eta": 2.5}
    assert parse_options("smc-rs", ["eta=auto"]) == {"eta": "auto"}
    whole = parse_options("smc-rs", ["eta=2"])["eta"]
    assert whole == 2
    assert isinstance(whole, float)
    with pytest.raises(InputError, match="eta: 'much' is neither"):
        make_sampler("smc-rs", 2, **parse_options("smc-rs", ["eta=much"]))
    assert parse_options("quasi-smc", ["order=token"]) == {"order": "token"}


def test_smc_is_registered():
    assert SAMPLERS["smc"] is SMC


def test_options_reach_the_sampler():
    options = parse_options("smc", ["resampling=residual", "ess_threshold=0.5", "select=best"])
    made = make_sampler("smc", 8, **options)
    assert made == SMC(8, resampling="residual", ess_threshold=0.5, select="best")


def test_text_is_read_as_the_type_of_the_default():
    @register("test-only")
    @dataclasses.dataclass(frozen=True)
    class Sketch:
        n_particles: int
        steps: int = 3
        share: float = 0.5
        lazy: bool = False
        kind: str = "a"

    try:
        texts = ["steps=7", "share=1", "lazy=true", "kind=x=y"]
        made = make_sampler("test-only", 2, **parse_options("test-only", texts))
        assert made == Sketch(2, 7, 1.0, True, "x=y")
        for text in ("steps=1.5", "share=half", "lazy=1"):
            key = text.partition("=")[0]
            with pytest.raises(InputError, match=rf"\Aoption {key}: [^\n]*\Z"):
                parse_options("test-only", [text])
    finally:
        del SAMPLERS["test-only"]


def test_a_name_is_taken_once():
    with pytest.raises(InputError, match="'smc' is registered already"):
        register("smc")(SMC)


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        (["resampling"], "resampling"),
        (["colour=red"], "colour"),
        (["n_particles=3"], "n_particles"),
        (["ess_threshold=low"], "ess_threshold"),
        (["select=best", "select=sample"], "select"),
        (["=1"], "''"),
    ],
)
def test_malformed_options_are_refused_in_one_line(texts, named):
    with pytest.raises(InputError, match=rf"\A[^\n]*{named}[^\n]*\Z"):
        parse_options("smc", texts)


def test_unknown_names_are_refused_and_known_ones_told():
    for call in (lambda: make_sampler("smcc", 2), lambda: parse_options("smcc", [])):
        with pytest.raises(InputError, match=r"\Asampler 'smcc' is not known, only .*smc"):
            call()
    with pytest.raises(InputError, match=r"\Asmc has no option 'colour'"):
        make_sampler("smc", 2, colour="red")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_particles", 0),
        ("n_particles", 2.0),
        ("n_particles", True),
        ("n_particles", "2"),
        ("resampling", "none"),
        ("ess_threshold", -0.1),
        ("ess_threshold", 1.1),
        ("ess_threshold", float("nan")),
        ("ess_threshold", "0.5"),
        ("ess_threshold", True),
        ("select", "worst"),
    ],
)
def test_values_out_of_range_are_refused_by_name(option, value):
    arguments = {"n_particles": 2} | {option: value}
    with pytest.raises(InputError, match=rf"\A{option}: [^\n]*\Z"):
        make_sampler("smc", arguments.pop("n_particles"), **arguments)

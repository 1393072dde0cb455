"""Draws of every sampler stay what they were: hashes made before the folders were moved.

``python -m tests.simulator.samplers.test_golden_draws`` writes them anew; only a change that
means to change draws may do that, and CHANGELOG.md then says so.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from simulator import open_problem
from simulator.samplers.registry import SAMPLERS, make_sampler, parse_options
from simulator.text.tabular import as_language_model

STORED = Path(__file__).parents[2] / "data" / "golden_draws.json"
PROBLEMS = ("reference:horizon=4", "eos", "product:horizon=6", "random-automaton:seed=2,horizon=6")
OPTIONS = {
    "smc": [
        "",
        *(f"resampling={s}" for s in ("systematic", "stratified", "residual", "ssp", "killing")),
        "resampling=single",
        "resampling=systematic ess_threshold=0.6",
        "ess_threshold=0",
        "ess_threshold=0.6 resample_when=max_weight",
        "select=best",
        "block=2",
        *(f"proposal={q}" for q in ("optimal", "uniform", "tempered")),
    ],
    "smc-rs": ["", "eta=20", "method=enumerate"],
    "dmc": ["", "z_bound=4", "restart=false"],
    "quasi-smc": ["", *(f"rule={r}" for r in ("stratified", "systematic", "threshold", "adapted"))],
    "pool-mh": ["", "steps=2"],
    "smc-restart": ["", "accuracy=3"],
    "alrs": ["", "eta=20"],
    "vgb": ["", "stop=steps", "stop=visits"],
    "lookahead": ["", "rollouts=0", "depth=2 rollouts=3"],
    "audit": ["", "rule=softmax", "rule=absolute-argmax"],
}
CASES = [
    (name, options, problem)
    for name in SAMPLERS
    for options in OPTIONS.get(name, [""])
    for problem in PROBLEMS
]


def digest(name, options, spec, text):
    """Hash of what is exact in 40 runs, and the sum of the finite log W^_H, which is rounded."""
    problem = open_problem(spec)
    sampler = make_sampler(name, None, **parse_options(name, options.split()))
    runs = sampler.run(as_language_model(problem) if text else problem, 40, rng=7, keep=["tokens"])
    exact = (runs.states, runs.failed, runs.tokens, runs.prm_evaluations, runs.model_calls)
    content = b"".join(np.asarray(x, dtype=np.int64).tobytes() for x in exact)
    log_w = None if runs.log_w is None else float(runs.log_w[np.isfinite(runs.log_w)].sum())
    return hashlib.sha256(content).hexdigest()[:16], log_w


def cases():
    """Every sampler on tables, and on the same tables as a language model where it runs on text."""
    for name, options, problem in CASES:
        for text in (False, True):
            yield f"{name} {options} on {problem}{' as text' if text else ''}", (
                name, options, problem, text,
            )  # fmt: skip


GOLDEN = json.loads(STORED.read_text()) if STORED.exists() else {}


@pytest.mark.slow
@pytest.mark.parametrize(("key", "case"), [(k, c) for k, c in cases() if k in GOLDEN])
def test_draws_are_those_of_the_past(key, case):
    exact, log_w = digest(*case)
    assert exact == GOLDEN[key][0]
    assert log_w == (None if GOLDEN[key][1] is None else pytest.approx(GOLDEN[key][1], rel=1e-11))


def test_every_sampler_has_golden_draws():
    assert {key.split()[0] for key in GOLDEN} == set(SAMPLERS)
    assert len(GOLDEN) > 200


if __name__ == "__main__":
    found = {}
    for key, case in cases():
        try:
            found[key] = digest(*case)
        except ValueError as refusal:
            print(key, "-", refusal)  # noqa: T201
    STORED.write_text(json.dumps(found, indent=0) + "\n")

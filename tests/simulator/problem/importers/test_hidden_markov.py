"""Hidden Markov models: both readings against sums over all paths, in fractions (T0)."""

import json
import os
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.importers import hidden_markov
from simulator.problem.importers.hidden_markov import HiddenMarkov
from simulator.problem.importers.hidden_markov_file import import_hidden_markov
from simulator.problem.unfold import unfold

# dyadic, so that floats are the same numbers as the fractions
INITIAL = [0.5, 0.375, 0.125]
TRANSITION = [[0.5, 0.25, 0.25], [0.0, 0.75, 0.25], [0.125, 0.125, 0.75]]
EMISSION = [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]
SEEN = [0, 1, 1, 0]
REWARD = [1.0, 0.0, 3.0]
MODEL = HiddenMarkov(INITIAL, TRANSITION, EMISSION)
K, M = 3, 2


def exact(matrix):
    return [[Fraction(x) for x in row] for row in matrix]


PI, T, E = exact([INITIAL])[0], exact(TRANSITION), exact(EMISSION)


def forward(symbols):
    """alpha(x) = P(x_h = x, y_1..y_h), the textbook recursion."""
    alpha = [PI[x] * E[x][symbols[0]] for x in range(K)]
    for y in symbols[1:]:
        alpha = [sum(alpha[w] * T[w][x] for w in range(K)) * E[x][y] for x in range(K)]
    return alpha


def joint(path, symbols):
    """P(x_1..x_H = path, y_1..y_H = symbols)."""
    out = PI[path[0]] * E[path[0]][symbols[0]]
    for w, x, y in zip(path, path[1:], symbols[1:], strict=False):
        out *= T[w][x] * E[x][y]
    return out


def test_the_forward_recursion_sums_over_all_paths():
    assert sum(forward(SEEN)) == sum(joint(p, SEEN) for p in product(range(K), repeat=4))
    assert sum(sum(forward(y)) for y in product(range(M), repeat=4)) == 1


@pytest.mark.parametrize("prm", ["bootstrap", "exact"])
@pytest.mark.parametrize("reward", [None, REWARD])
def test_hidden_states_have_the_smoothing_law_as_target(prm, reward):
    problem = MODEL.hidden(SEEN, reward=reward, prm=prm)
    earned = [Fraction(f) for f in reward or [1, 1, 1]]
    weight = {p: joint(p, SEEN) * earned[p[-1]] for p in product(range(K), repeat=4)}
    z = sum(weight.values())
    assert problem.log_z == pytest.approx(np.log(float(z)), abs=1e-14)
    for h in range(4):
        want = [float(sum(w for p, w in weight.items() if p[h] == x) / z) for x in range(K)]
        assert problem.target[h + 1] == pytest.approx(want, abs=1e-14)
    tree = unfold(problem)
    found = dict(zip(map(tuple, tree.tokens.tolist()), tree.problem.target[-1], strict=True))
    for path, p in found.items():
        assert p == pytest.approx(float(weight[path] / z), abs=1e-14)
    assert {p for p in weight if weight[p]} <= set(found)


def test_the_likelihood_is_that_of_the_forward_algorithm():
    for seen in product(range(M), repeat=3):
        z = sum(forward(seen))
        assert MODEL.hidden(seen).log_z == pytest.approx(np.log(float(z)), abs=1e-14)


def test_bootstrap_weights_are_the_probabilities_of_the_symbols():
    problem = MODEL.hidden(SEEN)
    assert all((v == 1).all() for v in problem.prm)
    assert [e[0].tolist() for e in problem.edge_reward] == [[r[y] for r in EMISSION] for y in SEEN]


def test_a_perfect_prm_has_the_backward_messages():
    problem = MODEL.hidden(SEEN, prm="exact")
    beta = [Fraction(1)] * K
    for h in range(3, 0, -1):
        beta = [sum(T[x][w] * E[w][SEEN[h]] * beta[w] for w in range(K)) for x in range(K)]
        assert problem.prm[h] == pytest.approx([float(b) for b in beta], rel=1e-14)


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_filters_give_every_symbol_sequence_its_probability(horizon):
    problem = MODEL.filters(horizon)
    tree = unfold(problem)
    found = dict(zip(map(tuple, tree.tokens.tolist()), tree.problem.target[-1], strict=True))
    for symbols in product(range(M), repeat=horizon):
        want = float(sum(forward(symbols)))
        assert found.pop(symbols, 0.0) == pytest.approx(want, abs=1e-14), symbols
    assert found == {}
    assert problem.log_z == pytest.approx(0, abs=1e-14)


def test_filters_earn_what_the_hidden_state_promises():
    problem = MODEL.filters(3, reward=REWARD)
    tree = unfold(problem)
    earned = dict(zip(map(tuple, tree.tokens.tolist()), tree.problem.reward, strict=True))
    mean = Fraction(0)
    for symbols in product(range(M), repeat=3):
        alpha = forward(symbols)
        value = sum(a * Fraction(f) for a, f in zip(alpha, REWARD, strict=True))
        mean += value
        if sum(alpha):
            assert earned[symbols] == pytest.approx(float(value / sum(alpha)), abs=1e-14)
    assert problem.log_z == pytest.approx(np.log(float(mean)), abs=1e-14)


def test_equal_filters_are_one_state():
    shown = HiddenMarkov(INITIAL, TRANSITION, np.eye(3))
    assert shown.filters(5).model.n_states.tolist() == [1, 3, 3, 3, 3, 3]
    blind = HiddenMarkov(INITIAL, TRANSITION, [[0.25, 0.75]] * 3)
    assert blind.filters(200).model.n_states.max() == 1
    assert HiddenMarkov([1 / 3] * 3, [[1 / 3] * 3] * 3, EMISSION).filters(
        300
    ).model.n_states.tolist() == [1, *[2] * 300]


def test_filters_that_differ_where_it_is_rare_are_two_states():
    """Only hidden state 1 emits symbol 2: tiny probabilities of it must not be mixed up."""
    rare = 2.0**-45
    model = HiddenMarkov([1 - rare, rare], np.eye(2), [[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])
    tree = unfold(model.filters(3))
    found = dict(zip(map(tuple, tree.tokens.tolist()), tree.problem.target[-1], strict=True))
    for symbols in product(range(2), repeat=2):
        want = rare * 0.25 * np.prod([[0.25, 0.5][y] for y in symbols])
        assert found[(*symbols, 2)] == pytest.approx(want, rel=1e-11, abs=0), symbols


def test_forgetful_filters_grow_no_further():
    sizes = HiddenMarkov([0.5, 0.5], [[0.55, 0.45], [0.45, 0.55]], [[0.5, 0.5], [0.4, 0.6]])
    found = sizes.filters(30).model.n_states
    assert found[-1] == found[-2] < 2**13


def test_too_many_filters_are_one_line(monkeypatch):
    monkeypatch.setattr(hidden_markov, "MOST_CELLS", 2**16)  # the real limit takes seconds
    with pytest.raises(TooLargeError, match=r"\Alevel \d+: \d+ filters, too many to go on\Z"):
        MODEL.filters(60)


@pytest.mark.slow
def test_a_long_record_needs_few_tables():
    problem = MODEL.hidden([0, 1] * 50_000)
    assert len(problem.model.tables) == 2
    assert np.isfinite(problem.log_z)


GOOD = {"initial": INITIAL, "transition": TRANSITION, "emission": EMISSION, "observations": SEEN}


def saved(tmp_path, **changes):
    path = tmp_path / "chain.json"
    content = GOOD | changes
    path.write_text(json.dumps({k: v for k, v in content.items() if v != "-"}))
    return path


def test_a_file_holds_either_problem(tmp_path):
    hidden = import_hidden_markov(saved(tmp_path, reward=REWARD)).problem
    assert hidden.digest == MODEL.hidden(SEEN, reward=REWARD).digest
    assert hidden.name == "chain"
    filters = import_hidden_markov(saved(tmp_path, name="x"), states="filters").problem
    assert filters.digest == MODEL.filters(4).digest
    assert filters.name == "x"
    path = saved(tmp_path, observations="-")
    longer = import_hidden_markov(path, states="filters", horizon=6).problem
    assert longer.digest == MODEL.filters(6).digest


def test_rows_of_few_digits_are_divided_when_asked(tmp_path):
    path = saved(tmp_path, emission=[[0.667, 0.333], [0.25, 0.75], [0.9995, 0.0]])
    with pytest.raises(
        InputError, match=r"emission, row 2: .* sum to 0.9995, not 1; .*--normalise"
    ):
        import_hidden_markov(path)
    made = import_hidden_markov(path, normalise=True)
    assert made.largest_change == pytest.approx(5e-4, abs=1e-15)
    want = HiddenMarkov(INITIAL, TRANSITION, [[0.667, 0.333], [0.25, 0.75], [1, 0]])
    assert made.problem.log_z == pytest.approx(want.hidden(SEEN).log_z, abs=1e-14)


MALFORMED = {
    "initial sum": ({"initial": [0.5, 0.375, 0.25]}, "initial, row 0 1.125"),
    "initial number": ({"initial": 1}, "initial"),
    "initial empty": ({"initial": []}, "initial"),
    "initial short": ({"initial": [0.5, 0.5]}, "transition 3 x 3 2 hidden"),
    "transition sum": ({"transition": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}, "transition, row 2"),
    "transition negative": ({"transition": [[1, 0, 0], [2, -1, 0], [1, 0, 0]]}, "row 1 -1"),
    "transition short": ({"transition": TRANSITION[:2]}, "transition 2 x 3"),
    "transition ragged": ({"transition": [[1, 0, 0], [1, 0], [1, 0, 0]]}, "transition, row 1"),
    "emission short": ({"emission": EMISSION[:2]}, "emission 2 rows"),
    "emission text": ({"emission": "x"}, "emission"),
    "missing": ({"emission": "-"}, "emission: missing"),
    "unknown field": ({"emissions": EMISSION}, "'emissions'"),
    "no observations": ({"observations": "-"}, "observations: missing"),
    "empty observations": ({"observations": []}, "observations"),
    "observations text": ({"observations": "01"}, "observations"),
    "symbol too large": ({"observations": [0, 2]}, "entry 1 2 0 to 1"),
    "symbol negative": ({"observations": [-1]}, "entry 0 -1"),
    "symbol boolean": ({"observations": [True]}, "entry 0 True"),
    "symbol 0.5": ({"observations": [0.5]}, "entry 0 0.5"),
    "impossible": ({"transition": np.eye(3).tolist(), "initial": [0, 0, 1]}, "entry 1 1"),
    "reward short": ({"reward": [1.0]}, "reward 1 entries"),
    "reward negative": ({"reward": [1, 1, -1]}, "reward negative"),
    "reward zero": ({"reward": [0, 0, 0]}, "reward zero"),
    "name": ({"name": "a\nb"}, "name"),
}


@pytest.mark.parametrize(("changes", "named"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files_are_one_line(tmp_path, changes, named):
    path = saved(tmp_path, **changes)
    with pytest.raises(InputError) as refusal:
        import_hidden_markov(path)
    line = str(refusal.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert all(word in line for word in named.split()), line


def test_other_faults_are_one_line(tmp_path):
    path = saved(tmp_path, observations="-")
    with pytest.raises(InputError, match="horizon: needed"):
        import_hidden_markov(path, states="filters")
    with pytest.raises(InputError, match="horizon: is the number of observations"):
        import_hidden_markov(saved(tmp_path), horizon=3)
    with pytest.raises(InputError, match="states: 'both' is not known"):
        import_hidden_markov(path, states="both")
    path.write_text('{"initial": [1],\n "transition": [[1],]}')
    with pytest.raises(InputError, match="not JSON: line 2"):
        import_hidden_markov(path)
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nowhere", "."):
        with pytest.raises(InputError, match=r"not a regular file|no such file|Is a directory"):
            import_hidden_markov(tmp_path / name)

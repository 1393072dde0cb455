"""Laws on the device: draws, cells and log-probabilities are those of the table on the host."""

import numpy as np
import pytest

from simulator.text.drawing import WAIT, find_cells, pick_token, powers

torch = pytest.importorskip("torch")

from simulator.language_models import token_laws  # noqa: E402
from simulator.language_models.token_laws import PIECE, TokenLaws  # noqa: E402

SIZES = [5, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7]
DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def some_laws(n_tokens, dtype=torch.float64, scale=1.0, seed=0):
    logits = torch.tensor(np.random.default_rng(seed).normal(size=(4, n_tokens)) * 4, dtype=dtype)
    logits[:, n_tokens // 2] = -torch.inf
    logits[1, n_tokens // 2 + 1 :] = -torch.inf
    return TokenLaws(logits, scale)


def faults(laws, seed=1):
    """What draws and cells get wrong: a list of names, empty if all is right."""
    rng, table, out = np.random.default_rng(seed), laws.table(), []
    rows, u = rng.integers(0, 4, 300), rng.random(300)
    u[:2] = 0.0, 1 - 2**-53
    for power in (1.0, 0.5):
        q = powers(table, power)[rows]
        drawn, right = laws.draw(rows, u, power), pick_token(q, u)
        every = np.arange(300)
        out += ["token"] if (drawn.tokens != right).any() else []
        out += ["log M"] if (abs(drawn.log_probs - table[rows, right]).max() > 1e-12) else []
        out += ["log q"] if (abs(drawn.log_proposal - q[every, right]).max() > 1e-12) else []
    tokens = pick_token(table, np.full(4, 0.9))
    given = laws.log_probs_of(np.arange(4), tokens)
    out += ["given"] if (abs(given - table[np.arange(4), tokens]).max() > 1e-12) else []
    places, mass = np.array([0, 3, 3, 1, 2]), np.array([0.1, 0.2, 0.0, 0.5, 0.2])
    points = np.sort(rng.random(100)) * mass.sum()
    points[[0, -1]] = 0, mass.sum()
    for token_first in (False, True):
        cells = laws.locate(places, mass, points, token_first=token_first)
        right_cells = find_cells(table[places], mass, points, token_first=token_first)
        for name, x, y in zip(cells._fields, cells, right_cells, strict=True):
            out += [f"cell {name}"] if (abs(x - y).max() > 1e-12) else []
    return out


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("n_tokens", SIZES)
def test_draws_and_cells_are_those_of_the_table(n_tokens, dtype):
    assert faults(some_laws(n_tokens, dtype)) == []
    assert faults(some_laws(n_tokens, dtype, 1 / 0.7)) == []


def test_rows_that_are_read_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(token_laws, "AT_ONCE", 1)
    assert faults(some_laws(PIECE + 1)) == []


def test_taken_and_joined_laws_are_those_of_their_rows():
    one, two = some_laws(PIECE + 3), some_laws(PIECE + 3, seed=5)
    table = np.concatenate([one.table(), two.table()[[2, 0]]])
    both = one.join(two.take(torch.tensor([2, 0])))
    assert len(both) == 6
    assert np.array_equal(both.table(), table)
    assert np.array_equal(both.table(np.array([5, 1])), table[[5, 1]])


def shifted(laws, piece, mark):
    return TRUE["_before"](laws, piece, mark) * 0


MUTANTS = {
    "the pieces before are forgotten": ("_before", shifted),
    "the totals of another power": ("_totals", lambda laws, power: TRUE["_totals"](laws, 1.0)),
    "an impossible token": (
        "_first",
        lambda laws, beyond, possible: TRUE["_first"](laws, beyond, torch.ones_like(possible)),
    ),
}  # fmt: skip
TRUE = {name: getattr(TokenLaws, name) for name in ("_before", "_totals", "_first")}


@pytest.mark.parametrize(("name", "mutant"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found(monkeypatch, name, mutant):
    laws = some_laws(3 * PIECE)
    laws.logits[:, 0] = -torch.inf  # a point at 0 must not find it
    assert faults(laws) == []
    monkeypatch.setattr(TokenLaws, name, mutant)
    assert faults(some_laws(3 * PIECE)) != [] or faults(laws) != []


def test_only_single_numbers_come_to_the_host(tiny, monkeypatch):
    """Drawing, following a text and a second prompt never ask for a whole table."""
    tiny.session_type()  # the test of the model asks for them

    def never(*arguments):
        raise AssertionError("a whole table")

    monkeypatch.setattr(TokenLaws, "table", never)
    session = tiny.start([0, 2, 3], 3)
    drawn = session.draw(np.arange(3), np.array([0.1, 0.5, 0.9]), power=0.5)
    assert session.log_probs_of(drawn.tokens) == pytest.approx(drawn.log_probs, abs=1e-12)
    session.extend([drawn.tokens[0], WAIT, drawn.tokens[2]])
    assert session.draw(np.array([2, 2]), np.array([0.3, 0.3])).tokens.size == 2
    assert session.log_probs_of([WAIT] * 3).tolist() == [0.0] * 3


@pytest.mark.parametrize("token_first", [False, True])
def test_cells_of_texts_of_one_length_and_of_several(tiny, token_first):
    session = tiny.start([0, 2, 3], 3)
    mass, points = np.array([0.2, 0.5, 0.3]), np.linspace(0.01, 0.99, 9)
    for column in ([2, 3, 2], [4, WAIT, 5]):
        session.extend(column)
        right = find_cells(session.next_logprobs(), mass, points, token_first=token_first)
        found = session.locate(mass, points, token_first=token_first)
        for x, y in zip(found, right, strict=True):
            assert x == pytest.approx(y, abs=1e-12)

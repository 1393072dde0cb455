"""Problem files: every malformed one is refused in one line, every good one comes back equal."""

import contextlib
import copy
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.cli.app import main
from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.problem.files import FORMAT, load_problem, save_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.strategies import problems

GOOD = {
    "format": FORMAT,
    "name": "two bits",
    "stages": [
        {"probs": [[0.5, 0.5]], "next_state": [[0, 1]]},
        {"probs": [[0.25, 0.75], [1.0, 0.0]], "next_state": [[0, 1], [1, 2]]},
    ],
    "reward": [1.0, 2.0, 0.0],
    "prm": [[1.0], [1.0, 3.0], [1.0, 2.0, 0.0]],
}


def edited(path, value):
    """JSON text of GOOD with one entry replaced ("-" removes it)."""
    content = copy.deepcopy(GOOD)
    *way, last = path
    at = content
    for key in way:
        at = at[key]
    if value == "-":
        del at[last]
    else:
        at[last] = value
    return json.dumps(content)


P1 = ("stages", 1, "probs")
N1 = ("stages", 1, "next_state")
TEXT = json.dumps(GOOD)

# name: (text of the file, words that the one line must have beside the file's name)
MALFORMED = {
    "row sum": (edited((*P1, 1), [0.5, 0.4]), ["stage 1", "row 1", "0.9"]),
    "row sum off by 1e-8": (edited((*P1, 1), [0.5, 0.50000001]), ["stage 1", "row 1"]),
    "negative": (edited((*P1, 0), [-0.25, 1.25]), ["stage 1", "row 0", "-0.25"]),
    "NaN": (edited((*P1, 1, 0), float("nan")), ["stage 1", "row 1", "nan"]),
    "Infinity": (edited((*P1, 1, 0), float("inf")), ["stage 1", "row 1", "inf"]),
    "string": (edited((*P1, 1, 0), "1.0"), ["stage 1", "row 1", "'1.0'"]),
    "boolean": (edited((*P1, 1), [True, False]), ["stage 1", "row 1", "True"]),
    "null": (edited((*P1, 1, 0), None), ["stage 1", "row 1", "None"]),
    "huge whole number": (edited((*P1, 1, 0), 10**400), ["stage 1", "row 1"]),
    "number of 5000 digits": (TEXT.replace("0.75", "1" * 5000), ["number"]),
    "row is a number": (edited((*P1, 1), 0.5), ["stage 1", "row 1"]),
    "ragged": (edited((*P1, 1), [1.0]), ["stage 1", "row 1", "1 entries"]),
    "one more action": (edited(P1, [[0.5, 0.5, 0.0]] * 2), ["stage 1", "next_state"]),
    "probs is a number": (edited(P1, 1.0), ["stage 1", "probs"]),
    "probs is null": (edited(P1, None), ["stage 1", "probs"]),
    "probs is empty": (edited(P1, []), ["stage 1", "probs"]),
    "rows are empty": (edited(P1, [[], []]), ["stage 1", "probs"]),
    "probs missing": (edited(P1, "-"), ["stage 1", "probs"]),
    "stage is a list": (edited(("stages", 1), [[1.0]]), ["stage 1"]),
    "unknown field of a stage": (edited(("stages", 1, "prob"), [[1.0]]), ["stage 1", "'prob'"]),
    "two rows at the root": (edited(("stages", 0, "probs"), [[1.0, 0.0]] * 2), ["stage 0"]),
    "index out of range": (edited((*N1, 1, 1), 3), ["stage 1", "row 1", "3"]),
    "index out of range inside": (
        edited(("stages", 0, "next_state"), [[0, 2]]), ["stage 0", "row 0", "2"]),
    "negative index": (edited((*N1, 1, 0), -1), ["stage 1", "row 1", "-1"]),
    "index 0.5": (edited((*N1, 1, 0), 0.5), ["stage 1", "row 1", "0.5"]),
    "index is a string": (edited((*N1, 1, 0), "0"), ["stage 1", "row 1"]),
    "huge index": (edited((*N1, 1, 0), 2**60), ["stage 1", "row 1"]),
    "next_state too short": (edited(N1, [[0, 1]]), ["stage 1", "next_state"]),
    "next_state is null": (edited(N1, None), ["stage 1", "next_state"]),
    "edge_reward negative": (
        edited(("stages", 1, "edge_reward"), [[1, 1], [1, -2]]), ["stage 1", "row 1", "-2"]),
    "edge_reward too short": (
        edited(("stages", 1, "edge_reward"), [[1, 1]]), ["stage 1", "edge_reward"]),
    "edge_reward is null": (
        edited(("stages", 1, "edge_reward"), None), ["stage 1", "edge_reward"]),
    "reward too short": (edited(("reward",), [1.0, 2.0]), ["stage 1", "row 1"]),
    "reward too long": (edited(("reward",), [1.0, 2.0, 0.0, 1.0]), ["prm", "stage 2"]),
    "reward is a number": (edited(("reward",), 1.0), ["reward"]),
    "reward is text": (edited(("reward",), "exact"), ["reward"]),
    "reward empty": (edited(("reward",), []), []),
    "reward nested": (edited(("reward", 1), [2.0]), ["reward"]),
    "reward negative": (edited(("reward", 1), -2.0), ["reward", "row 1", "-2"]),
    "reward infinite": (edited(("reward", 1), float("inf")), ["reward", "row 1", "inf"]),
    "reward zero": (edited(("reward",), [0.0, 0.0, 0.0]), ["reward", "zero"]),
    "reward missing": (edited(("reward",), "-"), ["reward", "missing"]),
    "V^(leaf) is not the reward": (edited(("prm", 2, 1), 2.1), ["stage 2", "row 1", "2.1"]),
    "V^(leaf) > 0 = reward": (edited(("prm", 2, 2), 0.1), ["stage 2", "row 2", "0.1"]),
    "V^(root) = 0": (edited(("prm", 0, 0), 0.0), ["stage 0", "row 0", "root"]),
    "V^ negative": (edited(("prm", 1, 1), -3.0), ["prm", "stage 1", "row 1", "-3"]),
    "V^ NaN": (edited(("prm", 1, 1), float("nan")), ["prm", "stage 1", "row 1", "nan"]),
    "V^ too short": (edited(("prm", 1), [1.0]), ["prm", "stage 1"]),
    "V^ without a level": (edited(("prm", 1), "-"), ["prm", "2 levels", "3"]),
    "V^ level is a number": (edited(("prm", 1), 1.0), ["prm", "stage 1"]),
    "prm is unknown": (edited(("prm",), "perfect"), ["prm", "'perfect'"]),
    "prm is null": (edited(("prm",), None), ["prm"]),
    "prm missing": (edited(("prm",), "-"), ["prm", "missing"]),
    "format missing": (edited(("format",), "-"), ["format", "missing"]),
    "format of the future": (edited(("format",), FORMAT[:-1] + "2"), ["format", "/2"]),
    "format is a list": (edited(("format",), [FORMAT]), ["format"]),
    "name of two lines": (edited(("name",), "a\nb"), ["name"]),
    "name is a number": (edited(("name",), 3), ["name"]),
    "stages missing": (edited(("stages",), "-"), ["stages", "missing"]),
    "stages empty": (edited(("stages",), []), ["stages"]),
    "stages is an object": (edited(("stages",), {}), ["stages"]),
    "unknown field": (edited(("rewards",), [1.0]), ["'rewards'"]),
    "duplicate key": (TEXT[:-1] + ', "reward": [3.0, 0.0, 0.0]}', ["'reward'", "twice"]),
    "duplicate key in a stage": (
        TEXT.replace('"probs": [[0.5, 0.5]]', '"probs": [[1, 0]], "probs": [[0.5, 0.5]]'),
        ["'probs'", "twice"]),
    "truncated": (TEXT[: len(TEXT) // 2], ["JSON", "line 1"]),
    "trailing text": (TEXT + "x", ["JSON", "line 1"]),
    "comma on line 2": (TEXT[:-1] + ",\n}", ["JSON", "line"]),
    "empty": ("", ["JSON"]),
    "a list": ("[]", ["object"]),
    "a number": ("1", ["object"]),
    "nested too deep": ("[" * 200_000, ["deep"]),
    "nested too deep inside": (
        TEXT.replace("0.75", "[" * 200_000 + "]" * 200_000), ["deep"]),
    "binary junk": (b"\x00\xff\xfe\x81" * 9, ["UTF-8"]),
    "UTF-16": (TEXT.encode("utf-16"), ["UTF-8"]),
}  # fmt: skip


def arrays():
    return {
        "format": np.array(FORMAT), "reward": np.array([1.0, 2.0, 0.0]),
        "probs0": np.array([[0.5, 0.5]]), "next_state0": np.array([[0, 1]]),
        "probs1": np.array([[0.25, 0.75], [1.0, 0.0]]), "next_state1": np.array([[0, 1], [1, 2]]),
        "prm0": np.array([1.0]), "prm1": np.array([1.0, 3.0]), "prm2": np.array([1.0, 2.0, 0.0]),
    }  # fmt: skip


def npz(drop=(), **changes):
    """A maker of GOOD as an .npz file with arrays dropped and replaced."""

    def write(path):
        content = arrays() | changes
        np.savez(path, **{k: v for k, v in content.items() if k not in drop})

    return write


def raw(data):
    return lambda path: path.write_bytes(data)


def truncated(path):
    np.savez(path, **arrays())
    path.write_bytes(path.read_bytes()[:-200])


def damaged(path):
    """One byte of the stored numbers differs, so the checksum does not fit."""
    np.savez(path, **arrays())
    content = path.read_bytes()
    at = content.index(np.array([0.25, 0.75]).tobytes())
    path.write_bytes(content[:at] + b"\x01" + content[at + 1 :])


def compressed_and_damaged(path):
    np.savez_compressed(path, **arrays())
    content = bytearray(path.read_bytes())
    at = content.index(b"reward.npy") + 40
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)


def encrypted(path):
    """An archive that says of its first member that it needs a password."""
    np.savez(path, **arrays())
    content = bytearray(path.read_bytes())
    content[6] |= 1  # of the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # of the directory
    path.write_bytes(content)


def header(shape):
    """A maker of an .npz file whose reward claims another shape than it has."""

    def write(path):
        npz()(path)
        good = path.read_bytes()
        with zipfile.ZipFile(path, "w") as archive, zipfile.ZipFile(io.BytesIO(good)) as old:
            for name in old.namelist():
                data = old.read(name)
                if name == "reward.npy":
                    data = data.replace(b"(3,), }".ljust(30), shape.ljust(30))
                archive.writestr(name, data)

    return write


def lone_array(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


MALFORMED_NPZ = {
    "row sum": (npz(probs1=np.array([[0.25, 0.7], [1, 0]])), ["stage 1", "row 0"]),
    "NaN": (npz(probs1=np.array([[0.5, 0.5], [np.nan, 1]])), ["stage 1", "row 1", "nan"]),
    "boolean": (npz(probs1=np.array([[True, False]] * 2)), ["stage 1", "row 0"]),
    "strings": (npz(probs1=np.array([["0.5", "0.5"]] * 2)), ["stage 1", "row 0"]),
    "complex": (npz(probs1=np.ones((2, 2)) * 0.5j), ["stage 1", "row 0"]),
    "dates": (npz(probs1=np.zeros((2, 2), dtype="datetime64[s]")), ["stage 1", "row 0"]),
    "three dimensions": (npz(probs1=np.full((2, 2, 1), 0.5)), ["stage 1", "probs"]),
    "no dimension": (npz(probs1=np.array(1.0)), ["stage 1", "probs"]),
    "index 0.5": (npz(next_state1=np.array([[0, 1], [0.5, 2]])), ["stage 1", "row 1", "0.5"]),
    "huge index": (
        npz(next_state1=np.array([[0, 1], [2**64 - 1, 2]], dtype=np.uint64)), ["stage 1", "row 1"]),
    "reward of two dimensions": (npz(reward=np.ones((3, 1))), ["reward"]),
    "reward without dimension": (npz(reward=np.array(1.0)), ["reward"]),
    "V^(leaf) is not the reward": (npz(prm2=np.array([1.0, 2, 3])), ["stage 2", "row 2"]),
    "missing stage": (npz(drop=["probs0", "next_state0"]), ["stage 0"]),
    "missing probs": (npz(drop=["probs1"]), ["stage 1"]),
    "missing level of prm": (npz(drop=["prm1"]), ["prm2"]),
    "no prm": (npz(drop=["prm0", "prm1", "prm2"]), ["prm"]),
    "no stages": (npz(drop=["probs0", "probs1", "next_state0", "next_state1"]), []),
    "prm both whole and by level": (npz(prm=np.array("exact")), ["prm"]),
    "unknown array": (npz(probs_1=np.ones(1)), ["'probs_1'"]),
    "leading zero": (npz(probs01=np.ones((1, 1))), ["'probs01'"]),
    "no format": (npz(drop=["format"]), ["format", "missing"]),
    "pickled": (npz(probs1=np.array([[object()]], dtype=object)), ["plain arrays"]),
    "a pickle": (raw(pickle.dumps({"a": 1})), [".npz"]),
    "a lone array": (lone_array, [".npz"]),
    "a JSON file": (raw(TEXT.encode()), [".npz"]),
    "empty": (raw(b""), [".npz"]),
    "binary junk": (raw(bytes(range(256)) * 4), [".npz"]),
    "truncated": (truncated, [".npz"]),
    "damaged": (damaged, [".npz"]),
    "compressed and damaged": (compressed_and_damaged, [".npz"]),
    "encrypted": (encrypted, [".npz"]),
    "enormous": (header(b"(100000000000000000,), }"), [".npz"]),
    "more numbers promised than there are": (header(b"(4,), }"), [".npz"]),
    "header without end": (header(b"(3,"), [".npz"]),
    "header with a call": (header(b"exit(), }"), [".npz"]),
}  # fmt: skip


def refused(path, words, capsys):
    """The library and the command line tell the same one line, which names the file."""
    with pytest.raises(InputError) as fault:
        load_problem(path)
    line = str(fault.value)
    assert line.startswith(f"{path}: ")
    for word in words:
        assert word in line
    with pytest.raises(SystemExit) as stop:
        main(["inspect", str(path)])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err == f"particlebounds: {' '.join(line.split())}\n"
    assert len(line) < 400


@pytest.mark.slow
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_json_is_refused_in_one_line(tmp_path, capsys, case):
    text, words = MALFORMED[case]
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    refused(path, words, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("case", MALFORMED_NPZ)
def test_malformed_npz_is_refused_in_one_line(tmp_path, capsys, case):
    make, words = MALFORMED_NPZ[case]
    make(tmp_path / "bad.npz")
    refused(tmp_path / "bad.npz", words, capsys)


@pytest.mark.parametrize("name", ["folder.json", "folder.npz", "missing.json", "p.txt", "p", "x/"])
def test_what_is_no_file_is_refused_in_one_line(tmp_path, capsys, name):
    if "folder" in name:
        (tmp_path / name).mkdir()
    if name.startswith("p"):
        (tmp_path / name).write_text(TEXT)
    refused(tmp_path / name, [], capsys)


@pytest.mark.parametrize("kind", ["json", "npz"])
@given(data=st.data())
def test_any_damage_is_refused_as_bad_input_or_harmless(tmp_path_factory, kind, data):
    path = tmp_path_factory.mktemp("damage") / f"p.{kind}"
    if kind == "json":
        path.write_text(TEXT)
    else:
        npz()(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 40))]
    path.write_bytes(content)
    with contextlib.suppress(InputError):  # any other exception, or a warning, fails the test
        assert np.isfinite(load_problem(path).log_z)


def test_pickles_are_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    (tmp_path / "bad.npz").write_bytes(pickle.dumps(Bomb()))
    npz(reward=np.array([Bomb()], dtype=object))(tmp_path / "worse.npz")
    for name in ("bad.npz", "worse.npz"):
        with pytest.raises(InputError):
            load_problem(tmp_path / name)
    assert not (tmp_path / "boom").exists()


def test_the_good_file_of_these_tables_is_read(tmp_path):
    (tmp_path / "good.json").write_text(TEXT)
    npz()(tmp_path / "good.npz")
    by_hand = Problem(
        TabularModel([[[0.5, 0.5]], [[0.25, 0.75], [1, 0]]], [[[0, 1]], [[0, 1], [1, 2]]]),
        [1, 2, 0], [[1], [1, 3], [1, 2, 0]],
    )  # fmt: skip
    for name, title in (("good.json", "two bits"), ("good.npz", "good")):
        problem = load_problem(tmp_path / name)
        assert problem.digest == by_hand.digest
        assert problem.name == title


def test_omitted_fields_have_their_defaults(tmp_path):
    content = {
        "format": FORMAT, "stages": [{"probs": [[0.5, 0.5]]}, {"probs": [[1, 0], [0.5, 0.5]]}],
        "reward": [1, 2, 3, 4], "prm": "exact",
    }  # fmt: skip
    (tmp_path / "tree.json").write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    problem = load_problem(tmp_path / "tree.json")
    assert problem.name == "tree"
    assert problem.model.next_state[1].tolist() == [[0, 1], [2, 3]]
    assert problem.edge_reward is None
    assert [v.tolist() for v in problem.prm[:2]] == [[pytest.approx(2.25)], [1.0, 3.5]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "npz"])
@given(problem=problems(max_leaves=16))
def test_a_saved_problem_comes_back_equal(tmp_path_factory, kind, problem):
    path = tmp_path_factory.mktemp("round") / f"p.{kind}"
    save_problem(problem, path)
    again = load_problem(path)
    assert again.digest == problem.digest
    assert again.name == problem.name
    assert again.log_z == problem.log_z
    assert again.has_edge_reward == problem.has_edge_reward
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no draft is left


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_edge_rewards_of_some_stages_are_kept(tmp_path, kind):
    table, stay = np.array([[0.5, 0.5]]), np.array([[0, 0]])
    problem = Problem(
        TabularModel([table] * 3, [stay] * 3), [2.0], "exact",
        edge_reward=[None, [[0.5, 3.0]], None], name="été",
    )  # fmt: skip
    save_problem(problem, tmp_path / f"p.{kind}")
    again = load_problem(tmp_path / f"p.{kind}")
    assert again.digest == problem.digest
    assert again.name == "été"
    assert again.log_z == pytest.approx(np.log(2 * 1.75), abs=1e-14)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "p.json"
    path.write_text("old")
    one = TabularModel([[[1.0]]])
    with pytest.raises(InputError, match=r"p\.json: values beyond the range of floats"):
        save_problem(Problem.from_log(one, [800.0], [800.0, 800.0]), path)
    good = Problem(one, [1.0], "exact")
    for wrong in ("p.txt", "nowhere/p.json"):
        with pytest.raises(InputError, match="p"):
            save_problem(good, tmp_path / wrong)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_lost_mass_is_accepted_and_reported(tmp_path, capsys):
    path = tmp_path / "lossy.json"
    path.write_text(edited(("prm", 1, 0), 0.0))
    problem = load_problem(path)
    assert problem.lost_states == [(1, 0)]
    with pytest.raises(SystemExit) as stop:
        main(["inspect", str(path), "--json"])
    assert stop.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lost_states"] == ["stage 1, row 0"]
    # r is 1 or 2 below row 0 (mean 1.75), 2 below row 1: the lost share of Z
    assert found["lost_mass"] == pytest.approx(1.75 / (1.75 + 2.0), abs=1e-12)


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_note_is_kept_in_the_file_and_changes_nothing(tmp_path, kind):
    plain, noted = (tmp_path / f"{name}.{kind}" for name in ("plain", "noted"))
    save_problem(reference(2), plain)
    save_problem(reference(2), noted, note="why this one")
    assert b"why this one" in noted.read_bytes() or kind == "npz"
    if kind == "npz":
        with np.load(noted) as archive:
            assert str(archive["note"]) == "why this one"
    assert load_problem(noted).digest == load_problem(plain).digest
    with pytest.raises(InputError, match=r"note: 'two.* is not a line of text"):
        save_problem(reference(2), plain, note="two\nlines")
    if kind == "json":
        plain.write_text(plain.read_text().replace('"name"', '"note": 7, "name"'))
        with pytest.raises(InputError, match="note: 7 is not a line of text"):
            load_problem(plain)


@pytest.mark.parametrize("name", ["two\nlines", None, "half \ud800 pair", 7])
@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_name_that_could_not_be_read_back_is_not_written(name, ending, tmp_path):
    problem = reference(2)
    problem.name = name
    with pytest.raises(InputError, match="not a line of text"):
        save_problem(problem, tmp_path / f"p.{ending}")
    assert list(tmp_path.iterdir()) == []

"""Markov chains of PRISM and Storm against powers of their matrices (T0)."""

import os
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.importers.prism import import_prism
from simulator.problem.unfold import unfold

# Knuth and Yao: a die from a fair coin; states 7..12 show 1..6
DIE = [(1, 2), (3, 4), (5, 6), (1, 7), (8, 9), (10, 11), (2, 12)]
LABELS = '0="init" 1="deadlock" 2="done" 3="six"\n0: 0\n' + "".join(
    f"{s}: 2{' 3' if s == 12 else ''}\n" for s in range(7, 13)
)


def pairs(loops=True):
    lines = [f"{s} {t} 0.5" for s, both in enumerate(DIE) for t in both]
    return lines + [f"{s} {s} 1" for s in range(7, 13) if loops]


def write(path, lines, header="", labels=LABELS):
    path.write_text("\n".join([header or f"13 {len(lines)}", *lines]) + "\n")
    path.with_suffix(".lab").write_text(labels)
    return path


def reached(horizon, goal):
    """P(F<=H goal) of the die by powers of its matrix, which its loops keep in the goal."""
    law = [Fraction(s == 0) for s in range(13)]
    for _ in range(horizon):
        new = [Fraction(0)] * 7 + law[7:]
        for s, both in enumerate(DIE):
            for t in both:
                new[t] += law[s] / 2
        law = new
    return sum(law[s] for s in goal)


@pytest.mark.parametrize("horizon", [3, 4, 5, 6, 7, 12, 41])
def test_the_die_shows_six_as_often_as_powers_say(tmp_path, horizon):
    path = write(tmp_path / "die.tra", pairs())
    problem = import_prism(path, target="six", horizon=horizon).problem
    want = reached(horizon, [12])
    assert problem.log_z == pytest.approx(np.log(float(want)), abs=1e-14)
    assert abs(want - Fraction(1, 6)) <= Fraction(1, 4 ** ((horizon - 1) // 2))
    done = import_prism(path, target="done", horizon=horizon).problem
    assert done.log_z == pytest.approx(np.log(float(reached(horizon, range(7, 13)))), abs=1e-14)
    assert done.target[-1][7:] == pytest.approx(
        [float(reached(horizon, [s]) / reached(horizon, range(7, 13))) for s in range(7, 13)],
        abs=1e-14,
    )


def test_a_target_that_can_be_left_counts_once_it_was_reached(tmp_path):
    """A dense chain with rows of unequal width, against powers of a matrix with a sink."""
    n, goal = 6, [2, 5]
    weight = np.array([[(3 * s + 5 * t + s * t) % 7 for t in range(n)] for s in range(n)]) + 0.0
    matrix = weight / weight.sum(axis=1, keepdims=True)
    lines = [f"{s} {t} {float(matrix[s, t])!r}" for t in range(n) for s in range(n) if matrix[s, t]]
    assert len(set((matrix > 0).sum(axis=1))) > 1
    labels = '0="init" 1="goal"\n1: 0\n2: 1\n5: 1\n'
    path = write(tmp_path / "m.tra", lines, f"{n} {len(lines)}", labels)
    sunk = matrix.copy()
    sunk[goal] = np.eye(n)[goal]
    for horizon in (1, 2, 3, 9):
        problem = import_prism(path, target="goal", horizon=horizon).problem
        power = np.linalg.matrix_power(sunk, horizon)[1]
        assert problem.log_z == pytest.approx(np.log(power[goal].sum()), abs=1e-13)
        assert problem.value[0] == pytest.approx(power[goal].sum(), rel=1e-13)
        left = np.linalg.matrix_power(matrix, horizon)[1][goal].sum()
        if horizon > 1:
            assert abs(left - power[goal].sum()) > 0.01  # a wrong reading would be seen


def test_tokens_are_successors_in_order(tmp_path):
    path = write(tmp_path / "die.tra", pairs()[::-1])
    tree = unfold(import_prism(path, target="six", horizon=3).problem)
    lucky = tree.tokens[tree.problem.reward > 0]
    assert lucky.tolist() == [[1, 1, 1]]  # 0 -> 2 -> 6 -> 12


def test_the_start_may_be_the_target(tmp_path):
    path = write(tmp_path / "die.tra", pairs())
    assert import_prism(path, target="init", horizon=4).problem.log_z == 0


def test_storm_writes_the_same_chain(tmp_path):
    ours = import_prism(write(tmp_path / "die.tra", pairs()), target="six", horizon=5).problem
    storm = "#DECLARATION\ninit deadlock done six\n#END\n0 init\n" + "".join(
        f"{s} done{' six' if s == 12 else ''}\n" for s in range(7, 13)
    )
    with_actions = [f"{line} toss" for line in pairs()]
    path = write(tmp_path / "storm.tra", with_actions, "dtmc", storm)
    other = import_prism(path, target="six", horizon=5).problem
    assert other.digest == ours.digest
    assert (ours.name, other.name) == ("die", "storm")


def test_deadlocks_get_a_loop_and_a_remark(tmp_path):
    ours = import_prism(write(tmp_path / "die.tra", pairs()), target="six", horizon=5)
    made = import_prism(write(tmp_path / "dead.tra", pairs(False)), target="six", horizon=5)
    assert made.problem.digest == ours.problem.digest
    assert ours.remarks == ()
    (remark,) = made.remarks
    assert remark.endswith("dead.tra: loops added to states without transitions: 6")


def test_labels_may_stand_elsewhere_and_init_may_be_missing(tmp_path):
    path = write(tmp_path / "die.tra", pairs(), labels="nothing")
    other = tmp_path / "other.lab"
    other.write_text('0="six"\n12: 0\n')
    made = import_prism(path, target="six", horizon=5, labels=other).problem
    assert made.log_z == pytest.approx(np.log(float(reached(5, [12]))), abs=1e-14)


def test_rows_of_few_digits_are_divided_when_asked(tmp_path):
    lines = ["0 0 0.333", "0 1 0.333", "0 2 0.333", "1 1 1", "2 2 1"]
    path = write(tmp_path / "m.tra", lines, "3 5", '0="goal"\n1: 0\n')
    with pytest.raises(
        InputError, match=r"m.tra: transitions, row 0: .* 0.999, not 1; .*normalise"
    ):
        import_prism(path, target="goal", horizon=2)
    made = import_prism(path, target="goal", horizon=2, normalise=True)
    assert made.problem.value[0] == pytest.approx(4 / 9, rel=1e-14)
    assert made.largest_change == pytest.approx(1e-3, abs=1e-15)


TRA = {
    "empty": ("", "line 1 dtmc"),
    "no header": ("0 0 1", "line 1 process"),
    "header of one count": ("13", "line 1"),
    "header of words": ("STATES 13", "line 1 numbers"),
    "other model": ("mdp\n0 0 1", "line 1"),
    "no states": ("0 0", "line 1 without"),
    "too many states": ("9999999999 0", "line 1 9999999999"),
    "fewer lines": ("1 2\n0 0 1", "1 transitions line 1 2"),
    "more lines": ("1 0\n0 0 1", "1 transitions line 1 0"),
    "nothing after dtmc": ("dtmc", "no transitions"),
    "short line": ("2 2\n0 1 1\n1 1", "line 3 probability"),
    "long line": ("1 1\n0 0 1 a b", "line 2"),
    "state too large": ("2 1\n\n0 2 1", "line 3 '2' 0 to 1"),
    "state negative": ("2 1\n-1 1 1", "line 2 '-1'"),
    "state 1_0": ("20 1\n1_0 1 1", "line 2 '1_0'"),
    "state of 5000 digits": ("2 1\n" + "1" * 5000 + " 1 1", "line 2"),
    "state beyond dtmc": ("dtmc\n0 99999999 1", "line 2 '99999999'"),
    "twice": ("2 2\n0 1 0.5\n0 1 0.5", "line 3 0 to 1 twice"),
    "above 1": ("2 1\n0 1 1.5", "line 2 '1.5'"),
    "negative": ("2 1\n0 1 -0.5", "line 2 '-0.5'"),
    "NaN": ("2 1\n0 1 nan", "line 2 'nan'"),
    "infinite": ("2 1\n0 1 inf", "line 2 'inf'"),
    "underscore": ("2 1\n0 1 0.1_0", "line 2 '0.1_0'"),
    "word": ("2 1\n0 1 half", "line 2 'half'"),
    "row sum": ("2 2\n0 1 0.9\n1 1 1", "row 0 0.9"),
    "junk": (b"\xff\xfe\x00", "UTF-8"),
}
LAB = {
    "empty": ("", "line 1 init"),
    "no quotes": ("0=init\n0: 0", "line 1"),
    "declared twice": ('0="a" 1="a"', "line 1 twice"),
    "number twice": ('0="a" 0="b"', "line 1 twice"),
    "no colon": ('0="six"\n1 0', "line 2 state:"),
    "undeclared": ('0="six"\n1: 0 1', "line 2 '1'"),
    "state too large": ('0="six"\n\n2: 0', "line 3 '2'"),
    "no such label": ('0="five" 1="four"', "'six' five, four"),
    "label without states": ('0="six"', "no state 'six'"),
    "two starts": ('0="init" 1="six"\n0: 0 1\n1: 0', "2 states 'init'"),
    "no start": ('0="init" 1="six"\n0: 1', "0 states 'init'"),
    "no end": ("#DECLARATION\nsix\n1 six", "#END"),
    "undeclared in Storm": ("#DECLARATION\nsix\n#END\n1 seven", "line 4 'seven'"),
    "junk": (b"\xff\xfe\x00", "UTF-8"),
}


@pytest.mark.parametrize(
    ("end", "content", "named"),
    [("tra", *c) for c in TRA.values()] + [("lab", *c) for c in LAB.values()],
    ids=[f"tra: {k}" for k in TRA] + [f"lab: {k}" for k in LAB],
)
def test_malformed_files_are_one_line(tmp_path, end, content, named):
    path = write(tmp_path / "m.tra", ["0 1 1", "1 1 1"], "2 2", '0="six"\n1: 0\n')
    faulty = path.with_suffix(f".{end}")
    faulty.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refusal:
        import_prism(path, target="six", horizon=2)
    line = str(refusal.value)
    assert line.startswith(str(faulty))
    assert "\n" not in line
    assert all(word in line for word in named.split()), line


def test_what_cannot_be_reached_in_time_is_refused(tmp_path):
    path = write(tmp_path / "die.tra", pairs())
    with pytest.raises(InputError, match=r"die.tra: no target is reached from state 0 within 2"):
        import_prism(path, target="six", horizon=2)


def test_sizes_and_places_are_one_line(tmp_path):
    path = write(tmp_path / "die.tra", pairs())
    with pytest.raises(InputError, match="horizon: 0"):
        import_prism(path, target="six", horizon=0)
    with pytest.raises(TooLargeError, match="13 states at each of 10000000 levels"):
        import_prism(path, target="six", horizon=10_000_000)
    os.mkfifo(tmp_path / "pipe")
    for labels in (tmp_path / "pipe", tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match=r"not a regular file|no such file|Is a directory"):
            import_prism(path, target="six", horizon=3, labels=labels)
    with pytest.raises(InputError, match="not a regular file"):
        import_prism(tmp_path / "pipe", target="six", horizon=3)

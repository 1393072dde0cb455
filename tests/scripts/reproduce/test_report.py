"""The HTML report as a browser reads it: whole, and without asking anyone for anything."""

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from figures.catalogue import FIGURES, MAIN
from figures.figure import save
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.formulas import html
from scripts.reproduce.report import write_report
from scripts.reproduce.spending import COLUMNS
from tests.support.pages import plain_formulas, too_wide
from theory.registry import BOUNDS, CLAIM_GROUPS, CLAIMS, GROUPS
from theory.survey import summarise

VOID = {"meta", "img", "br", "link", "input"}
TABLES = ("product", "two_branch")
PARTS = Path(__file__).parents[2] / "figures" / "tables"


class Reader(HTMLParser):
    """Collects what is asked about; fails at a tag that is not closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.cells = [], [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("th", "td", "caption", "h1", "h2", "h3", "p"):
            self.cells.setdefault(self.open[-1], []).append(data.strip())

    def all(self, tag, key):
        return [a[key] for t, a in self.tags if t == tag and key in a]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    (out / "tables").mkdir()
    tables = {}
    for name in TABLES:
        cells = EXPERIMENTS[name].cells("quick")
        tables[name] = pd.DataFrame([r for c in cells for r in EXPERIMENTS[name].run_cell(**c)])
        save(FIGURES[name], tables[name], out / "figures")
        (out / "tables" / f"{name}.parquet").touch()
    found = pd.DataFrame(
        [
            ("J", "p", 0.5, 0.5, 0.2, 0.2),
            ("K", "p", 0.5, 0.5, 0.6, 0.6),
            ("T", "p", 0.5, 0.5, 0.4, 0.6),
        ],
        columns=["bound", "problem", "value", "bound_low", "low", "high"],
    )
    claims = [
        {"id": "A.2", "title": "of A", "statement": "a", "comparisons": 3,
         "verdict": "holds", "sentence": "a < b & <script>"},
        {"id": "C.9", "title": "of C", "statement": "b", "comparisons": 1,
         "verdict": "violated", "sentence": "no"},
    ]  # fmt: skip
    spent = pd.DataFrame(
        [("product", 9, 9, 3.0, 1.0, 2e8), ("two_branch", 6, 5, 2.0, 1.0, float("nan"))],
        columns=COLUMNS,
    )
    path = write_report(tables, summarise(found), claims, spent, "quick", out)
    return path, Reader(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_it_asks_nobody_for_anything(report):
    _, page = report
    assert all(src.startswith("data:image/png;base64,") for src in page.all("img", "src"))
    assert not {"link", "script", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "url(" not in report[0].read_text()
    assert "@import" not in report[0].read_text()


def test_its_links_lead_somewhere(report):
    path, page = report
    ids = page.all("h2", "id") + page.all("h3", "id")
    links = page.all("a", "href")
    assert {f"tables/{n}.csv" for n in TABLES} <= set(links)
    for link in links:
        assert link[1:] in ids if link.startswith("#") else (path.parent / link).exists(), link


def test_every_figure_and_every_verdict_is_in_it(report):
    path, page = report
    text = path.read_text()
    assert page.all("img", "alt") == [f"Plot: {FIGURES[n].title}" for n in TABLES]
    assert page.cells["h3"] == [FIGURES[n].title for n in TABLES]
    rows = [c for c in page.cells["th"] if c in {"J", "K", "T", "A.2", "C.9"}]
    assert sorted(rows) == ["A.2", "C.9", "J", "K", "T"]
    verdicts = [
        c for c in page.cells["td"] if c.split(" ")[0] in {"holds", "violated", "inconclusive"}
    ]
    assert sorted(verdicts) == ["holds", "holds", "inconclusive", "violated", "violated 1×"]
    assert "Violated: K, C.9." in page.cells["p"]
    assert "&lt;script&gt;" in text


def test_it_ends_with_what_it_has_cost(report):
    path, page = report
    assert "experiment, 5 in all" in " ".join(path.read_text().split())
    cells = page.cells["td"][-9:]  # no system, no memory: an empty cell
    assert cells == ["9", "9", "3.0", "1.0", "200 MB", "6", "5", "2.0", "1.0"]
    assert "nan" not in path.read_text()[path.read_text().index("spent-caption") :]


def test_its_structure_is_told_to_those_who_cannot_see_it(report):
    _, page = report
    assert page.all("html", "lang") == ["en"]
    levels = [int(t[1]) for t, _ in page.tags if t in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert all("scope" in a for t, a in page.tags if t == "th")
    counts = {tag: sum(t == tag for t, _ in page.tags) for tag in ("table", "caption")}
    assert counts["table"] == counts["caption"] == 3
    named = page.all("section", "aria-labelledby") + page.all("div", "aria-labelledby")
    assert set(named) <= {a["id"] for _, a in page.tags if "id" in a}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A report on every statement, last ones first, and figures of which one is a main one."""
    out = tmp_path_factory.mktemp("whole")
    (out / "figures").mkdir()
    tables = {n: pd.read_parquet(PARTS / f"{n}.parquet") for n in ("product", MAIN[-1])}
    for name in tables:
        (out / "figures" / f"{name}.png").write_bytes(b"")
    found = pd.DataFrame(
        [(name, "p", 0.5, 0.5, 0.5, 0.5) for name in reversed(BOUNDS)],
        columns=["bound", "problem", "value", "bound_low", "low", "high"],
    )
    claims = [
        {"id": c.id, "title": c.title, "statement": c.statement, "comparisons": 1,
         "verdict": "holds", "sentence": "so it is"}
        for c in reversed(CLAIMS.values())
    ]  # fmt: skip
    return write_report(
        tables, summarise(found), claims, pd.DataFrame(columns=COLUMNS), "quick", out
    )


def test_statements_stand_in_their_order_under_the_name_of_their_group(whole):
    page = whole.read_text(encoding="utf-8")
    rows = re.findall(r'<th scope="row(?:group)?"[^>]*>(?:<span>)?([^<]+)<', page)
    wanted = [
        text
        for groups in (GROUPS, CLAIM_GROUPS)
        for name, group in groups.items()
        for text in (name, *(s.id for s in group))
    ]
    assert rows == wanted
    assert sum(tag == "math" for tag, _ in Reader(page).tags) > 200


def test_main_figures_stand_above_the_statements_and_others_below(whole):
    page = whole.read_text(encoding="utf-8")
    places = [page.index(f'id="{name}"') for name in (MAIN[-1], "statements", "product")]
    assert places == sorted(places)
    assert set(MAIN) < set(FIGURES)


def test_no_formula_stands_as_it_is_typed(whole):
    assert plain_formulas(whole.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", FIGURES)
def test_no_formula_of_a_caption_stands_as_it_is_typed(name):
    caption = FIGURES[name].caption(pd.read_parquet(PARTS / f"{name}.parquet"))
    assert plain_formulas(html(caption)) == []


@pytest.mark.slow
def test_it_is_no_wider_than_a_window(whole, browser, tmp_path):
    assert max(too_wide(browser, whole.as_uri(), 400, 1280)) <= 0
    page = whole.read_text(encoding="utf-8").replace("overflow-x: auto", "")
    (tmp_path / "wide.html").write_text(page, encoding="utf-8")  # tables must scroll by themselves
    assert too_wide(browser, (tmp_path / "wide.html").as_uri(), 400)[0] > 0


@pytest.mark.slow
def test_numbers_stand_below_the_figure_that_has_some(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "figures").mkdir()
    name = "accuracy_prediction"
    table = pd.read_parquet(PARTS / f"{name}.parquet")
    (tmp_path / "figures" / f"{name}.png").write_bytes(b"")
    nothing = pd.DataFrame(columns=["bound", "problem", "value", "bound_low", "low", "high"])
    spent = pd.DataFrame(columns=COLUMNS)
    path = write_report({name: table}, summarise(nothing), [], spent, "quick", tmp_path)
    cells = Reader(path.read_text(encoding="utf-8")).cells
    numbers = FIGURES[name].numbers(table)
    assert set(numbers["output"]) <= set(cells["td"])
    assert cells["th"][-len(numbers.columns) :] == list(numbers.columns)

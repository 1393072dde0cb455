"""Who is credited: "new" stands only where nothing was found in print, and citations resolve."""

import re
from pathlib import Path

from theory.registry import BOUNDS, CLAIMS

PAPER = Path(__file__).resolve().parent.parent / "paper"
TEXT = "\n".join(p.read_text(encoding="utf-8") for p in sorted(PAPER.glob("**/*.tex")))
BIBLIOGRAPHY = (PAPER / "references.bib").read_text(encoding="utf-8")
KEYS = re.findall(r"^@\w+\{([^,\s]+),", BIBLIOGRAPHY, re.MULTILINE)

# what paper/sections/related.tex leaves: a statement that is to join needs a search first
NEW = {
    *("J", "F-star", "F-star-RS", "Q"),  # the form of the statement, not its tools
    *("two-branch", "hidden-labels", "X", "E", "E-upper", "LB-M"),  # no counterpart found
    *("S2-plus", "J-plus", "K-plus", "less-variance"),  # what schemes keep of S2, J and K
}


def says_new(reference):
    return re.search(r"\b(new|novel|here first)\b", reference, re.IGNORECASE) is not None


def test_new_is_said_of_few_statements():
    statements = {**BOUNDS, **CLAIMS}
    assert {name for name, s in statements.items() if says_new(s.reference)} <= NEW


def test_every_citation_has_one_entry_and_every_entry_is_cited():
    cited = {
        key.strip()
        for keys in re.findall(r"\\cite(?:\[[^\]]*\])?\{([^}]*)\}", TEXT)
        for key in keys.split(",")
    }
    assert len(KEYS) == len(set(KEYS))
    assert cited == set(KEYS)
    titles = re.findall(r"^  title = \{(.*)\},?$", BIBLIOGRAPHY.lower(), re.MULTILINE)
    assert len(titles) == len(set(titles)) == len(KEYS)
    assert len(KEYS) >= 25


def test_every_entry_says_who_when_and_where():
    for entry in re.split(r"^@", BIBLIOGRAPHY, flags=re.MULTILINE)[1:]:
        fields = set(re.findall(r"^  (\w+) = \{", entry, re.MULTILINE))
        assert {"author", "title", "year"} <= fields, entry
        assert fields & {"journal", "booktitle", "publisher", "school", "institution"}, entry

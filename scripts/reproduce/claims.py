"""Check the registered claims and tabulate what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from simulator.errors import InputError
from theory.registry import CLAIMS

__all__ = ["claims", "claims_table"]


def claims(names: Sequence[str], thorough: bool = False) -> list[dict[str, object]]:
    """Check claims, all if no id is named; each with its evidence."""
    for name in names:
        if name not in CLAIMS:
            raise InputError(f"claim {name!r} is not known; there are {', '.join(CLAIMS)}")
    out: list[dict[str, object]] = []
    for c in [CLAIMS[name] for name in names or CLAIMS]:
        evidence = c.check(thorough)
        out.append(
            {"id": c.id, "title": c.title, "reference": c.reference, "kind": c.kind,
             "statement": c.statement, "verdict": evidence.status,
             "comparisons": len(evidence.rows), "sentence": evidence.sentence,
             "evidence": [dict(r) for r in evidence.rows]}
        )  # fmt: skip
    return out


def claims_table(found: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """One row a claim, without the single comparisons."""
    return pd.DataFrame([{k: v for k, v in c.items() if k != "evidence"} for c in found])

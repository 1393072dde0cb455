"""Turn results into plain dictionaries, and print those as JSON or as a table."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.exact.law import ExactLaw
    from simulator.problem.problem import Problem
    from simulator.samplers.registry import Sampler
    from simulator.samplers.reweighted.rule import Rule
    from theory.plan import Plan
    from theory.verdict import Report

__all__ = [
    "audit", "by_reason", "emit", "exact_law", "inspection", "plan", "registered",
    "report", "short", "survey",
]  # fmt: skip

LONGEST_ROW = 12
LONGEST_CLOUD = 10_000  # levels of enumeration that `audit` waits for, some seconds a rule


def inspection(problem: Problem) -> dict[str, object]:
    """Criteria of a problem under the names of theory/criteria.py."""
    from theory.criteria import criteria

    c = criteria(problem)
    low, high = c.bellman_ratio
    return {
        "name": problem.name,
        "horizon": problem.horizon,
        "n_actions": problem.model.n_actions,
        "log_z": problem.log_z,
        "action_coverage": c.action_coverage,
        "prm_coverage": c.prm_coverage,
        "prm_accuracy": c.prm_accuracy,
        "chi2": c.chi2.tolist(),
        "proposal_chi2": c.proposal_chi2.tolist(),
        "bellman_ratio_min": low,
        "bellman_ratio_max": high,
        "sequence_coverage": c.sequence_coverage,
        "sequence_chi2": c.sequence_chi2,
        "lost_mass": problem.forward_backward.lost_mass,
        "lost_states": [f"stage {h}, row {row}" for h, row in problem.lost_states],
    }


def exact_law(
    problem: Problem, sampler: Sampler, *, on: str = "paths", best_choice: bool = False
) -> dict[str, object]:
    """Exact law of a sampler's output and moments of its weight."""
    law = _law(problem, sampler, on)
    precise = {"precision": law.precision} if law.precision > 0 else {}
    accepted = {} if law.acceptance is None else {"acceptance": law.acceptance}
    best = {}
    if best_choice:
        from simulator.measure.best_choice import best_choice_error

        best = {"best_choice_error": best_choice_error(problem, sampler, on).error}
    return {
        "log_z": problem.log_z,
        "tv": law.tv,
        **best,
        "failure": law.failure,
        "mean_w_over_z": law.mean_w_over_z,
        "relative_variance": law.relative_variance,
        **accepted,
        **precise,
        "law": law.law.tolist(),
        "target": law.target.tolist(),
    }


def _law(problem: Problem, sampler: Sampler, on: str) -> ExactLaw:
    """Exact law; where paths are too many, the refusal names the law of terminal states."""
    from simulator.errors import TooLargeError

    try:
        return sampler.exact_law(problem, on)
    except TooLargeError as fault:
        if on == "states" or problem.is_tree:
            raise
        further = "that of terminal states reaches further (--on states)"
        raise TooLargeError(f"{fault}; {further}") from None


def audit(problem: Problem, n_particles: int, own: Sequence[Rule] = ()) -> dict[str, object]:
    """Error of each weighting rule with N particles (if enumerable), and with infinitely many."""
    from simulator.errors import TooLargeError
    from simulator.samplers.reweighted.aggregations import AGGREGATIONS
    from simulator.samplers.reweighted.limits import limit_error
    from simulator.samplers.reweighted.rules import RULES
    from simulator.samplers.reweighted.sampler import AuditedSMC

    rows = []
    for rule in (*RULES.values(), *AGGREGATIONS.values(), *own):
        tv = None
        try:
            if problem.horizon <= LONGEST_CLOUD:
                tv = AuditedSMC(n_particles, rule).exact_law(problem).tv
        except TooLargeError:
            pass
        rows.append(
            {"rule": rule.name, "tv": tv, "limit_tv": limit_error(problem, rule), "what": rule.text}
        )
    return {"name": problem.name, "particles": n_particles, "rules": rows}


def plan(found: Plan) -> dict[str, object]:
    """Particles that bounds ask for, smallest first, and the truth."""
    from theory.registry import BOUNDS

    asked = sorted(found.asked.items(), key=lambda item: (item[1] is None, item[1] or 0))
    return {
        "epsilon": found.epsilon,
        "bounds": [{"id": name, "title": BOUNDS[name].title, "particles": n} for name, n in asked],
        "enough": found.enough,
        "too_few": found.too_few,
        "exact": found.exact,
        "least_error": found.least_error,
        "first_order": _first_order(found),
    }


def _first_order(found: Plan) -> dict[str, object] | None:
    """A/epsilon, with its limits where A is measured."""
    n = found.first_order
    if n is None:
        return None
    limits = {} if n.exact else {"low": n.low, "high": n.high, "confidence": n.confidence}
    return {
        "title": "first-order law: N D_TV tends to A; no bound",
        "particles": n.value,
        **limits,
    }


def report(result: Report) -> dict[str, object]:
    """Error and verdicts of a check."""
    from scripts.cli.reach import reach
    from simulator.measure.certify import Certificate
    from simulator.measure.error import Bracket

    e = result.error
    error: dict[str, object] = {"exact": e.low}
    if not e.exact:
        error = {"low": e.low, "high": e.high, "confidence": e.confidence}
    if isinstance(e, Bracket):
        error |= {"low_from": e.witness, "high_from": e.certificates}
    if isinstance(e, Certificate):
        error |= {"log_z_low": e.log_z.low, "log_z_high": e.log_z.high, "from": e.route}
    bounds = [
        {"id": v.id, "title": v.title, "value": v.value, "vacuous": v.vacuous, "verdict": v.status}
        for v in result.verdicts
    ]
    further: dict[str, object] = {} if e.exact else {"reach": reach()}
    return {"error": error, "bounds": bounds, "skipped": result.skipped, **further}


def by_reason(skipped: Mapping[str, str]) -> dict[str, str]:
    """Put statements that are skipped for one reason on one line."""
    reasons: dict[str, list[str]] = {}
    for name, reason in skipped.items():
        reasons.setdefault(reason, []).append(name)
    return {reason: ", ".join(names) for reason, names in reasons.items()}


def survey(n_jobs: int) -> list[dict[str, object]]:
    """Compare every statement with every sampler on every family, a row a statement."""
    import tempfile
    from pathlib import Path

    from scripts.experiments.survey import SURVEY
    from scripts.progress import progress_bar
    from simulator.runs.cells import run_cells
    from simulator.runs.workers import Workers
    from theory.registry import BOUNDS
    from theory.survey import summarise

    cells = SURVEY.cells("quick")
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        task = progress.add_task("check", total=len(cells))
        rows = run_cells(
            SURVEY.name, SURVEY.run_cell, cells, Path(folder), workers=Workers(n_jobs),
            advance=lambda done: progress.advance(task, done),
        )  # fmt: skip
    table = summarise(rows)
    table.insert(1, "title", [BOUNDS[str(name)].title for name in table["bound"]])
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def registered() -> dict[str, object]:
    """Names of samplers, resampling schemes, problems and bounds, a line on each."""
    from simulator.problem.library import ready_problems
    from simulator.resampling.schemes import SCHEMES
    from simulator.samplers.registry import SAMPLERS
    from theory.registry import BOUNDS, CLAIMS

    return {
        "samplers": {name: _first_line(cls.__doc__) for name, cls in SAMPLERS.items()},
        "resampling": list(SCHEMES),
        "problems": {name: text for name, (_, text) in ready_problems().items()},
        "bounds": {b.id: f"{b.title} [{b.reference}]" for b in BOUNDS.values()},
        "claims": {c.id: f"{c.title} [{c.reference}]" for c in CLAIMS.values()},
    }


def short(claim: Mapping[str, object]) -> dict[str, object]:
    """Keep what fits into a table of claims."""
    return {key: claim[key] for key in ("id", "title", "statement", "verdict", "sentence")}


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().splitlines()[0]


def emit(data: Mapping[str, object], as_json: bool) -> None:
    """Print on stdout, as strict JSON (infinities as the strings "inf") or as tables."""
    if as_json:
        print(json_module.dumps(_strict(data), allow_nan=False))
        return
    from rich.table import Table

    from scripts.progress import console as make_console

    console = make_console()
    plain = Table(show_header=False, box=None)
    for key, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            _rows(console, key, value)
        elif isinstance(value, Mapping):
            inner = Table(title=key, title_justify="left", show_header=False, box=None)
            for name, text in value.items():
                inner.add_row(str(name), _text(text))
            console.print(inner)
        else:
            plain.add_row(key, _text(value))
    if plain.row_count:
        console.print(plain)


def _rows(console: object, title: str, rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    assert isinstance(console, Console)
    columns = (Column(name, overflow="fold") for name in rows[0])  # a long name is not cut
    table = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*(_text(v) for v in row.values()))
    console.print(table)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(v)}" for name, v in value.items())
    if isinstance(value, list):
        shown = ", ".join(_text(v) for v in value[:LONGEST_ROW])
        more = f", … ({len(value)} in all)" if len(value) > LONGEST_ROW else ""
        return shown + more if value else "none"
    from rich.markup import escape  # a text in brackets is no style

    return escape(str(value))


def _strict(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {k: _strict(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_strict(v) for v in value]
    return value

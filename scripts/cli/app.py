"""The `particlebounds` command. Data goes to stdout, progress and faults to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.cli.change import print_change
from scripts.cli.ending import (
    INTERRUPTED,
    discard_output,
    fail,
    given,
    interrupted,
    lacks_command,
    print_anything,
)
from scripts.cli.importing import importing
from scripts.cli.lm import lm
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.problem.problem import Problem
    from simulator.samplers.registry import Sampler

# Heavy imports happen inside the commands, so that `list` and `--help` answer at once.

app = typer.Typer(
    name="particlebounds",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(lm, name="lm")
app.add_typer(importing, name="import")

ProblemArg = Annotated[
    str, typer.Argument(metavar="PROBLEM", help="Problem file, or NAME[:key=value,...]; see list.")
]
NormaliseOption = Annotated[
    bool, typer.Option("--normalise", help="Divide rows of files by their sums, if nearly 1.")
]
SamplerOption = Annotated[
    str, typer.Option("--sampler", help="Registered name (see list), or FILE.py:CLASS.")
]
ParticlesOption = Annotated[
    int | None,
    typer.Option("--particles", "-n", help="Number of particles N.  [default: 4; 1 for alrs]"),
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("--option", "-O", help="Sampler option key=value, e.g. resampling=systematic."),
]
AggregationOption = Annotated[
    list[str] | None,
    typer.Option("--aggregation", help="FILE.py:FUNCTION of the scores so far; repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random draws.")]
RunsOption = Annotated[
    int | None, typer.Option("--runs", "-r", min=4, help="Independent runs, at least 4.")
]
JobsOption = Annotated[
    int, typer.Option(min=1, help="Worker processes or threads; a cluster has its own.")
]
BackendOption = Annotated[
    Literal["loky", "threading", "dask"],
    typer.Option(help="Processes, threads, or a Dask cluster; results are the same."),
]
SchedulerOption = Annotated[
    str | None, typer.Option(metavar="ADDR", help="tcp://HOST:PORT of the Dask scheduler.")
]


@app.callback()
def start(context: typer.Context) -> None:
    """Particle filtering of language models, checked exactly against its theorems."""
    if context.invoked_subcommand != "list":
        from scripts.progress import announce_compilation

        announce_compilation()


def _sampler(name: str, particles: int | None, settings: list[str] | None) -> Sampler:
    from scripts.cli.own import make_named_sampler

    return make_named_sampler(name, particles, settings or [])


def _problem(spec: str, normalise: bool) -> Problem:
    from simulator.problem.library import open_problem

    problem = open_problem(spec, normalise=normalise)
    if normalise:
        print_change(problem.model.largest_change)
    return problem


@app.command()
def inspect(
    problem: ProblemArg, normalise: NormaliseOption = False, json: JsonOption = False
) -> None:
    """Print the criteria of a problem: coverage, accuracy of the PRM, chi-square."""
    from scripts.cli import show

    show.emit(show.inspection(_problem(problem, normalise)), json)


@app.command()
def exact(
    problem: ProblemArg,
    sampler: SamplerOption = "smc",
    particles: ParticlesOption = None,
    option: SettingOption = None,
    on: Annotated[
        Literal["paths", "states"],
        typer.Option(
            help="Outcomes; on terminal states the error is a lower limit of that on paths."
        ),
    ] = "paths",
    best_choice: Annotated[
        bool,
        typer.Option(
            "--best-choice", help="Also the least error of any choice from the last cloud."
        ),
    ] = False,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Print the exact law of a sampler on a small problem."""
    from scripts.cli import show

    made = _sampler(sampler, particles, option)
    opened = _problem(problem, normalise)
    show.emit(show.exact_law(opened, made, on=on, best_choice=best_choice), json)


@app.command()
def check(
    problem: Annotated[
        str | None, typer.Argument(metavar="[PROBLEM]", help="As in `inspect`; none with --all.")
    ] = None,
    sampler: SamplerOption = "smc",
    particles: ParticlesOption = None,
    option: SettingOption = None,
    runs: RunsOption = None,
    seed: SeedOption = 0,
    statement: Annotated[
        list[str] | None,
        typer.Option(help="Only these: id, FILE.py or FILE.py:NAME.  [default: all]"),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="All statements, samplers and families; takes minutes."),
    ] = False,
    unknown_z: Annotated[
        bool,
        typer.Option(
            "--unknown-z", help="Bracket the error as where Z is unknown: from --runs alone."
        ),
    ] = False,
    jobs: JobsOption = 2,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Compare the error with every bound that applies; exit code 1 if one is violated."""
    from scripts.cli import show

    if every == (problem is not None):
        raise InputError("check: give either a PROBLEM or --all")
    if every and statement:
        raise InputError("check: --statement goes with a PROBLEM")
    if unknown_z and (every or runs is None):
        raise InputError("check: --unknown-z goes with a PROBLEM and --runs")
    if problem is None:
        found = show.survey(jobs)
        show.emit({"bounds": found}, json)
        if any(b["verdict"] == "violated" for b in found):
            raise typer.Exit(1)
        return
    from scripts.cli.own import named_statements
    from theory.verdict import check as check_bounds

    made = _sampler(sampler, particles, option)
    bounds = named_statements(statement) if statement else None
    report = check_bounds(
        _problem(problem, normalise), made, n_runs=runs, rng=seed, bounds=bounds,
        known_z=not unknown_z,
    )  # fmt: skip
    shown = show.report(report)
    show.emit(shown if json else shown | {"skipped": show.by_reason(report.skipped)}, json)
    if any(v.status == "violated" for v in report.verdicts):
        raise typer.Exit(1)


@app.command()
def falsify(
    statement: Annotated[
        str,
        typer.Argument(
            metavar="STATEMENT", help="Id of a bound or conjecture, FILE.py or FILE.py:NAME."
        ),
    ],
    sampler: Annotated[
        str | None,
        typer.Option(help="As in `check`.  [default: the first of which the statement speaks]"),
    ] = None,
    particles: Annotated[
        int | None, typer.Option("--particles", "-n", help="Number N.  [default: 1 to 4]")
    ] = None,
    option: SettingOption = None,
    horizon: Annotated[int, typer.Option(min=1, help="Largest H of random problems.")] = 4,
    actions: Annotated[int, typer.Option(min=2, help="Largest number of tokens.")] = 3,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Time to search.  [default: 60]")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="Problems to try, instead or besides.")
    ] = None,
    seed: SeedOption = 0,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Drop the assumptions of a bound.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Problem file for the worst instance.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Search for the problem that breaks a statement, or nearly; exit code 1 if one does."""
    from scripts.cli import falsify as command
    from scripts.cli import show

    claimed = command.named_inequality(statement, anyway=anyway)
    if sampler is None and option:
        raise InputError("falsify: --option goes with --sampler")
    make = None if sampler is None else lambda n: _sampler(sampler, n, option)
    found = command.falsify(
        claimed, make, particles, horizon, actions, seconds, evaluations, seed, out
    )
    rows = command.instance_rows(found.problem)
    table = {"instance": rows} if rows else {}
    show.emit(command.shown(found, claimed, out) | table, json)
    if found.violated:
        raise typer.Exit(1)
    if found.interrupted:
        raise KeyboardInterrupt


@app.command()
def claims(
    names: Annotated[list[str] | None, typer.Argument(help="Ids; all by default.")] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="More and larger instances; takes minutes.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check the statements that are no bound on one error; exit code 1 if one is violated."""
    from scripts.cli import show
    from scripts.reproduce.claims import claims as check_claims

    found = check_claims(names or [], thorough)
    show.emit({"claims": found if json else [show.short(c) for c in found]}, json)
    if any(c["verdict"] == "violated" for c in found):
        raise typer.Exit(1)


@app.command()
def plan(
    problem: ProblemArg,
    epsilon: Annotated[float, typer.Option("--epsilon", "-e", help="Wanted error, in (0, 1).")],
    sampler: SamplerOption = "smc",
    option: SettingOption = None,
    runs: Annotated[
        int, typer.Option("--runs", "-r", min=4, help="Where runs are needed.")
    ] = 20_000,
    seed: SeedOption = 0,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Print how many particles each bound asks for at an error, and how many truly suffice."""
    from scripts.cli import show
    from theory.plan import plan as find

    made = find(
        _problem(problem, normalise),
        lambda n: _sampler(sampler, n, option),
        epsilon,
        n_runs=runs,
        rng=seed,
    )
    if made.least_error > epsilon:
        print(
            "particlebounds: no number of particles suffices: the sampler never outputs paths with "
            f"V^ = 0 on them, which have probability {made.least_error:.6g} under the target",
            file=sys.stderr,
        )
    show.emit(show.plan(made), json)


@app.command()
def law(
    problem: ProblemArg,
    sampler: SamplerOption = "smc",
    option: SettingOption = None,
    correct: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT", help="Terminal states: 0,2,5, best, or a JSON file with a list."
        ),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=2, help="From the target, where its paths are too many to list.")
    ] = 20_000,
    seed: SeedOption = 0,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Print what error and accuracy are for many particles: N D_TV -> A, and a covariance."""
    from scripts.cli import show
    from scripts.cli.law import law as find

    opened = _problem(problem, normalise)
    show.emit(
        find(opened, lambda n: _sampler(sampler, n, option), correct, draws, seed, json), json
    )


@app.command()
def accuracy(
    problem: ProblemArg,
    correct: Annotated[
        str,
        typer.Option(
            metavar="EVENT",
            help="Right terminal states: 0,2,5, best, or a JSON file with a list.",
        ),
    ],
    select: Annotated[
        Literal["sample", "best", "vote", "any"],
        typer.Option(help="Who answers: output, particle of highest V^, vote, or any proposal."),
    ] = "sample",
    sampler: SamplerOption = "smc",
    particles: ParticlesOption = None,
    option: SettingOption = None,
    runs: Annotated[
        int | None, typer.Option("--runs", "-r", min=1, help="Measure it as well, in so many runs.")
    ] = None,
    draws: Annotated[
        int, typer.Option(min=2, help="From the target, where its paths are too many to list.")
    ] = 2000,
    seed: SeedOption = 0,
    confidence: Annotated[
        float, typer.Option(help="Of limits that are measured, in (0, 1).")
    ] = 0.99,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Print how often N particles answer right: exactly, limits that hold at this N, a guess."""
    from scripts.cli import show
    from scripts.cli.accuracy import accuracy as find
    from theory.accuracy.answers import Draws

    made, by = _sampler(sampler, particles, option), Draws(draws, seed, confidence)
    show.emit(find(_problem(problem, normalise), made, correct, select, by, runs, seed, json), json)


@app.command()
def audit(
    problem: ProblemArg,
    particles: ParticlesOption = None,
    aggregation: AggregationOption = None,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Print what weighting rules in use converge to, and how far that is from the target."""
    from scripts.cli import show
    from scripts.cli.own import named_aggregations

    own = named_aggregations(aggregation or [])
    n_particles = 4 if particles is None else particles
    show.emit(show.audit(_problem(problem, normalise), n_particles, own), json)


@app.command()
def sample(
    problem: ProblemArg,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    sampler: SamplerOption = "smc",
    particles: ParticlesOption = None,
    option: SettingOption = None,
    runs: Annotated[int, typer.Option("--runs", "-r", min=1, help="Independent runs.")] = 1000,
    seed: SeedOption = 0,
    normalise: NormaliseOption = False,
) -> None:
    """Draw outputs and write them, with their provenance, to a parquet file."""
    from scripts.cli import draws
    from scripts.cli.caution import print_caution

    made, posed = _sampler(sampler, particles, option), _problem(problem, normalise)
    settings = {"problem": problem, "normalise": normalise, "sampler": sampler,
                "particles": made.n_particles, "option": option or [], "runs": runs,
                "seed": seed}  # fmt: skip
    print_caution(made, posed)
    draws.write(posed, made, settings, out)


@app.command(name="list")
def list_registered(json: JsonOption = False) -> None:
    """Print the registered samplers, ready problems and statements."""
    from scripts.cli import show

    show.emit(show.registered(), json)


@app.command()
def reproduce(
    names: Annotated[list[str] | None, typer.Argument(help="Experiments; all by default.")] = None,
    profile: Annotated[
        Literal["quick", "full"], typer.Option(help="quick takes minutes, full hours.")
    ] = "quick",
    jobs: JobsOption = 2,
    backend: BackendOption = "loky",
    scheduler: SchedulerOption = None,
    out: Annotated[Path, typer.Option(help="Folder of results; finished parts are kept.")] = Path(
        "results"
    ),
) -> None:
    """Run the experiments, draw the figures and write the HTML report."""
    from scripts.reproduce.run import run
    from simulator.runs.workers import Workers

    if run(names or [], profile, Workers(jobs, backend, scheduler), out):
        raise typer.Exit(1)


@app.command()
def sweep(
    problems: Annotated[
        list[str], typer.Argument(metavar="PROBLEM...", help="Problem files or names; see list.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; finished shards are kept.")],
    sampler: Annotated[
        list[str] | None,
        typer.Option(help="NAME[:key=value,...]; may be repeated.", show_default="smc"),
    ] = None,
    particles: Annotated[
        str, typer.Option("--particles", "-n", help="Numbers of particles, e.g. 1,2,4.")
    ] = "4",
    runs: Annotated[
        int, typer.Option("--runs", "-r", min=1, help="Independent runs of each grid point.")
    ] = 100_000,
    seed: SeedOption = 0,
    shard: Annotated[
        int, typer.Option(min=1024, help="Runs a shard, a multiple of 1024.")
    ] = 16_384,
    jobs: JobsOption = 2,
    backend: BackendOption = "loky",
    scheduler: SchedulerOption = None,
    normalise: NormaliseOption = False,
    json: JsonOption = False,
) -> None:
    """Run samplers over a grid; a stopped sweep goes on where it was."""
    from scripts.cli.sweep import read_particles, run
    from simulator.runs.sweep import Grid
    from simulator.runs.workers import Workers

    grid = Grid(
        tuple(problems), tuple(sampler or ["smc"]), read_particles(particles), runs, seed, shard,
        normalise,
    )  # fmt: skip
    run(grid, Workers(jobs, backend, scheduler), out, json)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A parquet file made here.")],
) -> None:
    """Make a stored result again from its provenance; exit code 1 if it differs."""
    from scripts.cli.replay import replay as run_again

    verdict, equal, remarks = run_again(file)
    for line in remarks:
        print(f"particlebounds: {line}", file=sys.stderr)
    print(verdict)
    if not equal:
        raise typer.Exit(1)


@app.command()
def bench(
    out: Annotated[Path, typer.Option(help="Folder of bench.json and the figure.")] = Path(
        "results/bench"
    ),
) -> None:
    """Time the kernels against C and other implementations, as ratios within this run."""
    from scripts.bench.report import run

    run(out)


@app.command()
def demo(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1 only; 0 takes a free one.")
    ] = 2718,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    export: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write pages that open from a file instead of serving."),
    ] = None,
) -> None:
    """Open the lecture in the browser: eight chapters, computed while you watch."""
    from scripts.demo.server import serve

    if export is None:
        serve(port, browser)
        return
    from scripts.demo.export import write

    write(export)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; bad input ends with one line on stderr and exit code 2.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    """
    command = typer.main.get_command(app)
    print_anything()
    try:
        code = command.main(args=arguments, prog_name="particlebounds", standalone_mode=False)
        sys.stdout.flush()  # a full disk must not look like an exit code of the command
    except InputError as fault:
        fail(str(fault))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except MemoryError:
        fail("there is not enough memory for this")
    except BrokenPipeError:
        discard_output()
        sys.exit(1)
    except OSError as fault:  # all files are opened with messages of their own
        discard_output()
        fail(f"output: {fault.strerror or fault}")
    except Exception as fault:
        # usage errors of the command-line library, and nothing else, can format themselves
        if not hasattr(fault, "format_message"):
            from scripts.cli.own import fault_of_a_file

            told = fault_of_a_file(fault)
            if told is None:
                raise
            fail(str(told))
        if not lacks_command(fault):
            fail(fault.format_message() + given(fault))
        print(fault.format_message())
        code = 0
    if code == INTERRUPTED:  # the command-line library keeps the exception to itself
        interrupted()
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()

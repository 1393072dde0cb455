"""The `lm` commands: the samplers and studies on a real language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts.cli.served import (
    ConcurrencyOption,
    NameOption,
    PieceOption,
    PieceTokensOption,
    ServedOption,
    TimeoutOption,
    UnseededOption,
)
from simulator.errors import InputError
from simulator.language_models.extra import DEFAULT_MODEL

if TYPE_CHECKING:
    from simulator.language_models.hugging_face import HuggingFaceLM
    from simulator.text.language_model import LanguageModel, Prompt
    from simulator.text.problem import LanguagePRM

__all__ = ["lm"]

lm = typer.Typer(
    help="Run samplers on a real language model (needs the extra `lm`).", no_args_is_help=True
)

ModelOption = Annotated[
    str, typer.Option("--model", help="Name or folder; the packaged model by default.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
RunsOption = Annotated[int, typer.Option("--runs", "-r", min=4, help="Runs a point.")]
TextsOption = Annotated[int, typer.Option("--texts", min=4, help="Texts drawn from the target.")]
HorizonOption = Annotated[int, typer.Option("--horizon", min=1, help="Tokens H.")]
StylesOption = Annotated[int, typer.Option("--styles", min=1, max=50, help="Style prompts.")]
ParticlesOption = Annotated[int, typer.Option("--particles", "-n", min=1, help="Particles N.")]
AlphaOption = Annotated[float, typer.Option("--alpha", min=0, help="Strength of the belief.")]
PromptsOption = Annotated[str, typer.Option("--prompts", help="Set: styles or topics.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of results; parts are kept.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Worker processes.")]

PromptOption = Annotated[str, typer.Option("--prompt", help="Prompt of pi_ref.")]
SettingOption = Annotated[
    list[str] | None, typer.Option("--option", "-O", help="Sampler option key=value.")
]
DelimiterOption = Annotated[
    list[str] | None,
    typer.Option(help="Text of a token that ends a step; a level is a step then."),
]
StepOption = Annotated[int, typer.Option(min=1, help="Most tokens a step, with --delimiter.")]
ForceEndOption = Annotated[
    bool, typer.Option("--force-end", help="Texts must end within the horizon.")
]
ChatOption = Annotated[bool, typer.Option("--chat", help="Prompts are messages to a chat.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of all draws.")]

RESULTS = Path("results")
# options of `answers` that the packaged questions have no use for
OF_A_FILE = ("sampler", "option", "prm", "votes", "reward_model", "kind", "reward_option",
             "end_only", "extract", "horizon", "stop", "delimiter", "step_tokens", "chat", "name",
             "concurrency", "unseeded", "timeout", "seed", "json")  # fmt: skip


@lm.command()
def figure2a(
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
    styles: StylesOption = 50,
    particles: ParticlesOption = 32,
    horizon: HorizonOption = 32,
    runs: RunsOption = 16,
    texts: TextsOption = 64,
    prompts: PromptsOption = "styles",
    jobs: JobsOption = 1,
    out: OutOption = RESULTS,
) -> None:
    """Error against KL(pi*||pi_ref)/H: exact values, one target a style prompt."""
    _study("2a", jobs, out, prompt_set=prompts, styles=styles, particles=(particles,),
        horizon=horizon, runs=runs, texts=texts, model=model, device=device)  # fmt: skip


@lm.command()
def figure2b(
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
    styles: StylesOption = 50,
    particles: ParticlesOption = 32,
    horizon: HorizonOption = 64,
    runs: RunsOption = 16,
    texts: TextsOption = 64,
    alpha: AlphaOption = 2.0,
    prompts: PromptsOption = "styles",
    jobs: JobsOption = 1,
    out: OutOption = RESULTS,
) -> None:
    """Error against KL(pi*_h||pi^_h): p_ref = p*, the PRM believes in a style at first."""
    _study("2b", jobs, out, prompt_set=prompts, styles=styles, particles=(particles,),
        horizon=horizon, runs=runs, texts=texts, alpha=alpha, model=model,
        device=device)  # fmt: skip


@lm.command()
def figure3(
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
    particles: Annotated[int, typer.Option("--particles", "-n", min=2, help="Largest N.")] = 32,
    horizon: HorizonOption = 32,
    runs: RunsOption = 16,
    texts: TextsOption = 64,
    alpha: AlphaOption = 1.0,
    prompts: PromptsOption = "styles",
    jobs: JobsOption = 1,
    out: OutOption = RESULTS,
) -> None:
    """Error of SMC and its rivals against N = 2, 4, 8, ..."""
    sizes = tuple(2**k for k in range(1, particles.bit_length()) if 2**k <= particles)
    _study("3", jobs, out, prompt_set=prompts, styles=1, particles=sizes, horizon=horizon,
        runs=runs, texts=texts, alpha=alpha, model=model, device=device)  # fmt: skip


@lm.command()
def study(
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
    jobs: JobsOption = 1,
    out: OutOption = RESULTS,
) -> None:
    """Run the three figures as in the table that the package ships."""
    from scripts.cli.lm_study import run
    from scripts.experiments.language_model_switching import whole_study

    run("lm_study", whole_study(model, device), model, jobs, out)


@lm.command()
def answers(
    context: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Argument(help='JSON lines {"prompt", "answer"} or {"prompt", "checker"}.'),
    ] = None,
    sampler: Annotated[
        list[str] | None,
        typer.Option("--sampler", help="NAME, NAME:key=value,... or FILE.py:CLASS; repeatable."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", help="key=value, for the samplers that know the key."),
    ] = None,
    prm: Annotated[
        str | None,
        typer.Option("--prm", help="majority (votes of pi_ref), or FILE.py:NAME of texts."),
    ] = None,
    votes: Annotated[int, typer.Option(min=1, help="Texts that vote, for majority.")] = 16,
    reward_model: Annotated[
        str | None, typer.Option(help="Name or folder of a reward model, in place of --prm.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="What it is: sequence, token (classifiers) or causal.")
    ] = "sequence",
    reward_option: Annotated[
        list[str] | None,
        typer.Option(help="key=value: its separator, tag, aggregate, good, bad, beta, ..."),
    ] = None,
    end_only: Annotated[
        bool, typer.Option("--end-only", help="Ask about finished texts only; V^ = 1 before.")
    ] = False,
    extract: Annotated[
        str | None,
        typer.Option(help="FILE.py:FUNCTION, text to answer; else its first number or word."),
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Levels H.")] = 16,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text of a token that ends a text; repeatable.")
    ] = None,
    delimiter: PieceOption = None,
    step_tokens: PieceTokensOption = 32,
    chat: ChatOption = False,
    model: ServedOption = DEFAULT_MODEL,
    name: NameOption = None,
    concurrency: ConcurrencyOption = 8,
    unseeded: UnseededOption = False,
    timeout: TimeoutOption = 120.0,
    device: DeviceOption = "cpu",
    particles: Annotated[int, typer.Option("--particles", "-n", min=1, help="Particles N.")] = 4,
    runs: RunsOption = 24,
    seed: SeedOption = 0,
    jobs: JobsOption = 1,
    out: OutOption = RESULTS,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, of a file.")] = False,
) -> None:
    """Ask the questions of a file, or packaged ones: accuracy, pass@N, cost, the accuracy law."""
    if questions is not None:
        from scripts.answers.command import answer
        from scripts.answers.judges import Judge
        from scripts.answers.setting import Setting

        answer(
            questions, sampler or ["smc"], option or [], particles=particles, runs=runs,
            setting=Setting(model, device, horizon, tuple(stop or ()), tuple(delimiter or ()),
                            step_tokens, name, unseeded, concurrency, timeout),
            judge=Judge(prm, reward_model, kind, end_only, extract, device,
                        tuple(reward_option or ())), votes=votes,
            chat=chat, seed=seed, jobs=jobs, out=out, as_json=json,
        )  # fmt: skip
        return
    for name in OF_A_FILE:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise InputError(f"--{name.replace('_', '-')}: only with a file of questions")
    from figures.language_model_answers import LANGUAGE_MODEL_ANSWERS
    from scripts.cli.lm_study import run
    from scripts.experiments.language_model_answers import run_cell
    from scripts.experiments.language_model_answers import study as packaged

    asked = packaged(n=particles, runs=runs, model=model, device=device)
    run("lm_answers", asked, model, jobs, out, run_cell, LANGUAGE_MODEL_ANSWERS)


@lm.command()
def table(
    prompt: PromptOption,
    target: Annotated[str, typer.Option("--target", help="Prompt of pi*.")],
    word: Annotated[list[str], typer.Option("--word", "-w", help="A word; give several.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Problem file, .json or .npz.")],
    horizon: HorizonOption = 4,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
) -> None:
    """Tabulate a prompt switch over a few words: a problem file for every other command."""
    from simulator.language_models.tabulate import switch_tables, tabulate
    from simulator.problem.files import save_problem

    if out.suffix not in (".json", ".npz"):
        raise InputError(f"--out {out}: the name must end in .json or .npz")
    loaded = _load(model, device)
    reference, other = (tabulate(loaded, text, word, horizon) for text in (prompt, target))
    save_problem(switch_tables(reference, other, name=out.stem), out)


@lm.command()
def sample(
    prompt: PromptOption,
    target: Annotated[str | None, typer.Option("--target", help="Prompt of pi*.")] = None,
    constraint: Annotated[
        str | None,
        typer.Option(help="Regular expression that texts must match, in place of --target."),
    ] = None,
    prm: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.py:NAME",
            help="Function of a list of texts that gives V^ of each, or a PRM; in place of both.",
        ),
    ] = None,
    sampler: Annotated[str, typer.Option("--sampler", help="Registered name; see list.")] = "smc",
    particles: ParticlesOption = 8,
    option: SettingOption = None,
    horizon: Annotated[
        int, typer.Option("--horizon", min=1, help="Levels H: tokens, or steps.")
    ] = 16,
    delimiter: PieceOption = None,
    step_tokens: PieceTokensOption = 32,
    force_end: ForceEndOption = False,
    chat: ChatOption = False,
    runs: Annotated[int, typer.Option("--runs", "-r", min=1, help="Independent runs.")] = 1,
    seed: SeedOption = 0,
    everything: Annotated[
        bool, typer.Option("--all", help="All weighted particles, with their tokens.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write .jsonl or .parquet instead of printing."),
    ] = None,
    model: ServedOption = DEFAULT_MODEL,
    name: NameOption = None,
    concurrency: ConcurrencyOption = 8,
    unseeded: UnseededOption = False,
    timeout: TimeoutOption = 120.0,
    device: DeviceOption = "cpu",
) -> None:
    """Draw texts that follow one prompt as if it were another, match or are good; JSON lines."""
    from scripts.cli import texts
    from scripts.cli.caution import print_caution
    from scripts.cli.own import make_named_sampler, named_prm
    from scripts.cli.served import check_served, served_model
    from simulator.samplers.base import Sampler
    from simulator.text.problem import LanguageModelProblem
    from simulator.text.prompt_switching import PromptSwitching
    from simulator.text.regex import RegexPRM

    if out is not None:
        texts.check_target(out)
    if sum(given is not None for given in (target, constraint, prm)) != 1:
        raise InputError("lm sample: give --target, --constraint or --prm, one of the three")
    made = make_named_sampler(sampler, particles, option or [])
    kind: type = type(made)  # a file may hold what only looks like a sampler
    if not issubclass(kind, Sampler):
        raise InputError(f"{kind.__name__} runs on tabular problems only")
    served = check_served(model, name, unseeded)
    judge: LanguagePRM | None = None
    if prm is not None:
        judge = named_prm(prm)
    elif constraint is not None:
        judge = RegexPRM(constraint)
    loaded: LanguageModel
    asked: Prompt
    delimiters = tuple(delimiter or ())
    if served:
        if judge is None or constraint is not None or chat or force_end:
            raise InputError(
                "lm sample: a served model only draws texts, so it goes with --prm, and without "
                "--target, --constraint, --chat and --force-end"
            )
        loaded, asked = (
            served_model(
                model, name or "", delimiters, step_tokens, unseeded, concurrency, timeout
            ),
            prompt,
        )
    else:
        local = _load(model, device)
        asked, wanted = ((local.chat(p) if chat else p) for p in (prompt, target or ""))
        loaded, judge = local, judge or PromptSwitching(wanted)
    steps = bool(delimiters) and not served
    problem = LanguageModelProblem(
        loaded, asked, horizon, judge, force_end=force_end,
        delimiters=delimiters if steps else (),  # type: ignore[arg-type]  # read as tokens
        block_tokens=step_tokens if steps else 1,
    )  # fmt: skip
    print_caution(made, problem)
    keep = ("tokens", "clouds") if everything else ("tokens",)
    batches = made.run_in_batches(problem, runs, rng=seed, keep=keep)
    rows_of = texts.particles if everything else texts.outputs
    settings = {"prompt": prompt, "target": target, "constraint": constraint, "prm": prm,
                "sampler": sampler, "particles": particles, "option": option or [],
                "horizon": horizon, "delimiter": delimiter or [], "step_tokens": step_tokens,
                "force_end": force_end, "chat": chat, "runs": runs, "seed": seed,
                "all": everything, "model": model, "name": name,
                "unseeded": unseeded}  # fmt: skip
    texts.hand_out(problem, batches, rows_of, out, settings)


@lm.command()
def certify(
    prompt: PromptOption,
    constraint: Annotated[
        str | None, typer.Option(help="Regular expression that texts must match.")
    ] = None,
    prm: Annotated[
        str | None,
        typer.Option(help="FILE.py:NAME of a PRM or a function of texts, with --r-max."),
    ] = None,
    r_max: Annotated[float, typer.Option(help="A number that no reward is above.")] = 1.0,
    particles: ParticlesOption = 8,
    option: SettingOption = None,
    horizon: HorizonOption = 16,
    delimiter: DelimiterOption = None,
    step_tokens: StepOption = 32,
    force_end: ForceEndOption = False,
    chat: ChatOption = False,
    runs: Annotated[
        int, typer.Option("--runs", "-r", min=4, help="Runs n, and half the draws from pi*.")
    ] = 100,
    conditional: Annotated[
        int, typer.Option("--conditional", "-k", min=1, help="Conditional runs k of each text.")
    ] = 4,
    tries: Annotated[
        int | None, typer.Option(min=2, help="Most draws from pi_ref.  [default: 100 n]")
    ] = None,
    confidence: Annotated[float, typer.Option(help="That all limits hold, in (0, 1).")] = 0.99,
    seed: SeedOption = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
) -> None:
    """Bracket the error of SMC where Z is unknown, at a stated confidence."""
    from scripts.cli.lm_certify import certificate
    from scripts.cli.own import make_named_sampler, named_prm
    from scripts.cli.show import emit
    from simulator.samplers.smc.conditional_text import check_conditional
    from simulator.samplers.smc.sampler import SMC
    from simulator.text.problem import LanguageModelProblem
    from simulator.text.regex import RegexPRM

    if (constraint is None) == (prm is None):
        raise InputError("lm certify: give --constraint or --prm, one of the two")
    sampler = make_named_sampler("smc", particles, option or [])
    assert isinstance(sampler, SMC)
    check_conditional(sampler)
    judge = RegexPRM(constraint) if constraint is not None else named_prm(prm or "")
    loaded = _load(model, device)
    problem = LanguageModelProblem(
        loaded, loaded.chat(prompt) if chat else prompt, horizon, judge, force_end=force_end,
        delimiters=delimiter or (),  # type: ignore[arg-type]  # texts are read as tokens
        block_tokens=step_tokens if delimiter else 1,
    )  # fmt: skip
    emit(certificate(
        problem, sampler, r_max=r_max, n_runs=runs, n_conditional=conditional, rng=seed,
        confidence=confidence, max_tries=tries,
    ), json)  # fmt: skip


@lm.command()
def bench(
    particles: ParticlesOption = 32,
    horizon: HorizonOption = 32,
    runs: Annotated[int, typer.Option("--runs", "-r", min=1, help="Runs in one batch.")] = 1,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "cpu",
) -> None:
    """Measure speed, memory, ratios to the library's `generate`, a judge's cache; JSON lines."""
    import json

    from scripts.bench.generation import ratios
    from scripts.bench.language_model import measure, measure_judge

    loaded = _load(model, device)
    print(json.dumps(measure(loaded, particles, horizon, runs)), flush=True)
    for found in ratios(loaded, particles, horizon):
        print(json.dumps(found), flush=True)
    print(json.dumps(measure_judge(loaded)))


def _study(figure: str, jobs: int, out: Path, **settings: Any) -> None:
    from scripts.cli.lm_study import run
    from scripts.experiments.language_model_switching import study

    run(f"lm_figure{figure}", study(figure, **settings), settings["model"], jobs, out)


def _load(model: str, device: str) -> HuggingFaceLM:
    from simulator.language_models.packaged import load_language_model

    return load_language_model(model, device=device)

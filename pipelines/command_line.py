"""The verbs of the command line. Each imports what it needs itself: `check` must not wait for Beam."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.early_workers import early_workers
from schemas.errors import ConfigError, ExitCode
from schemas.runners import MAX_PARALLELISM, MAX_WORKERS

app = typer.Typer(
    name="nightscore",
    help="Scores a night's Parquet partition with a trained model: checked, accounted for row by row, all or nothing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JobPath = Annotated[Path, typer.Argument(metavar="JOB", help="A job.yaml, or the folder it is in.")]
RunDate = Annotated[str, typer.Option("--date", metavar="DATE", help="The run date, such as 2013-12-17.")]


class Runner(StrEnum):
    """Where a pass can run."""

    local = "local"
    flink = "flink"
    dataflow = "dataflow"


Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", metavar="NAME=VALUE", help="A value of the suite's $PARAMETER; may be repeated."),
]
_EXIT_CODES = (
    "Exit codes: 0 published, 1 unexpected, 2 configuration or usage, 3 input, 4 held by the quality gate, 5 model, "
    "6 held by the drift gate, 7 ledger, 75 not ready (retry), 99 no data, 130 and 143 interrupted."
)


@app.command(epilog="Example: nightscore check flights/job.yaml")
def check(
    job: JobPath,
    *,
    config: Annotated[bool, typer.Option("--config", help="Print every key of the job with its default.")] = False,
    gx: Annotated[bool, typer.Option("--gx", help="Let Great Expectations itself load the suite, too (slow).")] = False,
    parameter: Parameters = None,
) -> int:
    """Check the job, its contract, suite, model and reference profile; no data is read."""
    from pipelines.checking import check_job  # noqa: PLC0415

    check_job(job, show_config=config, with_gx=gx, parameters=tuple(parameter or ()))
    return ExitCode.PUBLISHED


@app.command(epilog="Example: nightscore plan flights --date 2013-12-17")
def plan(job: JobPath, date: RunDate) -> int:
    """Say what a run would read and replace, from the files' footers alone."""
    from pipelines.planning import show_plan  # noqa: PLC0415

    return show_plan(job, date)


@app.command(
    epilog="Examples: nightscore profile flights\n\nnightscore profile flights --suggest flights/suggested.json"
)
def profile(
    job: JobPath,
    *,
    suggest: Annotated[
        Path | None,
        typer.Option("--suggest", metavar="FILE", help="Write a suite proposed from the training data there, instead."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=MAX_WORKERS, help="Worker processes; 1: in this process.")
    ] = 1,
) -> int:
    """Make the reference profile from the training data that job.yaml names (drift.training)."""
    if suggest is not None:
        from pipelines.suggesting import write_suggestion  # noqa: PLC0415

        write_suggestion(job, suggest)
        return ExitCode.PUBLISHED
    with early_workers(workers if workers > 1 else 0):
        from pipelines.reference import make_reference  # noqa: PLC0415

        make_reference(job, workers)
    return ExitCode.PUBLISHED


@app.command(
    epilog="Examples: nightscore run flights --date 2013-12-17\n\n"
    "nightscore run flights --date 2013-07-01 --to 2013-07-31 --workers 2\n\n"
    "nightscore run flights --date 2013-12-17 --runner flink --flink-master 127.0.0.1:8081 --parallelism 2\n\n"
    + _EXIT_CODES
)
def run(  # noqa: PLR0913  # one parameter an option
    job: JobPath,
    date: RunDate,
    beam_options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Options for Beam, after `--`.")
    ] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last date: score every date up to it.")
    ] = None,
    runner: Annotated[
        Runner | None, typer.Option("--runner", help="Where to run; job.yaml's runners.use by default.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=MAX_WORKERS, help="Worker processes of the local runner; 1: in this process."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the model in a process.")] = None,
    flink_master: Annotated[
        str | None, typer.Option("--flink-master", metavar="HOST:PORT", help="The Flink cluster's REST address.")
    ] = None,
    job_endpoint: Annotated[
        str | None, typer.Option("--job-endpoint", metavar="HOST:PORT", help="Beam's job server for the cluster.")
    ] = None,
    worker_pool: Annotated[
        str | None,
        typer.Option("--worker-pool", metavar="HOST:PORT", help="Where TaskManagers get their Python processes."),
    ] = None,
    parallelism: Annotated[
        int | None,
        typer.Option("--parallelism", min=1, max=MAX_PARALLELISM, help="Units that Flink scores at once."),
    ] = None,
    allow_version_mismatch: Annotated[
        bool,
        typer.Option(help="Run with other library versions than the model card's, if its probe rows reproduce."),
    ] = False,
    parameter: Parameters = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Use the finished units of an interrupted run, where nothing has changed.")
    ] = False,
    result: Annotated[
        Path | None, typer.Option("--result", metavar="FILE", help="Write result.json of the last date there, too.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> int:
    """Score the partition of a run date and publish it, or hold it and say why."""
    early = workers if workers and workers > 1 and runner in (None, Runner.local) and not beam_options else 0
    with early_workers(early):
        from pipelines.runner_choice import RunnerChoice  # noqa: PLC0415
        from pipelines.running import RunOptions, run_dates  # noqa: PLC0415

        choice = RunnerChoice(
            runner.value if runner else None, workers, threads, flink_master, job_endpoint, worker_pool, parallelism
        )
        options = RunOptions(
            flags=tuple(beam_options or ()),
            runner=choice,
            allow_version_mismatch=allow_version_mismatch,
            parameters=tuple(parameter or ()),
            resume=resume,
            result=result,
            quiet=quiet,
        )
        return run_dates(job, date, to or date, options)


@app.command(
    epilog="Examples: nightscore drift flights --from 2013-07-01 --to 2013-12-31\n\n"
    "nightscore drift flights --from 2013-07-01 --to 2013-07-31 --labels flights/labels "
    "--truth 'col(\"arr_delay\") >= 15'"
)
def drift(  # noqa: PLR0913  # one parameter an option
    job: JobPath,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first run date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last run date.")],
    *,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="PARQUET", help="What happened, by key: folder, glob or file; with --truth."),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option("--truth", metavar="CONDITION", help="When a row of the labels is of the model's second class."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="Where to write; below the job's runs by default.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> int:
    """Report how a range of nights drifted: a page, history.parquet with every number, trend.json."""
    from pipelines.drift_range import RangeOptions, report_range  # noqa: PLC0415

    return report_range(job, first, last, RangeOptions(output, labels, truth, show))


@app.command(epilog="Example: nightscore report flights --date 2013-12-17 --open")
def report(
    job: JobPath,
    date: RunDate,
    *,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="The run; the date's latest by default.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> int:
    """Render a run's report anew from its JSON files and print where it is."""
    from pipelines.rendering import render_again  # noqa: PLC0415

    return render_again(job, date, run_id, show=show)


@app.command(epilog="Example: nightscore release flights --date 2013-12-31 --reason 'feed outage is known'")
def release(
    job: JobPath,
    date: RunDate,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it may be published all the same; kept in the manifest.")
    ],
    *,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="The held run; the date's latest by default.")
    ] = None,
) -> int:
    """Publish exactly the parts that a held run staged."""
    from pipelines.releasing import release_run  # noqa: PLC0415

    return release_run(job, date, run_id, reason)


@app.command(epilog="Example: nightscore init churn --model churn.ubj --train train/*.parquet --key customer_id")
def init(  # noqa: PLR0913  # one parameter an option
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; must not exist or be empty.")],
    train: Annotated[list[Path] | None, typer.Argument(metavar="PARQUET...", help="More training files.")] = None,
    *,
    model: Annotated[Path, typer.Option("--model", metavar="FILE", help="The trained model: .ubj, .json or .joblib.")],
    train_file: Annotated[
        list[Path], typer.Option("--train", metavar="PARQUET", help="Training data: files or folders.")
    ],
    key: Annotated[list[str] | None, typer.Option("--key", help="Column that names a row; may be repeated.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Column of the training data that scoring has not.")
    ] = None,
    allow_pickle: Annotated[bool, typer.Option(help="Load a .joblib file, which can run any code.")] = False,
) -> int:
    """Make a whole job folder for a model: contract, card, suggested suite, reference profile, job.yaml."""
    from pipelines.initialising import InitOptions, init_job  # noqa: PLC0415

    if not train_file:
        message = "--train: give at least one Parquet file or folder"
        raise ConfigError(message, code="no_training_data")
    options = InitOptions(
        model=model,
        training=(*train_file, *(train or ())),
        keys=tuple(key or ()),
        labels=tuple(label or ()),
        allow_pickle=allow_pickle,
    )
    init_job(folder, options)
    return ExitCode.PUBLISHED

"""The runner and its options: the local runner without a listener by default, and no flag that Beam would not know."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.internal import cloudpickle_pickler
from apache_beam.internal.cloudpickle.cloudpickle import get_relative_path
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.early_workers import WORKER_COMMAND
from pipelines.local_processes import Processes
from schemas.errors import ConfigError

#: What Beam's validation of options begins with.
_HEADLINE = "Pipeline has validations errors:"
#: Characters of a value that is hidden wherever it stands; a shorter one may be a word of Beam's own.
_SHORTEST = 4


def local_pipeline(processes: Processes, flags: Sequence[str] = ()) -> beam.Pipeline:
    """A pipeline for the local runner with so many worker processes, or in this process.

    The local runner is FnApiRunner itself: Beam's DirectRunner first tries to download another one. Raises ConfigError
    for a flag that Beam does not know; its value is not repeated, since it may be a secret.
    """
    refuse_unknown(flags)
    environment = None
    if processes.workers:
        environment = SubprocessSDKEnvironment.from_command_string(WORKER_COMMAND)
    workers = f"--direct_num_workers={max(processes.workers, 1)}"
    options = PipelineOptions(["--direct_running_mode=in_memory", workers, *flags])
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment), options=options)


def engine_pipeline(flags: Sequence[str]) -> beam.Pipeline:
    """A pipeline for the engine that the flags name.

    Raises ConfigError for a flag that Beam does not know, for a template, and with Beam's own words for values that it
    refuses; the values are not repeated.
    """
    refuse_unknown(flags)
    options = PipelineOptions(list(flags))
    if options.view_as(GoogleCloudOptions).template_location is not None:
        message = (
            "--template_location: nobody would wait for the template's job, judge what it scored and publish it. "
            "Nothing was started. docs/dataflow.md tells how a flex template runs a whole night."
        )
        raise ConfigError(message, code="no_driver_in_template")
    # Beam pickles functions of its own by value, each with the path of its file: here without the driver's folders.
    cloudpickle_pickler.DEFAULT_CONFIG.filepath_interceptor = get_relative_path
    try:
        return beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:
        lines = _without_values(str(error).removeprefix(_HEADLINE).strip(), flags)
        message = f"Beam refuses its options, and nothing was started:\n{lines}"
        raise ConfigError(message, code="beam_options") from None


def _without_values(text: str, flags: Sequence[str]) -> str:
    """Beam's text with `***` for what the flags say, and for what Beam repeats of it in parentheses."""
    values = {flag.partition("=")[2] if flag.startswith("-") else flag for flag in flags}
    for value in sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "***", text)
    return re.sub(r"\([^()]*\)", "(***)", text)


def names_a_runner(flags: Sequence[str]) -> bool:
    """Whether the flags say which runner of Beam's is to be used."""
    return any(flag == "--runner" or flag.startswith("--runner=") for flag in flags)


def refuse_unknown(flags: Sequence[str]) -> None:
    """Raise ConfigError naming the flags that no option class of Beam has."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False, add_help=False, exit_on_error=False, conflict_handler="resolve"
    )
    for kind in _option_classes(PipelineOptions):
        if "_add_argparse_args" in vars(kind):
            add_arguments = kind._add_argparse_args  # noqa: SLF001  # the only list of them
            add_arguments(parser)
    try:
        _, unknown = parser.parse_known_args(list(flags))
    except argparse.ArgumentError as error:
        message = f"Beam option {error.argument_name or ''}: its value is not possible. Nothing was started."
        raise ConfigError(message, code="beam_option") from None
    names = [flag.partition("=")[0] for flag in unknown if flag.startswith("-")] or unknown[:0]
    if unknown:
        listed = ", ".join(names) if names else "a word that is no option"
        message = f"Beam has no such option: {listed}. Nothing was started."
        raise ConfigError(message, code="unknown_beam_option", options=names)


def _option_classes(kind: Any) -> list[Any]:
    found = [kind]
    for child in kind.__subclasses__():
        found += _option_classes(child)
    return found

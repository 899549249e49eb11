"""The night's pass as Dataflow would get it.

Beam's own Dataflow runner builds it, up to the request to Google Cloud, whose client is not installed here: a stand-in
for that one module keeps the pipeline that would be sent. As a script, this file prints the graph and its size, for a
test that wants another process.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import json
import os
import pickletools
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders.coders import Coder
from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2 as beam_proto
from apache_beam.runners.dataflow import internal
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.pipeline_utils import validate_pipeline_graph
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.ptransform import PTransform
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BytesValue

from pipelines.engines import night_pipeline
from pipelines.files import file_sha256
from pipelines.loading import load_job
from pipelines.stages.plan import make_plan
from pipelines.worker_view import WorkerView
from schemas.runners import DataflowRunner, Runners

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "dataflow_graph.json"
DATE = "2013-07-01"
WORKERS_FOLDER = "/mnt/nights/flights"
IMAGE = "europe-west4-docker.pkg.dev/my-project/nightscore/worker:0.1.0"


@dataclass(frozen=True)
class Submitted:
    """What the runner would have sent."""

    proto: Any
    options: PipelineOptions
    #: Name on the workers to the file that is staged, read while it was there.
    artifacts: dict[str, tuple[str, bytes]]

    @property
    def size(self) -> int:
        return len(self.proto.SerializeToString())


class _Job:
    def __init__(self, options: PipelineOptions, proto: Any) -> None:
        validate_pipeline_graph(proto)  # as Beam's own does
        self.options, self.proto = options, proto


@contextmanager
def _no_service() -> Iterator[None]:
    """The stand-in for Beam's client of the service, in the two places where an import looks."""
    client = ModuleType("apache_beam.runners.dataflow.internal.apiclient")
    client.__dict__.update(Job=_Job, get_container_image_from_options=_image)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, client.__name__, client)
        patch.setattr(internal, "apiclient", client, raising=False)
        yield


def _image(options: PipelineOptions) -> Any:
    return options.view_as(WorkerOptions).sdk_container_image


def submit(job: Path, date: str = DATE, job_folder: str | None = WORKERS_FOLDER) -> Submitted:
    """Build the job's pass for Dataflow as `nightscore run --runner dataflow` does."""
    profile = DataflowRunner(
        project="my-project", region="europe-west4", temp_location="gs://my-bucket/temp", image=IMAGE
    ).model_copy(update={"job_folder": job_folder, "packages": ("steps-1.0-py3-none-any.whl",)})
    (job / "steps-1.0-py3-none-any.whl").write_bytes(b"a wheel of the job's")
    runners = Runners(use="dataflow", dataflow=profile)
    loaded = load_job(job, lambda read: read.model_copy(update={"runners": runners}))
    plan = make_plan(loaded.job, loaded.contract, loaded.base, date)
    run_folder = loaded.runs / plan.partition / "20130702T040000.000000Z-abcdef"
    run_folder.mkdir(parents=True, exist_ok=True)
    view = WorkerView(loaded.spec, plan, str(run_folder))
    with _no_service(), night_pipeline(view, ["--dry_run=true"]) as pipeline:
        sent = pipeline.run().job
        return Submitted(sent.proto, sent.options, dict(_artifacts(sent.proto)))


def _artifacts(proto: Any) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for environment in proto.components.environments.values():
        for item in environment.dependencies:
            name = beam_proto.ArtifactStagingToRolePayload.FromString(item.role_payload).staged_name
            path = beam_proto.ArtifactFilePayload.FromString(item.type_payload).path
            yield name, (path, Path(path).read_bytes())


def graph(proto: Any) -> dict[str, dict[str, str]]:
    """Name of each step to its URN, name of each collection to its coder. A line number of Beam's own is no part."""
    parts = proto.components

    def coder(key: str) -> str:
        found = parts.coders[key]
        kind = found.spec.urn.removeprefix("beam:coder:").removesuffix(":v1")
        if kind == "pickled_python":  # one of Python alone: its class
            kind = BytesValue.FromString(found.spec.payload).value.partition(b"$")[0].decode()
        inner = ", ".join(coder(each) for each in found.component_coder_ids)
        return f"{kind}<{inner}>" if inner else kind

    def name(text: str) -> str:
        return re.sub(r"^\d+|(?<=\.py:)\d+", "", text)

    steps = {name(each.unique_name): each.spec.urn for each in parts.transforms.values() if each.spec.urn}
    collections = {name(each.unique_name): coder(each.coder_id) for each in parts.pcollections.values()}
    return {"steps": dict(sorted(steps.items())), "collections": dict(sorted(collections.items()))}


def said(value: Any) -> Iterator[bytes]:
    """Every text and every blob in a message, with payloads parsed and pickles opened."""
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        yield data
        yield from _unpickled(data)
    elif isinstance(value, Message):
        for field, content in value.ListFields():
            if field.name != "dependencies":  # staged files: see their own test
                yield from said(_parsed(value) or content if field.name == "payload" else content)
    elif hasattr(value, "items"):
        for pair in value.items():
            yield from said(pair)
    elif hasattr(value, "__iter__"):
        for content in value:
            yield from said(content)


def _parsed(spec: Any) -> Any:
    """The payload of a FunctionSpec whose form Beam knows."""
    for known in (PTransform._known_urns, Coder._known_urns):
        kind = known.get(getattr(spec, "urn", None), (None,))[0]
        if isinstance(kind, type) and issubclass(kind, Message):
            return kind.FromString(spec.payload)
    return None


def _unpickled(data: bytes) -> Iterator[bytes]:
    try:
        packed = base64.b64decode(data.rpartition(b"$")[2], validate=True)
        opened = bz2.decompress(packed) if packed.startswith(b"BZh") else zlib.decompress(packed)
    except (binascii.Error, zlib.error, OSError, ValueError):
        return
    yield b"PICKLE"
    for _, argument, _ in pickletools.genops(opened):
        if isinstance(argument, str | bytes):
            yield from said(argument)


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataflow") / "flights"
    shutil.copytree(ROOT / "sample_data" / "flights", folder)
    return folder


@pytest.fixture(scope="module")
def submitted(flights: Path) -> Submitted:
    return submit(flights)


def test_step_names_and_coders_are_the_golden_ones(submitted: Submitted, flights: Path) -> None:
    """Who looks at a job on Dataflow's page knows its steps by name, and what is shuffled has a coder of Beam's own."""
    found = graph(submitted.proto)
    assert found == json.loads(GOLDEN.read_text())
    assert graph(submit(flights).proto) == found


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_with_another_hash_seed_builds_the_same_graph(flights: Path, seed: str) -> None:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    printed = subprocess.run(
        [sys.executable, __file__, flights, DATE], env=environment, capture_output=True, check=True
    )
    assert json.loads(printed.stdout)["graph"] == json.loads(GOLDEN.read_text())


def test_everything_that_is_referred_to_exists(submitted: Submitted) -> None:
    parts = submitted.proto.components
    for step in parts.transforms.values():
        assert set(step.subtransforms) <= set(parts.transforms)
        assert {*step.inputs.values(), *step.outputs.values()} <= set(parts.pcollections)
        assert step.environment_id in {"", *parts.environments}
    for collection in parts.pcollections.values():
        assert collection.coder_id in parts.coders
        assert collection.windowing_strategy_id in parts.windowing_strategies
    assert set(submitted.proto.root_transform_ids) <= set(parts.transforms)


def test_the_one_environment_is_the_image(submitted: Submitted) -> None:
    (environment,) = submitted.proto.components.environments.values()
    assert environment.urn == "beam:env:docker:v1"
    assert beam_proto.DockerPayload.FromString(environment.payload).container_image == IMAGE
    assert "beam:version:sdk_base:apache/beam_python3.11_sdk:2.77.0" in environment.capabilities


def test_beam_can_read_back_every_coder_and_every_step(submitted: Submitted) -> None:
    context = PipelineContext(submitted.proto.components)
    assert all(isinstance(context.coders.get_by_id(key), Coder) for key in submitted.proto.components.coders)
    again = beam.Pipeline.from_runner_api(submitted.proto, FnApiRunner(), PipelineOptions([]))
    steps: list[str] = []

    class Names(beam.pipeline.PipelineVisitor):  # type: ignore[misc]  # Beam has no types
        def visit_transform(self, transform_node: Any) -> None:
            steps.append(transform_node.full_label)

    again.visit(Names())
    assert {"nightscore/score", "nightscore/write outcome", "nightscore/find duplicates"} <= set(steps)


def test_nothing_of_the_drivers_machine_is_in_it(submitted: Submitted, flights: Path) -> None:
    texts = list(said(submitted.proto))
    assert texts.count(b"PICKLE") > 15
    assert any(WORKERS_FOLDER.encode() in text for text in texts)
    assert b"apache_beam/transforms/core.py" in texts  # where Beam's own functions are
    local = (str(ROOT), str(flights), str(Path.home()), tempfile.gettempdir(), sys.prefix, "__main__")
    found = {name: text[:200] for name in local for text in texts if name.encode() in text}
    assert found == {}


def test_a_path_of_the_drivers_machine_would_be_found(flights: Path) -> None:
    texts = list(said(submit(flights, job_folder=None).proto))
    assert any(str(flights).encode() in text for text in texts)


def test_what_is_staged_is_our_wheel_and_those_of_the_job(submitted: Submitted) -> None:
    """No listing of the driver's environment, no pickle of its __main__."""
    own, steps = "nightscore-0.1.0-py3-none-any.whl", "steps-1.0-py3-none-any.whl"
    assert set(submitted.artifacts) == {own, steps, "extra_packages.txt"}
    assert submitted.artifacts["extra_packages.txt"][1].decode().split() == [own, steps]
    assert submitted.artifacts[steps][1] == b"a wheel of the job's"
    assert submitted.artifacts[own][1].startswith(b"PK")


def test_what_would_be_sent_scores_the_night_with_the_bytes_of_a_local_run(
    flights: Path, tmp_path: Path, job_folder: Callable[[Path], Any]
) -> None:
    """The workers' part of it, by another runner: from the pipeline's bytes alone, at the path that workers have."""
    (tmp_path / "mnt").mkdir()
    elsewhere = tmp_path / "mnt" / "flights"
    elsewhere.symlink_to(flights)
    sent = submit(flights, "2013-07-02", str(elsewhere))
    proto = beam_proto.Pipeline.FromString(sent.proto.SerializeToString())
    for environment in proto.components.environments.values():
        environment.CopyFrom(beam_proto.Environment(urn=python_urns.EMBEDDED_PYTHON))
    FnApiRunner().run_via_runner_api(proto, PipelineOptions([])).wait_until_finish()
    staged = flights.glob("runs/flight_date=2013-07-02/*/staged/*.parquet")
    local = job_folder(shutil.copytree(ROOT / "sample_data" / "flights", tmp_path / "local"))
    result = local.run("2013-07-02")
    published = (local.root / "scored" / result["partition"]).glob("*.parquet")
    assert sorted(map(file_sha256, staged)) == sorted(map(file_sha256, published)) != []


def test_it_stays_far_below_what_dataflow_takes(submitted: Submitted) -> None:
    """10 MB; test_dataflow_size.py tells what it grows with."""
    assert submitted.size < 200_000


if __name__ == "__main__":
    sent = submit(Path(sys.argv[1]), sys.argv[2])
    print(json.dumps({"graph": graph(sent.proto), "bytes": sent.size}))  # noqa: T201  # for the process that asked

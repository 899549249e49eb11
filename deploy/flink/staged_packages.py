"""What a driver staged for its workers, retrieved, checked and installed once into a folder that workers share."""

# ruff: noqa: INP001  # beside worker_pool.py, a script: no package

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_runner_api_pb2,
)

#: Beam's names, as `apache_beam.runners.portability.stager` gives them and Beam's own boot code reads them.
_MANIFEST = "extra_packages.txt"
_REQUIREMENTS = "requirements.txt"
_WORKFLOW = "workflow.tar.gz"
_SUBMITTER = (
    "submission_environment_dependencies.txt"  # what the driver's environment has: for reading, not for workers
)
#: A TaskManager that does not answer for so long holds up the workers of all others.
_ANSWER_SECONDS = 60.0


class StagingError(Exception):
    """What was staged cannot be used; the message says which file and what to do. The runner shows it to the driver."""


@dataclass(frozen=True)
class Artifact:
    """One staged file: the name that the driver gave it, and what the runner needs to hand it out."""

    name: str
    information: beam_runner_api_pb2.ArtifactInformation
    sha256: str  # empty when the runner does not tell


@dataclass(frozen=True)
class Package:
    """A prepared folder: `site` goes on PYTHONPATH, `folder/staged` holds the files themselves."""

    folder: Path

    @property
    def site(self) -> Path:
        """Where the staged wheels are installed; empty when there were none."""
        return self.folder / "site"


def prepare(
    dependencies: Iterable[beam_runner_api_pb2.ArtifactInformation],
    channel: grpc.Channel,
    worker_id: str,
    folder: Path,
) -> Package:
    """The folder with everything that was staged installed, made by the first worker that asks for it.

    Its name is a digest of the names and contents, so another job with the same wheel shares it, and a wheel that was
    built anew gets its own. It appears in one rename: a pool that is killed half way leaves a hidden folder, no half
    package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".preparing-", dir=folder))
    try:
        staged = work / "staged"
        staged.mkdir()
        digest = hashlib.sha256()
        for artifact in _resolved(dependencies, channel, worker_id):
            content = _retrieve(artifact, channel, worker_id, staged / artifact.name)
            digest.update(f"{artifact.name}\0{content}\n".encode())
        target = folder / digest.hexdigest()[:32]
        if not target.is_dir():
            _install(_packages(staged), work / "site")
            _rename(work, target)
        return Package(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _resolved(
    dependencies: Iterable[beam_runner_api_pb2.ArtifactInformation], channel: grpc.Channel, worker_id: str
) -> list[Artifact]:
    """The artifacts that workers need, by name."""
    stub = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
    response = stub.ResolveArtifacts(
        beam_artifact_api_pb2.ResolveArtifactsRequest(
            artifacts=list(dependencies), preferred_urns=[common_urns.artifact_types.FILE.urn]
        ),
        metadata=[("worker_id", worker_id)],
        timeout=_ANSWER_SECONDS,
    )
    artifacts = sorted((_artifact(each) for each in response.replacements), key=lambda each: each.name)
    return [each for each in artifacts if each.name != _SUBMITTER]


def _artifact(information: beam_runner_api_pb2.ArtifactInformation) -> Artifact:
    """The artifact with its staged name, which must be a bare file name: it is going to be written."""
    if information.role_urn != common_urns.artifact_roles.STAGING_TO.urn:
        message = f"a staged file has the role {information.role_urn!r}: stage wheels with --extra_package"
        raise StagingError(message)
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(information.role_payload)
    if not role.staged_name or role.staged_name in {".", ".."} or Path(role.staged_name).name != role.staged_name:
        message = f"a staged file is named {role.staged_name!r}: a plain file name is expected"
        raise StagingError(message)
    sha256 = ""
    if information.type_urn == common_urns.artifact_types.FILE.urn:
        sha256 = beam_runner_api_pb2.ArtifactFilePayload.FromString(information.type_payload).sha256
    return Artifact(role.staged_name, information, sha256)


def _retrieve(artifact: Artifact, channel: grpc.Channel, worker_id: str, path: Path) -> str:
    """Write the artifact to `path`; the sha256 of what came, which must be the one that was announced."""
    stub = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
    request = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact.information)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for response in stub.GetArtifact(request, metadata=[("worker_id", worker_id)], timeout=_ANSWER_SECONDS):
            digest.update(response.data)
            file.write(response.data)
    if artifact.sha256 and artifact.sha256 != digest.hexdigest():
        message = f"{artifact.name} arrived with sha256 {digest.hexdigest()}, staged was {artifact.sha256}"
        raise StagingError(message)
    return digest.hexdigest()


def _packages(staged: Path) -> list[Path]:
    """The wheels and source distributions to install, in the order of the driver's options."""
    if (staged / _REQUIREMENTS).exists():
        message = (
            "requirements.txt was staged: workers install nothing from a registry. Put the dependencies into the "
            "workers' environment beforehand (requirements.lock), and stage wheels of your own with --extra_package"
        )
        raise StagingError(message)
    manifest = staged / _MANIFEST
    names = manifest.read_text(encoding="utf-8").split("\n") if manifest.exists() else []
    packages = [staged / name.strip() for name in names if name.strip()]
    for each in packages:
        if each.parent != staged or not each.is_file():
            message = f"{_MANIFEST} names {each.name!r}, which was not staged"
            raise StagingError(message)
    workflow = staged / _WORKFLOW
    return [*packages, workflow] if workflow.exists() else packages


def _install(packages: Sequence[Path], site: Path) -> None:
    """Install the packages, and nothing that they depend on, into the folder `site`."""
    site.mkdir()
    if not packages:
        return
    command = [*_installer(), "--no-deps", "--target", str(site), *map(str, packages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own installer
    if done.returncode != 0:
        names = ", ".join(each.name for each in packages)
        message = f"could not install {names}: {(done.stderr or done.stdout).strip()[-2000:]}"
        raise StagingError(message)


def _installer() -> list[str]:
    """The command that installs into this Python: uv where there is one (it takes a tenth of the time), else pip."""
    beside = str(Path(sys.executable).parent)
    uv = shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if uv:
        return [uv, "pip", "install", "--quiet", "--no-cache", "--compile-bytecode", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    message = f"neither uv nor pip is there to install staged wheels for {sys.executable}"
    raise StagingError(message)


def _rename(work: Path, target: Path) -> None:
    """Give the finished folder its name, unless another pool was faster: then its folder has the same content."""
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():
            raise

"""The files of deploy/flink agree with the project, with each other, and with what docs/flink.md says of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
FLINK = ROOT / "deploy" / "flink"
KUBERNETES_IMAGES = ("nightscore-flink", "nightscore-worker")


def text(name: str) -> str:
    return (FLINK / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def pom_version(name: str) -> str:
    found = re.search(rf"<{name}.version>(.*)</{name}.version>", text("pom.xml"))
    assert found is not None
    return found[1]


def locked_version(name: str) -> str:
    found = re.search(rf"^{name}==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def manifest() -> dict[tuple[str, str], Any]:
    """Kind and name to the object."""
    objects = YAML(typ="safe").load_all(text("flinkdeployment.yaml"))
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def flink() -> Any:
    return manifest()["FlinkDeployment", "nightscore-flink"]["spec"]


def job_server() -> Any:
    return manifest()["Deployment", "nightscore-job-server"]["spec"]["template"]["spec"]


def container(pod: Any, name: str) -> Any:
    (found,) = [each for each in pod["containers"] if each["name"] == name]
    return found


def options_of(one: Any) -> dict[str, str]:
    """The options of a container's command, each written --NAME=VALUE."""
    return dict(word.split("=", 1) for word in one["args"])


def task_manager() -> Any:
    return flink()["taskManager"]["podTemplate"]["spec"]


def config() -> dict[str, str]:
    return {key: str(value) for key, value in YAML(typ="safe").load(text("conf/config.yaml")).items()}


def default_ports() -> dict[str, str]:
    """Name to port, as cluster.sh has them when the environment says nothing."""
    return dict(re.findall(r"\$\{FLINK_(\w+)_PORT:-(\d+)\}", text("ports.sh")))


def base_images() -> list[str]:
    """What the stages of the Dockerfile are made from, other stages left out."""
    stages = re.findall(r"^FROM (\S+) AS (\S+)", text("Dockerfile"), re.MULTILINE)
    return [image for image, _ in stages]


# ---------------------------------------------------------------------------------------------------------- versions


def test_every_jar_of_the_pom_is_listed_once_with_its_digest() -> None:
    lines = [line.split("  ") for line in text("jars.sha256").splitlines()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) and name.endswith(".jar") for digest, name in lines)
    names = [name for _, name in lines]
    assert names == sorted(set(names))
    flinks = [name for name in names if re.fullmatch(r"flink-(core|runtime|clients|java|streaming-java)-.*", name)]
    assert {name.rpartition("-")[2] for name in flinks} == {f"{pom_version('flink')}.jar"}
    assert f"beam-runners-flink-{flink_minor()}-{pom_version('beam')}.jar" in names
    assert f"beam-runners-java-job-service-{pom_version('beam.job-service')}.jar" in names


def flink_minor() -> str:
    return ".".join(pom_version("flink").split(".")[:2])


def test_the_runner_in_the_pom_is_the_one_for_its_flink() -> None:
    artifacts = re.findall(r"<artifactId>beam-runners-flink-([\d.]+)</artifactId>", text("pom.xml"))
    assert artifacts == [flink_minor()]


def test_the_images_have_the_versions_of_pom_and_project() -> None:
    python = locked_python()
    assert base_images()[1:] == [
        f"flink:{pom_version('flink')}-java17",
        *[image for image in base_images() if image.startswith("python:")],
    ]
    pythons = {Version(image.removeprefix("python:").split("-")[0]) for image in base_images()[2:]}
    assert {f"{each.major}.{each.minor}" for each in pythons} == {python}
    assert all(each in SpecifierSet(project()["requires-python"]) for each in pythons)
    assert flink()["flinkVersion"] == f"v{flink_minor().replace('.', '_')}"


def locked_python() -> str:
    """The Python that the lock was compiled for."""
    found = re.search(r"--python-version (\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def test_every_image_is_pinned() -> None:
    ours = [flink()["image"], container(task_manager(), "worker-pool")["image"], job_server()["containers"][0]["image"]]
    assert {image.rpartition("/")[2] for image in ours} == {
        f"{name}:{project()['version']}" for name in KUBERNETES_IMAGES
    }
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in base_images())


def test_the_docs_tell_the_versions_that_are_used() -> None:
    docs = (ROOT / "docs" / "flink.md").read_text(encoding="utf-8")
    for version in (
        f"Flink {pom_version('flink')}",
        f"Beam {pom_version('beam')}",
        f"apache-beam {locked_version('apache-beam')}",
        f"Python {locked_python()}",
    ):
        assert version in docs


# ------------------------------------------------------------------------------------------------------------- wheel


def copied_for_the_wheel() -> list[str]:
    """What the Dockerfile copies into the folder where it builds the wheel."""
    stage = text("Dockerfile").split("FROM ")[3]
    assert "python -m build --wheel" in stage
    return [word for line in re.findall(r"^COPY (.+) \S+$", stage, re.MULTILINE) for word in line.split()]


def wheel_of(source: Path, target: Path) -> dict[str, bytes]:
    """Name to content of what is in the wheel of a folder."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def test_the_image_builds_the_wheel_that_the_project_builds(tmp_path: Path) -> None:
    for name in copied_for_the_wheel():
        target = tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    ours = wheel_of(ROOT, tmp_path / "ours")
    assert any(name.startswith("pipelines/templates/") for name in ours)
    assert wheel_of(tmp_path / "source", tmp_path / "images") == ours


def test_docker_may_see_what_the_dockerfile_copies() -> None:
    seen = {line.removeprefix("!") for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    for source in (word.rstrip("/") for line in copies for word in line.split()):
        assert source.split("/")[0] in seen
        assert (ROOT / source).exists()


def test_the_environment_of_the_image_is_the_lock_with_its_hashes() -> None:
    (install,) = re.findall(r"pip install .*--requirement (\S+)", text("Dockerfile"))
    assert install == "requirements.lock"
    assert "--require-hashes --requirement requirements.lock" in text("Dockerfile")


def test_the_image_has_every_file_of_the_worker_pool() -> None:
    stage = text("Dockerfile").split("AS worker\n")[1]
    copied = set(re.findall(r"deploy/flink/(\S+\.py)", stage))
    assert copied == {each.name for each in FLINK.glob("*.py")}


def test_workers_are_nobody_special() -> None:
    assert re.findall(r"^USER (.+)$", text("Dockerfile"), re.MULTILINE) == ["10001:10001"]
    pool = container(task_manager(), "worker-pool")["securityContext"]
    assert pool["runAsUser"] == 10001
    assert (pool["allowPrivilegeEscalation"], pool["readOnlyRootFilesystem"]) == (False, True)
    for pod in (flink()["podTemplate"]["spec"], job_server()):
        assert pod["securityContext"]["runAsNonRoot"] is True


# ------------------------------------------------------------------------------------------------------------- ports


def test_the_head_of_the_script_tells_its_ports() -> None:
    told = dict(re.findall(r"^#   FLINK_(\w+)_PORT (\d+)", text("cluster.sh"), re.MULTILINE))
    assert told == default_ports()
    assert len(told) == 7


def test_the_manifest_has_the_ports_of_the_script() -> None:
    ports = default_ports()
    assert flink()["flinkConfiguration"]["rest.port"] == ports["REST"]
    pool = options_of(container(task_manager(), "worker-pool"))
    assert pool["--port"] == ports["WORKER_POOL"]
    options = options_of(job_server()["containers"][0])
    assert pool["--flink-master"] == options["--flink-master"]
    assert options["--job-port"] == ports["JOB"]
    assert options["--artifact-port"] == ports["ARTIFACT"]
    assert options["--expansion-port"] == ports["EXPANSION"]
    assert options["--flink-master"].endswith(f":{ports['REST']}")
    service = manifest()["Service", "nightscore-job-server"]["spec"]
    assert [str(each["port"]) for each in service["ports"]] == [ports["JOB"], ports["ARTIFACT"]]
    assert options["--job-host"] == "nightscore-job-server"


def test_the_docs_have_the_ports_of_the_script() -> None:
    docs = (ROOT / "docs" / "flink.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `FLINK_(\w+)_PORT` \| (\d+) \|", docs, re.MULTILINE))
    assert rows == default_ports()


def test_only_the_cluster_the_job_server_and_drivers_reach_a_port() -> None:
    policies = {name: each["spec"] for (kind, name), each in manifest().items() if kind == "NetworkPolicy"}
    ports = default_ports()
    selected = {name: each["podSelector"]["matchLabels"]["app"] for name, each in policies.items()}
    assert selected == {"nightscore-flink": "nightscore-flink", "nightscore-job-server": "nightscore-job-server"}
    labels = manifest()["Deployment", "nightscore-job-server"]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "nightscore-job-server"}
    among, others = policies["nightscore-flink"]["ingress"]
    assert among["from"] == [{"podSelector": {"matchLabels": {"app": "nightscore-flink"}}}]
    assert [str(each["port"]) for each in others["ports"]] == [ports["REST"]]
    (drivers,) = policies["nightscore-job-server"]["ingress"]
    assert drivers["from"] == [{"podSelector": {"matchLabels": {"nightscore-role": "driver"}}}]


# ---------------------------------------------------------------------------------------------------------- settings


def test_a_restart_is_the_same_here_and_on_kubernetes() -> None:
    there = flink()["flinkConfiguration"]
    shared = [
        key for key in config() if key.startswith(("heartbeat.", "restart-strategy.", "pekko.", "jobmanager.exec"))
    ]
    assert len(shared) == 7
    assert {key: there[key] for key in shared} == {key: config()[key] for key in shared}


def test_workers_are_forgotten_before_a_job_starts_again() -> None:
    (millis,) = set(re.findall(r"environment_cache_millis, (\d+)", text("conf/config.yaml")))
    seconds = int(config()["restart-strategy.fixed-delay.delay"].removesuffix(" s"))
    assert int(millis) < 1000 * seconds


def test_a_task_manager_has_one_slot_and_its_own_pool() -> None:
    assert (
        config()["taskmanager.numberOfTaskSlots"]
        == flink()["flinkConfiguration"]["taskmanager.numberOfTaskSlots"]
        == "1"
    )
    assert [each["name"] for each in task_manager()["containers"]] == ["flink-main-container", "worker-pool"]
    assert options_of(container(task_manager(), "worker-pool"))["--host"] == "127.0.0.1"


def test_everybody_sees_the_nights_under_one_path() -> None:
    containers = [*task_manager()["containers"], *job_server()["containers"]]
    paths = [mount["mountPath"] for each in containers for mount in each["volumeMounts"] if mount["name"] == "nights"]
    assert paths == ["/nights"] * 3
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for pod in (task_manager(), job_server())
        for volume in pod["volumes"]
        if volume["name"] == "nights"
    ]
    assert claims == ["nightscore-nights"] * 2
    assert manifest()["PersistentVolumeClaim", "nightscore-nights"]["spec"]["accessModes"] == ["ReadWriteMany"]
    options = options_of(job_server()["containers"][0])
    assert Path(options["--artifacts-dir"]).is_relative_to("/nights")


def test_java_is_opened_in_the_image_as_on_this_machine() -> None:
    (listed,) = re.findall(r"opened_packages=\(([^)]*)\)", text("members.sh"))
    wanted = {f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in listed.split()}
    assert set(re.findall(r"--add-opens=\S+=ALL-UNNAMED", text("Dockerfile"))) == wanted
    assert set(re.findall(r"--add-exports=\S+=ALL-UNNAMED", text("Dockerfile"))) == set(
        re.findall(r"--add-exports=\S+=ALL-UNNAMED", text("members.sh"))
    )


@pytest.mark.parametrize(
    "name", ["jars.sh", "ports.sh", "processes.sh", "members.sh", "pom.xml", "flinkdeployment.yaml"]
)
def test_no_registry_is_named(name: str) -> None:
    hosts = set(re.findall(r"https?://([^/\s\"'>]+)", text(name))) - {"maven.apache.org"}
    assert hosts == set()

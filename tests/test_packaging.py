from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "transforms", "schemas", "data_checks")
IMPORT_NAMES = {
    "great-expectations": "great_expectations",
    "apache-beam": "apache_beam",
    "python-dateutil": "dateutil",
    "scikit-learn": "sklearn",
    "vl-convert-python": "vl_convert",
    "xgboost-cpu": "xgboost",
}


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def runtime_requirements() -> list[Requirement]:
    """What this platform needs at run time."""
    requirements = [Requirement(line) for line in project()["dependencies"]]
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


def lock_entries(text: str) -> list[str]:
    """One logical line per locked distribution, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [entry for entry in "\n".join(lines).replace("\\\n", " ").splitlines() if entry.strip()]


def locked_versions(text: str) -> dict[str, str]:
    """The version of each distribution that the lock installs on this platform."""
    requirements = [Requirement(entry.split("--hash")[0]) for entry in lock_entries(text)]
    here = [each for each in requirements if each.marker is None or each.marker.evaluate()]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in here}


def without_hash(text: str) -> list[str]:
    return [entry for entry in lock_entries(text) if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)]


def places_named(text: str) -> list[str]:
    """What ties a lock to a registry or a machine: addresses, index options, absolute and home paths."""
    return re.findall(r"https?://\S+|--(?:extra-)?index-url\S*|--find-links\S*|file:\S+|(?<![\w.])[/~]\w\S*", text)


def other_owners(name: str) -> set[str]:
    """The distributions beside nightscore that bring a top-level package of that name.

    An editable install lists no packages, so nightscore may be missing here; another owner never is.
    """
    return set(importlib.metadata.packages_distributions().get(name, ())) - {"nightscore"}


def install_folder() -> Path:
    """Where the installed nightscore keeps its packages: the sources when editable, else site-packages."""
    distribution = importlib.metadata.distribution("nightscore")
    direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(direct["url"]).path)).resolve()
    return Path(str(distribution.locate_file(""))).resolve()


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_name_belongs_to_nightscore_alone(name: str) -> None:
    assert other_owners(name) == set()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_imported_from_the_installed_nightscore(name: str) -> None:
    origin = importlib.import_module(name).__file__
    assert origin is not None, f"{name} is a namespace package: some folder of that name, not ours"
    assert Path(origin).resolve() == install_folder() / name / "__init__.py"


def test_another_owner_of_a_package_name_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intruder = tmp_path / "intruder-1.0.dist-info"
    intruder.mkdir()
    (intruder / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n", encoding="utf-8")
    (intruder / "top_level.txt").write_text("schemas\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert other_owners("schemas") == {"intruder"}


def test_the_wheel_takes_the_four_packages_and_nothing_else() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tuple(tools["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES


def test_the_console_script_starts_the_command_line() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="nightscore")
    assert script.value == "pipelines.__main__:main"
    assert callable(script.load())


def test_the_installed_version_is_that_of_pyproject() -> None:
    assert importlib.metadata.version("nightscore") == project()["version"]


@pytest.mark.parametrize("requirement", runtime_requirements(), ids=lambda each: each.name)
def test_a_runtime_dependency_is_importable_at_its_locked_version(requirement: Requirement, lock: str) -> None:
    importlib.import_module(IMPORT_NAMES.get(requirement.name, requirement.name))
    assert importlib.metadata.version(requirement.name) == locked_versions(lock)[canonicalize_name(requirement.name)]


def test_the_lock_satisfies_pyproject(lock: str) -> None:
    versions = locked_versions(lock)
    wanted = runtime_requirements() + [Requirement(line) for line in project()["optional-dependencies"]["dev"]]
    outside = [str(each) for each in wanted if not each.specifier.contains(versions[canonicalize_name(each.name)])]
    assert outside == [], "compile requirements.lock again (CONTRIBUTING.md)"


def test_every_lock_entry_has_a_hash(lock: str) -> None:
    assert len(lock_entries(lock)) > len(runtime_requirements())
    assert without_hash(lock) == []


def test_a_lock_entry_without_a_hash_is_noticed() -> None:
    hashed = f"a==1 \\\n    --hash=sha256:{'0' * 64}\n    # via nightscore\n"
    assert without_hash(hashed + "b==2 ; sys_platform == 'linux'\n") == ["b==2 ; sys_platform == 'linux'"]


def test_the_lock_names_no_registry_and_no_machine(lock: str) -> None:
    assert places_named(lock) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://registry.example/simple",
        "a @ file:///home/me/a.whl",
        "--find-links=wheels",
        "#  -o /home/me/x.lock",
    ],
)
def test_a_place_named_in_the_lock_is_noticed(line: str) -> None:
    assert places_named(f"a==1 \\\n{line}\n") != []


def test_no_test_folder_is_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []

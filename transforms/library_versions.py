"""The versions of the libraries that a model was written with, against those that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

#: One import package, several distributions: xgboost-cpu is xgboost without CUDA.
_DISTRIBUTIONS = {"xgboost": ("xgboost", "xgboost-cpu"), "sklearn": ("scikit-learn",)}


@dataclass(frozen=True)
class Mismatch:
    """A library whose installed version is not the model's."""

    library: str
    wanted: str
    #: None: not installed at all.
    installed: str | None

    def __str__(self) -> str:
        return f"{self.library}: the model was written with {self.wanted}, and {self.installed or 'none'} is installed"


def installed_version(library: str) -> str | None:
    """The version of a library by its distribution's name; None where it is not installed."""
    return next(iter(installed_distributions(library).values()), None)


def installed_distributions(library: str) -> dict[str, str]:
    """Version by name, of the distributions of a library that are installed."""
    found = {}
    for distribution in _DISTRIBUTIONS.get(library, (library,)):
        try:
            found[distribution] = version(distribution)
        except PackageNotFoundError:
            continue
    return found


def version_mismatches(libraries: Mapping[str, str]) -> list[Mismatch]:
    """The libraries of a model card that are installed in another version, or not at all."""
    found = [Mismatch(name, wanted, installed_version(name)) for name, wanted in sorted(libraries.items())]
    return [item for item in found if item.wanted != item.installed]

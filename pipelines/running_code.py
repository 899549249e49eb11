"""The code that makes a run's results: a worker must run the driver's, or the bytes could be others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pipelines.code_digest import code_digest, code_version, source_digest
from schemas.errors import ConfigError
from transforms.library_versions import installed_distributions

#: Libraries in which a value or a file is made.
_LIBRARIES = ("numpy", "pyarrow", "pandas", "scipy", "scikit-learn", "xgboost")


@dataclass(frozen=True)
class RunningCode:
    """What runs in one process."""

    #: `code_digest` of nightscore.
    own: str
    #: `source_digest` of each top-level package of the job's own steps.
    steps: Mapping[str, str]
    #: Version of each library; one that is not installed is not among them.
    libraries: Mapping[str, str]

    @classmethod
    def here(cls, packages: Iterable[str]) -> Self:
        """This process's. `packages` are the top-level ones of the job's own steps."""
        return cls(code_digest(), {name: source_digest(name) for name in packages}, library_versions())

    def refuse_other(self, driver: RunningCode) -> None:
        """Raise ConfigError where this, a worker's, is not the driver's."""
        if self.own != driver.own:
            message = (
                f"a worker runs other code (nightscore {code_version()}, digest {self.own[:12]}) than the driver "
                f"(digest {driver.own[:12]}), so its results could differ. Restart the workers, or install the "
                "driver's wheel there."
            )
            raise ConfigError(message, code="other_code", worker=self.own, driver=driver.own)
        for package, there in driver.steps.items():
            here = self.steps.get(package, "")
            if here != there:
                message = (
                    f"a worker's sources of '{package}', which the job's own steps are of, are not the driver's "
                    f"(digest {here[:12] or 'none'}, the driver's {there[:12] or 'none'}), so its results could "
                    "differ. Build the wheel anew and install it for the driver, too."
                )
                raise ConfigError(message, code="other_steps", package=package, worker=here, driver=there)
        for library, there in driver.libraries.items():
            here = self.libraries.get(library, "")
            if here != there:
                message = (
                    f"a worker has {library} {here or 'not installed'}, the driver {there}, so the bytes of its files "
                    "could differ. Install the same version on both sides: requirements.lock has them."
                )
                raise ConfigError(message, code="other_libraries", library=library, worker=here, driver=there)


#: The drivers, as text, whose code this process is known to run.
_same: set[str] = set()


def require_same(driver: RunningCode) -> None:
    """Raise ConfigError in a worker that does not run the driver's code. It looks once in each process."""
    if repr(driver) not in _same:
        RunningCode.here(driver.steps).refuse_other(driver)
        _same.add(repr(driver))


def library_versions() -> dict[str, str]:
    """Version by library, of those that are installed; of two distributions of one library both, by name."""
    found = {}
    for library in _LIBRARIES:
        installed = installed_distributions(library)
        if len(installed) > 1:  # they overwrite each other's files: nobody knows which one runs
            found[library] = " and ".join(f"{name} {number}" for name, number in installed.items())
        elif installed:
            (found[library],) = installed.values()
    return found

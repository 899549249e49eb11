"""What one dimension of scale has to offer to the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scale.tables import Table

#: What is measured in a process of its own, as JSON-compatible arguments.
Case = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A case with what it gave."""

    case: Case
    #: JSON-compatible, as `Dimension.run` returned it.
    values: dict[str, Any]
    #: Of the case's whole process, imports included: CPU seconds and the peak of PSS.
    cpu: float
    peak_mb: float


@dataclass(frozen=True)
class Dimension:
    """Something that grows."""

    name: str
    what: str
    cases: Sequence[Case]
    #: Makes what a case needs below the folder, where it is missing; not measured.
    prepare: Callable[[Path, Case], None]
    #: Runs in a process of its own.
    run: Callable[[Path, Case], dict[str, Any]]
    tables: Callable[[Sequence[Found]], Sequence[Table]]

"""What the stages of one process cost: CPU seconds, and how far memory rose above where the stage began. Linux."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
#: Written to clear_refs, it sets the peak of the resident size to what is resident now.
_FORGET_PEAK = "5"


@dataclass
class StageCost:
    """Of one stage, or of all calls of one function."""

    cpu: float = 0.0
    calls: int = 0
    #: Megabytes of the largest rise; 0 for functions, whose calls may be nested.
    rise_mb: float = 0.0


@dataclass
class StageCosts:
    """By name, in the order in which they began."""

    found: dict[str, StageCost] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The cost of the block. Blocks with memory must not be nested."""
        before = _kilobytes("VmRSS")
        _CLEAR.write_text(_FORGET_PEAK)
        with self._cpu(name) as cost:
            yield
        cost.rise_mb = max(cost.rise_mb, (_kilobytes("VmHWM") - before) / 1024)

    def time_calls(self, owner: Any, attribute: str, name: str) -> None:
        """From now on the calls of that function are added up under the name."""
        function = getattr(owner, attribute)

        @wraps(function)
        def timed(*positional: Any, **named: Any) -> Any:
            with self._cpu(name):
                return function(*positional, **named)

        setattr(owner, attribute, timed)

    @contextmanager
    def _cpu(self, name: str) -> Iterator[StageCost]:
        cost = self.found.setdefault(name, StageCost())
        cost.calls += 1
        started = time.process_time()
        try:
            yield cost
        finally:
            cost.cpu += time.process_time() - started

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {name: vars(cost) for name, cost in self.found.items()}


def _kilobytes(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1])

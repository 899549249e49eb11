from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.plan import InputFile, Span
from transforms.parquet_footer import read_footer


@pytest.fixture
def spans_of() -> Callable[[Path], list[Span]]:
    """The row groups of a file, as a plan made now would name them."""

    def spans(path: Path) -> list[Span]:
        footer = read_footer(path)
        identity = (footer.bytes, footer.mtime_ns, footer.digest)
        file = InputFile(0, str(path), path.name, *identity, footer.row_group_rows)
        first_rows = [sum(footer.row_group_rows[:group]) for group in range(len(footer.row_group_rows))]
        return [Span(file, group, first) for group, first in enumerate(first_rows)]

    return spans

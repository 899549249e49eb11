"""What scoring asks of a model, whichever library it is from."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.column_values import Mask

#: Shape (rows,) or (rows, width), float32 or float64.
Scores = npt.NDArray[np.floating[Any]]


class Adapter(Protocol):
    """A parsed model. Safe to call from several threads; holds nothing that grows."""

    #: Numbers that the model gives for each row: 1, or one a class.
    width: int

    def inputs(self, features: pa.RecordBatch) -> Any:
        """What `raw_scores` wants, made of a chain's features: a matrix, or a pandas DataFrame."""
        ...

    def infinite_rows(self, inputs: Any) -> Mask | None:
        """Shape (rows,), True where a number is infinite to the model; None when none is."""
        ...

    def raw_scores(self, inputs: Any) -> Scores:
        """What the model says, unchecked. May raise anything."""
        ...

    def set_threads(self, threads: int) -> None:
        """How many threads the model may use from now on; the scores do not depend on it."""
        ...


def first_line(error: BaseException) -> str:
    """The type and first line of an error, cut to 200 characters."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200].rstrip(": ")

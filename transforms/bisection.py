"""Finding the rows that a model refuses, when it refuses a whole batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from schemas.errors import ModelError
from transforms.adapter import Scores, first_line

#: So many refused rows before any is scored make us ask as many rows all over the batch whether the model works.
SUSPICIOUS_ROWS = 16
#: More refused rows in a batch are not single bad rows any more, and each costs about 2 log2(rows) calls.
MAX_REFUSED_ROWS = 1_000

#: Scores of the rows [start, stop) of the batch.
ScoreRange = Callable[[int, int], Scores]


@dataclass
class Bisection:
    """Halves a refused batch until every row has either scores or an error.

    A model that refuses every row of a batch of two or more with the same error is broken: ModelError, since no row
    is to blame. The calls depend on the batch and the model alone, so the same batch gives the same scores again; they
    may differ from those of one whole call in the last digit, because BLAS adds in another order for other shapes.
    """

    score: ScoreRange
    rows: int
    #: (first row, scores), by row.
    pieces: list[tuple[int, Scores]] = field(default_factory=list)
    #: Row number to the error's type and first line.
    errors: dict[int, str] = field(default_factory=dict)

    def run(self, error: Exception) -> None:
        """Fill `pieces` and `errors`, after a call on the whole batch raised `error`. Raises ModelError."""
        if self.rows == 1:
            self.errors[0] = first_line(error)
            return
        self._split(0, self.rows)
        if not self.pieces and len(set(self.errors.values())) == 1:
            raise self._broken(self.errors[0], self.rows)

    def _split(self, start: int, stop: int) -> None:
        """Score the halves of a refused range."""
        middle = (start + stop) // 2
        left_is_good = self._try(start, middle)
        if left_is_good and stop - middle > 1:
            self._split(middle, stop)  # the bad row must be here: asking for the whole half would tell nothing
        else:
            self._try(middle, stop)

    def _try(self, start: int, stop: int) -> bool:
        try:
            self.pieces.append((start, self.score(start, stop)))
        except (ModelError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # a model may raise anything
            if stop - start == 1:
                self._refuse(start, error)
            else:
                self._split(start, stop)
            return False
        return True

    def _refuse(self, row: int, error: Exception) -> None:
        self.errors[row] = first_line(error)
        if len(self.errors) == SUSPICIOUS_ROWS and not self.pieces:
            self._ask_around()
        if len(self.errors) > MAX_REFUSED_ROWS:
            message = (
                f"the model refuses more than {MAX_REFUSED_ROWS:,} rows of a batch of {self.rows:,}, the last with "
                f"{self.errors[row]}; a rule of the suite should set such rows aside before they are scored"
            )
            raise ModelError(message, code="too_many_refused_rows", rows=self.rows)

    def _ask_around(self) -> None:
        """Raises ModelError when rows all over the batch are refused with the same error."""
        found: set[str] = set()
        for row in np.linspace(0, self.rows - 1, SUSPICIOUS_ROWS).astype(int).tolist():
            try:
                self.score(row, row + 1)
            except ModelError:
                raise
            except Exception as error:  # noqa: BLE001  # a model may raise anything
                found.add(first_line(error))
            else:
                return
        if len(found) == 1:
            raise self._broken(found.pop(), SUSPICIOUS_ROWS)

    def _broken(self, error: str, rows: int) -> ModelError:
        message = f"the model fails on every one of {rows:,} rows of a batch of {self.rows:,}, always with {error}"
        return ModelError(message, code="model_broken", rows=self.rows)

"""Rows of one batch that break a rule, with what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

#: fail: the run stops with a RowError; quarantine: set aside with the reason and the values; drop: counted only.
Outcome = Literal["fail", "quarantine", "drop"]


@dataclass(frozen=True)
class Breach:
    """The rows of a batch that one rule sets aside."""

    #: Id of the rule: an expectation's, or `schema:<column>`, `feature:<name>`, `model:<name>`.
    rule: str
    column: str | None
    #: One short stable word: type_error, null, unexpected_value, unknown_category, missing_value, model_error,
    #: infinite_value, non_finite_score.
    reason: str
    outcome: Outcome
    #: Shape (rows,), bool: True where the row breaks the rule.
    mask: npt.NDArray[np.bool_]
    #: Row number in the batch to a text about it, such as the value that does not fit the type.
    details: Mapping[int, str] = field(default_factory=dict)

"""What a peer is asked to do: the night's files, the model, its features, and where the scores go.

Every peer is a script of its own that imports only this and what its own environment has. It reads the same Parquet
files as nightscore, and writes one folder of Parquet files with the key and a float32 column `score`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCORE = "score"


@dataclass(frozen=True)
class NightTask:
    """The task, as whole_job wrote it down."""

    #: The night's files in order; `folder` holds nothing else.
    folder: str
    files: list[str]
    model: str
    key: str
    #: The model's features in its order.
    features: list[str]
    #: Of those that are texts, their categories: the model was trained on a text's place in this list, NaN if missing.
    texts: dict[str, list[str]]
    #: An empty folder for the scores.
    scores: str
    #: Cores that may be used.
    cores: int
    #: A Great Expectations suite, and the training rows that drift is measured against.
    suite: str
    training: str
    #: An empty folder for reports.
    reports: str

    @property
    def columns(self) -> list[str]:
        """The key and the features."""
        return [self.key, *self.features]


def read_task() -> NightTask:
    """The task in the file that the command line names first."""
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    return NightTask(**found)

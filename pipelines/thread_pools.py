"""Thread pools that would only be started, never used."""

from __future__ import annotations

import os


def without_blas_pool() -> None:
    """Let BLAS start no threads, unless the environment says how many. Call it before NumPy is imported.

    Models that use BLAS are held to one thread, since the order of sums would change their last digits; the pool alone
    costs a fifth of a second of CPU at every start.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

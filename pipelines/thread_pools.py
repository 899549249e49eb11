"""Thread pools that would only be started, never used, or that several processes would start on the same cores."""

from __future__ import annotations

import os

#: Each library reads its own when it is loaded. OMP_NUM_THREADS is that of XGBoost, scikit-learn and Arrow's CPU pool.
_POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def without_blas_pool() -> None:
    """Let BLAS start no threads, unless the environment says how many. Call it before NumPy is imported.

    Models that use BLAS are held to one thread, since the order of sums would change their last digits; the pool alone
    costs a fifth of a second of CPU at every start.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def one_thread() -> None:
    """Let no library start threads to compute with. For a worker process, before NumPy is imported.

    There are as many workers as cores: with a pool in each they would only take them from one another. What the
    environment says is meant for one process, so it does not count here.
    """
    os.environ.update(dict.fromkeys(_POOLS, "1"))

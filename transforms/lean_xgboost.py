"""Importing xgboost without scikit-learn.

`import xgboost` imports scikit-learn and pandas for its estimator classes, which scoring never touches: measured 1.7
CPU seconds and 190 MB, against 0.5 seconds and 59 MB without. xgboost works without scikit-learn by design (it is an
optional dependency), so we import it while scikit-learn is out of sight. The price is that `xgboost.XGBClassifier` of
that process refuses to work. Whoever needs it (a pickled pipeline may hold one) calls `forget_lean_xgboost` first.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

_lock = threading.Lock()
#: Lean copies stay alive: the C library keeps calling back into the copy that was imported last.
_lean: list[ModuleType] = []


def import_xgboost() -> ModuleType:
    """The module xgboost; without scikit-learn where neither of them is imported yet."""
    with _lock:
        if "xgboost" in sys.modules or "sklearn" in sys.modules:
            return importlib.import_module("xgboost")
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # None is how Python marks what must not be found
        try:
            module = importlib.import_module("xgboost")
        finally:
            del sys.modules["sklearn"]
        _lean.append(module)
        return module


def forget_lean_xgboost() -> None:
    """Make the next `import xgboost` of anyone the whole package. Boosters of the lean copy keep working."""
    with _lock:
        current = sys.modules.get("xgboost")
        if current is not None and any(current is module for module in _lean):
            for name in [name for name in sys.modules if name == "xgboost" or name.startswith("xgboost.")]:
                del sys.modules[name]

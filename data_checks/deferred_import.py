"""Modules that a library imports at its top and hardly ever uses, loaded when they are first used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

#: What Great Expectations imports and judging does not use: scipy.stats is for divergences, altair draws its charts.
#: They cost about 1 and 0.5 CPU seconds.
_UNUSED_BY_JUDGING = ("scipy.stats", "altair")
_lock = threading.RLock()


def defer_for_great_expectations() -> None:
    """Before Great Expectations is imported: let it load only at the first use what judging does without."""
    for name in _UNUSED_BY_JUDGING:
        defer_import(name)


def defer_import(name: str) -> None:
    """Let an import of that module give a stand-in, which loads the module at the first use of anything in it.

    Does nothing where it is loaded already or not installed. The standard library's LazyLoader would load it at each
    `import name`, which looks into the module for its state.
    """
    with _lock:
        if name in sys.modules:
            return
        parent, _, child = name.rpartition(".")
        spec = importlib.util.find_spec(name)  # imports the parent
        if spec is None or spec.loader is None:
            return
        stand_in = _Deferred(name)
        # What Python's own looks at loaded modules ask for, without anybody using them.
        stand_in.__spec__, stand_in.__file__, stand_in.__loader__ = spec, spec.origin, spec.loader
        sys.modules[name] = stand_in
        if parent:
            setattr(sys.modules[parent], child, stand_in)


class _Deferred(ModuleType):
    """A module that is not loaded yet; afterwards it has all that the module has."""

    def __getattr__(self, attribute: str) -> Any:
        with _lock:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            module = importlib.import_module(self.__name__)
            vars(self).update(vars(module))
        return getattr(module, attribute)

"""Modules that a library imports at its top and hardly ever uses, loaded when they are first used."""

from __future__ import annotations

import importlib.util
import sys


def defer_import(name: str) -> None:
    """Let `from parent import child` of a module called `parent.child` load it only at the first use of anything in it.

    (The form `import parent.child` looks into the module, and so loads it.) Does nothing where it is loaded already or
    not installed. The standard library's LazyLoader does the work; its first use is not safe in several threads at once
    before Python 3.12.3.
    """
    if name in sys.modules:
        return
    parent, _, child = name.rpartition(".")
    spec = importlib.util.find_spec(name)  # imports the parent
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if parent:
        setattr(sys.modules[parent], child, module)

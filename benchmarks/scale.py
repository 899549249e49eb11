"""What grows with what: CPU seconds, memory, bytes and calls over files, units, columns, categories and keys.

    python benchmarks/scale.py files FOLDER
    python benchmarks/scale.py all FOLDER --json scale.json

Linux. Each case runs in a process of its own; CPU seconds and memory are told, no wall time, so other work on the
machine matters little. A case that is in the JSON file already is not measured again.
"""

from __future__ import annotations

from scale.command import main

if __name__ == "__main__":
    main(__doc__)

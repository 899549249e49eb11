"""Publishes one prepared run in a process of its own, for tests that kill it: python publish_once.py RUN_FOLDER TARGET.

Everything is imported before the marker file is opened, so that a tracer can count from there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipelines.publishing import Place, StagedPart, publish, recover

MARKER = "publishing-begins"


def main() -> None:
    run_folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    manifest = json.loads((run_folder / "manifest.json").read_text())
    parts = [StagedPart(run_folder / "staged" / p["staged"], p["name"]) for p in manifest["parts"]]
    (run_folder / MARKER).exists()
    recover(run_folder.parent)
    publish(Place(run_folder, target), parts, manifest, {"run_id": manifest["run_id"], "status": "published"})


if __name__ == "__main__":
    main()

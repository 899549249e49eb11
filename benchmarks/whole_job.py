"""The whole job beside its peers: CPU seconds of all processes, wall, memory, and whether the scores are the same.

    python benchmarks/whole_job.py FOLDER --rows 500000 5000000 --peers all --repeat 2 --json out.json
    python benchmarks/whole_job.py FOLDER --rows 500000 5000000 20000000 100000000 --only bare-1,local-1 --json out.json
    python benchmarks/whole_job.py FOLDER --table --json out.json

Linux. Nights of 16 features, a model of 300 trees, 25 expectations, drift on all columns and the score, an HTML
report; peers score the same files with the same model, each in an environment of its own. A run that is in the JSON
file already is not made again, so a series can be stopped at any time.
"""

from __future__ import annotations

from whole_job.command import main

if __name__ == "__main__":
    main(__doc__)

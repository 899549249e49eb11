"""The tables of a series, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from whole_job.comparison import OURS, PEERS
from whole_job.lines import PICKS, cost, growth, line
from whole_job.results import Results, Run
from whole_job.series import equal_in_words

_BARE = "bare-1"
#: What the goals compare: words, field of the cost, side above and side below the line.
_RATIOS = (
    ("rows/s of local-2 beside local-1", "wall", "local-1", "local-2"),
    ("rows/s of local-2-keys beside local-1-keys", "wall", "local-1-keys", "local-2-keys"),
    ("rows/s of flink-2 beside flink-1", "wall", "flink-1", "flink-2"),
    ("CPU of cobbled beside local-1", "cpu", "cobbled", "local-1"),
    ("CPU of cobbled-sample beside local-1", "cpu", "cobbled-sample", "local-1"),
    ("memory of cobbled beside local-1", "peak_mb", "cobbled", "local-1"),
    ("memory of cobbled-sample beside local-1", "peak_mb", "cobbled-sample", "local-1"),
)
#: Memory beyond this night should not grow.
_FLAT_FROM = 5_000_000
_NAMES = [side.name for side in (*OURS, *PEERS)]


def print_tables(results: Results) -> None:
    """Machine, versions, costs, lines, growth, and what the goals ask for."""
    facts = results.facts
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.get("machine", {}).items()))
    for name, pins in facts.get("versions", {}).items():
        print(f"{name}: {pins}")
    for title, rows in (
        ("Costs", costs(results)),
        ("Lines: fixed and marginal CPU", lines(results)),
        ("Growth", steps(results)),
        ("Beside each other", ratios(results)),
    ):
        print(f"\n### {title}\n")
        print("\n".join(rows))


def costs(results: Results) -> Iterable[str]:
    """A row for each side and night, those that failed included."""
    yield _head(
        "rows", "side", "runs", "CPU s, best (median)", "wall s, best", "rows/s", "peak PSS MB", "of which one process",
        "processes", "driver CPU s", "driver peak MB", "others, cores", "scores as the bare loop's",
    )  # fmt: skip
    for rows in sorted({run.rows for run in results.runs}):
        for side in _NAMES:
            runs = results.of(side, rows)
            good = results.good(side, rows)
            if good:
                yield _row(f"{rows:,}", side, *_figures(rows, good))
            for run in runs:
                if run.error is not None:
                    yield _row(f"{rows:,}", side, *_failure(run))


def _figures(rows: int, runs: Sequence[Run]) -> list[str]:
    cpu, wall = [run["cpu"] for run in runs], cost(runs, "wall", min)
    peak, one, driver_peak, processes = (
        cost(runs, name, max) for name in ("peak_mb", "peak_process_mb", "driver_peak_mb", "processes")
    )
    others = [run["others"] for run in runs]
    words = next((equal_in_words(run.same) for run in runs if run.same is not None), "not compared")
    return [
        str(len(runs)), f"{min(cpu):.2f} ({statistics.median(cpu):.2f})", f"{wall:.2f}", f"{rows / wall:,.0f}",
        f"{peak:.0f}", f"{one:.0f}", f"{processes:.0f}", f"{cost(runs, 'driver_cpu', min):.2f}", f"{driver_peak:.0f}",
        f"{min(others):.1f} to {max(others):.1f}", words,
    ]  # fmt: skip


def _failure(run: Run) -> list[str]:
    reason = (run.error or "").replace("|", "/")
    if not run.cost:
        return ["0", *[""] * 9, reason]
    figures = [f"{run['cpu']:.2f}", f"{run['wall']:.2f}", "", f"{run['peak_mb']:.0f}", f"{run['peak_process_mb']:.0f}"]
    return ["0", *figures, *[""] * 4, reason]


def lines(results: Results) -> Iterable[str]:
    """Fixed and marginal CPU seconds through the smallest and the largest night of each side."""
    yield _head("side", "nights", "by", "fixed CPU s", "CPU s per million rows", "beside the bare loop's, per million")
    for side in _NAMES:
        sizes = results.sizes(side)
        for word, pick in PICKS:
            found = line(results, side, "cpu", pick)
            if found is None:
                continue
            bare = line(results, _BARE, "cpu", pick, (sizes[0], sizes[-1])) if _has(results, _BARE, sizes) else None
            extra = (
                f"{found.per_million - bare.per_million:+.2f} = × {found.per_million / bare.per_million:.2f}"
                if bare
                else ""
            )
            span = f"{_short(sizes[0])} to {_short(sizes[-1])}"
            yield _row(side, span, word, f"{found.fixed:.2f}", f"{found.per_million:.3f}", extra)


def steps(results: Results) -> Iterable[str]:
    """From night to night: time a million rows, speed, memory, the driver's time a unit."""
    yield _head("side", "from, to", "CPU s per million rows", "rows/s ×", "peak PSS ×", "driver CPU s per unit")
    for side in _NAMES:
        for step in growth(results, side):
            span = f"{_short(step.low)}, {_short(step.high)}"
            figures = (
                f"{step.per_million:.3f}",
                f"{step.speed:.2f}",
                f"{step.memory:.2f}",
                f"{step.driver_per_unit:.4f}",
            )
            yield _row(side, span, *figures)


def ratios(results: Results) -> Iterable[str]:
    """What the goals ask for, by the best runs; peaks by the largest."""
    yield _head("what", "rows", "×")
    for what, name, above, below in _RATIOS:
        pick = max if name == "peak_mb" else min
        for rows in sorted(set(results.sizes(above)) & set(results.sizes(below))):
            one, other = (cost(results.good(side, rows), name, pick) for side in (above, below))
            yield _row(what, f"{rows:,}", f"{one / other:.2f}")
    for side in (side.name for side in OURS):
        larger = [rows for rows in results.sizes(side) if rows > _FLAT_FROM]
        for rows in larger if _FLAT_FROM in results.sizes(side) else []:
            one, other = (cost(results.good(side, size), "peak_mb", max) for size in (rows, _FLAT_FROM))
            yield _row(f"memory of {side} beside its own at {_short(_FLAT_FROM)}", f"{rows:,}", f"{one / other:.2f}")


def _has(results: Results, side: str, sizes: Sequence[int]) -> bool:
    return {sizes[0], sizes[-1]} <= set(results.sizes(side))


def _short(rows: int) -> str:
    return f"{rows / 1e6:g} M"


def _head(*names: str) -> str:
    return f"{_row(*names)}\n|{'---|' * len(names)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

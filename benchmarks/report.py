"""What a report of many columns costs: CPU seconds of the process that renders it, imports included, and bytes.

    python benchmarks/report.py                300 columns
    python benchmarks/report.py --columns 50

The facts are synthetic, from a fixed seed: two thirds numeric columns of 10 to 20 bins, one third categorical ones of
up to 200 categories; a tenth has drifted. The process reads the facts' JSON, renders, and writes nothing.
"""
# ruff: noqa: PLC0415  # what measures must stay small (see measuring.py), so each process imports only what it needs

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import measure

SEED = 20130701


def main() -> None:
    """Make the facts, render them in a process of their own, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=300)
    parser.add_argument("--render", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--facts", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.render:
        print(json.dumps(render(asked.render)))
    elif asked.facts:
        asked.facts.write_text(json.dumps(facts(asked.columns)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.json"
            measure([sys.executable, __file__, "--columns", str(asked.columns), "--facts", str(path)])
            cost = measure([sys.executable, __file__, "--render", str(path)])
        found = json.loads(cost.output)
        page = f"{found['bytes'] / 1e6:.2f} MB, {found['pictures']} pictures"
        seconds = f"{cost.cpu:.2f} CPU seconds ({found['imports']:.2f} of them imports)"
        print(f"{asked.columns} columns: {seconds}, {page}, peak {cost.max_rss_mb:.0f} MB, others {cost.others:.1f}")


def render(path: Path) -> dict[str, float]:
    """Render the facts of a file, in this process."""
    from data_checks.report import render_report
    from data_checks.report_facts import ReportFacts

    imports = time.process_time()
    page = render_report(ReportFacts.from_json(json.loads(path.read_text())))
    return {"imports": imports, "bytes": len(page.encode()), "pictures": page.count("<svg role=")}


def facts(columns: int) -> dict[str, Any]:
    """The JSON of a report's facts with something in every section."""
    from data_checks.report_facts import ReportFacts
    from schemas.ledger import Account, Ledger
    from schemas.verdicts import DriftStatus, DriftVerdict, Trend

    draw = random.Random(SEED)  # noqa: S311  # numbers for a benchmark
    found = [column(draw, place) for place in range(columns)]
    names = [item.column for item in found]
    verdict = DriftVerdict(
        DriftStatus.DRIFT,
        (*found, *scores(draw)),
        "some drifted",
        {},
        slices(draw, names),
        decisions(),
        impacts(draw, names),
    )
    trend = Trend({name: draw.randrange(1, 5) for name in names}, earlier(draw, names))
    ledger = Ledger({f"part-{number}.parquet": Account(1000, 1000) for number in range(200)})
    return ReportFacts("many", "2013-12-31", "r-1", "published", ledger, drift=verdict, trend=trend).to_json()


def column(draw: random.Random, place: int) -> Any:
    """One feature; every tenth has drifted."""
    from schemas.verdicts import Bin, ColumnDrift, DriftStatus

    categorical, drifted = place % 3 == 0, place % 10 == 0
    count = draw.randrange(2, 201) if categorical else draw.randrange(10, 21)
    labels = [f"category {number}" if categorical else f"{number}.125 to {number + 1}.125" for number in range(count)]
    bins = tuple(Bin(label, draw.randrange(10, 10_000), draw.randrange(10, 1_000)) for label in labels)
    status = DriftStatus.DRIFT if drifted else DriftStatus.OK
    rates = {name: draw.random() for name in ("missing_rate_reference", "missing_rate_current", "missing_rate_z")}
    return ColumnDrift(
        f"column_{place}",
        "feature",
        "categorical" if categorical else "numeric",
        status,
        sum(bin_.reference for bin_ in bins),
        sum(bin_.current for bin_ in bins),
        psi=draw.random(),
        psi_noise_95=0.01,
        js_distance_base2=draw.random(),
        unseen_share=draw.random() if categorical else None,
        out_of_range_share=None if categorical else draw.random(),
        mean_reference=None if categorical else draw.random(),
        mean_current=None if categorical else draw.random(),
        bins=bins,
        measures=measures(draw, categorical=categorical),
        reasons=("values moved: 31 % tonight below 12.125, 10 % in training (PSI 0.31, drift from 0.25)",) * drifted,
        **rates,
    )


def measures(draw: random.Random, *, categorical: bool) -> dict[str, float]:
    """The further numbers, under their full names."""
    common = ("total_variation", "hellinger")
    of_categories = ("l_infinity", "chi_square", "chi_square_degrees", "chi_square_p_value", "cramers_v")
    of_numbers = (
        *("ks_on_grid", "ks_at_most", "ks_p_value", "mean_shift_over_reference_sd", "mean_shift_p_value"),
        *("wasserstein_over_reference_sd", "wasserstein_over_reference_sd_at_least"),
        "wasserstein_over_reference_sd_at_most",
    )
    return {name: draw.random() for name in (*common, *(of_categories if categorical else of_numbers))}


def scores(draw: random.Random) -> tuple[Any, ...]:
    """Three probabilities."""
    from dataclasses import replace

    from schemas.verdicts import Bin

    unit = tuple(Bin(f"{place / 20:.2f} to {(place + 1) / 20:.2f}", 20 + place, 40 - place) for place in range(20))
    return tuple(replace(column(draw, 1), column=name, role="score", unit_bins=unit) for name in ("p_a", "p_b", "p_c"))


def slices(draw: random.Random, names: list[str]) -> tuple[Any, ...]:
    """Fifty, a third of which stand out in ten columns each."""
    from schemas.verdicts import DriftStatus, SliceColumn, SliceDrift

    reason = "values moved: 31 % tonight below 12.125, 10 % in training (PSI 0.31, drift from 0.25)"
    loud = tuple(SliceColumn(name, DriftStatus.DRIFT, draw.random(), 0.02, 0.0, 0.0, reason) for name in names[:10])
    return tuple(
        SliceDrift("origin", f"value {place}", DriftStatus.OK if place % 3 else DriftStatus.DRIFT, 500, 50, len(names))
        if place % 3
        else SliceDrift("origin", f"value {place}", DriftStatus.DRIFT, 500, 50, len(names), loud)
        for place in range(50)
    )


def decisions() -> tuple[Any, ...]:
    """Of one model of three classes."""
    from schemas.verdicts import ClassShare, DecisionDrift, DriftStatus

    classes = tuple(ClassShare(name, 0.3, 0.35, 0.33, 0.37) for name in ("a", "b", "c"))
    return (DecisionDrift("model", None, DriftStatus.OK, 5000, 1000, classes, 0.05, 0.9, 0.89),)


def impacts(draw: random.Random, names: list[str]) -> tuple[Any, ...]:
    """Of three scores, every column a feature."""
    from schemas.verdicts import FeatureImpact, ImpactVerdict

    return tuple(
        ImpactVerdict(
            *(score, "model", "margin", 5000, 1000, 0.1),
            tuple(FeatureImpact(name, (name,), draw.gauss(0, 0.01), draw.random()) for name in names),
        )
        for score in ("p_a", "p_b", "p_c")
    )


def earlier(draw: random.Random, names: list[str]) -> tuple[Any, ...]:
    """Two nights, against which a tenth of the columns stands out."""
    from schemas.verdicts import DriftStatus, EarlierNight

    found = {
        name: {
            "status": DriftStatus.WARN if place % 10 == 0 else DriftStatus.OK,
            **{key: draw.random() for key in ("psi", "mean", "missing_rate")},
        }
        for place, name in enumerate(names)
    }
    return tuple(EarlierNight(label, "2013-12-30", "r-0", found) for label in ("the night before", "the same weekday"))


if __name__ == "__main__":
    main()

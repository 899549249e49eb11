"""The flow of `nightscore profile` on Apache Beam: the training data in, the reference profile out.

    units ─┬─ profile (read, prepare, predict, count; sorted files of values) ── merge ── freeze bins ─┬─ reference.json
           └─ count in slices (only where the job has slices; reads once more, on those bins) ◄────────┘

Exact quantiles need all values in order: each unit leaves its own sorted, and they are searched together. The same
files give the same bytes on any number of workers and with units of any size. How the rows are shared out over files
changes no count, edge or category; sums are rounded within a batch, so means and deviations may differ in the last
digit. The sample for contributions is drawn by file and row: the same rows in other files are another sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam

from data_checks.ranked_values import RankedValues
from data_checks.reference import ReferenceProfile, contract_digest
from data_checks.reference_build import category_facts, column_reference, score_reference
from data_checks.slices import SliceProfile
from data_checks.slicing import slice_values
from pipelines.outcome import Failure
from pipelines.scoring import write_once
from pipelines.tools import ScoringSpec, tools_for
from pipelines.unit_profiling import Training, profile_unit, slice_unit, slicing_of
from schemas.errors import NightscoreError
from schemas.plan import Unit

REFERENCE_FILE = "reference.json"
SLICES_FILE = "slices.json"


@dataclass(frozen=True)
class TrainingPlan:
    """What is to be profiled, and where its working files may be."""

    units: tuple[Unit, ...]
    rows: int
    work: str


@dataclass(eq=False)
class ProfileTraining(beam.PTransform):  # type: ignore[misc]  # Beam has no types
    """Leaves reference.json in the work folder, and slices.json where the job has slices."""

    spec: ScoringSpec
    plan: TrainingPlan

    def expand(self, root: beam.pvalue.PBegin) -> beam.PCollection[str]:
        # units : bytes, one Unit as JSON
        units = (
            root
            | "units" >> beam.Create([unit.to_json() for unit in self.plan.units])
            | "share out" >> beam.Reshuffle()
        )
        # profiled : bytes, a unit's Training, or the Failure that it met, as JSON
        profiled = units | "profile" >> beam.FlatMap(profile_one, self.spec, self.plan)
        # training : bytes, the Training of all units as JSON
        training = profiled | "merge" >> beam.CombineGlobally(merge_training, self.spec)
        # reference : bytes, the ReferenceProfile without slices as JSON
        reference = training | "freeze bins" >> beam.Map(freeze_bins, self.spec, self.plan)
        if self.spec.job.drift.slices:
            frozen = beam.pvalue.AsSingleton(reference)
            # slices : bytes, a unit's slice profiles as JSON
            slices = units | "count in slices" >> beam.FlatMap(slice_one, self.spec, frozen)
            (
                slices
                | "merge slices" >> beam.CombineGlobally(merge_slices)
                | "write slices" >> beam.Map(write_once, self.plan.work, SLICES_FILE)
            )
        return reference | "write reference" >> beam.Map(write_once, self.plan.work, REFERENCE_FILE)


def profile_one(element: bytes, spec: ScoringSpec, plan: TrainingPlan) -> Iterator[bytes]:
    """The Training of one unit. An error of ours would be the same at every retry: it travels on as a Failure."""
    unit = Unit.from_json(element)
    try:
        yield profile_unit(unit, tools_for(spec), Path(plan.work), plan.rows).to_json()
    except NightscoreError as error:
        failure = Failure(type(error).__name__, error.message, error.code, error.facts)
        yield json.dumps({"failures": {f"{unit.number}": vars(failure)}}).encode()


def merge_training(elements: Iterable[bytes], spec: ScoringSpec) -> bytes:
    """The Training of all; the failures alone where there is any."""
    total = Training.empty(spec)
    failures: dict[str, object] = {}
    for element in elements:
        raw = json.loads(element) if element.startswith(b'{"failures"') else {}
        failures |= raw.get("failures", {})
        if not raw:
            total.merge(Training.from_json(element))
    return json.dumps({"failures": failures}).encode() if failures else total.to_json()


def freeze_bins(element: bytes, spec: ScoringSpec, plan: TrainingPlan) -> bytes:
    """The reference profile, and the values of the slices that are to be counted; or the failures."""
    if element.startswith(b'{"failures"'):
        return element
    training = Training.from_json(element)

    def values(name: str) -> RankedValues:
        return RankedValues.of_files([Path(plan.work) / path for path in training.files.get(name, [])])

    profile, known = training.profile, {column.name for column in spec.profiled}
    columns = tuple(
        column_reference(column, values(name), part=spec.times.part(name))
        for name, column in profile.columns.items()
        if name in known
    )
    reference = ReferenceProfile(
        contract_digest=contract_digest(spec.contract, spec.job.drift.times),
        models={entry.name: card.artefact.sha256 for entry, card in zip(spec.job.models, spec.cards, strict=True)},
        rows=profile.rows_conformed,
        columns=columns,
        scores=tuple(score_reference(score, values(name)) for name, score in profile.scores.items()),
        decisions=tuple(item.to_json() for item in profile.decisions.values()),
        impact=profile.impact.to_json(),
    )
    slices = {}
    for name in spec.job.drift.slices:
        table = profile.columns[name].table
        if table is not None:
            slices[name] = slice_values(category_facts(table), spec.job.drift.slice_values)
    return json.dumps({"reference": reference.model_dump(mode="json"), "slices": slices}).encode()


def slice_one(element: bytes, spec: ScoringSpec, frozen: bytes) -> Iterator[bytes]:
    """The unit's rows in slices, on the frozen bins; nothing where profiling failed."""
    raw = json.loads(frozen)
    if "failures" in raw:
        return
    reference = ReferenceProfile.model_validate_json(json.dumps(raw["reference"]))
    slicing = slicing_of(reference, {name: tuple(values) for name, values in raw["slices"].items()})
    slices = slice_unit(Unit.from_json(element), tools_for(spec), slicing)
    yield json.dumps([item.to_json() for item in slices.values()]).encode()


def merge_slices(elements: Iterable[bytes]) -> bytes:
    """The slice profiles of all units as a JSON list."""
    total: dict[str, SliceProfile] = {}
    for element in elements:
        for raw in json.loads(element):
            part = SliceProfile.from_json(raw)
            if part.slice_column in total:
                total[part.slice_column].merge(part)
            else:
                total[part.slice_column] = part
    return json.dumps([total[name].to_json() for name in sorted(total)]).encode()

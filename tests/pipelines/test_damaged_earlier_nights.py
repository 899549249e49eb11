"""What an earlier night left may be damaged in any way: tonight is published all the same, and a range is reported."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_checks.drift_json import drift_from_json
from data_checks.profile import Profile
from pipelines.drift_range import RangeOptions, report_range
from pipelines.loading import LoadedJob, load_job
from pipelines.trends import trend_of, usual_psi
from schemas.verdicts import Trend

NIGHTS = [(date(2024, 3, 1) + timedelta(days=day)).isoformat() for day in range(5)]
Rows = Callable[..., pa.Table]
STRANGE = (None, "x", -1, 10**400, 1e308, -1e308, [], {}, [1], {"a": 1}, True, 0, "1" * 400)


@pytest.fixture(scope="module")
def five_nights(tmp_path_factory: pytest.TempPathFactory, trained_job: Path, job_folder: Any, make_rows: Rows) -> Any:
    """Five published nights of a job with thresholds from its history and slices."""
    root = tmp_path_factory.mktemp("damaged") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "training: train/}", "training: train/, slices: [c], history: {k: 3, runs: 3}}")
    job.command("profile")
    for number, night in enumerate(NIGHTS):
        job.write(night, "a.parquet", make_rows(300, first_id=1_000 * number))
        assert job.run(night)["exit_code"] == 0
    return job


def left(job: Any, night: str, name: str) -> Path:
    run_id = json.loads((job.partition(night) / "_manifest.json").read_bytes())["run_id"]
    return Path(job.root) / "runs" / f"day={night}" / run_id / name


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in the JSON; of lists only in the first two items."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def changed(text: str, place: tuple[Any, ...], value: Any) -> Any:
    raw = json.loads(text)
    if not place:
        return value
    inner = raw
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return raw


class Tonight:
    """The last night's own verdict and profile, to be held against the others again and again."""

    def __init__(self, job: Any) -> None:
        self.loaded: LoadedJob = load_job(job.root)
        reference = self.loaded.reference
        assert not isinstance(reference, str)
        self.drift = drift_from_json(json.loads(left(job, NIGHTS[-1], "drift.json").read_bytes()))
        self.profile = Profile.from_json(json.loads(left(job, NIGHTS[-1], "profile.json").read_bytes()), reference)

    def judged(self) -> Trend:
        assert all(math.isfinite(psi) for psi in usual_psi(self.loaded, NIGHTS[-1]).values())
        return trend_of(self.loaded, NIGHTS[-1], self.profile, self.drift)


@pytest.mark.parametrize("name", ["drift.json", "profile.json"])
def test_anything_may_stand_anywhere_in_what_an_earlier_night_left(five_nights: Any, name: str) -> None:
    """A PSI of "x", a range of one number, counts of no values: each was an unexpected error of tonight's run."""
    tonight, path = Tonight(five_nights), left(five_nights, NIGHTS[-2], name)
    text, draw = path.read_text(), random.Random(7)  # noqa: S311  # no secret
    kinds: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for place in places(json.loads(text)):
        kinds.setdefault(tuple("#" if isinstance(key, int) else key for key in place), place)
    try:
        for place in kinds.values():
            for value in draw.sample(STRANGE, 3):
                path.write_text(json.dumps(changed(text, place, value)))
                before = tonight.judged().earlier[0]
                assert before.run_date == NIGHTS[-2]
                assert bool(before.columns) != bool(before.reason)  # compared, or said why not
    finally:
        path.write_text(text)


@pytest.mark.parametrize("name", ["drift.json", "profile.json"])
def test_a_range_is_reported_with_a_night_whose_files_are_damaged(five_nights: Any, name: str, tmp_path: Path) -> None:
    path = left(five_nights, NIGHTS[-2], name)
    text, draw = path.read_text(), random.Random(11)  # noqa: S311  # no secret
    every = [*places(json.loads(text))]
    try:
        for place in draw.sample(every, 12):
            path.write_text(json.dumps(changed(text, place, draw.choice(STRANGE))))
            options = RangeOptions(output=tmp_path / "range")
            assert report_range(five_nights.root, NIGHTS[0], NIGHTS[-1], options) == 0
    finally:
        path.write_text(text)


_MANIFESTS = ["", "{", "[]", "null", "[" * 100_000, '{"run_id": "../../x"}', '{"run_id": 7, "models": null}']


@pytest.mark.parametrize("manifest", _MANIFESTS)
def test_tonight_is_published_whatever_manifest_the_night_before_has(
    five_nights: Any, job_folder: Any, manifest: str, tmp_path: Path
) -> None:
    job = job_folder(shutil.copytree(five_nights.root, tmp_path / "job"))
    (job.partition(NIGHTS[-2]) / "_manifest.json").write_text(manifest)
    assert job.run(NIGHTS[-1])["status"] == "published"
    assert job.command("drift", "--from", NIGHTS[0], "--to", NIGHTS[-1]) == 0

"""Loading models: what is refused before it is parsed, what after, and what the notes say."""

from __future__ import annotations

import gc
import json
import pickle
import weakref
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from schemas.card import ModelCard, write_card
from schemas.errors import ConfigError, ModelError
from schemas.job import ModelEntry
from transforms.card_writing import About, card_for
from transforms.library_versions import installed_version
from transforms.model_facts import inspect_model
from transforms.models import load_model

COLORS = ("red", "blue", "green")


def training_rows(count: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    color = pd.Categorical(rng.choice(COLORS, count), categories=list(COLORS))
    frame = pd.DataFrame({"x": rng.normal(size=count), "color": color, "z": rng.integers(0, 9, count)})
    frame.loc[::17, "x"] = np.nan
    return frame


def target(frame: pd.DataFrame) -> Any:
    return ((frame.x.fillna(0) > 0) ^ (frame.color == "red")).astype(int)


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


class Case:
    """A model's folder, its card, and entries of job.yaml for it."""

    def __init__(self, folder: Path, file: str, card: ModelCard) -> None:
        self.folder, self.file, self.card = folder, file, card
        self.write(card)

    def write(self, card: ModelCard) -> None:
        write_card(card, self.folder / "card.json")

    def edit(self, **changes: Any) -> None:
        """Change keys of the card's JSON; a dict changes keys of that object."""
        raw = json.loads((self.folder / "card.json").read_text())
        for key, value in changes.items():
            raw[key] = raw[key] | value if isinstance(value, dict) else value
        (self.folder / "card.json").write_text(json.dumps(raw))

    def load(self, **entry: Any) -> Any:
        settings = {"name": "m", "path": self.file, "card": "card.json", "output": {"probability": "p"}} | entry
        return load_model(ModelEntry.model_validate(settings), self.folder, threads=1)


@pytest.fixture
def booster() -> xgb.Booster:
    frame = training_rows()
    matrix = xgb.DMatrix(frame, target(frame), enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": 3, "seed": 1}, matrix, 5)


@pytest.fixture(params=["ubj", "json"])
def boosted(request: pytest.FixtureRequest, booster: xgb.Booster, tmp_path: Path) -> Case:
    path = tmp_path / f"model.{request.param}"
    booster.save_model(path)
    rows = arrow(training_rows())
    return Case(tmp_path, path.name, card_for(path, inspect_model(path, rows), rows, About("m")))


@pytest.fixture
def pickled(tmp_path: Path) -> Case:
    frame = training_rows().astype({"color": object})
    encoder = make_column_transformer((OneHotEncoder(), ["color"]), remainder="passthrough")
    pipeline = make_pipeline(encoder, LogisticRegression())
    path = tmp_path / "model.joblib"
    frame = frame.fillna({"x": 0.0})
    joblib.dump(pipeline.fit(frame, target(frame)), path)
    rows = arrow(frame)
    return Case(tmp_path, path.name, card_for(path, inspect_model(path, rows, allow_pickle=True), rows, About("m")))


def trusted(case: Case, **entry: Any) -> Any:
    return case.load(allow_pickle=True, sha256=case.card.artefact.sha256, **entry)


# --------------------------------------------------------------------------------------------------------------- good


def test_an_xgboost_model_loads_from_both_formats(boosted: Case) -> None:
    model = boosted.load()
    assert (model.notes, [field.name for field in model.fields]) == ((), ["p"])


def test_a_pinned_pickle_loads_where_the_job_allows_it(pickled: Case) -> None:
    assert trusted(pickled).notes == ()


def test_a_model_can_be_weakly_referenced_and_goes_away(boosted: Case) -> None:
    model = boosted.load()
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


# -------------------------------------------------------------------------------------------------------------- sha256


def test_a_changed_file_is_refused_with_both_hashes(boosted: Case) -> None:
    path = boosted.folder / boosted.file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(
        ModelError, match=rf"not the one that its model card pins: sha256 is \w+, expected {'[0-9a-f]' * 64}"
    ):
        boosted.load()


def test_a_pinned_hash_counts_beside_the_cards(boosted: Case) -> None:
    with pytest.raises(ModelError, match=r"not the one that job.yaml pins: sha256 is \w+, expected 00000"):
        boosted.load(sha256="0" * 64)


def test_a_changed_pickle_is_refused_before_any_of_it_runs(pickled: Case, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    (pickled.folder / pickled.file).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="not the one that its model card pins"):
        trusted(pickled)
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_is_refused_unless_the_job_allows_it(pickled: Case) -> None:
    with pytest.raises(
        ModelError, match=r"pickle, which can run any code .* set `allow_pickle: true` and pin its `sha256`"
    ):
        pickled.load()


def test_a_missing_file_is_an_error_with_its_name(boosted: Case) -> None:
    with pytest.raises(ModelError, match=r"nowhere.ubj: no such file"):
        boosted.load(path="nowhere.ubj")


def test_a_file_of_another_format_than_the_cards_is_refused(boosted: Case) -> None:
    other = "json" if boosted.file.endswith("ubj") else "ubj"
    boosted.edit(artefact={"format": other})
    with pytest.raises(ModelError, match=rf"the model card says format {other}, and the file is {boosted.file[6:]}"):
        boosted.load()


def test_a_format_that_the_kind_does_not_have_is_refused(boosted: Case) -> None:
    boosted.edit(kind="sklearn")
    with pytest.raises(ModelError, match=r"kind sklearn and format \w+, which do not go together"):
        boosted.load()


def test_a_file_that_xgboost_cannot_read_is_an_error_without_its_stack_trace(tmp_path: Path, boosted: Case) -> None:
    path = boosted.folder / boosted.file
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelError, match=r"^xgboost cannot read the model file: XGBoostError: \w+") as caught:
        inspect_model(path, arrow(training_rows()))
    assert "\n" not in str(caught.value)
    assert ".cc:" not in str(caught.value)


def test_a_pickle_that_fails_is_an_error_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "broken.joblib"
    path.write_bytes(b"\x80\x04broken")
    with pytest.raises(ModelError, match=r"cannot be unpickled: \w+"):
        inspect_model(path, arrow(training_rows()), allow_pickle=True)


# -------------------------------------------------------------------------------------- C15: saved by another version


def test_a_model_of_another_library_version_is_refused_with_both_versions(pickled: Case) -> None:
    pickled.edit(libraries={"scikit-learn": "1.3.0"})
    here = installed_version("scikit-learn")
    with pytest.raises(ModelError, match=rf"scikit-learn: the model was written with 1.3.0, and {here} is installed"):
        trusted(pickled)


def test_a_pickle_that_says_another_version_than_its_card_is_refused_without_a_warning(pickled: Case) -> None:
    """scikit-learn only warns, on stderr; here the warning is the error, and none leaks."""
    path = pickled.folder / pickled.file
    here = str(installed_version("scikit-learn"))
    older = "1.3.0".ljust(len(here), "0")
    path.write_bytes(path.read_bytes().replace(here.encode(), older.encode()))
    rows = arrow(training_rows().fillna({"x": 0.0}).astype({"color": object}))
    facts = inspect_model(path, rows, allow_pickle=True)
    assert facts.notes == (f"scikit-learn: the model was written with {older}, and {here} is installed",)
    case = Case(pickled.folder, pickled.file, card_for(path, facts, rows, About("m")))
    with pytest.raises(ModelError, match=f"the model was written with {older}, and {here} is installed"):
        trusted(case)


def test_a_version_mismatch_that_is_allowed_and_reproduces_is_noted(boosted: Case) -> None:
    boosted.edit(libraries={"xgboost": "3.0.5"})
    (note,) = boosted.load(allow_version_mismatch=True).notes
    here = installed_version("xgboost")
    assert note.startswith(
        f"m: xgboost: the model was written with 3.0.5, and {here} is installed; allowed by job.yaml, "
    )
    assert note.endswith("20 probe rows reproduce (largest difference 0)")


def test_a_version_mismatch_that_is_allowed_and_does_not_reproduce_is_refused(boosted: Case) -> None:
    scores = [list(row) for row in boosted.card.probe.scores]
    scores[3][0] += 0.25
    boosted.edit(libraries={"xgboost": "3.0.5"}, probe={"scores": scores})
    with pytest.raises(ModelError, match=r"probe row 3 differs by 0\.25"):
        boosted.load(allow_version_mismatch=True)


def test_a_library_that_is_not_installed_is_a_mismatch(boosted: Case) -> None:
    boosted.edit(libraries={"no-such-library": "1.0"})
    with pytest.raises(ModelError, match=r"no-such-library: the model was written with 1\.0, and none is installed"):
        boosted.load()


def test_a_card_must_name_the_version_of_its_main_library(boosted: Case) -> None:
    raw = json.loads((boosted.folder / "card.json").read_text())
    (boosted.folder / "card.json").write_text(json.dumps(raw | {"libraries": {}}))
    with pytest.raises(ModelError, match="does not say which xgboost wrote the file"):
        boosted.load()


# -------------------------------------------------------------------------------------------------------------- probe


def test_probe_rows_are_always_recomputed(boosted: Case) -> None:
    scores = [list(row) for row in boosted.card.probe.scores]
    scores[7][0] += 0.001
    boosted.edit(probe={"scores": scores})
    with pytest.raises(
        ModelError, match=r"probe row 7 differs by 0.001, the most of 20 rows \(allowed: 1e-06\)"
    ) as caught:
        boosted.load()
    assert caught.value.facts["row"] == 7


def test_a_difference_within_the_cards_tolerance_is_fine(boosted: Case) -> None:
    scores = [list(row) for row in boosted.card.probe.scores]
    scores[7][0] += 0.001
    boosted.edit(probe={"scores": scores, "tolerance": 0.01})
    assert boosted.load().card.probe.tolerance == 0.01


def test_a_probe_row_without_a_feature_is_an_error(boosted: Case) -> None:
    rows = [dict(row) for row in boosted.card.probe.rows]
    del rows[2]["z"]
    boosted.edit(probe={"rows": rows})
    with pytest.raises(ModelError, match="probe row 2 of the model card has no value for feature 'z'"):
        boosted.load()


def test_a_probe_row_with_an_unknown_category_is_an_error(boosted: Case) -> None:
    rows = [dict(row) for row in boosted.card.probe.rows]
    rows[1]["color"] = "mauve"
    boosted.edit(probe={"rows": rows})
    with pytest.raises(
        ModelError, match="probe row 1 of the model card: 'mauve' is no value of categorical feature 'color'"
    ):
        boosted.load()


# --------------------------------------------------------------------------------------------- card against the model


def swapped(case: Case, first: int, second: int) -> list[Any]:
    features = [item.model_dump(mode="json") for item in case.card.features]
    features[first], features[second] = features[second], features[first]
    return features


def test_features_in_another_order_are_refused(boosted: Case) -> None:
    boosted.edit(features=swapped(boosted, 0, 2))
    with pytest.raises(ModelError, match="feature 0 is 'z' in the card and 'x' in the model"):
        boosted.load()


def test_categories_in_another_order_are_refused_since_they_are_the_codes(boosted: Case) -> None:
    features = swapped(boosted, 0, 0)
    features[1]["categories"] = ["blue", "red", "green"]
    boosted.edit(features=features)
    with pytest.raises(ModelError, match="the categories of feature 'color' differ, or their order does"):
        boosted.load()


def test_a_category_that_is_a_number_in_the_card_is_refused(boosted: Case) -> None:
    features = swapped(boosted, 0, 0)
    features[1] = {"name": "color", "type": "numeric"}
    boosted.edit(features=features)
    with pytest.raises(ModelError, match="feature 'color' is numeric in the card, and the model's feature type is 'c'"):
        boosted.load()


def test_too_few_features_are_refused(boosted: Case) -> None:
    boosted.edit(features=swapped(boosted, 0, 0)[:2])
    with pytest.raises(ModelError, match="the card has 2 features, the model 3"):
        boosted.load()


def test_a_card_of_another_task_is_refused(boosted: Case) -> None:
    boosted.edit(task="regression", classes=None)
    with pytest.raises(ModelError, match="the card says regression, the model's objective is binary:logistic"):
        boosted.load(output={"value": "v"})


def test_classes_in_another_order_are_refused(pickled: Case) -> None:
    pickled.edit(classes=[1, 0])
    with pytest.raises(ModelError, match=r"the card's classes are \(1, 0\), the model's \(0, 1\)"):
        trusted(pickled)


def test_a_pipelines_features_must_be_the_cards(pickled: Case) -> None:
    pickled.edit(features=swapped(pickled, 0, 2))
    with pytest.raises(ModelError, match="the card's features are z, color, x; the model was fitted on x, color, z"):
        trusted(pickled)


@pytest.mark.parametrize("objective", ["binary:hinge", "binary:logitraw"])
def test_an_objective_without_probabilities_is_no_binary_model(tmp_path: Path, objective: str) -> None:
    frame = training_rows()
    xgb.train({"objective": objective}, xgb.DMatrix(frame, target(frame), enable_categorical=True), 2).save_model(
        tmp_path / "m.ubj"
    )
    rows = arrow(frame)
    case = Case(
        tmp_path, "m.ubj", card_for(tmp_path / "m.ubj", inspect_model(tmp_path / "m.ubj", rows), rows, About("m"))
    )
    case.edit(task="binary", classes=[0, 1])
    with pytest.raises(
        ModelError, match=f"objective {objective} gives no probability; a binary model needs binary:logistic"
    ):
        case.load()


def test_a_classifier_without_probabilities_is_refused(tmp_path: Path) -> None:
    frame = training_rows()[["z"]]
    joblib.dump(LinearSVC().fit(frame, target(training_rows())), tmp_path / "m.joblib")
    rows = arrow(frame)
    facts = inspect_model(tmp_path / "m.joblib", rows, allow_pickle=True)
    with pytest.raises(ModelError, match="a binary model needs predict_proba, and LinearSVC has none"):
        card_for(tmp_path / "m.joblib", facts, rows, About("m"))


# ------------------------------------------------------------------------------------------------------------- output


@pytest.mark.parametrize(
    ("output", "match"),
    [
        ({"value": "v"}, r"output.value does not go with a binary model; use probability or label"),
        ({"probabilities": "p_{class}"}, r"output.probabilities does not go with a binary model"),
        ({}, "model 'm': output names no column; set probability or label"),
    ],
)
def test_output_columns_of_another_task_are_a_configuration_error(boosted: Case, output: Any, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        boosted.load(output=output)


def test_classes_of_several_types_are_refused(boosted: Case) -> None:
    boosted.edit(classes=[False, "late"])
    with pytest.raises(ConfigError, match="classes of several types: False, 'late'"):
        boosted.load(output={"label": "l"})

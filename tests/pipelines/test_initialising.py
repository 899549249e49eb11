"""`nightscore init` on models and tables that it was not written for."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipelines import initialising, training_data
from pipelines.checking import check_job
from pipelines.command_line import app
from pipelines.initialising import InitOptions, init_job
from pipelines.loading import load_job
from pipelines.running import RunOptions, run_dates
from schemas.card import read_card
from schemas.contract import read_contract
from schemas.errors import ConfigError, ModelError

DATE = "2026-01-31"


@dataclass(frozen=True)
class Sample:
    """A table with a key and a label, a model trained on three rows of four, and what it says of the fourth."""

    frame: pd.DataFrame
    key: str
    label: str
    #: Writes the model's file; gives the scores of rows by output column.
    save: Callable[[Path], None]
    score: Callable[[pd.DataFrame], dict[str, Any]]
    file: str
    #: Largest absolute difference to the model's own scores.
    tolerance: float = 0.0

    @property
    def is_held_out(self) -> np.ndarray:
        return np.arange(len(self.frame)) % 4 == 3

    @property
    def training(self) -> pd.DataFrame:
        return self.frame[~self.is_held_out]

    @property
    def night(self) -> pd.DataFrame:
        return self.frame[self.is_held_out].drop(columns=self.label)


def labelled(bunch: Any, key: str, label: str) -> pd.DataFrame:
    frame = bunch.frame.rename(columns={"target": label})
    frame.insert(0, key, [f"{key}-{number:04d}" for number in range(len(frame))])
    # The classes of these tables come in blocks.
    return frame.sample(frac=1.0, random_state=13, ignore_index=True)


def boosted(frame: pd.DataFrame, label: str, features: Sequence[str], **params: Any) -> xgboost.Booster:
    rows = frame[np.arange(len(frame)) % 4 != 3]
    data = xgboost.DMatrix(coded(rows[list(features)]), rows[label], enable_categorical=True)
    return xgboost.train({"seed": 13, "nthread": 1, "max_depth": 3, **params}, data, 12)


def coded(rows: pd.DataFrame) -> pd.DataFrame | pa.Table:
    """As xgboost takes it. It cannot store the categories of a pandas frame where one has a letter such as `é`."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    texts = [name for name in TEXTS if name in table.column_names]
    for name in texts:
        words = table.column(name).combine_chunks().cast(pa.string())
        table = table.set_column(table.column_names.index(name), name, words.dictionary_encode())
    return table if texts else rows


@cache
def wine() -> Sample:
    """Three classes; UBJ."""
    features = load_wine().feature_names
    frame = labelled(load_wine(as_frame=True), "bottle", "cultivar")
    booster = boosted(frame, "cultivar", features, objective="multi:softprob", num_class=3)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(rows[features]))
        names = {f"wine_probability_{place}": scores[:, place] for place in range(3)}
        return names | {"wine_label": scores.argmax(axis=1)}

    return Sample(frame, "bottle", "cultivar", booster.save_model, score, "wine.ubj")


@cache
def tumours() -> Sample:
    """Two classes, and names with spaces; JSON."""
    features = [str(name) for name in load_breast_cancer().feature_names]
    frame = labelled(load_breast_cancer(as_frame=True), "patient_id", "benign")
    booster = boosted(frame, "benign", features, objective="binary:logistic")

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(rows[features]))
        return {"tumours_v2_probability": scores, "tumours_v2_label": (scores >= 0.5).astype(np.int64)}

    return Sample(frame, "patient_id", "benign", booster.save_model, score, "tumours-v2.json")


@cache
def diabetes() -> Sample:
    """A regression."""
    features = load_diabetes().feature_names
    frame = labelled(load_diabetes(as_frame=True), "patient", "progression")
    booster = boosted(frame, "progression", features)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        return {"diabetes_value": booster.predict(xgboost.DMatrix(rows[features]))}

    return Sample(frame, "patient", "progression", booster.save_model, score, "diabetes.ubj")


def with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The colour of the wine in words, missing in every ninth row, and how strong it is."""
    colour = pd.cut(frame["color_intensity"], [0, 3, 5, 6.5, 100], labels=["pale", "rosé", "red", "deep: red"])
    strength = np.where(frame["alcohol"] > 13, "strong", "light")
    texts = frame.assign(colour=colour.astype(object), strength=strength).drop(columns=["color_intensity", "alcohol"])
    texts.loc[texts.index % 9 == 5, "colour"] = np.nan
    return texts


TEXTS = ["colour", "strength"]


@cache
def wine_in_words() -> Sample:
    """A scikit-learn Pipeline that prepares text and numbers itself."""
    frame = with_texts(labelled(load_wine(as_frame=True), "bottle", "cultivar"))
    frame["cultivar"] = frame["cultivar"].map({0: "barolo", 1: "grignolino", 2: "barbera"})
    features = [name for name in frame.columns if name not in ("bottle", "cultivar")]
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((words, TEXTS), (numbers, [name for name in features if name not in TEXTS]))
    rows = frame[np.arange(len(frame)) % 4 != 3]
    pipeline = make_pipeline(columns, LogisticRegression()).fit(objects(rows[features]), rows["cultivar"])

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = pipeline.predict_proba(objects(rows[features]))
        names = {f"cellar_probability_{name}": scores[:, place] for place, name in enumerate(pipeline.classes_)}
        return names | {"cellar_label": pipeline.predict(objects(rows[features]))}

    def save(path: Path) -> None:
        joblib.dump(pipeline, path)

    return Sample(frame, "bottle", "cultivar", save, score, "cellar.joblib", tolerance=1e-12)


def objects(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as scikit-learn models get it: objects, NaN where missing."""
    return frame.astype(dict.fromkeys(TEXTS, object))


@cache
def wine_by_category() -> Sample:
    """XGBoost on text that it stores the categories of."""
    frame = with_texts(labelled(load_wine(as_frame=True), "bottle", "cultivar"))
    features = [name for name in frame.columns if name not in ("bottle", "cultivar")]
    settings = {"objective": "multi:softprob", "num_class": 3, "max_cat_to_onehot": 1}
    booster = boosted(frame, "cultivar", features, **settings)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(coded(rows[features]), enable_categorical=True))
        names = {f"model_2026_probability_{place}": scores[:, place] for place in range(3)}
        return names | {"model_2026_label": scores.argmax(axis=1)}

    return Sample(frame, "bottle", "cultivar", booster.save_model, score, "2026.ubj")


SAMPLES = [wine, tumours, diabetes, wine_in_words, wine_by_category]


def options_for(sample: Sample, base: Path, **changes: Any) -> InitOptions:
    """The files of a sample below `base`: the model, and train/ with two files."""
    model, train = base / sample.file, base / "train"
    sample.save(model)
    train.mkdir(exist_ok=True)
    rows = sample.training
    for number, part in enumerate((rows[:50], rows[50:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), train / f"part-{number}.parquet")
    made = InitOptions(model, (train,), (sample.key,), (sample.label,), allow_pickle=sample.file.endswith("joblib"))
    return replace(made, **changes)


def put_night(job: Path, rows: pd.DataFrame) -> None:
    folder = job / "input" / f"run_date={DATE}"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "night.parquet")


def notes_of(text: str) -> list[str]:
    """Each note on one line."""
    lines = re.sub(r"\n {10}", " ", text).splitlines()
    return [line.removeprefix("note").strip() for line in lines if line.startswith("note")]


# --------------------------------------------------------------------------------------------------------- from a model


@pytest.mark.parametrize("make", SAMPLES)
def test_a_night_of_held_out_rows_gets_the_model_s_own_scores(make: Callable[[], Sample], tmp_path: Path) -> None:
    sample = make()
    job = tmp_path / "jobs" / "cellar"
    init_job(job, options_for(sample, tmp_path))
    put_night(job, sample.night)
    assert run_dates(job, DATE, DATE, RunOptions(quiet=True)) == 0
    scored = pq.read_table(job / "scored").to_pandas()
    wanted = sample.score(sample.night)
    assert set(scored) == {sample.key, "run_date", *wanted}
    assert scored[sample.key].tolist() == sample.night[sample.key].tolist()
    for name, values in wanted.items():
        if name.endswith("_label"):
            assert scored[name].tolist() == list(values)
        else:
            assert np.abs(scored[name].to_numpy() - values).max() <= sample.tolerance


@pytest.mark.parametrize("make", SAMPLES)
def test_the_new_job_passes_its_own_check(make: Callable[[], Sample], tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(make(), tmp_path))
    check_job(tmp_path / "job", show_config=False, with_gx=False)
    loaded = load_job(tmp_path / "job")
    assert not isinstance(loaded.reference, str)
    assert loaded.reference.rows == len(make().training)


def test_great_expectations_itself_loads_the_suggested_suite(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    check_job(tmp_path / "job", show_config=False, with_gx=True)


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    options = options_for(wine_in_words(), tmp_path)
    for parent in ("a", "b"):
        init_job(tmp_path / parent / "job", options)
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_pickle_is_allowed_and_pinned_in_job_yaml(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    entry = load_job(tmp_path / "job").job.models[0]
    card = read_card(tmp_path / "job" / entry.card)
    assert (entry.allow_pickle, entry.sha256) == (True, card.artefact.sha256)


def test_unknown_categories_are_set_aside_until_the_owner_says_otherwise(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    features = load_job(tmp_path / "job").job.features
    assert {name: feature.unknown for name, feature in features.items()} == dict.fromkeys(TEXTS, "quarantine")


def test_keys_come_first_then_features_in_the_model_s_order_then_the_rest(tmp_path: Path) -> None:
    options = options_for(wine_by_category(), tmp_path, labels=())
    init_job(tmp_path / "job", options)
    contract = read_contract(tmp_path / "job" / "schema.yaml")
    card = read_card(tmp_path / "job" / "model" / "model_2026.card.json")
    assert contract.names("key") == ("bottle",)
    assert contract.names("feature") == tuple(item.name for item in card.features)
    assert contract.names("passthrough") == ("cultivar",)
    assert [column.nullable for column in contract] == [False, *[True] * 14]


# ------------------------------------------------------------------------------------------------ what init cannot know


def test_without_a_key_one_is_suggested_and_none_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = wine()
    frame = sample.frame.rename(columns={"bottle": "bottle_id"}).assign(shop_id=1)
    options = options_for(replace(sample, frame=frame, key="bottle_id"), tmp_path, keys=())
    init_job(tmp_path / "job", options)
    loaded = load_job(tmp_path / "job")
    assert loaded.contract.names("key") == ()
    assert loaded.job.output.columns == loaded.contract.names()
    notes = notes_of(capsys.readouterr().out)
    assert notes[0].endswith("Different in every training row, and called like a key: --key bottle_id")
    assert notes[1].startswith("neither key nor feature: bottle_id, shop_id. They are in the contract")


def test_a_job_without_a_key_publishes_its_night(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(diabetes(), tmp_path, keys=()))
    put_night(tmp_path / "job", diabetes().night)
    assert run_dates(tmp_path / "job", DATE, DATE, RunOptions(quiet=True)) == 0
    scored = pq.read_table(tmp_path / "job" / "scored").to_pandas()
    assert scored["diabetes_value"].tolist() == diabetes().score(scored)["diabetes_value"].tolist()


def test_a_key_that_repeats_or_is_null_in_training_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = wine().frame.assign(bottle=[None, None, *range(5), *range(171)])
    init_job(tmp_path / "job", options_for(replace(wine(), frame=frame), tmp_path))
    notes = notes_of(capsys.readouterr().out)
    assert notes[0].startswith("the key (bottle) is not unique in the training data: 3 rows of 134 repeat one")
    assert notes[1] == "key 'bottle' is null in 2 training rows, so it may be null (schema.yaml)"
    suite = json.loads((tmp_path / "job" / "suite.json").read_text())
    assert "expect_column_values_to_be_unique" not in {item["type"] for item in suite["expectations"]}
    key = load_job(tmp_path / "job").contract.column("bottle")
    assert key is not None
    assert key.nullable


def test_an_output_column_never_has_the_name_of_an_input_column(tmp_path: Path) -> None:
    frame = tumours().frame.assign(tumours_v2_label="x", run_date="2020-01-01")
    init_job(tmp_path / "job", options_for(replace(tumours(), frame=frame), tmp_path))
    job = load_job(tmp_path / "job").job
    assert job.models[0].output.label == "tumours_v2__label"
    assert job.input.path == "input/scoring_date={date}/"


def test_a_column_without_a_type_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = wine().frame.assign(tags=[["red"]] * 178)
    init_job(tmp_path / "job", options_for(replace(wine(), frame=frame), tmp_path))
    assert "tags" not in load_job(tmp_path / "job").contract.names()
    [note] = notes_of(capsys.readouterr().out)
    assert note == (
        "column 'tags' is not in the contract: it is list<element: string> in part-0.parquet, for which the contract "
        "has no type"
    )
    assert note in (tmp_path / "job" / "README.md").read_text()


def test_a_model_without_feature_names_takes_the_other_columns_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = diabetes()
    features = load_diabetes().feature_names
    rows = sample.training
    booster = xgboost.train({"seed": 1}, xgboost.DMatrix(rows[features].to_numpy(), rows["progression"]), 5)
    init_job(tmp_path / "job", options_for(replace(sample, save=booster.save_model), tmp_path))
    assert load_job(tmp_path / "job").contract.names("feature") == tuple(features)
    [note] = notes_of(capsys.readouterr().out)
    assert note.startswith(
        "the model stores no feature names: taken are the training data's columns in their order: age"
    )


def test_a_sample_stands_for_many_rows_but_not_for_rare_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_data, "SAMPLE_ROWS", 70)
    sample = wine_in_words()
    frame = sample.frame.copy()
    frame.loc[[1, 4, 6, 9], ["bottle", "strength"]] = ["again", "fortified"]  # none of every second training row
    init_job(tmp_path / "job", options_for(replace(sample, frame=frame), tmp_path))
    card = read_card(tmp_path / "job" / "model" / "cellar.card.json")
    [strength] = [item.categories for item in card.features if item.name == "strength"]
    assert strength == ("fortified", "light", "strong")
    suite = json.loads((tmp_path / "job" / "suite.json").read_text())
    assert suite["meta"]["suggested_from"]["rows"] == 67
    assert "expect_column_values_to_be_unique" not in {item["type"] for item in suite["expectations"]}
    assert notes_of(capsys.readouterr().out)[-1].startswith("134 training rows: the suite, the probe rows")
    reference = load_job(tmp_path / "job").reference
    assert not isinstance(reference, str)
    assert reference.rows == 134


# ------------------------------------------------------------------------------------------------------------- refusals


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    options = options_for(wine(), tmp_path)
    with pytest.raises(ConfigError, match=r"train is not empty \(part-0.parquet, part-1.parquet\): init makes a new"):
        init_job(tmp_path / "train", options)
    with pytest.raises(ConfigError, match=r"wine.ubj exists and is no folder; give another name"):
        init_job(tmp_path / "wine.ubj", options)


def test_an_empty_folder_is_filled_and_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_for(wine(), tmp_path)
    (tmp_path / "job").mkdir()
    before = (tmp_path / "job").stat().st_ino
    monkeypatch.chdir(tmp_path / "job")
    init_job(Path(), options)
    assert (tmp_path / "job").stat().st_ino == before
    assert load_job(Path()).job.name == "job"


def test_a_failure_half_way_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: Path) -> None:
        raise ConfigError(f"{job}: the disk is full")

    monkeypatch.setattr(initialising, "make_reference", fail)
    options = options_for(wine(), tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError) as caught:
        init_job(tmp_path / "job", options)
    assert caught.value.message == f"{tmp_path}/job/job.yaml: the disk is full"
    assert sorted(tmp_path.iterdir()) == before


def test_a_pickle_is_not_loaded_unless_it_is_allowed(tmp_path: Path) -> None:
    options = options_for(wine_in_words(), tmp_path, allow_pickle=False)
    with pytest.raises(ConfigError, match=r"cellar.joblib is a pickle, .* trust the file; say so with --allow-pickle"):
        init_job(tmp_path / "job", options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keys": ("botle",)}, r"--key botle: the training data have no such column; did you mean 'bottle'\?"),
        ({"labels": ("class",)}, r"--label class: the training data have no such column; known: alcalinity_of_ash"),
        ({"keys": ("cultivar",)}, r"'cultivar' is both --key and --label; a key is there at scoring, a label is not"),
        ({"labels": ("hue",)}, r"--label hue: the model takes it as a feature, so it must be there at scoring"),
    ],
)
def test_keys_and_labels_that_cannot_be_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        init_job(tmp_path / "job", options_for(wine(), tmp_path, **changes))


def test_a_key_without_a_type_is_refused(tmp_path: Path) -> None:
    frame = wine().frame.assign(bottle=[["red", "white"]] * 178)
    with pytest.raises(ConfigError, match=r"--key bottle: it is list<element: string> in part-0.parquet, for which"):
        init_job(tmp_path / "job", options_for(replace(wine(), frame=frame), tmp_path))


def test_features_that_the_training_data_lack_are_named(tmp_path: Path) -> None:
    frame = wine().frame.rename(columns={"hue": "hue_"})
    options = options_for(replace(wine(), frame=frame), tmp_path)
    with pytest.raises(
        ConfigError, match=r"lacks 1 features of the model: hue. 'hue' is no column of it; did you mean 'hue_'\?"
    ):
        init_job(tmp_path / "job", options)


def test_a_feature_that_only_some_files_have_is_named_with_a_file(tmp_path: Path) -> None:
    options = options_for(wine(), tmp_path)
    other = tmp_path / "train" / "part-1.parquet"
    pq.write_table(pq.read_table(other).drop_columns("ash"), other)
    with pytest.raises(ConfigError, match=r"of the model: ash. 'ash': it is not in part-1.parquet"):
        init_job(tmp_path / "job", options)


def test_a_model_of_prepared_columns_is_told_from_its_raw_data(tmp_path: Path) -> None:
    frame = wine().frame.assign(hue="blue")
    options = options_for(replace(wine(), frame=frame), tmp_path)
    with pytest.raises(
        ConfigError, match=r"takes numbers for 1 column that .* otherwise: 'hue' is string. It was trained"
    ):
        init_job(tmp_path / "job", options)


def test_categories_that_xgboost_cut_to_pieces_are_told(tmp_path: Path) -> None:
    # Seen with xgboost 3.2: the offsets of its array of categories count letters, its bytes are UTF-8.
    sample = wine_in_words()
    kinds = {name: pd.CategoricalDtype(sorted(sample.frame[name].dropna().unique())) for name in TEXTS}
    rows = sample.training.astype(kinds)
    data = xgboost.DMatrix(rows[["ash", *TEXTS]], rows["hue"], enable_categorical=True)
    booster = xgboost.train({"max_cat_to_onehot": 1}, data, 2)
    options = options_for(replace(sample, save=booster.save_model, file="cut.ubj"), tmp_path)
    with pytest.raises(
        ConfigError, match=r"cut.ubj: the model's categories are damaged. .* train it on an Arrow table"
    ):
        init_job(tmp_path / "job", options)


def test_a_model_that_gives_no_probabilities_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    from sklearn.svm import LinearSVC

    rows = wine().training
    model = LinearSVC(random_state=1).fit(rows[load_wine().feature_names], rows["cultivar"])
    sample = replace(wine(), file="svc.joblib", save=lambda path: joblib.dump(model, path))
    with pytest.raises(ModelError, match=r"a multiclass model needs predict_proba, and LinearSVC has none"):
        init_job(tmp_path / "job", options_for(sample, tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["svc.joblib", "train"]


# ---------------------------------------------------------------------------------------- command line and docs/init.md


def test_the_command_line_makes_the_job_and_says_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options_for(tumours(), tmp_path)
    monkeypatch.chdir(tmp_path)
    files = ["train/part-0.parquet", "train/part-1.parquet"]  # as a shell writes train/*.parquet
    words = ["init", "my tumours", "--model", "tumours-v2.json", "--train", *files]
    assert app([*words, "--key", "patient_id", "--label", "benign"], standalone_mode=False) == 0
    assert load_job(tmp_path / "my tumours").job.name == "my_tumours"
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:6]] == ["training", "model", "contract", "suite", "profile", "made"]
    assert out[-2:] == [f"{'':<10}nightscore check 'my tumours'", f"{'':<10}nightscore run 'my tumours' --date DATE"]


GUIDE = Path(__file__).parents[2] / "docs" / "init.md"
#: What differs from run to run or from one processor to the next: run ids, digests, scores, sizes.
VARYING = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\w+|\b[0-9a-f]{12}\b|\b\d+\.\d+(?! *%)")


def shell(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a command of the guide prints; nightscore's own in this process, since its imports cost seconds."""
    words = [name for word in shlex.split(command) for name in sorted(map(str, Path().glob(word))) or [word]]
    if words[0] != "nightscore":
        words[0] = sys.executable if words[0] == "python" else words[0]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    capsys.readouterr()
    assert app(words[1:], standalone_mode=False) == 0
    return capsys.readouterr().out.splitlines()


def test_the_guide_s_commands_print_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, {})  # noqa: S102  # the guide's own
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", text, re.MULTILINE)
    assert [command.split()[0] for command, _ in commands].count("nightscore") == 3
    for command, output in commands:
        told = [VARYING.sub("*", line) for line in output.splitlines()]
        printed = [VARYING.sub("*", line) for line in shell(command, capsys)]
        if "          ..." in told:
            cut = told.index("          ...")
            printed[cut : len(printed) - len(told) + cut + 1] = ["          ..."]
        assert printed == told, command


def test_the_guide_s_note_on_a_missing_key_is_what_init_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = replace(wine(), frame=wine().frame.rename(columns={"bottle": "bottle_id"}), key="bottle_id")
    init_job(tmp_path / "job", options_for(sample, tmp_path, keys=()))
    [note] = re.findall(r"^note .*\n .*\n", capsys.readouterr().out.partition("note      neither")[0], re.MULTILINE)
    assert note in GUIDE.read_text(encoding="utf-8")

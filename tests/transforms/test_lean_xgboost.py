"""xgboost without scikit-learn, each in a process of its own, since an import happens once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import xgboost

TRAIN = """
import numpy as np
data = np.random.default_rng(0).normal(size=(50, 2))
booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(data, data[:, 0] > 0), 2)
"""


def run(code: str) -> str:
    """What the code prints, warnings being errors."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_scoring_needs_neither_scikit_learn_nor_pandas() -> None:
    code = "import sys; from transforms.lean_xgboost import import_xgboost; xgb = import_xgboost()" + TRAIN
    assert (
        run(code + "booster.inplace_predict(data); print([m for m in ('sklearn', 'pandas') if m in sys.modules])")
        == "[]\n"
    )


def test_scikit_learn_can_be_imported_afterwards() -> None:
    code = "from transforms.lean_xgboost import import_xgboost; import_xgboost(); import sklearn.linear_model as m; "
    assert run(code + "print(m.LogisticRegression())") == "LogisticRegression()\n"


def test_what_is_imported_already_is_taken_as_it_is() -> None:
    code = "import xgboost; from transforms.lean_xgboost import import_xgboost; "
    assert run(code + "print(import_xgboost() is xgboost, xgboost.XGBClassifier().n_estimators)") == "True None\n"


def test_where_scikit_learn_is_imported_first_xgboost_is_whole() -> None:
    code = "import sklearn; from transforms.lean_xgboost import import_xgboost; "
    assert run(code + "print(import_xgboost().XGBClassifier().n_estimators)") == "None\n"


def test_the_estimators_of_a_lean_import_say_what_is_wrong_with_them() -> None:
    code = "from transforms.lean_xgboost import import_xgboost\ntry: import_xgboost().XGBClassifier()\n"
    assert "sklearn needs to be installed" in run(code + "except ImportError as error: print(error)")


def test_after_forgetting_everyone_gets_the_whole_package_and_old_boosters_still_predict() -> None:
    code = "from transforms.lean_xgboost import import_xgboost, forget_lean_xgboost; xgb = import_xgboost()" + TRAIN
    code += """
before = booster.inplace_predict(data)
forget_lean_xgboost()
import xgboost
fitted = xgboost.XGBClassifier(n_estimators=2).fit(data, data[:, 0] > 0)
print(xgboost is xgb, (booster.inplace_predict(data) == before).all(), fitted.predict(data).shape)
print((booster.predict(xgb.DMatrix(data)) == before).all())
"""
    assert run(code) == "False True (50,)\nTrue\n"


def test_a_pickled_xgboost_estimator_loads_in_a_process_that_scores_without_scikit_learn(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(50, 2))
    joblib.dump(xgboost.XGBClassifier(n_estimators=2).fit(data, data[:, 0] > 0), tmp_path / "m.joblib")
    code = (
        "from pathlib import Path; from transforms.lean_xgboost import import_xgboost; xgb = import_xgboost()" + TRAIN
    )
    code += "from transforms.sklearn_model import unpickle\n"
    code += f"print(unpickle(Path({str(tmp_path / 'm.joblib')!r}).read_bytes())[0].get_params()['n_estimators'])"
    assert run(code) == "2\n"


@pytest.mark.parametrize("setting", ["import xgboost", "import sklearn, xgboost"])
def test_forgetting_leaves_a_whole_package_alone(setting: str) -> None:
    code = f"{setting}; from transforms.lean_xgboost import forget_lean_xgboost; forget_lean_xgboost(); "
    assert run(code + "import sys; print(sys.modules['xgboost'] is xgboost)") == "True\n"

"""The declared transforms of a column: frozen numbers in, one array in, one array of the same length out.

Each value of the result depends on that row's value alone, never on its neighbours, so a row is prepared the same in
any file and any batch. Missing stays missing through every step but `fill` and `custom`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import ModelError
from schemas.job import Scale, Step
from transforms.column_values import Codes, KindError, Numbers, Text, Times, Values

DatePart = Literal["year", "month", "day", "weekday", "hour", "minute", "day_of_year"]
CustomStep = Callable[..., pa.Array]

_DATE_PARTS: dict[DatePart, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "hour": pc.hour,
    "minute": pc.minute,
    "day_of_year": pc.day_of_year,
}


def fill_numbers(numbers: Numbers, value: float) -> Numbers:
    """`value` where missing."""
    return np.where(np.isnan(numbers), value, numbers)


def fill_text(text: Text, value: str) -> Text:
    """`value` where missing; the dictionary gets it as a last entry."""
    if not (text.codes < 0).any():
        return text
    values = pa.concat_arrays([text.values, pa.array([value], pa.string())])
    return Text(np.where(text.codes < 0, np.int32(len(text.values)), text.codes), values)


def clip(numbers: Numbers, low: float, high: float) -> Numbers:
    """The nearest number within [low, high]; infinities too."""
    return np.clip(numbers, low, high)


def scale(numbers: Numbers, by: Scale) -> Numbers:
    """(x - mean) / sd."""
    scaled: Numbers = (numbers - by.mean) / by.sd
    return scaled


def log1p(numbers: Numbers) -> Numbers:
    """ln(1 + x). Below -1 there is no logarithm: missing. At -1 it is minus infinity, which no model is given."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log1p(numbers)


def bucketize(numbers: Numbers, edges: Sequence[float]) -> Numbers:
    """The number of edges <= x, 0 to len(edges)."""
    buckets = np.searchsorted(np.asarray(edges, dtype=np.float64), numbers, side="right").astype(np.float64)
    return np.where(np.isnan(numbers), np.nan, buckets)


def ordinal(codes: Codes) -> Numbers:
    """The place in the step's list, from 0; missing where the code is negative."""
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def one_hot(codes: Codes, category: int) -> Numbers:
    """1 where the value is that category, else 0; missing is 0 in every category's feature."""
    return np.asarray(codes == category, dtype=np.float64)


def date_part(times: Times, part: DatePart) -> Numbers:
    """The part as a number; weekday from Monday = 0 to Sunday = 6. A timestamp with a zone is read in that zone."""
    array = times.array
    if getattr(array.type, "tz", None) == "UTC":
        array = array.cast(pa.timestamp("us"))  # the same numbers, without asking for a time zone database
    numbers: Numbers = _DATE_PARTS[part](array).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def run_step(step: Step, values: Values) -> Values:
    """The column after a step that needs no list of categories. Raises KindError where the kind does not fit."""
    if isinstance(step.fill, str):
        return fill_text(_expect(values, Text, step), step.fill)
    if step.date_part is not None:
        return date_part(_expect(values, Times, step), step.date_part)
    return _run_on_numbers(step, _expect(values, np.ndarray, step))


def _run_on_numbers(step: Step, numbers: Numbers) -> Numbers:
    if step.fill is not None:
        return fill_numbers(numbers, float(step.fill))
    if step.clip is not None:
        return clip(numbers, *step.clip)
    if step.scale is not None:
        return scale(numbers, step.scale)
    if step.bucketize is not None:
        return bucketize(numbers, step.bucketize)
    return log1p(numbers)


def _expect(values: Values, kind: type, step: Step) -> Any:
    if not isinstance(values, kind):
        message = f"step {step.name} cannot take what the step before it gives"
        raise KindError(message)
    return values


@cache
def find_custom(reference: str) -> CustomStep:
    """The function that `package.module:function` names. Raises ImportError that says what is missing."""
    module_name, _, name = reference.partition(":")
    function: CustomStep | None = getattr(importlib.import_module(module_name), name, None)
    if not callable(function):
        message = f"module '{module_name}' has no function '{name}'"
        raise ImportError(message)  # noqa: TRY004  # what cannot be imported, whatever else of that name there is
    return function


def run_custom(reference: str, arrays: Sequence[pa.Array]) -> pa.Array:
    """What the job's own function makes of the arrays: a pa.Array of the same length.

    The function must look at each row alone. It gets one plain array a source (text as `string`). Raises ModelError
    where it raises, or returns anything else.
    """
    try:
        result = find_custom(reference)(*arrays)
    except Exception as error:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        message = f"custom step '{reference}' failed: {line}"
        raise ModelError(message, code="custom_step_failed", step=reference) from error
    if isinstance(result, pa.ChunkedArray):
        result = result.combine_chunks()
    if not isinstance(result, pa.Array):
        message = f"custom step '{reference}' returned {type(result).__name__}; it must return a pyarrow.Array"
        raise ModelError(message, code="custom_step_result", step=reference)
    if len(result) != len(arrays[0]):
        message = f"custom step '{reference}' returned {len(result)} values for {len(arrays[0])} rows"
        raise ModelError(message, code="custom_step_result", step=reference)
    return result

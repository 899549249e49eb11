"""Finding refused rows: every row ends with its own scores or its own error, in few calls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ModelError
from transforms.adapter import Scores
from transforms.bisection import MAX_REFUSED_ROWS, SUSPICIOUS_ROWS, Bisection


class PickyModel:
    """Scores row i as i; raises for a range with a bad row in it."""

    def __init__(self, rows: int, bad: set[int], *, tells_apart: bool = False) -> None:
        self.rows, self.bad, self.tells_apart = rows, bad, tells_apart
        self.calls: list[tuple[int, int]] = []

    def score(self, start: int, stop: int) -> Scores:
        self.calls.append((start, stop))
        found = sorted(row for row in self.bad if start <= row < stop)
        if found:
            message = f"row {found[0]} is bad" if self.tells_apart else "bad row"
            raise ValueError(message)
        return np.arange(start, stop, dtype=np.float64)[:, None]

    def bisect(self) -> Bisection:
        search = Bisection(self.score, self.rows)
        search.run(ValueError("bad row"))
        return search


def scored_rows(search: Bisection) -> list[float]:
    return [float(row) for _, piece in search.pieces for row in piece[:, 0]]


@given(rows=st.integers(1, 200), data=st.data())
def test_every_row_has_its_own_score_or_an_error(rows: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, rows - 1), min_size=1, max_size=max(1, rows - 1)))
    search = PickyModel(rows, bad, tells_apart=True).bisect()
    assert set(search.errors) == bad
    assert scored_rows(search) == [row for row in range(rows) if row not in bad]
    assert all(start == piece[0, 0] for start, piece in search.pieces)


@pytest.mark.parametrize("bad", [0, 1, 4_999, 7_777, 9_999])
def test_one_bad_row_of_10_000_costs_two_calls_a_halving_at_most(bad: int) -> None:
    model = PickyModel(10_000, {bad})
    search = model.bisect()
    assert search.errors == {bad: "ValueError: bad row"}
    assert len(model.calls) <= 2 * math.ceil(math.log2(10_000))


def test_a_half_that_must_hold_the_bad_row_is_not_asked_for() -> None:
    model = PickyModel(1_024, {1_023})
    model.bisect()
    assert len(model.calls) == 11


def test_the_same_batch_makes_the_same_calls() -> None:
    first, second = (PickyModel(1_000, {3, 500, 501}) for _ in range(2))
    first.bisect()
    second.bisect()
    assert first.calls == second.calls


def test_a_model_that_fails_on_every_row_alike_is_broken_and_no_row_is_to_blame() -> None:
    with pytest.raises(
        ModelError, match="fails on every one of 2 rows of a batch of 2, always with ValueError: bad row"
    ):
        PickyModel(2, {0, 1}).bisect()


def test_a_broken_model_is_found_out_without_asking_for_every_row() -> None:
    model = PickyModel(32_768, set(range(32_768)))
    with pytest.raises(ModelError, match="fails on every one of 16 rows of a batch of 32,768"):
        model.bisect()
    assert len(model.calls) < 100


def test_many_bad_rows_at_the_front_do_not_make_the_model_broken() -> None:
    bad = set(range(5 * SUSPICIOUS_ROWS))
    assert set(PickyModel(1_000, bad).bisect().errors) == bad


def test_rows_that_all_fail_for_reasons_of_their_own_are_bad_rows() -> None:
    assert len(PickyModel(3, {0, 1, 2}, tells_apart=True).bisect().errors) == 3


def test_a_single_row_is_always_a_bad_row() -> None:
    assert PickyModel(1, {0}).bisect().errors == {0: "ValueError: bad row"}


def test_more_refused_rows_than_the_limit_stop_the_run() -> None:
    bad = set(range(0, 32_768, 16))
    with pytest.raises(
        ModelError, match=f"refuses more than {MAX_REFUSED_ROWS:,} rows of a batch of 32,768, the last with"
    ):
        PickyModel(32_768, bad).bisect()


def test_a_model_that_takes_the_halves_of_what_it_refused_has_no_bad_row() -> None:
    """Such as one that runs out of some memory of its own: nobody is to blame, and everybody has a score."""

    def score(start: int, stop: int) -> Scores:
        return np.arange(start, stop, dtype=np.float64)[:, None]

    search = Bisection(score, 4)
    search.run(RuntimeError("too large"))
    assert (search.errors, sorted(scored_rows(search))) == ({}, [0.0, 1.0, 2.0, 3.0])


def test_running_out_of_memory_is_not_a_rows_fault() -> None:
    def score(start: int, stop: int) -> Scores:
        raise MemoryError

    with pytest.raises(MemoryError):
        Bisection(score, 4).run(MemoryError())

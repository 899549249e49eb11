from __future__ import annotations

import datetime as dt
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from schemas.plan import Span
from transforms.parquet_footer import ReadLimits, footer_of
from transforms.read_span import BATCH_ROWS, check_identity, open_span, read_span

Spans = Callable[[Path], list[Span]]


@dataclass(frozen=True)
class Wanted:
    columns: Sequence[str]
    dictionary: Sequence[str] = ()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def table(span: Span, wanted: Wanted | None = None) -> pa.Table:
    return pa.Table.from_batches(list(read_span(span, wanted)))


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert len(old) == len(new)
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


# -------------------------------------------------------------------------------------------------- cuts and projection


def test_batches_are_cut_at_multiples_from_the_start_of_the_row_group(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": np.arange(150_000)}), path, row_group_size=70_000, data_page_size=1000)
    found = [[batch.num_rows for batch in read_span(span)] for span in spans_of(path)]
    assert found == [[BATCH_ROWS, BATCH_ROWS, 70_000 - 2 * BATCH_ROWS]] * 2 + [[10_000]]
    assert pa.concat_tables(table(span) for span in spans_of(path))["n"].to_pylist() == list(range(150_000))


def test_only_the_wanted_columns_are_read(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"a": [1], "b": [2], "c": [3]}), path)
    assert table(spans_of(path)[0], Wanted(["c", "a"])).to_pydict() == {"a": [1], "c": [3]}


def test_a_name_with_a_dot_is_a_column_and_no_path_into_another(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"a.b": [1], "a": [{"b": 2, "c": 3}]}), path)
    assert table(spans_of(path)[0], Wanted(["a.b"])).to_pydict() == {"a.b": [1]}


def test_no_columns_at_all_still_have_rows(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"a": np.arange(40_000)}), path)
    batches = list(read_span(spans_of(path)[0], Wanted([])))
    assert [(batch.num_rows, batch.num_columns) for batch in batches] == [(BATCH_ROWS, 0), (40_000 - BATCH_ROWS, 0)]


def test_damage_in_a_column_that_is_not_wanted_does_no_harm(path: Path, spans_of: Spans) -> None:
    options = {"compression": "none", "write_page_checksum": True, "use_dictionary": False}
    pq.write_table(pa.table({"a": [1, 2], "s": ["good", "evil"]}), path, **options)
    rewrite(path, b"\x04\0\0\0good\x04\0\0\0evil", b"\x04\0\0\0good\x04\0\0\0EVIL")
    assert table(spans_of(path)[0], Wanted(["a"])).to_pydict() == {"a": [1, 2]}
    with pytest.raises(InputError, match="CRC checksum verification failed"):
        table(spans_of(path)[0])


# ---------------------------------------------------------------------------------------------------- text as its codes


def test_text_comes_as_codes_where_it_is_wanted_so(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"s": ["x", None, "y", "x"], "t": ["p", "q", "r", "s"]}), path)
    found = table(spans_of(path)[0], Wanted(["s", "t"], ["s"]))
    assert found.schema.types == [pa.dictionary(pa.int32(), pa.string()), pa.string()]
    assert found["s"].to_pylist() == ["x", None, "y", "x"]


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_text_that_pyarrow_cannot_decode_to_codes_comes_plain(path: Path, spans_of: Spans, encoding: str) -> None:
    pq.write_table(pa.table({"s": ["x", "y"]}), path, use_dictionary=False, column_encoding={"s": encoding})
    assert table(spans_of(path)[0], Wanted(["s"], ["s"]))["s"].to_pylist() == ["x", "y"]


def test_a_dictionary_that_lists_a_value_twice_does_not_shift_the_others(path: Path, spans_of: Spans) -> None:
    """pyarrow puts the page's values into a hash table and takes the page's codes as positions in it.

    Here it reads 'dddd' for 'cccc', without an error; and where a later batch begins with the doubled value, as here,
    the batches before it are right and must not come twice.
    """
    words = ["aaaa", "bbbb", "XXXX", "cccc", "dddd"]
    values = [None] * BATCH_ROWS + [words[i % 5] for i in range(10)] + ["cccc"] * 5
    pq.write_table(pa.table({"s": values}), path, compression="none", write_statistics=False, store_schema=False)
    rewrite(path, b"XXXX", b"aaaa")
    expected = [value if value != "XXXX" else "aaaa" for value in values]
    assert pq.read_table(path, read_dictionary=["s"])["s"][-5:].to_pylist() == ["dddd"] * 5
    assert table_of_text(spans_of(path)[0]) == expected


def table_of_text(span: Span) -> list[str | None]:
    return [value for batch in read_span(span, Wanted(["s"], ["s"])) for value in batch["s"].to_pylist()]


def test_a_dictionary_given_up_half_way_keeps_its_codes(path: Path, spans_of: Spans, rng: np.random.Generator) -> None:
    values = [f"value-{i:06d}" for i in rng.integers(0, 60_000, 100_000)]
    pq.write_table(pa.table({"s": values}), path, dictionary_pagesize_limit=100_000, store_schema=False)
    batches = list(read_span(spans_of(path)[0], Wanted(["s"], ["s"])))
    assert {batch.schema.field("s").type for batch in batches} == {pa.dictionary(pa.int32(), pa.string())}
    assert table_of_text(spans_of(path)[0]) == values


def test_text_of_an_extension_type_is_read_as_what_it_stores(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"j": pa.array(["{}", "[1]", "{}"]).cast(pa.json_())}), path)
    found = table(spans_of(path)[0], Wanted(["j"], ["j"]))
    assert found["j"].cast(pa.string()).to_pylist() == ["{}", "[1]", "{}"]


def test_many_small_row_groups_cost_one_look_at_the_footer(
    path: Path, spans_of: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"n": np.arange(50)}), path, row_group_size=1)
    spans = spans_of(path)
    looks = []
    monkeypatch.setattr("transforms.planned_file.footer_of", lambda *args: looks.append(1) or footer_of(*args))
    assert [table(span)["n"].to_pylist() for span in spans] == [[n] for n in range(50)]
    assert looks == [1]


# -------------------------------------------------------------------------------------------------------- damaged files


def test_a_flipped_bit_is_found_by_the_pages_checksum(path: Path, spans_of: Spans) -> None:
    """Without the checksum a flipped bit in a page of numbers is another number."""
    numbers = np.arange(1000, 1100, dtype=np.int64)
    options = {"compression": "none", "use_dictionary": False}
    pq.write_table(pa.table({"n": numbers}), path, row_group_size=50, write_page_checksum=True, **options)
    rewrite(path, struct.pack("<qq", 1060, 1061), struct.pack("<qq", 1061, 1061))
    assert pq.read_table(path)["n"][60].as_py() == 1061
    good, bad = spans_of(path)
    assert table(good)["n"].to_pylist() == list(range(1000, 1050))
    with pytest.raises(InputError, match=r"^a\.parquet: row group 1: cannot be read \(.*CRC checksum") as caught:
        table(bad)
    assert caught.value.code == "corrupt_page"
    assert caught.value.facts == {"file": "a.parquet", "row_group": 1, "column": None}


def test_text_that_is_not_utf8_is_named_with_its_column(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": [1], "s": ["wxyz"]}), path, compression="none", write_statistics=False)
    rewrite(path, b"wxyz", b"wx\xffz")
    for wanted in (Wanted(["s"]), Wanted(["s"], ["s"])):
        with pytest.raises(
            InputError, match=r"row group 0: column 's': a text is not UTF-8 .* Write the column as UTF-8"
        ):
            table(spans_of(path)[0], wanted)


def test_a_decimal_with_too_many_digits_is_an_error(path: Path, spans_of: Spans) -> None:
    pq.write_table(
        pa.table({"d": pa.array([123], pa.decimal128(3, 0))}), path, compression="none", use_dictionary=False
    )
    metadata = pq.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    end = metadata.data_page_offset + metadata.total_compressed_size
    data[end - 2 : end] = (9999).to_bytes(2, "big")
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="column 'd': a decimal has more digits than its type") as caught:
        table(spans_of(path)[0])
    assert caught.value.code == "invalid_decimal"


def test_fewer_rows_than_the_footer_says_are_an_error(path: Path, spans_of: Spans) -> None:
    """The footer says 3 rows of a column chunk of 2: both numbers of the footer are made to agree, the page has 2."""
    pq.write_table(pa.table({"n": [1, 2]}), path, compression="none", use_dictionary=False, write_statistics=False)
    (span,) = spans_of(path)
    more = replace(span, file=replace(span.file, row_group_rows=(3,)))
    with pytest.raises(InputError, match="column 'n' has 2 values for 3 rows") as caught:
        table(more)
    assert caught.value.code == "row_count_mismatch"
    with pytest.raises(InputError, match="holds fewer rows than the 3 that the footer says"):
        table(more, Wanted([]))
    with pytest.raises(InputError, match="holds more rows than the 1 that the footer says"):
        table(replace(span, file=replace(span.file, row_group_rows=(1,))), Wanted([]))


def test_a_row_group_over_the_limit_is_refused_before_it_is_decoded(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": np.arange(10_000), "s": ["x"] * 10_000}), path)
    limits = ReadLimits(row_group_bytes=10_000)
    with pytest.raises(InputError, match=r"has [\d,]+ bytes to decode; at most 10,000 are read") as caught:
        list(read_span(spans_of(path)[0], limits=limits))
    assert caught.value.code == "too_large"
    assert sum(batch.num_rows for batch in read_span(spans_of(path)[0], Wanted(["s"]), limits)) == 10_000


# --------------------------------------------------------------------------------------------------------- dates, INT96


def write_int96(path: Path, values: Sequence[dt.datetime]) -> None:
    options = {"use_deprecated_int96_timestamps": True, "store_schema": False, "use_dictionary": False}
    pq.write_table(pa.table({"t": pa.array(values, pa.timestamp("us"))}), path, compression="none", **options)


def test_c4_int96_dates_outside_the_nanosecond_range_are_exact(path: Path, spans_of: Spans) -> None:
    """A column of 9999-12-31 and 1000-01-01 was read as 1816-03-29 and 2169-02-08 (aws/aws-sdk-pandas#3358)."""
    days = [dt.datetime(9999, 12, 31), dt.datetime(1000, 1, 1), dt.datetime(2024, 2, 29)]  # noqa: DTZ001
    for order in (days, days[::-1]):
        write_int96(path, order)
        assert pq.read_table(path)["t"].cast(pa.int64()).to_pylist() != [int(day.timestamp() * 1e9) for day in order]
        assert table(spans_of(path)[0], Wanted(["t"]))["t"].to_pylist() == order


def test_an_int96_that_wraps_into_a_date_that_looks_right_is_found(path: Path, spans_of: Spans) -> None:
    """In microseconds a day wraps after 213,503,982 days: this one is read as 2023-10-05, which nobody would doubt."""
    write_int96(path, [dt.datetime(2024, 2, 29)])  # noqa: DTZ001
    days_of_wrap = 2**64 // (86_400 * 1_000_000)
    julian = (dt.date(2024, 2, 29) - dt.date(1970, 1, 1)).days + 2_440_588
    data = path.read_bytes()
    old = struct.pack("<qi", 0, julian)
    at = data.index(old)
    path.write_bytes(data[:at] + struct.pack("<qi", 0, julian + days_of_wrap) + data[at + 12 :])
    wrapped = pq.ParquetFile(path, coerce_int96_timestamp_unit="us").read()["t"][0].as_py()
    assert wrapped.year in range(2023, 2025)
    with pytest.raises(InputError, match="column 't' has a date or time outside the years 1 to 9999") as caught:
        table(spans_of(path)[0], Wanted(["t"]))
    assert caught.value.code == "out_of_range_timestamp"


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("ms"), pa.timestamp("us", "UTC")])
def test_dates_and_times_lie_in_the_years_1_to_9999(path: Path, spans_of: Spans, kind: pa.DataType) -> None:
    unit = 1 if pa.types.is_date(kind) else {"ms": 86_400_000, "us": 86_400_000_000}[kind.unit]
    number = pa.int32() if pa.types.is_date(kind) else pa.int64()
    first, last = -719_162, 2_932_896
    pq.write_table(pa.table({"t": pa.array([first * unit, None, last * unit], number).cast(kind)}), path)
    assert table(spans_of(path)[0]).num_rows == 3
    for day in (first - 1, last + 1):
        pq.write_table(pa.table({"t": pa.array([None, day * unit], number).cast(kind)}), path)
        with pytest.raises(InputError, match="mend the writer, or write null for no date"):
            table(spans_of(path)[0])


def test_a_date_out_of_range_inside_a_nested_column_is_found_when_it_is_read(path: Path, spans_of: Spans) -> None:
    far = pa.array([2_932_897], pa.int32()).cast(pa.date32())
    nested = pa.ListArray.from_arrays([0, 1], pa.StructArray.from_arrays([far], ["d"]))
    pq.write_table(pa.table({"n": [1], "x": nested}), path)
    assert table(spans_of(path)[0], Wanted(["n"])).num_rows == 1
    with pytest.raises(InputError, match="column 'x' has a date"):
        table(spans_of(path)[0])


# ------------------------------------------------------------------------------------------------------------- identity


def test_the_file_must_be_the_one_that_was_planned(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), path)
    (span,) = spans_of(path)
    check_identity(span.file)
    other = replace(span.file, footer_digest="0" * 64)
    with pytest.raises(InputError, match=r"^a\.parquet: the file changed since it was planned: another footer"):
        check_identity(other)
    os.utime(path, ns=(0, span.file.mtime_ns + 1))
    with pytest.raises(InputError, match="another modification time"):
        check_identity(span.file)
    pq.write_table(pa.table({"n": [1, 2, 3, 4, 5]}), path)
    with pytest.raises(InputError, match=r"another size\. Run again when nothing writes") as caught:
        list(read_span(span))
    assert caught.value.code == "changed_since_planning"


def test_a_footer_seen_before_is_not_taken_for_another_plans(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), path)
    (span,) = spans_of(path)
    list(read_span(span))
    with pytest.raises(InputError, match="another footer"):
        list(read_span(replace(span, file=replace(span.file, footer_digest="0" * 64))))
    assert table(span).num_rows == 2


def test_a_file_that_went_away_is_a_changed_input(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), path)
    (span,) = spans_of(path)
    path.unlink()
    with pytest.raises(InputError, match=r"^a\.parquet: the file is gone") as caught:
        list(read_span(span))
    assert caught.value.code == "changed_since_planning"


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": np.arange(100_000)}), path)
    (span,) = spans_of(path)
    with open_span(span) as reader:
        batches = reader.batches(Wanted(["n"]))
        rows = next(batches).num_rows
        other = path.with_name("b.parquet")
        pq.write_table(pa.table({"n": np.zeros(7)}), other)
        other.replace(path)
        assert rows + sum(batch.num_rows for batch in batches) == 100_000


def test_a_file_that_is_written_into_while_it_is_read_is_an_error(path: Path, spans_of: Spans) -> None:
    pq.write_table(pa.table({"n": np.arange(100_000)}), path)
    (span,) = spans_of(path)
    with open_span(span) as reader:
        batches = reader.batches(Wanted(["n"]))
        next(batches)
        with path.open("ab") as stream:
            stream.write(b"more")
        with pytest.raises(InputError, match="row group 0: the file changed while it was read"):
            list(batches)

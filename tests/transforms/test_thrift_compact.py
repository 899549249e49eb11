from __future__ import annotations

import pytest

from transforms.thrift_compact import Wanted, read_struct

#: {1: 300, 2: true, 3: -2, 4: "ab", 5: {1: 7}, 6: [{1: 1}, {1: 2}], 20: 9}
STRUCT = bytes.fromhex("15d804 11 1503 180261 62 1c150e00 192c15020015040000".replace(" ", ""))
STRUCT = STRUCT[:-1] + bytes.fromhex("e515 12 00".replace(" ", ""))[1:-1] + b"\0"


def test_wanted_integers_are_read_and_the_rest_passed_over() -> None:
    assert read_struct(STRUCT, {1: {}, 3: {}}) == {1: 300, 3: -2}


def test_a_struct_is_read_as_far_as_wanted() -> None:
    assert read_struct(STRUCT, {5: {1: {}}}) == {5: {1: 7}}
    assert read_struct(STRUCT, {5: {}}) == {5: {}}


def test_a_list_of_structs_is_read_item_by_item() -> None:
    assert read_struct(STRUCT, {6: {1: {}}})[6] == [{1: 1}, {1: 2}]


def test_text_and_booleans_are_noticed_but_not_read() -> None:
    assert read_struct(STRUCT, {2: {}, 4: {}}) == {2: None, 4: None}


@pytest.mark.parametrize("wanted", [{}, {6: {1: {}}}])
def test_bytes_that_end_too_soon_are_an_error(wanted: Wanted) -> None:
    for length in range(len(STRUCT)):
        with pytest.raises(ValueError, match="end inside a value"):
            read_struct(STRUCT[:length], wanted)


def test_bytes_that_nest_without_end_are_an_error() -> None:
    with pytest.raises(ValueError, match="nested deeper than 50"):
        read_struct(b"\x1c" * 1000, {})


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="no type has the number 14"):
        read_struct(b"\x1e\x00", {})


def test_a_list_longer_than_the_bytes_is_an_error_before_it_is_made() -> None:
    with pytest.raises(ValueError, match="end inside a value"):
        read_struct(b"\x19\xf3\xff\xff\xff\xff\x7f\x00", {})

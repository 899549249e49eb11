from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.input_listing import hive_values, is_fit, list_files, printable
from schemas.errors import InputError


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(folder: Path, marker: str | None = None) -> tuple[list[str], list[str]]:
    listing = list_files(folder, marker)
    return [file.name for file in listing.files], list(listing.ignored)


def test_files_come_in_the_order_of_their_names_bytes(tmp_path: Path) -> None:
    put(tmp_path, "b/1", "a.b/1", "a/2", "a/1", "Z", "é", "a0")
    assert names(tmp_path)[0] == ["Z", "a.b/1", "a/1", "a/2", "a0", "b/1", "é"]


def test_hidden_files_and_folders_are_passed_over_and_named(tmp_path: Path) -> None:
    put(tmp_path, "a", "_SUCCESS", ".a.crc", "_temporary/x/part-0", "b/_metadata", "b/c")
    assert names(tmp_path) == (["a", "b/c"], [".a.crc", "_SUCCESS", "_temporary/", "b/_metadata"])


@pytest.mark.parametrize("marker", ["_SUCCESS", "READY"])
def test_the_marker_is_no_data_whatever_its_name(tmp_path: Path, marker: str) -> None:
    put(tmp_path, "a", marker)
    assert names(tmp_path, marker) == (["a"], [marker])


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    put(tmp_path, "data/a")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "back").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self").symlink_to("self")
    assert names(tmp_path / "in") == (["linked/a", "self"], ["linked/back/"])


def test_a_folder_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    assert names(tmp_path) == ([], [])
    with pytest.raises(FileNotFoundError):
        list_files(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list anything")
def test_a_folder_that_may_not_be_listed_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "a/b")
    (tmp_path / "a").chmod(0)
    with pytest.raises(InputError, match="folder a/ may not be listed"):
        list_files(tmp_path)
    (tmp_path / "a").chmod(0o700)


def test_hive_values_are_decoded_and_split_at_the_first_sign() -> None:
    folders = ["plain", "a=1", "b%3D=x%2Fy", "c=p=q", "d="]
    assert hive_values(folders) == (("a", "1"), ("b=", "x/y"), ("c", "p=q"), ("d", ""))


def test_names_that_no_report_can_show_are_written_as_escapes() -> None:
    for name, shown in (("a\nb", r"a\u000ab"), ("\udcff.parquet", r"\udcff.parquet")):
        assert not is_fit(name)
        assert printable(name) == shown
    for name in ("a b", "Zürich", "東京\u3000"):
        assert is_fit(name)
        assert printable(name) == name

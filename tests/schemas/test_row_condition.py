from __future__ import annotations

import gc
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.condition_reading import parse_row_condition
from schemas.row_condition import (
    And,
    Comparison,
    Membership,
    Nullity,
    Or,
    RowCondition,
    columns_of,
    condition_words,
)

X_ABOVE_5 = Comparison("x", ">", 5)


def read(raw: Any, parser: str | None = "pandas") -> RowCondition:
    return parse_row_condition(raw, parser)


def comparison(operator: Any = ">", parameter: Any = 5, name: Any = "x") -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": name}, "operator": operator, "parameter": parameter}


def nested(depth: int, kind: str = "and") -> Any:
    """Groups of one and of two parts in turn, so that no level can be left out."""
    raw: Any = comparison()
    for level in range(depth):
        raw = {"type": kind if level % 2 else "or", "conditions": [raw, comparison()]}
    return raw


# ------------------------------------------------------------------------------------------------------- what is read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('col("x") > 5', X_ABOVE_5),
        ("col('x')>5", X_ABOVE_5),
        ("x > 5", X_ABOVE_5),
        ("`x` > 5", X_ABOVE_5),
        ("((x > 5))", X_ABOVE_5),
        ("x > -5", Comparison("x", ">", -5)),
        ("x >= +.5", Comparison("x", ">=", 0.5)),
        ("x < 1e3", Comparison("x", "<", 1000.0)),
        ("x <= 9007199254740993", Comparison("x", "<=", 2**53 + 1)),
        ('x == "it\'s"', Comparison("x", "==", "it's")),
        ("x != 'a \"b\"'", Comparison("x", "!=", 'a "b"')),
        ("x == true", Comparison("x", "==", value=True)),
        ("x == False", Comparison("x", "==", value=False)),
        ("x >= '2024-02-29T06:00:00+01:00'", Comparison("x", ">=", "2024-02-29T06:00:00+01:00")),
        ("`net amount (€)` == 1", Comparison("net amount (€)", "==", 1)),
        ("`and` == 1", Comparison("and", "==", 1)),
        ('col("a.b") == 1', Comparison("a.b", "==", 1)),
        ("col == 1", Comparison("col", "==", 1)),
        ("größe == 1", Comparison("größe", "==", 1)),
        ("`__index_level_0__` == 1", Comparison("__index_level_0__", "==", 1)),
        ('x in ["a", "b"]', Membership("x", ("a", "b"))),
        ("x not in [1,-2.5]", Membership("x", (1, -2.5), negated=True)),
        ("x in []", Membership("x", ())),
        ('col("x").notNull()', Nullity("x", is_null=False)),
        ('col("x").notnull()', Nullity("x", is_null=False)),
        ('col("x").isNull()', Nullity("x", is_null=True)),
        ("x.isnull()", Nullity("x", is_null=True)),
        ("`a b`.notna()", Nullity("a b", is_null=False)),
    ],
)
@pytest.mark.parametrize("parser", [None, "pandas", "great_expectations", "great_expectations__experimental__"])
def test_a_text_is_read_the_same_for_every_parser(text: str, expected: RowCondition, parser: str | None) -> None:
    found = read(text, parser)
    assert found == expected
    if isinstance(found, Comparison) and isinstance(expected, Comparison):
        assert type(found.value) is type(expected.value)


def test_and_is_tighter_than_or_however_they_are_written() -> None:
    a, b, c = (Comparison(name, ">", 1) for name in "abc")
    expected = Or((a, And((b, c))))
    assert read("a > 1 or b > 1 and c > 1") == expected
    assert read("a > 1 | b > 1 & c > 1") == expected  # as pandas.query reads it: & is an and there, not Python's
    assert read("(a > 1 or b > 1) and c > 1") == And((Or((a, b)), c))
    assert read("a > 1 and (b > 1 and c > 1)") == And((a, b, c))


def test_great_expectations_objects_are_read() -> None:
    raw = {
        "type": "or",
        "conditions": [
            {"type": "and", "conditions": [comparison(), comparison("==", "a", "y")]},
            {"type": "nullity", "column": {"name": "z"}, "is_null": True},
            comparison("IN", [1, 2.5]),
            comparison("NOT_IN", ["a"]),
        ],
    }
    assert read(raw, None) == Or(
        (
            And((X_ABOVE_5, Comparison("y", "==", "a"))),
            Nullity("z", is_null=True),
            Membership("x", (1, 2.5)),
            Membership("x", ("a",), negated=True),
        )
    )


def test_what_great_expectations_writes_into_a_suite_is_read() -> None:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    condition = ((Column("x") > 5) & Column("y").is_not_null()) | Column("s").is_not_in(["a", "b"])
    written = gxe.ExpectColumnValuesToNotBeNull(column="x", row_condition=condition).configuration.to_json_dict()
    assert read(written["kwargs"]["row_condition"], None) == Or(
        (And((X_ABOVE_5, Nullity("y", is_null=False))), Membership("s", ("a", "b"), negated=True))
    )


@pytest.mark.parametrize(
    "text", ['col("x") > 5', 'col("x") == "a b"', 'col("x").notNull()', 'col("x") != -1.5', "col(\"x\") <= 'b'"]
)
def test_great_expectations_own_texts_mean_what_it_says(text: str) -> None:
    from great_expectations.expectations.expectation import _convert_string_to_condition

    assert read(text, "great_expectations") == read(_convert_string_to_condition(text).dict(), None)


def test_conditions_are_values_that_pickle() -> None:
    condition = read("a > 1 and (b in ['x'] or c.isNull())")
    assert pickle.loads(pickle.dumps(condition)) == condition  # noqa: S301  # our own bytes
    assert len({condition, read("a > 1 and ((b in ['x']) or c.isNull())")}) == 1


def test_columns_are_named_once_in_their_order() -> None:
    assert columns_of(read("b > 1 and (a.isNull() or b in [1]) and `c d` == 1")) == ("b", "a", "c d")


def test_a_condition_is_said_in_words() -> None:
    text = "x > 5 and (y == 'a' or z.isNull() or `a b` not in [1, 2]) and w != true and v.notNull() and u <= 1.5"
    words = "x is above 5 and (y is 'a' or z is null or 'a b' is none of 1, 2) and w is not true"
    assert condition_words(read(text)) == f"{words} and v is not null and u is at most 1.5"
    assert condition_words(read(f"x in {list(range(9))}")) == "x is one of 0, 1, 2, 3, 4 and 4 more"
    assert condition_words(read("x in []")) == "x is one of no values"
    long = Or(tuple(Comparison("x" * 60, "==", "\n" * 60) for _ in range(100)))
    assert len(condition_words(long)) == 500
    assert "\n" not in condition_words(long)


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@x > 5", "character 1: '@' names a variable of a program; write the value"),
        ("x > @y", "character 5: '@' names a variable"),
        ("@__import__('os').system('true')", "character 1: '@' names a variable"),
        ("__import__('os').system('true')", "character 1: the call of '__import__' is refused: nothing here is run"),
        ("x == __import__('os')", "character 6: the call of '__import__' is refused"),
        ("x.__class__ == 1", "character 3: the attribute '__class__' is refused: nothing here is run as code"),
        ("x.str.len() > 1", "character 3: the attribute 'str' is refused.*put a name with a point in backquotes"),
        ("x.isnull", r"the text ends where '\(' was expected"),
        ("x.isnull().sum() > 1", r"character 11: '.' reads an attribute; only .isNull\(\) and .notNull\(\)"),
        ("__builtins__ == 1", "the name '__builtins__' is refused; put it in backquotes if it is a column"),
        ("x == __builtins__", "the name '__builtins__' is refused"),
        ("len(x) > 1", "character 1: the call of 'len' is refused"),
        ('col("d") > date("2024-01-01")', "the call of 'date' is refused: .* write dates as text"),
        ("x + 1 > 5", r"character 3: '\+' is arithmetic; compare a column with a value"),
        ("x > 5 * 2", r"character 7: '\*' is arithmetic"),
        ("x > 5 - 2", "character 7: '-' is arithmetic"),
        ("x = 5", "'=' assigns; write == to compare"),
        ("x := 5", "':' stands where an operator such as == or in was expected"),
        ("1 < x", "'1' stands where a column was expected; write column, operator, value"),
        ("x > 1 < 5", "'<' is a second comparison in a row; join two comparisons with and"),
        ("x > y", "'y' would be another column; put texts in quotes; columns are not compared"),
        ("x > `y z`", "'`y z`' would be another column"),
        ("not x > 5", "'not' negates a whole condition; write the opposite comparisons"),
        ("~x.isnull()", "'~' negates"),
        ("x not > 5", "'>' stands where 'in' was expected"),
        ("x == None", r"None equals nothing; write .isNull\(\) or .notNull\(\)"),
        ("x == [1]", "a list stands where one value was expected; write in or not in"),
        ("x in 5", r"'5' stands where '\[' was expected"),
        ("x in [1, 'a']", "a list of values of different kinds; give only texts, only numbers or only booleans"),
        ("x in [1 2]", "'2' stands where ',' was expected"),
        ("x in [y]", "'y' would be another column"),
        ("x in [1", "the text ends where ',' was expected"),
        ("x == 'a", r"character 6: \"'\" begins a text or name that has no end"),
        (r"x == 'a\nb'", "holds a backslash; end it, and write backslashes in an object"),
        ("`x == 5", "'`' begins a text or name that has no end"),
        ("x == 5 && y == 5", "'&' stands twice or in the wrong place; write and"),
        ("x == 5 || y == 5", r"'\|' stands twice or in the wrong place; write or"),
        ("x == 5 AND y == 5", "'AND' stands where 'and', 'or' or the end was expected"),
        ("x == 5; y == 5", "';' stands where"),
        ("x == 5)", r"'\)' stands where"),
        ("(x == 5", r"character 8: the text ends where '\)' was expected"),
        ("(x) == 5", r"'\)' stands where an operator"),
        ("x", "character 2: the text ends where an operator such as == or in was expected"),
        ("", "character 1: the text ends where a column was expected"),
        ("x == 1e999", "a number that is not finite or beyond what a float holds"),
        ("x == -", "the text ends where a number was expected"),
        ("x == 0x10", "'x10' stands where"),
        ("lambda: 1", "':' stands where an operator"),
        ("[y for y in x]", r"'\[' stands where a column was expected"),
        ('col("") > 1', "'' is not a column's name; give 1 to 500 characters"),
        ("col(x) > 1", "'x' stands where a column's name in quotes was expected"),
        ("x == '\ud800'", "half of a surrogate pair"),
    ],
)
def test_other_texts_are_refused_with_place_and_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        read(text)
    assert str(caught.value).startswith("row_condition, character ")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, "^row_condition: None is not a condition; give a text, or an object"),
        ([comparison()], "^row_condition: a value of type list is not a condition"),
        ({}, "^row_condition.type: None is not known; known: comparison, nullity, and, or$"),
        ({"type": ["and"]}, "^row_condition.type: a value of type list is not known"),
        ({"type": "not", "conditions": []}, "^row_condition.type: 'not' is not known"),
        (
            {"type": "pass_through", "pass_through_filter": "x > 5"},
            "^row_condition: a pass_through condition is run as code by pandas, and refused here; write it with Great",
        ),
        ({"type": "and", "conditions": []}, "^row_condition.conditions: not a list of conditions; give at least one"),
        (
            {"type": "and", "conditions": [comparison(), comparison(parameter=None)]},
            r"^row_condition.conditions\[1\].parameter: None is not a plain value; give a text",
        ),
        ({**comparison(), "paramter": 1}, "^row_condition: unknown key 'paramter'; did you mean 'parameter'"),
        ({"type": "nullity", "column": {"name": "x"}}, "^row_condition: is_null is missing; a condition of type null"),
        ({"type": "nullity", "column": {"name": "x"}, "is_null": 1}, "^row_condition.is_null: .* not true or false"),
        ({"type": "nullity", "column": "x", "is_null": True}, '^row_condition.column: .*write {"name": "x"}$'),
        (comparison(name=None), "^row_condition.column.name: None is not a column's name"),
        (comparison(name="x" * 501), "^row_condition.column.name: 'xxx.* is not a column's name; give 1 to 500"),
        (comparison(operator="=~"), "^row_condition.operator: '=~' is not known; known: ==, .*, IN, NOT_IN$"),
        (comparison(operator=["=="]), "^row_condition.operator: a value of type list is not known"),
        (comparison(parameter={"$PARAMETER": "p"}), "^row_condition.parameter: a suite parameter is not supported"),
        (comparison(parameter={"name": "y"}), "^row_condition.parameter: another column is not supported"),
        (comparison(parameter=[1]), "^row_condition.parameter: a value of type list is not a plain value"),
        (comparison(parameter=float("nan")), "^row_condition.parameter: a number that is not finite"),
        (comparison(parameter=10**400), "^row_condition.parameter: a number that is not finite"),
        (comparison(parameter="x" * 1001), "^row_condition.parameter: a value of 1,001 characters; at most 1,000"),
        (comparison(parameter="\ud800"), "^row_condition.parameter: a text holds half of a surrogate pair"),
        (comparison("IN", "ab"), "^row_condition.parameter: 'ab' is not a list; IN takes a list of values"),
        (comparison("NOT_IN", [1, None]), "^row_condition.parameter: None is not a plain value"),
        (comparison("IN", [True, 1]), "^row_condition.parameter: a list of values of different kinds"),
    ],
)
def test_other_objects_are_refused_with_place_and_reason(raw: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(raw, None)


@pytest.mark.parametrize("raw", ["x > 5", comparison()])
def test_other_parsers_are_refused_by_name(raw: Any) -> None:
    with pytest.raises(ValueError, match="condition_parser 'spark' is SQL that Spark would run; write 'pandas' or"):
        read(raw, "spark")
    with pytest.raises(ValueError, match="condition_parser 'python' is none that is known here"):
        read(raw, "python")


# ------------------------------------------------------------------------------------------------------------- limits


def test_the_limits_themselves_are_allowed() -> None:
    assert read("(" * 20 + "x > 5" + ")" * 20) == X_ABOVE_5
    assert read(f"x == '{'a' * 993}'") == Comparison("x", "==", "a" * 993)
    assert len(columns_of(read({"type": "or", "conditions": [comparison(name=f"x{n}") for n in range(100)]}))) == 100
    assert read(comparison("IN", list(range(1000)))) == Membership("x", tuple(range(1000)))
    assert read(nested(19))


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this thread; other processes may take the cores meanwhile, and garbage is that of other tests."""
    gc.disable()
    start = time.thread_time()
    work()
    spent = time.thread_time() - start
    gc.enable()
    return spent


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("(" * 21 + "x > 5" + ")" * 21, "character 21: nested more than 20 levels deep"),
        ("(" * 1000, "nested more than 20 levels deep"),
        ("(" * 10**6, "the text has 1,000,000 characters; at most 1,000 are allowed"),
        ("x" * 10**6, "the text has 1,000,000 characters"),
        ("1" * 1000, "stands where a column was expected"),
        ("x > " + "9" * 990, "a number that is not finite"),
        ("x == '" + "a" * 990, "begins a text or name that has no end"),
        (" " * 1000, "the text ends where a column was expected"),
        (" or ".join(["x>1"] * 101), "more than 100 comparisons"),
        (nested(20), "nested more than 20 levels deep; write it flatter"),
        (nested(500), "nested more than 20 levels deep"),
        ({"type": "or", "conditions": [comparison()] * 10**6}, "more than 100 comparisons; write fewer"),
        (comparison("IN", list(range(10**6))), "more than 1,000 members"),
        ({"type": "or", "conditions": [comparison("IN", [1] * 501)] * 2}, "more than 1,000 members"),
        (comparison(parameter="a" * 10**6), "a value of 1,000,000 characters"),
        (comparison(name="a" * 10**6), "is not a column's name"),
        (comparison(operator="=" * 10**6), "is not known"),
        ({"type": "a" * 10**6}, "is not known"),
        ({**comparison(), "a" * 10**6: 1}, "unknown key"),
    ],
    ids=range(19),
)
def test_what_is_beyond_the_limits_is_refused_at_once(raw: Any, why: str) -> None:
    def refuse() -> None:
        with pytest.raises(ValueError, match=why) as caught:
            read(raw)
        assert len(str(caught.value)) < 400

    assert seconds(refuse) < 0.3


@pytest.mark.parametrize(
    "attack",
    [
        "@__import__('os').system('touch {file}')",
        "__import__('os').system('touch {file}')",
        "x == __import__('os').system('touch {file}')",
        "x.__class__.__base__.__subclasses__()",
        "@pd.io.common.os.system('touch {file}')",
        "x in [__import__('os').system('touch {file}')]",
        "x > 5 and @open('{file}', 'w')",
    ],
)
def test_an_attack_is_refused_and_nothing_of_it_is_run(tmp_path: Path, attack: str) -> None:
    file = tmp_path / "touched"
    text = attack.format(file=file)
    for raw in (text, {"type": "pass_through", "pass_through_filter": text}):
        for parser in (None, "pandas", "great_expectations", "spark"):
            with pytest.raises(ValueError, match=r"refused|names a variable|is SQL that Spark would run"):
                read(raw, parser)
    assert not file.exists()
    value = read(comparison("==", text))  # as a value it is a text like any other
    assert isinstance(value, Comparison)
    assert value.value == text
    assert not file.exists()


@pytest.mark.parametrize(
    "piece", ["x", "'", '"', "(", "[", "1", ".", "e", "in ", "not ", "`", "x > 1 and ", "\\", "\x00"]
)
def test_any_text_of_full_length_is_judged_at_once(piece: str) -> None:
    text = (piece * 1000)[:1000]

    def refuse() -> None:
        with pytest.raises(ValueError, match="row_condition"):
            read(text)

    assert seconds(refuse) < 0.1

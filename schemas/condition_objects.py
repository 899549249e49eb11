"""Row conditions as Great Expectations' JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from schemas.condition_parts import Parts, brief, refuse
from schemas.row_condition import OPERATORS, And, Comparison, Membership, Nullity, Operator, Or, RowCondition
from schemas.yaml_source import did_you_mean

_KEYS: Mapping[str, tuple[str, ...]] = {
    "comparison": ("column", "operator", "parameter"),
    "nullity": ("column", "is_null"),
    "and": ("conditions",),
    "or": ("conditions",),
}


class ConditionObjects(Parts):
    """Reads the objects comparison, nullity, and, or."""

    def condition(self, raw: Any, where: str, depth: int) -> RowCondition:
        """The condition of one object, at that place and level. Raises ValueError for anything else."""
        kind = self._kind(raw, where)
        if kind in ("and", "or"):
            return self._group(raw["conditions"], Or if kind == "or" else And, where, depth)
        column = self._column(raw["column"], f"{where}.column")
        if kind == "nullity":
            if not isinstance(raw["is_null"], bool):
                refuse(f"{where}.is_null", f"{brief(raw['is_null'])} is not true or false", "write true or false")
            return Nullity(column, raw["is_null"])
        return self._comparison(column, raw["operator"], raw["parameter"], where)

    def _kind(self, raw: Any, where: str) -> str:
        if not isinstance(raw, dict):
            refuse(where, f"{brief(raw)} is not a condition", "give a text, or an object as Column('x') > 5 makes")
        kind = raw.get("type")
        if kind == "pass_through":
            todo = "write it with Great Expectations' Column, or as a text"
            refuse(where, "a pass_through condition is run as code by pandas, and refused here", todo)
        if not isinstance(kind, str) or kind not in _KEYS:
            refuse(f"{where}.type", f"{brief(kind)} is not known", f"known: {', '.join(_KEYS)}")
        for key in raw:
            if key != "type" and key not in _KEYS[kind]:
                hint = did_you_mean(str(key)[:100], _KEYS[kind]).removeprefix("; ")
                refuse(where, f"unknown key {brief(key)}", hint)
        for key in _KEYS[kind]:
            if key not in raw:
                refuse(where, f"{key} is missing", f"a condition of type {kind} has {', '.join(_KEYS[kind])}")
        return kind

    def _group(self, conditions: Any, kind: type[And | Or], where: str, depth: int) -> RowCondition:
        where = f"{where}.conditions"
        if not isinstance(conditions, list) or not conditions:
            refuse(where, "not a list of conditions", "give at least one")
        deeper = self.deeper(depth, where)
        parts = [self.condition(item, f"{where}[{place}]", deeper) for place, item in enumerate(conditions)]
        return self.group(kind, parts)

    def _column(self, raw: Any, where: str) -> str:
        if not isinstance(raw, dict) or raw.keys() != {"name"}:
            refuse(where, "not an object with a name alone", 'write {"name": "x"}')
        return self.column(raw["name"], f"{where}.name")

    def _comparison(self, column: str, operator: Any, parameter: Any, where: str) -> RowCondition:
        place = f"{where}.parameter"
        if operator in ("IN", "NOT_IN"):
            if not isinstance(parameter, list):
                refuse(place, f"{brief(parameter)} is not a list", f"{operator} takes a list of values")
            return Membership(column, self.members(parameter, place), operator == "NOT_IN")
        if not isinstance(operator, str) or operator not in OPERATORS:
            known = ", ".join([*OPERATORS, "IN", "NOT_IN"])
            refuse(f"{where}.operator", f"{brief(operator)} is not known", f"known: {known}")
        if isinstance(parameter, dict):
            what = "a suite parameter" if "$PARAMETER" in parameter else "another column"
            refuse(place, f"{what} is not supported as the value", "write the value")
        return Comparison(column, cast("Operator", operator), self.value(parameter, place))

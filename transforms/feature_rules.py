"""Whether the job's features fit the table contract and the model cards; every mistake, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from schemas.card import CardFeature, ModelCard
from schemas.contract import TableContract
from schemas.job import Feature, Step
from schemas.yaml_source import did_you_mean
from transforms.categories import OTHER_NAMES
from transforms.feature_entry import FeatureEntry, one_hot_name
from transforms.steps import find_custom

#: What a column or a step gives. `any`: a custom step, whose result shows only when it runs.
Kind = Literal["numbers", "boolean", "integers", "text", "times", "days", "binary", "any"]

_NUMERIC: frozenset[Kind] = frozenset({"numbers", "boolean", "integers", "any"})
#: The kinds that make a feature of that type of a card.
_GIVES: Mapping[str, frozenset[Kind]] = {
    "numeric": _NUMERIC,
    "boolean": frozenset({"boolean", "any"}),
    "categorical": frozenset({"text", "boolean", "integers", "any"}),
}
_ADVICE: Mapping[str, str] = {
    "numeric": "a step such as ordinal, one_hot or date_part makes numbers",
    "boolean": "its column must be of type bool in the contract",
    "categorical": "its column must be text, whole numbers or booleans",
}


def one_hot_features(features: Mapping[str, Feature]) -> dict[str, str]:
    """Name of every feature that a one_hot step makes, to the entry that it belongs to."""
    return {
        one_hot_name(name, category): name
        for name, feature in features.items()
        for category in (feature.steps[-1].one_hot if feature.steps else None) or ()
    }


def entries_for(features: Mapping[str, Feature], card: ModelCard) -> dict[str, tuple[Feature, list[CardFeature]]]:
    """Entry name to its settings and the card's features that it makes; a feature without an entry is its column."""
    made_by = one_hot_features(features)
    found: dict[str, tuple[Feature, list[CardFeature]]] = {}
    for item in card.features:
        name = item.name if item.name in features else made_by.get(item.name, item.name)
        found.setdefault(name, (features.get(name, Feature()), []))[1].append(item)
    return found


def entry_of(name: str, feature: Feature, outputs: Sequence[CardFeature]) -> FeatureEntry:
    """The entry, ready to run."""
    return FeatureEntry(
        name, sources_of(name, feature), feature.steps, feature.unknown, feature.missing, tuple(outputs)
    )


def sources_of(name: str, feature: Feature) -> tuple[str, ...]:
    """The columns that the entry reads."""
    if feature.source is None:
        return (name,)
    return (feature.source,) if isinstance(feature.source, str) else feature.source


def unused_entries(features: Mapping[str, Feature], cards: Sequence[ModelCard]) -> Iterator[str]:
    """A mistake for every entry that no model has a feature for."""
    wanted = {item.name for card in cards for item in card.features}
    made_by = one_hot_features(features)
    used = wanted | {entry for name, entry in made_by.items() if name in wanted}
    for name, feature in features.items():
        if name not in used and feature.steps and feature.steps[-1].one_hot:
            yield f"{name}: no model has a feature such as '{one_hot_name(name, feature.steps[-1].one_hot[0])}'"
        elif name not in used:
            yield f"{name}: no model has a feature of this name{did_you_mean(name, wanted)}"


def card_mistakes(features: Mapping[str, Feature], contract: TableContract, card: ModelCard) -> Iterator[str]:
    """Every mistake in the entries that the card's features need."""
    known = {*contract.names(), *features, *one_hot_features(features)}
    for name, (feature, outputs) in entries_for(features, card).items():
        if name not in features and contract.column(name) is None:
            hint = did_you_mean(name, known)
            yield f"{name}: model '{card.name}' wants this feature, and no column and no entry has its name{hint}"
        else:
            yield from (f"{name}: {mistake}" for mistake in _entry_mistakes(name, feature, contract, outputs))


def _entry_mistakes(
    name: str, feature: Feature, contract: TableContract, outputs: Sequence[CardFeature]
) -> Iterator[str]:
    sources = sources_of(name, feature)
    columns = [contract.column(source) for source in sources]
    for source, column in zip(sources, columns, strict=True):
        if column is None:
            yield f"column '{source}' is not in the table contract{did_you_mean(source, contract.names())}"
    if not sources:
        yield "`from` is empty; name a column"
    if len(sources) > 1 and not (feature.steps and feature.steps[0].custom):
        yield f"`from` names {len(sources)} columns; only a custom step as the first one can take several"
    if len(sources) != 1 or columns[0] is None:
        kind: Kind = "any"
    else:
        kind = _kind_of(columns[0].type)
    kind, mistakes = _walk(kind, feature.steps, f"column '{sources[0]}' is" if sources else "it is")
    yield from mistakes
    if not mistakes:
        yield from _result_mistakes(name, kind, feature, outputs)


def _kind_of(logical_type: str) -> Kind:
    plain: dict[str, Kind] = {"bool": "boolean", "string": "text", "date": "days", "binary": "binary"}
    if logical_type in plain:
        return plain[logical_type]
    if logical_type.startswith("timestamp"):
        return "times"
    return "integers" if logical_type.startswith(("int", "uint")) else "numbers"


def _walk(kind: Kind, steps: Sequence[Step], subject: str) -> tuple[Kind, list[str]]:
    """The kind after all steps, and what is wrong on the way."""
    mistakes: list[str] = []
    for place, step in enumerate(steps):
        where = f"steps[{place}] ({step.name})"
        problem = _step_problem(kind, step, subject) or _list_problem(step, last=place == len(steps) - 1)
        if problem:
            mistakes.append(f"{where}: {problem}")
            return kind, mistakes
        kind = _after(kind, step)
        subject = f"{step.name} before it gives"
    return kind, mistakes


def _step_problem(kind: Kind, step: Step, subject: str) -> str | None:
    if step.custom is not None:
        return _import_problem(step.custom)
    if step.ordinal or step.one_hot or isinstance(step.fill, str):
        wanted, fits = "text", kind in ("text", "any")
    elif step.date_part:
        wanted, fits = "a date or timestamp", kind in ("times", "days", "any")
    else:
        wanted, fits = "numbers", kind in _NUMERIC
    if not fits:
        return f"takes {wanted}, and {subject} {kind}"
    if step.date_part in ("hour", "minute") and kind == "days":
        return f"a date has no {step.date_part}"
    return None


def _import_problem(reference: str) -> str | None:
    try:
        find_custom(reference)
    except Exception as error:  # noqa: BLE001  # the job's own module runs here, and may raise anything
        return f"cannot import '{reference}': {type(error).__name__}: {error}"
    return None


def _list_problem(step: Step, *, last: bool) -> str | None:
    named = step.ordinal or step.one_hot
    if named and len(set(named)) != len(named):
        return "a category is listed twice"
    return "must be the last step" if step.one_hot and not last else None


def _after(kind: Kind, step: Step) -> Kind:
    if step.custom is not None:
        return "any"
    if step.fill is not None:
        return kind
    return "numbers"


def _result_mistakes(name: str, kind: Kind, feature: Feature, outputs: Sequence[CardFeature]) -> Iterator[str]:
    last = feature.steps[-1] if feature.steps else None
    named = next((step.ordinal or step.one_hot for step in feature.steps if step.ordinal or step.one_hot), None)
    if last is not None and last.one_hot:
        made = [one_hot_name(name, category) for category in last.one_hot]
        for item in outputs:
            if item.name not in made:
                yield f"one_hot makes '{made[0]}' and its like, and the model wants '{item.name}' itself"
            elif item.type == "categorical":
                yield f"one_hot gives 0 and 1, and '{item.name}' is categorical in the model card"
    elif kind not in _GIVES[outputs[0].type] or (outputs[0].type == "categorical" and _is_numbered(kind, feature)):
        wanted = outputs[0].type
        yield f"the model card says {wanted}, and what comes out is {kind}: {_ADVICE[wanted]}"
    known = named or outputs[0].categories
    if feature.unknown == "other" and not (known and any(other in known for other in OTHER_NAMES)):
        yield f"`unknown: other` needs a category named {' or '.join(OTHER_NAMES)} in the model's list"


def _is_numbered(kind: Kind, feature: Feature) -> bool:
    """Whole numbers become text only straight from their column: a filled one is a float64 by then."""
    return kind in ("integers", "boolean") and any(step.custom is None for step in feature.steps)

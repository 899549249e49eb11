"""Reading a YAML file that someone else wrote: safely, with the line of every mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from schemas.bounded_file import read_bounded
from schemas.errors import ConfigError

#: Larger configuration files are refused before parsing.
MAX_BYTES = 200_000
#: Levels of lists and mappings in one another.
MAX_DEPTH = 30

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class YamlSource:
    """A parsed YAML file that can still say on which line a value stands."""

    path: Path
    root: CommentedMap

    def line_of(self, location: Iterable[str | int]) -> int:
        """The 1-based line of the deepest part of `location` that exists in the file."""
        node: Any = self.root
        line = 1
        for step in location:
            found = _line(node, step)
            if found is None:
                break
            line = found
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
        return line


def _line(node: Any, step: str | int) -> int | None:
    if isinstance(node, CommentedMap) and step in node:
        return int(node.lc.key(step)[0]) + 1
    if isinstance(node, CommentedSeq) and isinstance(step, int) and 0 <= step < len(node):
        return int(node.lc.item(step)[0]) + 1
    return None


def read_yaml(path: Path) -> YamlSource:
    """The file's mapping. Refuses aliases, duplicate keys, tags, files over 200 kB and anything but a mapping.

    Raises ConfigError with the file's name and, where there is one, the line.
    """
    data = read_bounded(path, MAX_BYTES)
    try:
        text = data.decode("utf-8")
        _refuse_aliases(path, text)
        root = YAML(typ="rt", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        message = f"{path}: not valid YAML: {_first_lines(error)}"
        raise ConfigError(message, code="yaml_syntax", file=str(path)) from None
    if not isinstance(root, CommentedMap):
        message = f"{path}: expected a mapping of keys to values, found {type(root).__name__}"
        raise ConfigError(message, code="yaml_not_a_mapping", file=str(path))
    return YamlSource(path, root)


def _refuse_aliases(path: Path, text: str) -> None:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            message = f"{path}: nested more than {MAX_DEPTH} levels deep"
            raise ConfigError(message, code="yaml_too_deep", file=str(path))
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            message = f"{path}:{line}: anchors and aliases are not allowed; write the value out"
            raise ConfigError(message, code="yaml_alias", file=str(path), line=line)
        tag = getattr(event, "tag", None)
        if tag and getattr(event, "implicit", None) in (False, (False, False)):
            message = f"{path}:{line}: the tag {tag} is not allowed; write a plain value"
            raise ConfigError(message, code="yaml_tag", file=str(path), line=line)


def _first_lines(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def plain(node: Any) -> Any:
    """The same value out of ordinary dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, CommentedBase):
        return str(node)
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return node if type(node) is kind else kind(node)
    return node


def validate(source: YamlSource, model: type[Model]) -> Model:
    """The file as a `model`, or one ConfigError that names every mistake with its line."""
    try:
        return model.model_validate(plain(source.root))
    except ValidationError as error:
        lines = [_describe(source, model, item) for item in _mistakes(error)]
        noun = "mistake" if len(lines) == 1 else "mistakes"
        message = f"{source.path}: {len(lines)} {noun}\n" + "\n".join(f"  {line}" for line in lines)
        raise ConfigError(message, code="invalid_config", file=str(source.path), mistakes=lines) from None


def _mistakes(error: ValidationError) -> list[dict[str, Any]]:
    """The errors, without a list that is too short only because its items have errors of their own."""
    found = error.errors()
    inside = {item["loc"][:length] for item in found for length in range(len(item["loc"]))}
    return [dict(item) for item in found if item["type"] != "too_short" or item["loc"] not in inside]


def _describe(source: YamlSource, model: type[BaseModel], item: dict[str, Any]) -> str:
    location = tuple(item["loc"])
    where = f"line {source.line_of(location)}: {'.'.join(str(step) for step in location)}"
    if item["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        return f"{where}: unknown key{did_you_mean(str(location[-1]), known)}"
    if item["type"] == "missing":
        return f"{where}: this key is required"
    if item["type"] == "too_short":
        return f"{where}: at least {item['ctx']['min_length']} must be given"
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}"


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The keys that the model accepts at `location`."""
    current = model
    for step in location:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step)
        if field is None:
            continue
        nested = _models_in(field.annotation)
        if nested:
            current = nested[0]
    return list(current.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for argument in getattr(annotation, "__args__", ()):
        found += _models_in(argument)
    return found


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` where a known word is close, else the list of known words."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(words)}" if words else ""

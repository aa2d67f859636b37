"""Every setting of ``trustworks.toml``, read off the models: its meaning, what it may be, its default."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from trustworks.app.configuration.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_PLAIN: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a time with its zone",
    Path: "a path; a relative one is meant from the file's folder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `path` is written with dots, ``[]`` marks a list of tables."""

    path: str
    meaning: str
    allowed: str
    default: str

    def as_dict(self) -> dict[str, str]:
        """The setting as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTable:
    """One table of the file: its name, what it is about, its settings."""

    path: str
    about: str
    settings: tuple[Setting, ...]


def settings() -> Iterator[Setting]:
    """All settings, in the order of the models."""
    for table in tables():
        yield from table.settings


def tables(model: type[BaseModel] = Config, path: str = "") -> Iterator[SettingsTable]:
    """All tables with their settings; a table inside another follows it."""
    own: list[Setting] = []
    inner: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        key = f"{path}.{field.alias or name}".removeprefix(".")
        table, many = _table_in(field.annotation)
        if table is None:
            own.append(_setting(key, field))
        else:
            inner.append((table, f"{key}[]" if many else key))
    if own:
        yield SettingsTable(path=path, about=_about(model), settings=tuple(own))
    for table, key in inner:
        yield from tables(table, key)


def _about(model: type[BaseModel]) -> str:
    """The first sentence of the model's docstring, behind the table's name."""
    first = (model.__doc__ or "").strip().split("\n\n")[0]
    _, _, sentence = first.partition(": ")
    return " ".join((sentence or first).split())


def _setting(path: str, field: FieldInfo) -> Setting:
    return Setting(
        path=path,
        meaning=field.description or "",
        allowed=_allowed(field.annotation, field.metadata),
        default=_default(field),
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none, it must be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "not set"
    if isinstance(value, tuple):
        value = list(value)
    return json.dumps(value, default=str, ensure_ascii=False)


def _allowed(annotation: Any, metadata: list[Any]) -> str:
    words = _type(annotation)
    bounds = [
        f"{word} {getattr(one, attribute)}"
        for one in metadata
        for attribute, word in (
            ("ge", "at least"),
            ("gt", "more than"),
            ("le", "at most"),
            ("lt", "less than"),
        )
        if getattr(one, attribute, None) is not None
    ]
    return ", ".join([words, *bounds])


def _type(annotation: Any) -> str:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(json.dumps(one) for one in inner)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin in {tuple, list, set, frozenset}:
        return f"a list, each {_type(inner[0])}"
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_type(one) for one in inner if one is not type(None))
    return getattr(annotation, "__name__", str(annotation))


def _table_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation such as ``tuple[Unit, ...]``, and whether there may be many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    many = get_origin(annotation) in {tuple, list}
    for inner in get_args(annotation):
        found, deeper = _table_in(inner)
        if found is not None:
            return found, many or deeper
    return None, False

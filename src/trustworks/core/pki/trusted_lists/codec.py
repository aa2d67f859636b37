"""The model as compact JSON and back: each object as the list of its fields, certificates by their places.

For the cache of a store alone, which is made anew whenever its form changes.
"""

from __future__ import annotations

import base64
import types
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from trustworks.core.pki.trusted_lists import model
from trustworks.core.pki.trusted_lists.model import ListedCertificate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Decode = Callable[[Any], Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Encoder:
    """Turns objects of the model into what JSON can hold; collects their certificates."""

    def __init__(self) -> None:
        self.certificates: dict[bytes, ListedCertificate] = {}
        self._places: dict[bytes, int] = {}

    def encode(self, value: Any, *, tagged: bool = False) -> Any:
        """One object; `tagged` where its type is one of several."""
        if isinstance(value, ListedCertificate):
            place = self._places.setdefault(value.sha256, len(self._places))
            self.certificates[value.sha256] = value
            return place
        if is_dataclass(value):
            hints = _hints(type(value))
            row = [self._field(getattr(value, one.name), hints[one.name]) for one in fields(value)]
            return [type(value).__name__, *row] if tagged else row
        if isinstance(value, datetime):
            return (value - _EPOCH) // _MICROSECOND
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        return value

    def _field(self, value: Any, hint: Any) -> Any:
        if isinstance(value, tuple):
            inner = get_args(hint)
            if inner[-1] is Ellipsis:
                tagged = _is_union_of_classes(inner[0])
                return [
                    self._field(one, inner[0])
                    if get_origin(inner[0]) is tuple
                    else self.encode(one, tagged=tagged)
                    for one in value
                ]
            return [self.encode(one) for one in value]
        return self.encode(value)


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _HINTS:
        # `datetime` is imported by the model for type checkers alone.
        _HINTS[kind] = get_type_hints(kind, {**vars(model), "datetime": datetime})
    return _HINTS[kind]


def _is_union_of_classes(hint: Any) -> bool:
    return get_origin(hint) in {Union, types.UnionType} and all(is_dataclass(one) for one in get_args(hint))


class Decoder:
    """Turns rows back into objects; given the certificates, by their places."""

    def __init__(self, certificate: Callable[[int], ListedCertificate]) -> None:
        self._certificate = certificate
        self._made: dict[Any, Decode] = {}

    def decode(self, kind: type, row: Sequence[Any]) -> Any:
        """The object of a type that a row is of. Raises what a damaged row makes it raise."""
        return self._of(kind)(row)

    def _of(self, hint: Any) -> Decode:
        if hint not in self._made:
            self._made[hint] = self._make(hint)
        return self._made[hint]

    def _make(self, hint: Any) -> Decode:  # noqa: PLR0911 - one for each kind of type
        if hint is ListedCertificate:
            return self._certificate
        if is_dataclass(hint) and isinstance(hint, type):
            return self._class(hint)
        if hint is datetime:
            return lambda value: _EPOCH + value * _MICROSECOND
        if hint is bytes:
            return base64.b64decode
        origin, inner = get_origin(hint), get_args(hint)
        if origin is tuple:
            if inner[-1] is Ellipsis:
                each = self._of(inner[0])
                return lambda values: tuple([each(value) for value in values])
            several = [self._of(one) for one in inner]
            return lambda values: tuple([one(value) for one, value in zip(several, values, strict=True)])
        if _is_union_of_classes(hint):
            by_name = {one.__name__: one for one in inner}
            return lambda row: self._of(by_name[row[0]])(row[1:])
        if origin in {Union, types.UnionType}:
            present = self._of(next(one for one in inner if one is not type(None)))
            return lambda value: None if value is None else present(value)
        return lambda value: value

    def _class(self, kind: type) -> Decode:
        names = tuple(one.name for one in fields(kind))
        plain = {str, int, bool}
        hints = _hints(kind)
        # A class may hold itself (lists of criteria do), so the readers of fields are looked up when used.
        readers: list[Decode | None] = []

        def decode(row: Sequence[Any]) -> Any:
            if not readers:
                readers.extend(None if hints[name] in plain else self._of(hints[name]) for name in names)
            return kind(
                **{
                    name: value if reader is None else reader(value)
                    for name, reader, value in zip(names, readers, row, strict=True)
                }
            )

        return decode

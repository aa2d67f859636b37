"""Names of tokens and keys: the `pkcs11:` URI of RFC 7512.

>>> uri = Pkcs11Uri.parse("pkcs11:token=tsu;object=unit-1?pin-source=file:secrets/tsu.pin")
>>> uri.token, uri.object, uri.pin_source
('tsu', 'unit-1', 'file:secrets/tsu.pin')
>>> str(uri)
'pkcs11:token=tsu;object=unit-1?pin-source=file:secrets/tsu.pin'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_to_bytes

from trustworks.core.errors import Malformed, Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES: Final = frozenset({"public", "private", "cert", "secret-key", "data"})
# RFC 7512, 2.3: characters that stand for themselves, in the path and in the query.
_PATH_SAFE: Final = "-._~:[]@!$'()*+,=&"
_QUERY_SAFE: Final = "-._~:[]@!$'()*+,=/?|"
_PCT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_ALLOWED: Final = re.compile(r"[A-Za-z0-9._~:\[\]@!$'()*+,=&%-]*")
_QUERY_ALLOWED: Final = re.compile(r"[A-Za-z0-9._~:\[\]@!$'()*+,=/?|%-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Uri:
    """Which token or object is meant, and where its PIN is found; what is None does not narrow the choice.

    Only `pin-source` names a PIN. A `pin-value` is refused: secrets do not stand in configuration or in logs.
    Vendor attributes that are not known are refused as well, because an ignored one could select another key.
    Source: RFC 7512, 2.3.
    """

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    library_manufacturer: str | None = None
    library_description: str | None = None
    library_version: str | None = None
    slot_id: int | None = None
    slot_description: str | None = None
    slot_manufacturer: str | None = None
    object: str | None = None
    type: str | None = None
    id: bytes | None = None
    pin_source: str | None = None
    module_name: str | None = None
    module_path: str | None = None

    @classmethod
    def parse(cls, text: str) -> Pkcs11Uri:
        """Read a URI; `Malformed` says what is wrong with it, `Refused` that it holds a PIN."""
        scheme, colon, rest = text.partition(":")
        if scheme.lower() != "pkcs11" or not colon:
            raise Malformed(
                f"{scheme[:40]!r} begins no PKCS#11 URI; write pkcs11:token=NAME?pin-source=file:PATH."
            )
        path, _, query = rest.partition("?")
        values: dict[str, str | bytes | int] = {}
        for name, raw in (
            *_attributes(path, ";", _PATH, _PATH_ALLOWED),
            *_attributes(query, "&", _QUERY, _QUERY_ALLOWED),
        ):
            if name in values:
                raise Malformed(f"The PKCS#11 URI gives {_spelling(name)} twice; give it once.")
            values[name] = _value(name, raw)
        return cls(**values)  # type: ignore[arg-type]  # `_value` gives each the type of its field

    def __str__(self) -> str:
        """The URI in the order of RFC 7512's attribute table; `parse` reads it back to an equal value."""
        path: list[str] = []
        query: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if isinstance(value, bytes):
                shown = "".join(f"%{octet:02X}" for octet in value)
            elif field.name in _IN_QUERY:
                shown = quote(str(value), safe=_QUERY_SAFE)
            else:
                shown = quote(str(value), safe=_PATH_SAFE)
            (query if field.name in _IN_QUERY else path).append(f"{_spelling(field.name)}={shown}")
        return f"pkcs11:{';'.join(path)}{'?' if query else ''}{'&'.join(query)}"

    def of_object(self, *, label: str, key_id: bytes, kind: str = "private") -> Pkcs11Uri:
        """The URI of an object on this token; it names no PIN, so that it may be logged."""
        return replace(
            self, object=label, id=key_id, type=kind, pin_source=None, module_name=None, module_path=None
        )


_PATH: Final[dict[str, str]] = {
    "token": "token",
    "manufacturer": "manufacturer",
    "serial": "serial",
    "model": "model",
    "library-manufacturer": "library_manufacturer",
    "library-description": "library_description",
    "library-version": "library_version",
    "slot-id": "slot_id",
    "slot-description": "slot_description",
    "slot-manufacturer": "slot_manufacturer",
    "object": "object",
    "type": "type",
    "id": "id",
}
_QUERY: Final[dict[str, str]] = {
    "pin-source": "pin_source",
    "module-name": "module_name",
    "module-path": "module_path",
}
_IN_QUERY: Final = frozenset(_QUERY.values())


def _spelling(field: str) -> str:
    return field.replace("_", "-")


def _attributes(
    part: str, separator: str, known: dict[str, str], allowed: re.Pattern[str]
) -> Iterator[tuple[str, str]]:
    if not part:
        return
    for attribute in part.split(separator):
        name, equals, raw = attribute.partition("=")
        if not equals:
            raise Malformed(
                f"The PKCS#11 URI has {attribute[:10]!r}... where NAME=VALUE should stand."
                if len(attribute) > 10  # no more of it: it could be a PIN
                else f"The PKCS#11 URI has {attribute!r} where NAME=VALUE should stand."
            )
        check_holds_no_pin(name)
        if name not in known:
            raise Malformed(
                f"The PKCS#11 URI has the attribute {name!r}; allowed there are {', '.join(known)}."
            )
        if _PCT.search(raw) or not allowed.fullmatch(raw):
            raise Malformed(
                f"The value of {name} in the PKCS#11 URI is not percent-encoded as RFC 7512 asks."
            )
        yield known[name], raw


@implements("TRUSTWORKS:MODULE-PIN-OUTSIDE")
def check_holds_no_pin(name: str) -> None:
    """Refuse the attribute that would hold the PIN itself."""
    if name == "pin-value":
        raise Refused(
            "TRUSTWORKS:MODULE-PIN-OUTSIDE",
            "The PKCS#11 URI holds a PIN (pin-value). Put it into a file of mode 0600, and name the file "
            "with pin-source=file:PATH.",
        )


def _value(field: str, raw: str) -> str | bytes | int:
    octets = unquote_to_bytes(raw)
    if field == "id":
        return octets
    try:
        value = octets.decode()
    except UnicodeDecodeError:
        raise Malformed(f"The value of {_spelling(field)} in the PKCS#11 URI is not UTF-8.") from None
    if field == "slot_id":
        if not re.fullmatch(r"[0-9]{1,20}", value):
            raise Malformed("slot-id in the PKCS#11 URI must be a decimal number.")
        return int(value)
    if field == "type" and value not in TYPES:
        raise Malformed(f"type in the PKCS#11 URI must be one of {', '.join(sorted(TYPES))}.")
    return value

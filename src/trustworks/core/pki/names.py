"""Names as validation compares them: distinguished names of any encoding, and GeneralNames.

Two names are equal when their attributes are, after string preparation: letters of either case, spaces
collapsed, compatible characters unified, whatever kind of string each was written as (RFC 5280, 7.1; RFC
4518). Octets that are no text are compared as they stand.
"""

from __future__ import annotations

import stringprep
import unicodedata
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from cryptography.x509 import Name, NameAttribute, ObjectIdentifier, RelativeDistinguishedName

from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE, SET, tlv
from trustworks.core.der.values import expect, first, following, only
from trustworks.core.der.x509 import name_in_words
from trustworks.core.errors import Malformed
from trustworks.core.printable import printable
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

EMAIL_ADDRESS: Final = "1.2.840.113549.1.9.1"

Rdn = tuple[tuple[str, str | bytes], ...]
"""One relative distinguished name, prepared for comparison: its attributes in order."""

MOST_RDNS: Final = 200
"""Relative distinguished names of a name, and attributes of each, that are read."""

LONGEST_COMPARED: Final = 4096
"""Octets of a value that are prepared as text; a longer one is compared as it stands."""

_INTERNED: Final = 1024

# How the kinds of string write text, by their tags; T61String is taken for Latin-1, as most who wrote one do.
_CODECS: Final = {
    12: "utf-8",
    18: "utf-8",
    19: "utf-8",
    20: "latin-1",
    22: "utf-8",
    26: "utf-8",
    28: "utf-32-be",
    30: "utf-16-be",
}


@dataclass(frozen=True, slots=True, eq=False)
class DistinguishedName:
    """A Name. Two are equal by RFC 5280, 7.1, not by their octets; those are in `der`.

    `attributes` are type and text of each in their order, the text of one that is no text in hexadecimal;
    `rdns` is what is compared.
    """

    der: bytes
    rdns: tuple[Rdn, ...]
    attributes: tuple[tuple[str, str], ...]
    _hash: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DistinguishedName):
            return NotImplemented
        return self.der == other.der or (self._hash == other._hash and self.rdns == other.rdns)

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        """Whether there is any attribute."""
        return bool(self.rdns)

    @property
    def text(self) -> str:
        """The name as people read it, the last attribute first (RFC 4514), on one line."""
        left = iter(self.attributes)
        try:
            return name_in_words(
                Name(
                    RelativeDistinguishedName(_shown(*next(left)) for _ in relative)
                    for relative in self.rdns
                    if relative
                )
            )
        except (ValueError, TypeError):  # a type or a value that the library does not take
            return printable(",".join(f"{oid}={text}" for oid, text in reversed(self.attributes)))

    def values(self, oid: str) -> tuple[str, ...]:
        """The texts of the attributes of a type."""
        return tuple(text for one, text in self.attributes if one == oid)

    def is_within(self, subtree: DistinguishedName) -> bool:
        """Whether the name begins with all of `subtree` (RFC 5280, 4.2.1.10)."""
        return self.rdns[: len(subtree.rdns)] == subtree.rdns


def _shown(oid: str, text: str) -> NameAttribute[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of a length
        return NameAttribute(ObjectIdentifier(oid), text, _validate=False)


def read_distinguished_name(der: bytes) -> DistinguishedName:
    """A Name, with its tag and length. Raises `Malformed`."""
    return _interned(der) if len(der) <= _INTERNED else _read(der)


def _read(der: bytes) -> DistinguishedName:
    rdns: list[Rdn] = []
    attributes: list[tuple[str, str]] = []
    for relative in _bounded(only(der, SEQUENCE).children()):
        prepared: list[tuple[str, str | bytes]] = []
        for attribute in _bounded(expect(relative, SET).children()):
            oid, text, compared = _attribute(attribute)
            attributes.append((oid, text))
            prepared.append((oid, compared))
        if len(prepared) > 1:
            prepared.sort(key=lambda one: (one[0], isinstance(one[1], bytes), one[1]))
        rdns.append(tuple(prepared))
    compared_whole = tuple(rdns)
    return DistinguishedName(der, compared_whole, tuple(attributes), hash(compared_whole))


_interned: Final = lru_cache(maxsize=8192)(_read)


def _bounded(found: list[Element]) -> list[Element]:
    if len(found) > MOST_RDNS:
        raise Malformed(f"A name has {len(found)} parts, more than the {MOST_RDNS} that are read.")
    return found


def _attribute(found: Element) -> tuple[str, str, str | bytes]:
    """Type, text to show, and what is compared."""
    kind = expect(first(expect(found, SEQUENCE)), OBJECT_IDENTIFIER)
    content = following(kind, found)
    text = _text(content.tag, content.value)
    oid = kind.oid()
    if text is None:
        return oid, content.value.hex(), content.octets
    compared = prepare(text) if content.end - content.content <= LONGEST_COMPARED else content.value
    return oid, text, compared


def _text(tag: int, octets: bytes) -> str | None:
    codec = _CODECS.get(tag)
    if codec is None:
        return None
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        # A UTF8String or PrintableString with the octets of Latin-1 is what a careless CA writes.
        return None


def prepare(text: str) -> str:
    """A text as attributes are compared: case folded, compatible forms unified, spaces collapsed.

    Source: RFC 4518, 2; RFC 5280, 7.1.
    """
    if not text.isascii():
        mapped = "".join(
            " " if stringprep.in_table_c12(letter) else letter
            for letter in text
            if not stringprep.in_table_b1(letter)
        )
        text = unicodedata.normalize("NFKC", mapped)
    return " ".join(text.casefold().split())


NameForm = Literal["other", "email", "dns", "x400", "directory", "edi", "uri", "ip", "registered"]
"""The form of a GeneralName (RFC 5280, 4.2.1.6)."""

_FORMS: Final[dict[int, NameForm]] = {
    0xA0: "other",
    0x81: "email",
    0x82: "dns",
    0xA3: "x400",
    0xA4: "directory",
    0xA5: "edi",
    0x86: "uri",
    0x87: "ip",
    0x88: "registered",
}


@dataclass(frozen=True, slots=True)
class GeneralName:
    """A GeneralName.

    `value` is the text of an e-mail address, a domain or a URI, the octets of an IP address, the name of a
    directory entry, the dotted identifier of a registered one, the octets of all others as they stand.
    """

    form: NameForm
    value: str | bytes | DistinguishedName


def read_general_name(found: Element) -> GeneralName:
    """A GeneralName. Raises `Malformed`."""
    form = _FORMS.get(found.tag)
    if form is None:
        raise Malformed(f"At octet {found.start} is no form of name that RFC 5280, 4.2.1.6 has.")
    match form:
        case "email" | "dns" | "uri":
            return GeneralName(form, found.value.decode("utf-8", "backslashreplace"))
        case "directory":
            return GeneralName(form, read_distinguished_name(_explicit_name(found)))
        case "registered":
            return GeneralName(form, found.oid())
        case "ip":
            return GeneralName(form, found.value)
        case _:
            return GeneralName(form, found.octets)


def _explicit_name(found: Element) -> bytes:
    """The Name under its tag; a CHOICE is tagged explicitly, and who tags it implicitly is understood."""
    if found.content < found.end and found.source.octets[found.content] == SEQUENCE:
        return first(found).octets
    return tlv(SEQUENCE, found.value)


def read_general_names(holder: Element) -> tuple[GeneralName, ...]:
    """GeneralNames: the names in an element, whatever its tag. Raises `Malformed`."""
    return tuple([read_general_name(one) for one in holder.children()])


def email_domain(address: str) -> tuple[str, str] | None:
    """The local part of an address and its host in lower case; None for what is no address."""
    local, at, host = address.rpartition("@")
    return (local, host.lower()) if at and local and host else None

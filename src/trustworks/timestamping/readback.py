"""Reads back a token that was just written, by its octets alone and independently of what wrote it.

It is as strict as `wire.read_token` for what this authority writes, in a fraction of its time; the rules are
held against what it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.elements import Element, children, only_child
from trustworks.core.der.encode import BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET
from trustworks.core.errors import Malformed
from trustworks.timestamping.model import OwnToken, TstFields

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERALIZED_TIME: Final = 0x18


def read_own(der: bytes) -> OwnToken:
    """Read back a token that was just written, by its octets alone and independently of what wrote it.

    As strict as `read_token` for what this authority writes, in a quarter of its time. Raises `Malformed`.
    """
    try:
        ((_, _, begin, end),) = _of(children(der, 0, len(der)), SEQUENCE)
        kind, explicit = _of(children(der, begin, end), OBJECT_IDENTIFIER, 0xA0)
        data_tag, _, begin, end = only_child(der, explicit)
        version, digests, encapsulated, *more = children(der, begin, end)
        certificates = more.pop(0) if more and more[0][0] == 0xA0 else None
        (signer_infos,) = _of(more, SET)
        content_kind, content = _of(children(der, encapsulated[2], encapsulated[3]), OBJECT_IDENTIFIER, 0xA0)
        octets = only_child(der, content)
        signers = children(der, signer_infos[2], signer_infos[3])
        signer_version, sid, digest, attributes, algorithm, signature = children(
            der, signers[0][2], signers[0][3]
        )
    except (ValueError, IndexError):
        raise Malformed("The token has not the fields of a token.") from None
    info = der[octets[2] : octets[3]]
    fields = read_tst_fields(info)
    return OwnToken(
        (
            der[kind[1] : kind[3]],
            der[version[1] : digests[3]],
            der[content_kind[1] : content_kind[3]],
            der[signer_version[1] : digest[3]],
            der[algorithm[1] : algorithm[3]],
            fields.version,
            bytes((data_tag, encapsulated[0], octets[0], signers[0][0], attributes[0], signature[0], sid[0])),
        ),
        len(signers),
        info,
        fields,
        der[attributes[2] : attributes[3]],
        der[signature[2] : signature[3]],
        None if certificates is None else der[certificates[2] : certificates[3]],
    )


def _of(found: list[Element], *tags: int) -> list[Element]:
    """The elements, which must have these tags."""
    if len(found) != len(tags) or any(one[0] != tag for one, tag in zip(found, tags, strict=True)):
        raise ValueError
    return found


_OPTIONAL: Final = (SEQUENCE, BOOLEAN, INTEGER, 0xA0, 0xA1)


def read_tst_fields(der: bytes) -> TstFields:
    """Read back a TSTInfo as fields in DER. Raises `Malformed`."""
    ((_, _, begin, end),) = _whole(children(der, 0, len(der)))
    elements = children(der, begin, end)
    if [one[0] for one in elements[:5]] != _REQUIRED:
        raise Malformed("The TSTInfo has not the fields of one.")
    version, policy, imprint, serial, gen_time = elements[:5]
    found: dict[int, Element] = {}
    place = 0
    for element in elements[5:]:
        try:
            place = _OPTIONAL.index(element[0], place) + 1
        except ValueError:
            raise Malformed("The TSTInfo has a field too many, or out of order.") from None
        found[element[0]] = element

    def field(tag: int) -> bytes | None:
        element = found.get(tag)
        return None if element is None else der[element[1] : element[3]]

    extensions = found.get(0xA1)
    return TstFields(
        der[version[1] : version[3]],
        der[policy[1] : policy[3]],
        der[imprint[2] : imprint[3]],
        der[serial[2] : serial[3]],
        der[gen_time[2] : gen_time[3]],
        field(SEQUENCE),
        field(BOOLEAN),
        field(INTEGER),
        field(0xA0),
        () if extensions is None else tuple(_extensions(der, extensions)),
    )


_REQUIRED: Final = [INTEGER, OBJECT_IDENTIFIER, SEQUENCE, INTEGER, GENERALIZED_TIME]


def _whole(found: list[Element]) -> list[Element]:
    if len(found) != 1 or found[0][0] != SEQUENCE:
        raise Malformed("This is not one SEQUENCE.")
    return found


def _extensions(der: bytes, extensions: Element) -> Iterator[tuple[bytes, bool, bytes]]:
    for extension in children(der, extensions[2], extensions[3]):
        parts = children(der, extension[2], extension[3])
        if extension[0] != SEQUENCE:
            parts = []
        tags = [one[0] for one in parts]
        if tags not in ([OBJECT_IDENTIFIER, OCTET_STRING], [OBJECT_IDENTIFIER, BOOLEAN, OCTET_STRING]):
            raise Malformed("An extension of the TSTInfo has not the fields of one.")
        kind, *critical, value = parts
        yield der[kind[1] : kind[3]], bool(critical), der[value[2] : value[3]]

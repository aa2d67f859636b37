"""Reads back a token that was just written, by its octets alone and independently of what wrote it.

It is as strict as `wire.read_token` for what this authority writes, in a fraction of its time; the rules are
held against what it finds.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.der.elements import enter
from trustworks.core.der.encode import BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET
from trustworks.core.errors import Malformed
from trustworks.timestamping.model import OwnToken, TstFields

GENERALIZED_TIME: Final = 0x18
EXPLICIT_0: Final = 0xA0
EXPLICIT_1: Final = 0xA1
GRANTED: Final = bytes.fromhex("020100")  # PKIStatus 0


def read_own(der: bytes) -> OwnToken:
    """Read back a token with one signer who is named by issuer and serial number. Raises `Malformed`."""
    info, info_end = enter(der, 0, SEQUENCE)
    _, kind_end = enter(der, info, OBJECT_IDENTIFIER)
    explicit, explicit_end = enter(der, kind_end, EXPLICIT_0)
    data, data_end = enter(der, explicit, SEQUENCE)
    _, version_end = enter(der, data, INTEGER)
    _, digests_end = enter(der, version_end, SET)
    # The content
    encapsulated, place = enter(der, digests_end, SEQUENCE)
    _, content_kind_end = enter(der, encapsulated, OBJECT_IDENTIFIER)
    holder, holder_end = enter(der, content_kind_end, EXPLICIT_0)
    content, content_end = enter(der, holder, OCTET_STRING)
    whole = holder_end == place and content_end == holder_end
    # The certificates, if any
    certificates = None
    if der[place : place + 1] == b"\xa0":
        begin, place = enter(der, place, EXPLICIT_0)
        certificates = der[begin:place]
    # The signer
    signers, signers_end = enter(der, place, SET)
    signer, signer_end = enter(der, signers, SEQUENCE)
    _, signer_version_end = enter(der, signer, INTEGER)
    _, sid_end = enter(der, signer_version_end, SEQUENCE)
    _, digest_end = enter(der, sid_end, SEQUENCE)
    attributes, attributes_end = enter(der, digest_end, EXPLICIT_0)
    _, algorithm_end = enter(der, attributes_end, SEQUENCE)
    signature, signature_end = enter(der, algorithm_end, OCTET_STRING)
    ends = (signature_end, signer_end, signers_end, data_end, explicit_end, info_end)
    if not whole or ends != (len(der),) * 6:
        raise Malformed("The token has more fields, or longer ones, than it should have.")
    tst_info = der[content:content_end]
    fields = read_tst_fields(tst_info)
    return OwnToken(
        (
            der[info:kind_end],
            der[data:digests_end],
            der[encapsulated:content_kind_end],
            fields.version,
            der[signer:digest_end],
            der[attributes_end:algorithm_end],
        ),
        tst_info,
        fields,
        der[attributes:attributes_end],
        der[signature:signature_end],
        certificates,
        (der[:content], der[content_end:attributes], der[attributes_end:signature]),
    )


def read_granted(der: bytes) -> bytes:
    """The token of a TimeStampResp that says granted and nothing else. Raises `Malformed`."""
    begin, end = enter(der, 0, SEQUENCE)
    status, status_end = enter(der, begin, SEQUENCE)
    if der[status:status_end] != GRANTED or end != len(der):
        raise Malformed("The answer is not one that grants a token.")
    return der[status_end:end]


def read_tst_fields(der: bytes) -> TstFields:
    """Read back a TSTInfo as fields in DER. Raises `Malformed`."""
    begin, end = enter(der, 0, SEQUENCE)
    if end != len(der):
        raise Malformed("The TSTInfo is not as long as it says.")
    _, version_end = enter(der, begin, INTEGER)
    _, policy_end = enter(der, version_end, OBJECT_IDENTIFIER)
    imprint, imprint_end = enter(der, policy_end, SEQUENCE)
    serial, serial_end = enter(der, imprint_end, INTEGER)
    gen_time, place = enter(der, serial_end, GENERALIZED_TIME)
    found: list[bytes | None] = []
    for tag in _OPTIONAL:
        if place < end and der[place] == tag:
            start = place
            _, place = enter(der, start, tag)
            found.append(der[start:place])
        else:
            found.append(None)
    if place != end:
        raise Malformed("The TSTInfo has a field too many, out of order, or too long.")
    accuracy, ordering, nonce, tsa, extensions = found
    return TstFields(
        der[begin:version_end],
        der[version_end:policy_end],
        der[imprint:imprint_end],
        der[serial:serial_end],
        der[gen_time : gen_time + der[gen_time - 1]],
        accuracy,
        ordering,
        nonce,
        tsa,
        () if extensions is None else _extensions(extensions),
    )


_OPTIONAL: Final = (SEQUENCE, BOOLEAN, INTEGER, EXPLICIT_0, EXPLICIT_1)


def _extensions(der: bytes) -> tuple[tuple[bytes, bool, bytes], ...]:
    place, end = enter(der, 0, EXPLICIT_1)
    found = []
    while place < end:
        kind, place = enter(der, place, SEQUENCE)
        _, kind_end = enter(der, kind, OBJECT_IDENTIFIER)
        critical, value = False, kind_end
        if der[kind_end : kind_end + 1] == b"\x01":
            _, value = enter(der, kind_end, BOOLEAN)
            critical = True
        content, content_end = enter(der, value, OCTET_STRING)
        if content_end != place:
            raise Malformed("An extension of the TSTInfo has more fields than it should have.")
        found.append((der[kind:kind_end], critical, der[content:content_end]))
    if place != end:
        raise Malformed("The extensions of the TSTInfo are longer than what holds them.")
    return tuple(found)

"""The lists of a store in one file that is ready to be asked: certificates, anchors, and each list as a row.

A row is read when its list is asked for. The file is bound to the state of the store by a hash, and checked
by one of its own, so that a cache that is old or damaged is made anew and never believed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.names import read_distinguished_name
from trustworks.core.pki.trusted_lists.anchors import (
    ListedAnchor,
    Period,
    approved_periods,
    english,
    name_digest,
)
from trustworks.core.pki.trusted_lists.codec import Decoder, Encoder
from trustworks.core.pki.trusted_lists.model import ListedCertificate, TrustedList
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAGIC: Final = b"trustworks trusted lists, cache 2\n"
_HASH: Final = 32
_DIGEST: Final = 16
_LENGTHS: Final = struct.Struct(">QQ")  # octets of the header and of the rows; certificates are the rest
# Hash and that of the name; place and length of octets, subject and key.
_CERTIFICATE: Final = struct.Struct(">32s16sIIIIII")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def write_cache(lists: Mapping[str, TrustedList], state: bytes) -> bytes:
    """The octets of a cache of lists by their territories, bound to the hash of a store's state."""
    encoder = Encoder()
    rows, places, anchors = [], {}, []
    begin = 0
    types: dict[str, int] = {}
    for territory, one in lists.items():
        row = json.dumps(encoder.encode(one), separators=(",", ":"), ensure_ascii=False).encode()
        places[territory] = (begin, len(row))
        begin += len(row)
        rows.append(row)
        for provider_place, provider in enumerate(one.providers):
            for service_place, service in enumerate(provider.services):
                periods = [
                    [_seconds(period.since), None if period.until is None else _seconds(period.until)]
                    for period in approved_periods(service)
                ]
                certificates = [
                    encoder.encode(certificate)
                    for certificate in service.current.identity.certificates
                    if certificate.key
                ]
                if periods and certificates:
                    anchors.append(
                        [
                            certificates,
                            types.setdefault(service.current.type, len(types)),
                            territory,
                            provider_place,
                            service_place,
                            english(provider.names),
                            english(service.current.names),
                            periods,
                        ]
                    )
    header = json.dumps(
        {"lists": places, "types": list(types), "anchors": anchors}, separators=(",", ":"), ensure_ascii=False
    ).encode()
    table, blob = _certificates(list(encoder.certificates.values()))
    body = b"".join(
        (
            hashlib.sha256(state).digest(),
            _LENGTHS.pack(len(header), begin),
            header,
            *rows,
            struct.pack(">I", len(encoder.certificates)),
            table,
            blob,
        )
    )
    return _MAGIC + hashlib.sha256(body).digest() + body


def _certificates(listed: list[ListedCertificate]) -> tuple[bytes, bytes]:
    table, blob, begin = [], [], 0
    for one in listed:
        subject = one.der.find(one.subject) if one.subject else 0
        key = one.der.find(one.key, subject + len(one.subject)) if one.key else 0
        table.append(
            _CERTIFICATE.pack(
                one.sha256,
                _name_digest(one),
                begin,
                len(one.der),
                subject,
                len(one.subject),
                key,
                len(one.key),
            )
        )
        blob.append(one.der)
        begin += len(one.der)
    return b"".join(table), b"".join(blob)


def _name_digest(one: ListedCertificate) -> bytes:
    try:
        return name_digest(read_distinguished_name(one.subject))
    except Malformed:  # an anchor that nothing leads to
        return bytes(_DIGEST)


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _SECOND


@dataclass(slots=True)
class Cache:
    """A cache as read: what is asked for is decoded then, and kept."""

    _rows: bytes
    _places: Mapping[str, tuple[int, int]]
    _types: list[str]
    _anchors: list[list[Any]]
    _certificates: tuple[ListedCertificate, ...]
    _names: tuple[bytes, ...]
    _read: dict[str, TrustedList]

    @classmethod
    def read(cls, octets: bytes, state: bytes) -> Cache:
        """The cache in these octets. Raises `Malformed` where it is damaged, or not of that state."""
        begin = len(_MAGIC) + _HASH
        body = memoryview(octets)[begin:]
        if octets[: len(_MAGIC)] != _MAGIC or hashlib.sha256(body).digest() != octets[len(_MAGIC) : begin]:
            raise Malformed("The cache of trusted lists is damaged, or of another version.")
        if octets[begin : begin + _HASH] != hashlib.sha256(state).digest():
            raise Malformed("The cache of trusted lists is not of the lists that are in the store now.")
        try:
            begin += _HASH
            header_length, rows_length = _LENGTHS.unpack_from(octets, begin)
            begin += _LENGTHS.size
            header = json.loads(octets[begin : begin + header_length])
            begin += header_length
            rows = octets[begin : begin + rows_length]
            begin += rows_length
            (count,) = struct.unpack_from(">I", octets, begin)
            begin += 4
            blob = begin + count * _CERTIFICATE.size
            table = tuple(_CERTIFICATE.iter_unpack(octets[begin:blob]))
            certificates = tuple(
                _certificate(octets[blob + place : blob + place + length], digest, places)
                for digest, _, place, length, *places in table
            )
            names = tuple(row[1] for row in table)
            return cls(rows, header["lists"], header["types"], header["anchors"], certificates, names, {})
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise Malformed("The cache of trusted lists is not of this program's making.") from error

    def list_of(self, territory: str) -> TrustedList | None:
        """The list of a territory; None where the cache has none."""
        if territory not in self._places:
            return None
        if territory not in self._read:
            begin, length = self._places[territory]
            row = json.loads(self._rows[begin : begin + length])
            self._read[territory] = Decoder(self._certificates.__getitem__).decode(TrustedList, row)
        return self._read[territory]

    def anchors(self) -> tuple[ListedAnchor, ...]:
        """Every certificate of every service, for each period in which the service was approved."""
        return tuple(
            ListedAnchor(
                certificate=self._certificates[number],
                type=self._types[kind],
                territory=territory,
                provider=provider,
                service=service,
                period=Period(
                    since=_EPOCH + since * _SECOND, until=None if until is None else _EPOCH + until * _SECOND
                ),
                place=(provider_place, service_place),
                name_digest=self._names[number],
            )
            for (
                certificates,
                kind,
                territory,
                provider_place,
                service_place,
                provider,
                service,
                periods,
            ) in self._anchors
            for number in certificates
            for since, until in periods
        )


def _certificate(der: bytes, digest: bytes, places: Sequence[int]) -> ListedCertificate:
    subject, subject_length, key, key_length = places
    return ListedCertificate(
        der=der,
        sha256=digest,
        subject=der[subject : subject + subject_length],
        key=der[key : key + key_length],
    )

"""Online certificate status as typed data, and how it is written (RFC 6960, RFC 9654).

Writing goes through `encode`, because `cryptography.hazmat.asn1` writes neither ENUMERATED nor integers above
64 bits; `ocsp_reading` declares what is read. No behaviour is here: which status is true, and which request
is answered, is decided by `issuance.status`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.der.encode import (
    BIT_STRING,
    ENUMERATED,
    OCTET_STRING,
    SEQUENCE,
    context,
    extension,
    generalized_time,
    integer,
    oid,
    tlv,
)
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
NOCHECK: Final = "1.3.6.1.5.5.7.48.1.5"
CERT_HASH: Final = "1.3.36.8.3.13"
EXTENDED_REVOKE: Final = "1.3.6.1.5.5.7.48.1.9"
INVALIDITY_DATE: Final = "2.5.29.24"
BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_BASIC: Final = oid(BASIC)
_SHA256: Final = oid("2.16.840.1.101.3.4.2.1")

Status = Literal["good", "revoked", "unknown"]


class ResponseStatus(enum.Enum):
    """OCSPResponseStatus (RFC 6960, 4.2.1); 4 is not used by the standard."""

    successful = 0
    malformedRequest = 1  # noqa: N815 - the names are the standard's
    internalError = 2  # noqa: N815
    tryLater = 3  # noqa: N815
    sigRequired = 5  # noqa: N815
    unauthorized = 6


# What a request is read into, by `ocsp_reading`


@dataclass(frozen=True, slots=True, kw_only=True)
class CertId:
    """Which certificate is asked about. `der` is the CertID as it came; a response repeats it."""

    der: bytes
    hash_algorithm: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspRequest:
    """A request. `nonce` is the value inside its OCTET STRING, of whatever length.

    `critical` names the extensions marked critical, of the request and of its single requests. The signature
    of a signed request is carried no further: status is public, and nothing depends on who asks.
    """

    cert_ids: tuple[CertId, ...]
    nonce: bytes | None
    critical: tuple[str, ...]
    signed: bool


# What is written


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleResponse:
    """The status of one certificate. `cert_id` and `extensions` are DER; times are whole seconds of UTC.

    `revoked_at` is there for ``revoked`` alone; `reason` is a code of RFC 5280, 5.3.1, or None.
    """

    cert_id: bytes
    status: Status
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None = None
    reason: int | None = None
    extensions: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseData:
    """What the responder signs. The responder is named by the SHA-1 of its public key (RFC 6960, 4.2.2.3)."""

    responder_key_hash: bytes
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    extensions: tuple[bytes, ...] = ()


_GOOD: Final = context(0, constructed=False)
_UNKNOWN: Final = context(2, constructed=False)


def encode_status(status: Status, revoked_at: datetime | None, reason: int | None) -> bytes:
    """A CertStatus (RFC 6960, 4.2.1)."""
    if status == "good":
        return _GOOD
    if status == "unknown":
        return _UNKNOWN
    if revoked_at is None:
        raise ValueError("the status revoked has a time of revocation")
    why = b"" if reason is None else context(0, integer(reason, ENUMERATED))
    return context(1, generalized_time(revoked_at), why)


def encode_single(single: SingleResponse) -> bytes:
    """A SingleResponse."""
    return tlv(
        SEQUENCE,
        single.cert_id,
        encode_status(single.status, single.revoked_at, single.reason),
        generalized_time(single.this_update),
        b"" if single.next_update is None else context(0, generalized_time(single.next_update)),
        context(1, tlv(SEQUENCE, *single.extensions)) if single.extensions else b"",
    )


def encode_response_data(data: ResponseData) -> bytes:
    """The ResponseData: the octets that are signed."""
    return tlv(
        SEQUENCE,
        context(2, tlv(OCTET_STRING, data.responder_key_hash)),
        generalized_time(data.produced_at),
        tlv(SEQUENCE, *(encode_single(single) for single in data.responses)),
        context(1, tlv(SEQUENCE, *data.extensions)) if data.extensions else b"",
    )


def encode_response(tbs: bytes, algorithm: bytes, signature: bytes, certificates: Sequence[bytes]) -> bytes:
    """A successful OCSPResponse around signed ResponseData; `algorithm` is an AlgorithmIdentifier in DER."""
    basic = tlv(
        SEQUENCE,
        tbs,
        algorithm,
        tlv(BIT_STRING, b"\0", signature),
        context(0, tlv(SEQUENCE, *certificates)) if certificates else b"",
    )
    return tlv(
        SEQUENCE,
        integer(ResponseStatus.successful.value, ENUMERATED),
        context(0, tlv(SEQUENCE, _BASIC, tlv(OCTET_STRING, basic))),
    )


def encode_failure(status: ResponseStatus) -> bytes:
    """An OCSPResponse that says why there is no answer; it is not signed (RFC 6960, 4.2.1)."""
    if status is ResponseStatus.successful:
        raise ValueError("a successful response has response bytes")
    return tlv(SEQUENCE, integer(status.value, ENUMERATED))


def nonce_extension(nonce: bytes) -> bytes:
    """The nonce of a request, as the response repeats it (RFC 9654, 2.1)."""
    return extension(NONCE, tlv(OCTET_STRING, nonce))


def archive_cutoff_extension(since: datetime) -> bytes:
    """How far back the responder remembers certificates that have expired (RFC 6960, 4.4.4)."""
    return extension(ARCHIVE_CUTOFF, generalized_time(since))


def cert_hash_extension(sha256: bytes) -> bytes:
    """That the responder knows the certificate: its SHA-256, as a single extension (Common PKI, part 4)."""
    return extension(CERT_HASH, tlv(SEQUENCE, tlv(SEQUENCE, _SHA256), tlv(OCTET_STRING, sha256)))


def invalidity_date_extension(since: datetime) -> bytes:
    """When the key is thought to have been lost, as a single extension (RFC 6960, 4.4.5; RFC 5280, 5.3.2)."""
    return extension(INVALIDITY_DATE, generalized_time(since))


# RFC 6960, 4.4.8: the responder answers `revoked` for certificates that were never issued. The value is NULL.
EXTENDED_REVOKE_EXTENSION: Final = extension(EXTENDED_REVOKE, b"\x05\x00")


# What a response is read into, by `ocsp_reading`: for the check of our own output, and for clients


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicResponse:
    """A BasicOCSPResponse. `tbs` are the signed octets, `extension_oids` those of the response itself."""

    tbs: bytes
    data: ResponseData
    nonce: bytes | None
    extension_oids: tuple[str, ...]
    algorithm: bytes
    signature: bytes
    certificates: tuple[bytes, ...]

"""What issuance speaks of: authorities, certificates, their states, revocations; in the words of RFC 5280."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

# issuing: the intent is recorded, the key may have signed. issued: signed, checked, recorded.
# abandoned: an intent never finished; its certificate was not released and its serial is not used again.
State = Literal["issuing", "issued", "abandoned"]

SERIAL_OCTETS = 20  # RFC 5280, 4.1.2.2: at most 20 octets, positive


def serial_hex(serial: int) -> str:
    """A serial number as the tables hold it: 40 lower-case hexadecimal digits."""
    return f"{serial:040x}"


class RevocationReason(enum.Enum):
    """CRLReason; the value is the code of RFC 5280, 5.3.1, the member's name the word that people type."""

    unspecified = 0
    keyCompromise = 1  # noqa: N815 - the names are the standard's
    cACompromise = 2  # noqa: N815
    affiliationChanged = 3  # noqa: N815
    superseded = 4
    cessationOfOperation = 5  # noqa: N815
    certificateHold = 6  # noqa: N815
    privilegeWithdrawn = 9  # noqa: N815
    aACompromise = 10  # noqa: N815


class NameAttribute(NamedTuple):
    """One attribute of a distinguished name; `type` is the name of X.520 (``commonName``)."""

    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """That a certificate is revoked (or held), since when, why, and when that was recorded."""

    revoked_at: datetime
    reason: RevocationReason
    recorded_at: datetime
    invalidity_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """A certificate as the database knows it; `der` is None until it is issued."""

    serial: str
    authority: str
    profile: str
    subject: str
    state: State
    not_before: datetime
    not_after: datetime
    spki_sha256: bytes
    requested_at: datetime
    requested_by: str
    issued_at: datetime | None
    der: bytes | None
    revocation: Revocation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """What status services need of a certificate: its state, its end, its revocation."""

    serial: str
    authority: str
    state: State
    not_after: datetime
    revocation: Revocation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRecord:
    """A certification authority: its name, certificate and where its key is. A root has no parent."""

    name: str
    certificate: bytes
    serial: str
    spki_sha256: bytes
    token: str
    key_label: str
    parent: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlRecord:
    """A published certificate revocation list."""

    authority: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    der: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What an issuance answers: the certificate, and the chain above it, nearest first, without the root."""

    serial: str
    profile: str
    certificate: bytes
    chain: tuple[bytes, ...]

"""What is signed for logs, and what they answer: Certificate Transparency, without input and output.

Source: RFC 6962, 3.1 to 3.3 and 4.2; the lists of logs are those that browsers publish (JSON, version 3).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, extension, tlv
from trustworks.core.errors import Malformed, Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

POISON: Final = "1.3.6.1.4.1.11129.2.4.3"
SCT_LIST: Final = "1.3.6.1.4.1.11129.2.4.2"
_PRECERT_ENTRY: Final = b"\0\1"
_SHA256, _RSA, _ECDSA = 4, 1, 3  # TLS 1.2's HashAlgorithm and SignatureAlgorithm (RFC 5246, 7.4.1.4.1)
_HEAD: Final = 4  # octets before the signature in a digitally-signed struct


class Log(NamedTuple):
    """A log: where it is, who runs it, the hash of its key, and for which ends of validity it is."""

    id: bytes
    url: str
    operator: str
    key: bytes
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, not_after: datetime) -> bool:
        """Whether it logs certificates that end then."""
        return (self.since is None or self.since <= not_after) and (
            self.until is None or not_after < self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sct:
    """A signed certificate timestamp of version 1: which log, when, and the signature as TLS writes it."""

    log_id: bytes
    timestamp: int
    extensions: bytes
    signature: bytes

    def encode(self) -> bytes:
        """SignedCertificateTimestamp (RFC 6962, 3.2)."""
        moment = self.timestamp.to_bytes(8, "big")
        return b"\0" + self.log_id + moment + _vector(self.extensions, 2) + self.signature


def _vector(content: bytes, octets: int) -> bytes:
    """A variable-length vector of TLS, with that many octets of length (RFC 5246, 4.3)."""
    return len(content).to_bytes(octets, "big") + content


def poisoned(tbs: bytes) -> bytes:
    """The precertificate's TBSCertificate: the certificate's, and the poison (RFC 6962, 3.1)."""
    return _with_extension(tbs, extension(POISON, b"\x05\x00", critical=True))


def with_scts(tbs: bytes, scts: Sequence[Sct]) -> bytes:
    """The certificate's TBSCertificate with the list of its timestamps (RFC 6962, 3.3)."""
    listed = _vector(b"".join(_vector(one.encode(), 2) for one in scts), 2)
    return _with_extension(tbs, extension(SCT_LIST, tlv(OCTET_STRING, listed)))


def _with_extension(tbs: bytes, added: bytes) -> bytes:
    """A TBSCertificate with an extension behind the others, whose octets stay as they are."""
    parts = _elements(_content(tbs))
    if not parts or parts[-1][0] != 0xA3:
        raise ValueError("a certificate without extensions is not logged")
    inner = _content(_content(parts[-1]))
    return tlv(SEQUENCE, *parts[:-1], tlv(0xA3, tlv(SEQUENCE, inner, added)))


def _content(element: bytes) -> bytes:
    return element[_head(element, 0) :]


def _head(data: bytes, at: int) -> int:
    """The octets of identifier and length of the element there."""
    return 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)


def _elements(content: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(content):
        head = _head(content, at)
        size = content[at + 1] if head == 2 else int.from_bytes(content[at + 2 : at + head], "big")
        found.append(content[at : at + head + size])
        at += head + size
    return found


def log_list(data: bytes) -> tuple[Log, ...]:
    """The logs of a list in JSON, version 3: those that are usable or qualified, or say nothing of it.

    Raises `Malformed`.
    """
    try:
        operators = json.loads(data)["operators"]
        return tuple(
            _log(one, operator["name"])
            for operator in operators
            for one in operator["logs"]
            if not one.get("state") or one["state"].keys() & {"usable", "qualified"}
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Malformed(
            "This is not a list of logs in JSON, version 3; see [issuance.ct] log-list."
        ) from error


def _log(found: dict[str, Any], operator: str) -> Log:
    key = base64.b64decode(str(found["key"]), validate=True)
    load_der_public_key(key)
    interval = found.get("temporal_interval") or {}
    since, until = (
        datetime.fromisoformat(interval[end]) if end in interval else None
        for end in ("start_inclusive", "end_exclusive")
    )
    return Log(hashlib.sha256(key).digest(), str(found["url"]), operator, key, since, until)


def read_sct(data: bytes) -> Sct:
    """A log's answer to add-pre-chain (RFC 6962, 4.2). Raises `Malformed`."""
    try:
        found = json.loads(data)
        version_1 = {0: found}[found["sct_version"]]
        return Sct(
            log_id=base64.b64decode(version_1["id"], validate=True),
            timestamp=int(found["timestamp"]),
            extensions=base64.b64decode(found["extensions"], validate=True),
            signature=base64.b64decode(found["signature"], validate=True),
        )
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Malformed("The log's answer is not a signed certificate timestamp.") from error


@implements("RFC6962:3.2")
def check_sct(sct: Sct, log: Log, tbs: bytes, issuer_key: bytes, now: datetime) -> None:
    """Refuse a timestamp that is not the log's on this certificate, or that is of the future.

    `tbs` is the TBSCertificate without poison, `issuer_key` the issuer's SubjectPublicKeyInfo.
    """
    made = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=min(sct.timestamp, 2**47))
    signed = (
        b"\0\0"
        + sct.timestamp.to_bytes(8, "big")
        + _PRECERT_ENTRY
        + hashlib.sha256(issuer_key).digest()
        + _vector(tbs, 3)
        + _vector(sct.extensions, 2)
    )
    if sct.log_id != log.id or not _verifies(log.key, sct.signature, signed):
        raise Refused(
            "RFC6962:3.2",
            f"The timestamp that {log.url} answered is not signed by its key for this certificate; see "
            "whether [issuance.ct] log-list is of today.",
        )
    if made > now + timedelta(minutes=1):
        raise Refused("RFC6962:3.2", f"The timestamp that {log.url} answered is of the future ({made}).")


def _verifies(key: bytes, written: bytes, signed: bytes) -> bool:
    """Whether a digitally-signed struct of TLS verifies: SHA-256 with ECDSA or RSA (RFC 6962, 2.1.4)."""
    if int.from_bytes(written[2:_HEAD], "big") != len(written) - _HEAD:
        return False
    public, kind, signature = load_der_public_key(key), tuple(written[:2]), written[_HEAD:]
    try:
        if isinstance(public, ec.EllipticCurvePublicKey) and kind == (_SHA256, _ECDSA):
            public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        elif isinstance(public, rsa.RSAPublicKey) and kind == (_SHA256, _RSA):
            public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def scts_needed(lifetime: timedelta) -> int:
    """How many timestamps browsers ask for: two up to 180 days, three beyond."""
    return 2 if lifetime <= timedelta(days=180) else 3


@implements("TRUSTWORKS:ISSUANCE-CT-ENOUGH")
def check_enough(logs: Sequence[Log], needed: int) -> None:
    """Refuse a certificate with fewer timestamps than browsers ask for, or with one operator's alone."""
    if len(logs) < needed or len({log.operator for log in logs}) < min(2, needed):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-CT-ENOUGH",
            f"{len(logs)} logs of {len({log.operator for log in logs})} operators gave a timestamp; browsers "
            f"ask for {needed}, of two operators. Try again, or name more logs in [issuance.ct] log-list.",
        )

"""The last answers of authorities that have ended: made in advance, signed by their keys, given out for good.

Source: EN 319 411-2, CSS-6.3.10-11 (nextUpdate 99991231235959Z).
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, integer, oid, tlv
from trustworks.core.der.ocsp import CertId, OcspRequest, ResponseStatus, cert_hash_extension
from trustworks.core.der.ocsp_reading import decode_request
from trustworks.core.errors import TrustworksError
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, serial_hex
from trustworks.issuance.status import answers
from trustworks.issuance.status.kept import Known
from trustworks.issuance.status.ocsp import FAILURES, OcspAnswer
from trustworks.issuance.status.octets import public_key_bits, subject_octets
from trustworks.issuance.status.signer import IDENTIFYING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from trustworks.core.store import Database
    from trustworks.issuance.model import AuthorityRecord, CertificateStatus
    from trustworks.issuance.status.signer import OcspSigner

ISSUER_HASHES: Final = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}
"""How requests name the issuer that last answers are made for: clients use no others."""
_LOOK_AGAIN: Final = 1.0  # seconds between two looks which authorities have ended
_NAMES: Final = {dotted: name for name, dotted in ISSUER_HASHES.items()}


class LastAnswers:
    """Gives out what is kept of authorities whose last list is out. Threads share it."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._look_again = float("-inf")
        self._lock = threading.Lock()
        self._silent: dict[tuple[str, bytes, bytes], str] = {}

    def has(self, authorities: Iterable[str]) -> bool:
        """Whether all of these authorities have ended."""
        self._look()
        return frozenset(authorities) <= frozenset(self._silent.values())

    def answer(self, der: bytes) -> OcspAnswer | None:
        """The last answer to a request about a certificate of an ended authority; None for any other request.

        unauthorized where there is none: it was never issued, or the request asks in a way that no answer was
        made for (RFC 5019, 2.2.3). Never raises.
        """
        try:
            self._look()
            if not self._silent:
                return None
            return self._find(decode_request(der))
        except TrustworksError:
            return None  # whoever answers other requests says what is wrong

    def _find(self, request: OcspRequest) -> OcspAnswer | None:
        named = [self._silent.get(answers.issuer(one)) for one in request.cert_ids]
        authority = next((one for one in named if one is not None), None)
        if authority is None:
            return None
        asked, unknown = request.cert_ids[0], FAILURES[ResponseStatus.unauthorized]
        issuer_hash = _NAMES.get(asked.hash_algorithm)
        if len(named) > 1 or issuer_hash is None or asked.serial <= 0 or asked.serial.bit_length() > 160:
            return unknown
        with self._database.read() as connection:
            found = records.last_answer(connection, authority, serial_hex(asked.serial), issuer_hash)
        if found is None:
            return unknown
        der, produced_at = found
        return OcspAnswer(
            der=der,
            status=ResponseStatus.successful,
            result="last",
            produced_at=produced_at,
            next_update=NEVER,
            repeatable=True,
        )

    def _look(self) -> None:
        now = self._monotonic()
        if now < self._look_again:
            return
        with self._lock:
            with self._database.read() as connection:
                ended = records.silent_authorities(connection)
                if len(ended) * len(IDENTIFYING) != len(self._silent):
                    found = [records.authority(connection, name) for name in ended]
                    self._silent = {
                        (dotted, *_digests(name, one)): one.name
                        for one in found
                        if one is not None
                        for dotted, name in IDENTIFYING.items()
                    }
            self._look_again = now + _LOOK_AGAIN


def _digests(hash_name: str, authority: AuthorityRecord) -> tuple[bytes, bytes]:
    """The hashes of an authority's name and key, by which requests name it."""
    name, bits = subject_octets(authority.certificate), public_key_bits(authority.certificate)
    return hashlib.new(hash_name, name).digest(), hashlib.new(hash_name, bits).digest()


@implements("EN319411-2:CSS-6.3.10-11", disabled=())
def last_answers(
    signer: OcspSigner, status: CertificateStatus, certificate: bytes, now: datetime, *, cert_hash: bool
) -> tuple[tuple[str, bytes], ...]:
    """The last answers about a certificate, one for each of `ISSUER_HASHES`; no newer one will follow.

    `signer` is the authority itself (`authority_signer`): a delegate's certificate would end before them.
    """
    extension = cert_hash_extension(hashlib.sha256(certificate).digest()) if cert_hash else b""
    known, made = (Known(status, extension),), []
    for issuer_hash, dotted in ISSUER_HASHES.items():
        name, key = _digests(issuer_hash, signer.authority)
        serial = int(status.serial, 16)
        algorithm = tlv(SEQUENCE, oid(dotted), tlv(NULL))
        octets = (algorithm, tlv(OCTET_STRING, name), tlv(OCTET_STRING, key), integer(serial))
        cert_id = CertId(
            der=tlv(SEQUENCE, *octets),
            hash_algorithm=dotted,
            issuer_name_hash=name,
            issuer_key_hash=key,
            serial=serial,
        )
        request = OcspRequest(cert_ids=(cert_id,), nonce=None, critical=(), signed=False)
        der, _ = answers.signed(
            request, signer, known, now, next_update=NEVER, never_issued="unknown", sign=signer.key.sign
        )
        made.append((issuer_hash, der))
    return tuple(made)

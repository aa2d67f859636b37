"""The OCSP responder: answers from the issuance database, never from a list.

What is revoked in the database is revoked in the next answer, whichever process wrote it: every request reads
the state of its serials. What is saved is the signature: an answer without nonce is used again for some
seconds, as long as the state it tells of is still the database's.

Answers are not events of the audit log: they change nothing, and anybody can ask for a million of them. What
they are made from (issuance, revocation) is logged, and whoever relies on an answer holds it, signed.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from trustworks.core.der.ocsp import (
    EXTENDED_REVOKE_EXTENSION,
    BasicResponse,
    ResponseStatus,
    encode_failure,
    encode_status,
    invalidity_date_extension,
    nonce_extension,
)
from trustworks.core.der.ocsp_reading import decode_request, decode_response
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.trace import implements
from trustworks.core.troubles import Troubles
from trustworks.issuance import records
from trustworks.issuance.model import serial_hex
from trustworks.issuance.rules.revocation import date_told, invalidity_date_told
from trustworks.issuance.status import ocsp_rules as rules
from trustworks.issuance.status.template import Piece, single_extensions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.der.ocsp import CertId, OcspRequest
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import OcspSettings
    from trustworks.issuance.model import CertificateStatus
    from trustworks.issuance.status.signer import OcspSigner

log = structlog.get_logger(__name__)

# Answers about one issued certificate each: what strangers may ask for does not fill the memory.
_CACHED_ANSWERS: Final = 10_000
# The fastest of so many signatures says how fast the module is: a busy machine makes some of them slow.
_PACE_WINDOW: Final = 64
_SLOW_SECONDS: Final = 0.001  # a signature that takes longer is worth a thread
_SERIAL_BITS: Final = 160
_UNKNOWN: Final = encode_status("unknown", None, None)
_GOOD: Final = encode_status("good", None, None)
_NEVER_ISSUED: Final = encode_status("revoked", rules.NEVER_ISSUED_SINCE, rules.NEVER_ISSUED_REASON)
_IN_A_WORD: Final = {_GOOD: "good", _UNKNOWN: "unknown"}
SEVERAL: Final = "several"  # an answer about certificates that do not all have the same status

# Which family of errors becomes which answer (RFC 6960, 2.3). Anything else is a bug, and internalError.
_FAILURES: Final = (
    (Malformed, ResponseStatus.malformedRequest),
    (Rejected, ResponseStatus.unauthorized),
    (Unavailable, ResponseStatus.tryLater),
    (Refused, ResponseStatus.internalError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspAnswer:
    """An OCSPResponse and what HTTP needs to know about it.

    `result` says in a word what it tells: good, revoked, unknown, `SEVERAL` of them, or for a failure the
    response's status. `produced_at` and `next_update` are None for failures. `repeatable`: the same request
    may be answered so again until `next_update`, because it has no nonce.
    """

    der: bytes
    status: ResponseStatus
    result: str
    produced_at: datetime | None = None
    next_update: datetime | None = None
    repeatable: bool = False


FAILURES: Final[dict[ResponseStatus, OcspAnswer]] = {
    status: OcspAnswer(der=encode_failure(status), status=status, result=status.name)
    for status in ResponseStatus
    if status is not ResponseStatus.successful
}


class _Cached(NamedTuple):
    """A signed answer, the state that it tells of, and until when it is used again."""

    found: tuple[CertificateStatus | None, ...]
    until: datetime
    answer: OcspAnswer


class Responder:
    """Answers OCSP requests for the authorities whose delegated signers it holds. Threads share it."""

    def __init__(
        self, settings: OcspSettings, *, database: Database, clock: Clock, signers: Sequence[OcspSigner]
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._signers = tuple(signers)
        self._by_issuer = {identifier: signer for signer in signers for identifier in signer.identifiers}
        self._validity = timedelta(minutes=settings.validity_minutes)
        self._reuse = timedelta(seconds=settings.reuse_seconds)
        self._cache: dict[bytes, _Cached] = {}
        self._pace: deque[float] = deque(maxlen=_PACE_WINDOW)
        self._checked: dict[str, datetime] = {}
        self._troubles = Troubles(log, begun="ocsp.failed", over="ocsp.answers-again")

    @implements(
        "RFC6960:2.3-01",
        disabled=lambda self, der: self._answer(_read(der), self._signer_of(_read(der))),
    )
    def answer(self, der: bytes) -> OcspAnswer:
        """The answer to a request, whatever it is; never raises.

        malformedRequest: not DER, a nonce of wrong length, an unknown critical extension. unauthorized: an
        authority that this responder does not answer for. tryLater: clock, database or module cannot serve
        now. internalError: anything else, which is logged.
        """
        signer: OcspSigner | None = None
        try:
            request = _read(der)
            signer = self._signer_of(request)
            answer = self._answer(request, signer)
        except tuple(family for family, _ in _FAILURES) as error:
            status = next(status for family, status in _FAILURES if isinstance(error, family))
            if not isinstance(error, Malformed | Rejected):
                code = error.code if isinstance(error, Unavailable) else type(error).__name__.lower()
                who = "" if signer is None else signer.authority.name
                self._troubles.failed(who, code, code=code, answer=status.name, reason=str(error))
            return FAILURES[status]
        except Exception:
            log.exception("ocsp.bug")
            return FAILURES[ResponseStatus.internalError]
        self._troubles.ended(signer.authority.name)
        return answer

    @property
    def is_slow(self) -> bool:
        """Whether signatures take so long that they are to be waited for in a thread."""
        return min(self._pace, default=0.0) > _SLOW_SECONDS

    def ping(self) -> None:
        """Answer when the signers may sign now; `Unavailable` with the reason otherwise."""
        if not self._signers:
            raise Unavailable(
                "ocsp.no-signer", "There is no OCSP signer; issue one and set [issuance.ocsp] certificate."
            )
        now = self._clock.now().utc
        with self._database.read() as connection:
            for signer in self._signers:
                signer.check(connection, now)

    @implements(
        "EN319412-2:GEN-4.4.1-7",
        "EN319411-1:REV-6.2.4-03C",
        "EN319411-1:CSS-6.3.10-08",
        disabled=lambda self, request, signer: self._sign(
            request, signer, (None,) * len(request.cert_ids), self._clock.now().utc.replace(microsecond=0)
        ),
    )
    def _answer(self, request: OcspRequest, signer: OcspSigner) -> OcspAnswer:
        # Nobody authenticates, and no signature is needed: a signed request is answered like any other.
        # The state is read from the table that lists are made from, so that both say the same.
        now = self._clock.now().utc.replace(microsecond=0)
        key = request.cert_ids[0].der
        with self._database.read() as connection:
            found = tuple(self._find(connection, signer, cert_id) for cert_id in request.cert_ids)
            # Before an answer is repeated, too: one of a revoked signer is worth nothing.
            if self._checked.get(signer.serial) != now:  # once in a second is soon enough
                signer.check(connection, now)
                self._checked[signer.serial] = now
            repeatable = request.nonce is None and rules.may_be_kept(found, key)
            if repeatable:
                cached = self._cache.get(key)
                if cached is not None and cached.found == found and now < cached.until:
                    return cached.answer
        answer = self._sign(request, signer, found, now)
        if repeatable:
            if len(self._cache) >= _CACHED_ANSWERS:
                self._cache.clear()
            self._cache[key] = _Cached(found, now + self._reuse, answer)
        return answer

    def _signer_of(self, request: OcspRequest) -> OcspSigner:
        """The signer for the first certificate whose authority is ours; the others are `unknown` to it."""
        for cert_id in request.cert_ids:
            signer = self._by_issuer.get(_issuer(cert_id))
            if signer is not None:
                return signer
        raise Rejected(
            "unauthorized", "This responder does not answer for the authority that the request names."
        )

    @implements("EN319411-2:CSS-6.3.10-02")
    def _find(self, connection: Connection, signer: OcspSigner, cert_id: CertId) -> CertificateStatus | None:
        """What the database knows of a serial; None for another authority's, and for what cannot be one.

        Nothing asks whether the certificate has expired: its status is told for as long as the service runs.
        """
        serial = cert_id.serial
        if serial <= 0 or serial.bit_length() > _SERIAL_BITS or _issuer(cert_id) not in signer.identifiers:
            return None
        found = records.status(connection, serial_hex(serial))
        return found if found is not None and found.authority == signer.authority.name else None

    def _sign(
        self,
        request: OcspRequest,
        signer: OcspSigner,
        found: tuple[CertificateStatus | None, ...],
        now: datetime,
    ) -> OcspAnswer:
        next_update = min(now + self._validity, signer.until)
        pieces = [
            self._piece(cert_id, status, signer, now)
            for cert_id, status in zip(request.cert_ids, found, strict=True)
        ]
        extensions: list[bytes] = []
        if request.nonce is not None:
            extensions.append(nonce_extension(request.nonce))
        if any(piece.status == _NEVER_ISSUED for piece in pieces):
            extensions.append(EXTENDED_REVOKE_EXTENSION)
        tbs = signer.template.tbs(
            pieces, produced_at=now, next_update=next_update, extensions=tuple(extensions)
        )
        began = time.perf_counter()
        signature = signer.key.sign(tbs)
        self._pace.append(time.perf_counter() - began)
        der = signer.template.response(tbs, signature)
        _check_output(der, request, signer, found, now)
        return OcspAnswer(
            der=der,
            status=ResponseStatus.successful,
            result=_result(pieces),
            produced_at=now,
            next_update=next_update,
            repeatable=request.nonce is None,
        )

    def _piece(
        self, cert_id: CertId, found: CertificateStatus | None, signer: OcspSigner, now: datetime
    ) -> Piece:
        if _issuer(cert_id) not in signer.identifiers:
            return Piece(cert_id.der, _UNKNOWN, b"")
        if rules.may_be_good(found, signer.authority.name):
            return Piece(cert_id.der, _GOOD, signer.known)
        revocation = found.revocation if found is not None and found.state == "issued" else None
        if revocation is None:
            never = _NEVER_ISSUED if self._settings.never_issued == "revoked" else _UNKNOWN
            return Piece(cert_id.der, never, b"")
        reason = revocation.reason.value or None  # unspecified is said by leaving it out
        status = encode_status("revoked", date_told(revocation.revoked_at, now), reason)
        lost = invalidity_date_told(revocation.invalidity_date, now)
        if lost is None:
            return Piece(cert_id.der, status, signer.known)
        since = invalidity_date_extension(lost)
        return Piece(cert_id.der, status, single_extensions(signer.archive_cutoff, since))


def _read(der: bytes) -> OcspRequest:
    request = decode_request(der)
    rules.check_nonce(request.nonce)
    rules.check_critical(request.critical)
    rules.check_size(len(request.cert_ids))
    return request


def _result(pieces: Sequence[Piece]) -> str:
    found = {_IN_A_WORD.get(piece.status, "revoked") for piece in pieces}
    return found.pop() if len(found) == 1 else SEVERAL


def _issuer(cert_id: CertId) -> tuple[str, bytes, bytes]:
    return cert_id.hash_algorithm, cert_id.issuer_name_hash, cert_id.issuer_key_hash


def _check_output(
    der: bytes,
    request: OcspRequest,
    signer: OcspSigner,
    found: tuple[CertificateStatus | None, ...],
    now: datetime,
) -> None:
    """Read our own answer with the strict decoder and hold every rule against it; a bug if one objects.

    The signature was verified by the key before it came back.
    """
    response = decode_response(der)
    if not isinstance(response, BasicResponse):
        raise TypeError("the responder's own answer is no basic response")
    singles = response.data.responses
    issued = tuple(status is not None and status.state == "issued" for status in found)
    wrong = [
        *rules.coverage_objections(response, request.cert_ids),
        *rules.nonce_objections(response, request.nonce),
        *rules.time_objections(response, now, signer.until),
        *rules.responder_objections(response, signer.key_hash, signer.certificate),
        *rules.never_issued_objections(singles, issued, response.extension_oids),
        *rules.archive_cutoff_objections(singles, issued, signer.archive_cutoff),
        *(
            f"good for {status.serial if status else 'a serial never issued'}"
            for single, status in zip(singles, found, strict=True)
            if single.status == "good" and not rules.may_be_good(status, signer.authority.name)
        ),
    ]
    if wrong:
        raise RuntimeError(f"the responder's own answer breaks its rules: {'; '.join(wrong)}")

"""The OCSP responder: answers from the issuance database, never from a list.

What is revoked in the database is revoked in the answers of every process a fraction of a second later: what
a responder keeps (`kept`), it drops when a look at the database says that its status was changed. An answer
without nonce is given again for some seconds, and what is known of a certificate is signed anew.

Answers are not events of the audit log: they change nothing, and anybody can ask for a million of them. What
they are made from (issuance, revocation) is logged, and whoever relies on an answer holds it, signed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.der.ocsp import (
    ResponseStatus,
    cert_hash_extension,
    encode_failure,
)
from trustworks.core.der.ocsp_reading import decode_request
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.trace import implements
from trustworks.core.troubles import Troubles
from trustworks.issuance import records
from trustworks.issuance.model import serial_hex
from trustworks.issuance.status import answers
from trustworks.issuance.status import ocsp_rules as rules
from trustworks.issuance.status.kept import Kept, Known, Memory
from trustworks.issuance.status.signer import SIGNER_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.der.ocsp import CertId, OcspRequest
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import OcspSettings
    from trustworks.issuance.status.signer import OcspSigner

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 0.2  # seconds; a change of status by another process is told that soon
# The fastest of so many signatures says how fast the module is: a busy machine makes some of them slow.
_PACE_WINDOW: Final = 64
_SLOW_SECONDS: Final = 0.001  # a signature that takes longer is worth a thread
_SERIAL_BITS: Final = 160

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

    `result` says in a word what it tells: good, revoked, unknown, `answers.SEVERAL`, or for a failure the
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


class Responder:
    """Answers OCSP requests for the authorities whose delegated signers it holds. Threads share it.

    `look_every` is how many seconds pass at most between two looks at the database, the clock and the
    signers; what is kept is used between them without. `monotonic` is a clock that only grows, in seconds.
    """

    def __init__(
        self,
        settings: OcspSettings,
        *,
        database: Database,
        clock: Clock,
        signers: Sequence[OcspSigner],
        look_every: float = LOOK_EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._signers = tuple(signers)
        self._by_issuer = {identifier: signer for signer in signers for identifier in signer.identifiers}
        self._validity = timedelta(minutes=settings.validity_minutes)
        self._memory = Memory({signer.authority.name for signer in signers})
        self._answers = self._memory.answers
        self._look_every = look_every
        self._look_again = float("-inf")
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._refusals: dict[str, Unavailable] = {}
        self._pace: deque[float] = deque(maxlen=_PACE_WINDOW)
        self._troubles = Troubles(log, begun="ocsp.failed", over="ocsp.answers-again")

    def answer(self, der: bytes) -> OcspAnswer:
        """The answer to a request, whatever it is; never raises.

        malformedRequest: not DER, a nonce of wrong length, an unknown critical extension. unauthorized: an
        authority that this responder does not answer for. tryLater: clock, database or module cannot serve
        now. internalError: anything else, which is logged.
        """
        kept = self._answers.get(der)
        if kept is not None:
            now = self._monotonic()
            if now < kept.until and now < self._look_again:
                return kept.answer
        return self._answer(der)

    @implements(
        "RFC6960:2.3-01",
        disabled=lambda self, der: self._sign_anew(der, _read(der), self._signer_of(_read(der))),
    )
    def _answer(self, der: bytes) -> OcspAnswer:
        signer: OcspSigner | None = None
        request: OcspRequest | None = None
        try:
            kept = self._answers.get(der)
            if kept is None:
                request = _read(der)
                signer = self._signer_of(request)
            else:
                signer = kept.signer
            now = self._monotonic()
            if now >= self._look_again:
                self._look(now)
            self._check(signer)
            kept = self._answers.get(der)
            if kept is not None and now < kept.until:
                answer = kept.answer
            else:
                answer = self._sign_anew(der, request or _read(der), signer)
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

    def _look(self, now: float) -> None:
        """See what changed since the last look, and whether time and signers still stand.

        Raises `Unavailable` when clock or database give nothing; then nothing that is kept is used.
        """
        with self._looking:
            if now < self._look_again:
                return  # another thread looked meanwhile
            moment = self._clock.now().utc
            with self._database.read() as connection:
                self._memory.look(connection)
                for signer in self._signers:
                    self._refusals.pop(signer.serial, None)
                    try:
                        signer.check(connection, moment)
                    except Unavailable as error:
                        if error.code not in SIGNER_CODES:
                            raise
                        self._refusals[signer.serial] = error
            if self._refusals:
                self._memory.forget()  # an answer of a revoked signer is worth nothing
            self._look_again = now + self._look_every

    def _check(self, signer: OcspSigner) -> None:
        refusal = self._refusals.get(signer.serial)
        if refusal is not None:
            raise refusal.with_traceback(None)

    @property
    def authorities(self) -> frozenset[str]:
        """The names of the authorities that it answers for."""
        return frozenset(signer.authority.name for signer in self._signers)

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
        "EN319411-1:CSS-6.3.10-09",
        disabled=lambda self, _der, request, signer: self._sign(
            request, signer, (None,) * len(request.cert_ids), self._clock.now().utc.replace(microsecond=0)
        ),
    )
    def _sign_anew(self, der: bytes, request: OcspRequest, signer: OcspSigner) -> OcspAnswer:
        # Nobody authenticates, and no signature is needed: a signed request is answered like any other.
        # The state is read from the table that lists are made from, so that both say the same.
        now = self._clock.now().utc.replace(microsecond=0)
        found = tuple(self._find(signer, cert_id) for cert_id in request.cert_ids)
        until = self._monotonic() + self._settings.reuse_seconds
        answer = self._sign(request, signer, found, now)
        if request.nonce is None and rules.may_be_kept(answers.statuses(found), der):
            self._memory.keep_answer(der, found[0], Kept(answer, signer, until))
        return answer

    def _signer_of(self, request: OcspRequest) -> OcspSigner:
        """The signer for the first certificate whose authority is ours; the others are `unknown` to it."""
        for cert_id in request.cert_ids:
            signer = self._by_issuer.get(answers.issuer(cert_id))
            if signer is not None:
                return signer
        raise Rejected(
            "unauthorized", "This responder does not answer for the authority that the request names."
        )

    @implements("EN319411-2:CSS-6.3.10-02", "EN319411-1:CSS-6.3.10-04")
    def _find(self, signer: OcspSigner, cert_id: CertId) -> Known | None:
        """What is known of a serial; None for another authority's, and for what is no certificate.

        Nothing asks whether the certificate has expired: its status is told for as long as the service runs.
        """
        number = cert_id.serial
        if (
            number <= 0
            or number.bit_length() > _SERIAL_BITS
            or answers.issuer(cert_id) not in signer.identifiers
        ):
            return None
        serial, authority = serial_hex(number), signer.authority.name
        known = self._memory.known(serial)
        if known is not None:
            return known
        with self._database.read() as connection:
            found = records.status(connection, serial)
            if found is None or found.authority != authority:
                return None
            known = Known(found, self._cert_hash(connection, serial))
            count = records.changes(connection, authority)
        if found.state == "issued":
            self._memory.keep_status(authority, count, known)
        return known

    def _cert_hash(self, connection: Connection, serial: str) -> bytes:
        if not self._settings.cert_hash:
            return b""
        digest = records.certificate_digest(connection, serial)
        return b"" if digest is None else cert_hash_extension(digest)

    def _sign(
        self,
        request: OcspRequest,
        signer: OcspSigner,
        found: tuple[Known | None, ...],
        now: datetime,
    ) -> OcspAnswer:
        def sign(tbs: bytes) -> bytes:
            began = time.perf_counter()
            signature = signer.key.sign(tbs)
            self._pace.append(time.perf_counter() - began)
            return signature

        next_update = min(now + self._validity, signer.until)
        never = self._settings.never_issued
        der, result = answers.signed(
            request, signer, found, now, next_update=next_update, never_issued=never, sign=sign
        )
        return OcspAnswer(
            der=der,
            status=ResponseStatus.successful,
            result=result,
            produced_at=now,
            next_update=next_update,
            repeatable=request.nonce is None,
        )


def _read(der: bytes) -> OcspRequest:
    request = decode_request(der)
    rules.check_nonce(request.nonce)
    rules.check_critical(request.critical)
    rules.check_size(len(request.cert_ids))
    return request

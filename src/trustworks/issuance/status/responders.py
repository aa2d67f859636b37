"""OCSP for all authorities: the one whose signer is configured, and further ones that ceremonies made.

A further authority's answers are signed by the same key of the token `services`, with a certificate that this
authority issued for it (profile ocsp-signer); the newest one in the database that is good. There may be
thousands of authorities: nothing is done for one before it is asked about, and what was asked about least
lately is forgotten.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.der.ocsp_reading import decode_request
from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.trace import implements
from trustworks.core.troubles import Troubles
from trustworks.issuance import records
from trustworks.issuance.status.last import LastAnswers
from trustworks.issuance.status.ocsp import FAILURES, Responder
from trustworks.issuance.status.octets import public_key_bits, subject_octets
from trustworks.issuance.status.signer import IDENTIFYING, open_signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import OcspSettings
    from trustworks.issuance.status.ocsp import OcspAnswer

log = structlog.get_logger(__name__)

Issuer = tuple[str, bytes, bytes]  # hash algorithm, hash of the name, hash of the key

_MOST: Final = 256  # responders of further authorities that are kept at a time
_LOOK_AGAIN: Final = 1.0  # seconds between two looks for authorities that are new
_WATCH_AGAIN: Final = 2.0  # seconds between two looks whether the signer's certificate was replaced
_SIGNER_AGAIN: Final = 60.0  # seconds until it is asked again which signer's certificate is the newest


@dataclass(slots=True)
class _Open:
    """A further authority's responder, and when its signer was looked for."""

    serial: str
    responder: Responder
    looked: float


class Responders:
    """Answers OCSP requests for every authority. Threads share it.

    `key` is the signers' key. `renew` opens the first responder and its key anew; it is asked when `watch`
    answers something else than before. `monotonic` is a clock that only grows, in seconds.
    """

    def __init__(
        self,
        first: Responder,
        settings: OcspSettings,
        *,
        key: Key,
        database: Database,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        renew: Callable[[], tuple[Responder, Key]] | None = None,
        watch: Callable[[], object] = lambda: None,
    ) -> None:
        self.first = first
        self._renew = renew
        self._watch = watch
        self._seen = watch()
        self._watch_again = monotonic() + _WATCH_AGAIN
        self._settings = settings
        self._key = key
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._troubles = Troubles(log, begun="ocsp.failed", over="ocsp.answers-again")
        self._lock = threading.Lock()
        self._names: dict[Issuer, str] = {}
        self._newest = datetime(1970, 1, 1, tzinfo=UTC)
        self._look_again = float("-inf")
        self._last = LastAnswers(database, monotonic=monotonic)
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def answer(self, der: bytes) -> OcspAnswer:
        """The answer to a request, whatever it is; never raises. As `Responder.answer`.

        tryLater for an authority whose signer has no certificate that is good now.
        """
        self._renewed()
        last = self._last.answer(der)
        if last is not None:
            return last
        answer = self.first.answer(der)
        if answer.status is not ResponseStatus.unauthorized:
            return answer
        try:
            found = self._responder(der)
        except TrustworksError as error:
            later = isinstance(error, Unavailable)
            status = ResponseStatus.tryLater if later else ResponseStatus.internalError
            code = error.code if isinstance(error, Unavailable) else type(error).__name__.lower()
            self._troubles.failed("further", code, code=code, answer=status.name, reason=str(error))
            return FAILURES[status]
        self._troubles.ended("further")
        return answer if found is None else found.answer(der)

    @property
    def is_slow(self) -> bool:
        """Whether signatures take so long that they are to be waited for in a thread."""
        return self.first.is_slow

    def ping(self) -> None:
        """Answer when the configured signer may sign now; `Unavailable` with the reason otherwise.

        Where its authority has ended, nothing is signed any more: what was signed before is given out.
        """
        if not self._last.has(self.first.authorities):
            self.first.ping()

    @implements("TRUSTWORKS:ROLLOVER-OCSP-TAKEN", disabled=None)
    def _renewed(self) -> None:
        """Take a new signer into use when the configured certificate was written anew, if it is good."""
        now = self._monotonic()
        if self._renew is None or now < self._watch_again:
            return
        self._watch_again = now + _WATCH_AGAIN
        seen = self._watch()
        if seen is None or seen == self._seen:
            return
        try:
            first, key = self._renew()
        except TrustworksError as error:
            self._troubles.failed("renewal", "renewal", code="ocsp.not-renewed", reason=str(error))
            return
        with self._lock:
            self.first, self._key, self._seen = first, key, seen
            self._open.clear()
        self._troubles.ended("renewal")
        log.info("ocsp.signer-renewed", label=key.label)

    def _responder(self, der: bytes) -> Responder | None:
        """The responder for the first certificate whose authority is ours; None where there is none."""
        wanted = [
            (one.hash_algorithm, one.issuer_name_hash, one.issuer_key_hash)
            for one in decode_request(der).cert_ids
        ]
        with self._lock:
            self._learn(wanted)
            name = next((self._names[one] for one in wanted if one in self._names), None)
            return None if name is None else self._of(name)

    def _learn(self, wanted: list[Issuer]) -> None:
        """Learn of authorities that were made since the last look, where somebody asks about one unknown."""
        now = self._monotonic()
        if any(one in self._names for one in wanted) or now < self._look_again:
            return
        self._look_again = now + _LOOK_AGAIN
        with self._database.read() as connection:
            for made_at, name, certificate in records.authorities_since(connection, self._newest):
                self._newest = max(self._newest, made_at)
                subject, bits = subject_octets(certificate), public_key_bits(certificate)
                for dotted, hash_name in IDENTIFYING.items():
                    digests = (hashlib.new(hash_name, one).digest() for one in (subject, bits))
                    self._names[dotted, *digests] = name  # type: ignore[index]  # two digests

    def _of(self, name: str) -> Responder:
        """The responder of a further authority, with the newest signer's certificate that is good now."""
        now, kept = self._monotonic(), self._open.get(name)
        if kept is None or now - kept.looked >= _SIGNER_AGAIN:
            kept = self._opened(name, now, kept)
            self._open[name] = kept
            while len(self._open) > _MOST:
                self._open.popitem(last=False)
        self._open.move_to_end(name)
        return kept.responder

    def _opened(self, name: str, now: float, before: _Open | None) -> _Open:
        moment = self._clock.now().utc
        with self._database.read() as connection:
            authority = records.authority(connection, name)
            found = records.newest_of_key(connection, name, "ocsp-signer", self._key.spki_sha256, at=moment)
        if authority is None or found is None:
            raise Unavailable(
                "ocsp.no-signer",
                f"The OCSP signer has no certificate from {name} that is good now. Issue one for its key: "
                f"trustworks certificate issue --profile ocsp-signer --authority {name}.",
            )
        serial, certificate = found
        if before is not None and before.serial == serial:
            return _Open(serial, before.responder, now)
        signer = open_signer(self._key, certificate, (authority,))
        responder = Responder(self._settings, database=self._database, clock=self._clock, signers=(signer,))
        return _Open(serial, responder, now)

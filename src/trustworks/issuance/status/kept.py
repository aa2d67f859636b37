"""What a responder keeps between requests: signed answers, and the status of certificates.

Any process may change a status. Each change is counted in its authority's row, in the transaction that makes
it. So one look at the count, some times a second, says for everything that is kept whether it is still true:
what changed since the last look is dropped. Nothing is used while the last look is older than that.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.trace import implements
from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from trustworks.issuance.model import CertificateStatus
    from trustworks.issuance.status.ocsp import OcspAnswer
    from trustworks.issuance.status.signer import OcspSigner

# What strangers may ask for does not fill the memory: so many certificates, and few spellings of a request.
MOST: Final = 10_000
_SPELLINGS: Final = 4
_MOST_CHANGES: Final = 1_000  # when more changed than that, everything is dropped


class Kept(NamedTuple):
    """A signed answer, who signed it, and until when it is given again, by a clock that only grows."""

    answer: OcspAnswer
    signer: OcspSigner
    until: float


@dataclass(slots=True)
class Known:
    """The status of a certificate, the CertHash extension of its answers, and the requests about it."""

    status: CertificateStatus
    cert_hash: bytes
    requests: list[bytes] = field(default_factory=list)


class Memory:
    """What is kept for some authorities. Threads share it.

    `answers` is by the octets of the request. Read it only after a look that is young enough.
    """

    def __init__(self, authorities: Iterable[str]) -> None:
        self.answers: dict[bytes, Kept] = {}
        self._known: dict[str, Known] = {}
        self._seen = dict.fromkeys(authorities, -1)
        self._lock = threading.Lock()

    def seen(self, authority: str) -> int:
        """Up to which of the authority's changes everything that is kept is true."""
        return self._seen[authority]

    def known(self, serial: str) -> Known | None:
        """What is known of a certificate, if it was asked about."""
        return self._known.get(serial)

    def look(self, connection: Connection) -> None:
        """Drop what changed since the last look."""
        for authority, seen in tuple(self._seen.items()):
            count = records.changes(connection, authority)
            if count != seen:
                self._drop(connection, authority, seen, count)

    @implements(
        "TRUSTWORKS:STATUS-OCSP-KEPT",
        disabled=lambda self, _connection, authority, _seen, count: self._seen.update({authority: count}),
    )
    def _drop(self, connection: Connection, authority: str, seen: int, count: int) -> None:
        serials = (
            []
            if seen < 0
            else records.changed_serials(connection, authority, after=seen, limit=_MOST_CHANGES)
        )
        # A count that went back was altered by hand: nothing that is kept can be relied on then.
        everything = seen < 0 or count < seen or len(serials) == _MOST_CHANGES
        with self._lock:
            if everything:
                self._forget()
            for serial in serials:
                known = self._known.pop(serial, None)
                for request in () if known is None else known.requests:
                    self.answers.pop(request, None)
            self._seen[authority] = count

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self.answers.clear()
        self._known.clear()

    def keep_status(self, authority: str, count: int, known: Known) -> None:
        """Keep what a transaction read that saw `count` changes, unless a later look saw more."""
        with self._lock:
            if count >= self._seen[authority]:
                if len(self._known) >= MOST:
                    self._forget()
                self._known[known.status.serial] = known

    def keep_answer(self, request: bytes, known: Known | None, kept: Kept) -> None:
        """Keep an answer about a certificate, as long as that is what is known of it."""
        with self._lock:
            if known is None or self._known.get(known.status.serial) is not known:
                return  # its status was changed, or everything dropped, since the answer was made
            if request not in known.requests:
                if len(known.requests) >= _SPELLINGS:
                    self.answers.pop(known.requests.pop(0), None)
                known.requests.append(request)
            self.answers[request] = kept

"""Reports of problems with certificates, from anybody: taken, recorded, and put before a revocation officer.

Nobody is authenticated, so that nothing is revoked here, and nothing is told: whether a certificate, or a
person, is known here is no part of the answer.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import serial_hex
from trustworks.issuance.revocation.requests import Reception
from trustworks.issuance.rules import problem_reports as rules
from trustworks.issuance.wire import read_serial

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.store import Database
    from trustworks.issuance.model import RevocationRequest
    from trustworks.issuance.revocation.requests import RevocationRequests
    from trustworks.issuance.rules.problem_reports import ProblemReport

PUBLIC: Final = "public"  # who recorded it, and who asked: nobody that we know
WITHIN: Final = timedelta(hours=1)


class ProblemReports:
    """Takes reports in. `per_hour` is how many are taken in an hour, from all together.

    `per_address` is how many of them one network may send; who that is, is known to this process alone and
    for an hour, and is nowhere written down.
    """

    def __init__(
        self,
        requests: RevocationRequests,
        *,
        database: Database,
        now: Callable[[], datetime],
        per_hour: int,
        per_address: int = 5,
    ) -> None:
        self._requests = requests
        self._database = database
        self._now = now
        self._per_hour = per_hour
        self._per_address = per_address
        self._taken: dict[str, deque[datetime]] = {}  # no more of them than reports are taken in an hour
        self._lock = threading.Lock()

    @implements("EN319411-1:REV-6.3.9-19", disabled=lambda _self, _report, _address=None: None)
    def file(self, report: ProblemReport, address: str | None = None) -> RevocationRequest:
        """Record a report, whichever certificate it is about; it waits for an officer then.

        `address` is the IP address it came from, where that is known.

        Raises `Malformed`, `Rejected` (report.*) and `Unavailable`; nothing is recorded then.
        """
        rules.check_report(report)
        with self._database.read() as connection:
            recent = records.count_pending_reports(connection, PUBLIC, since=self._now() - WITHIN)
        rules.check_not_too_many(recent, self._per_hour)
        serial, named = self._certificate(report.certificate)
        given = Reception(kind="problem-report", requester=PUBLIC, note=rules.as_note(report, named))
        network, now = rules.network_of(address), self._now()
        self._take_share(network, now)
        try:
            return self._requests.receive(given, serial, None, by=PUBLIC)
        except Exception:
            self._give_back(network, now)
            raise

    def _take_share(self, network: str, now: datetime) -> None:
        """Count a report of a network before it is recorded, so that many at once are counted, too."""
        with self._lock:
            self._taken = {one: times for one, times in self._taken.items() if times[-1] > now - WITHIN}
            times = self._taken.get(network, deque())
            while times and times[0] <= now - WITHIN:
                times.popleft()
            if network:
                rules.check_share(len(times), self._per_address)
                times.append(now)
                self._taken[network] = times

    def _give_back(self, network: str, at: datetime) -> None:
        with self._lock:
            times = self._taken.get(network, deque())
            if at in times:
                times.remove(at)
            if not times:
                self._taken.pop(network, None)

    def _certificate(self, text: str) -> tuple[str | None, str]:
        """The serial of a certificate of ours that was named, and what was named, in words."""
        if not text:
            return None, "none"
        if "-----BEGIN" not in text:
            serial = read_serial(text)
            return (serial if self._is_issued(serial, None) else None), f"serial number {serial}"
        try:
            read = x509.load_pem_x509_certificate(text.encode())
            der = read.public_bytes(Encoding.DER)
        except ValueError:
            raise Malformed("The certificate cannot be read: put it in as PEM, or its serial.") from None
        serial = serial_hex(read.serial_number) if 0 < read.serial_number < rules.SERIALS else ""
        known = bool(serial) and self._is_issued(serial, der)
        return (serial if known else None), f"a certificate, SHA-256 {hashlib.sha256(der).hexdigest()}"

    def _is_issued(self, serial: str, der: bytes | None) -> bool:
        with self._database.read() as connection:
            found = records.certificate(connection, serial)
        return found is not None and found.state == "issued" and der in {None, found.der}

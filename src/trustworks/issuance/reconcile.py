"""Compares the register of certificates and lists with the audit log, for `trustworks audit verify`.

The events of a certificate bind its row: the intent, what was issued, each revocation; that of a list binds
the list. The events are under the signed checkpoints, so that a row which was changed, removed or added
beside the log shows. Events of several processes have no order among each other that can be relied on, and
none is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.store.types import microseconds
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import LOST, RevocationReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

_HOLD: Final = RevocationReason.certificateHold.name
_LOST: Final = frozenset(reason.name for reason in LOST)


@dataclass(slots=True)
class Status:
    """What the events say of a certificate's status: how often it was held and released, and revocations.

    `lost` are those for a lost key, which may follow on one for another reason.
    """

    holds: int = 0
    releases: int = 0
    held: list[bytes] = field(default_factory=list)
    revoked: list[bytes] = field(default_factory=list)
    lost: list[bytes] = field(default_factory=list)


@implements("TRUSTWORKS:ISSUANCE-RECORD-BOUND", "CENTS419261:STATUS-CHANGES", disabled=None)
def certificate_objection(serial: str, told: int | None, found: int | None) -> str | None:
    """What is wrong with a row, by the sum of what events say of it and that of what it says itself."""
    if told is None:
        return (
            f"There is no event of the certificate {serial}: its record was added by hand, or its events "
            "were removed."
        )
    if found is None:
        return f"The record of the certificate {serial} is gone."
    if told != found:
        return (
            f"The record of the certificate {serial} is not what was logged of it: it was altered, or one of "
            "its events is gone."
        )
    return None


@implements("TRUSTWORKS:ISSUANCE-RECORD-BOUND", "CENTS419261:STATUS-CHANGES", disabled=None)
def status_objection(serial: str, status: Status, revocation: bytes | None) -> str | None:
    """What is wrong with a revocation, by its events: a hold can be lifted, a revocation not."""
    if status.revoked or status.lost:
        if max(len(status.revoked), len(status.lost)) > 1:
            return f"The certificate {serial} was revoked twice, by its events."
        if revocation is None:
            return f"The certificate {serial} was revoked, and its record says that it is not."
        right = revocation in (status.lost or status.revoked)
    elif status.holds == status.releases:
        if revocation is not None:
            return f"The record of the certificate {serial} has a revocation that no event tells of."
        right = True
    else:
        if revocation is None:
            return f"The certificate {serial} was held, and its record says that it is not."
        right = status.holds == status.releases + 1 and revocation in status.held
    return None if right else f"The revocation of the certificate {serial} is not what was logged of it."


@implements("TRUSTWORKS:ISSUANCE-RECORD-BOUND", "CENTS419261:STATUS-CHANGES", disabled=None)
def list_objection(name: str, told: bytes | None, found: bytes | None) -> str | None:
    """What is wrong with the record of a published list."""
    if told is None:
        return f"There is no event of {name}: its record was added by hand, or its event removed."
    if found is None:
        return f"The record of {name} is gone."
    if told != found:
        return f"The record of {name} was altered: it is not what was logged of it."
    return None


class CertificateRecords:
    """The `RecordChecker` of certificates, revocations and lists. It keeps some 300 octets for each."""

    types: Final = frozenset(
        {
            "certificate.intended",
            "certificate.issued",
            "certificate.abandoned",
            "certificate.revoked",
            "certificate.released",
            "crl.published",
        }
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._certificates: dict[str, int] = {}
        self._status: dict[str, Status] = {}
        self._lists: dict[str, bytes] = {}

    def event(self, value: Mapping[str, Any]) -> str | None:
        """Take note of the event; what is wrong with its record is told by `rest`."""
        try:
            subject, detail = value["subject"], value["detail"]
            if value["type"] == "crl.published":
                return self._published(subject, detail, value["time"])
            self._told(value["type"], subject["serial"], detail, value["time"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return "The event does not say what became of which record."
        return None

    def _told(self, kind: str, serial: str, detail: Mapping[str, Any], time: str) -> None:
        match kind:
            case "certificate.intended":
                self._add(serial, bytes.fromhex(detail["row"]))
            case "certificate.issued":
                self._add(serial, records.issued_digest(serial, detail["sha256"], _moment(time)))
            case "certificate.abandoned":
                self._add(serial, _ABANDONED)
            case "certificate.released":
                self._of(serial).releases += 1
            case _:
                for one, digest in detail["rows"].items():
                    status, octets = self._of(one), bytes.fromhex(digest)
                    if detail["reason"] == _HOLD:
                        status.holds += 1
                        status.held.append(octets)
                    else:
                        (status.lost if detail["reason"] in _LOST else status.revoked).append(octets)

    def _add(self, serial: str, digest: bytes) -> None:
        self._certificates[serial] = self._certificates.get(serial, 0) + _number(digest)

    def _of(self, serial: str) -> Status:
        return self._status.setdefault(serial, Status())

    def _published(self, subject: Mapping[str, Any], detail: Mapping[str, Any], time: str) -> str | None:
        authority, number = subject["authority"], subject["number"]
        name = _list_name(authority, number)
        if name in self._lists:
            return f"There are two events of {name}."
        updates = (_moment(detail["this_update"]), _moment(detail["next_update"]))
        facts = (*updates, detail["entries"], _moment(time))
        scope = (detail.get("shard"), detail.get("base"))
        self._lists[name] = records.list_digest(authority, number, detail["sha256"], facts, scope)
        return None

    def rest(self) -> Iterator[str]:
        """What is wrong with certificates, revocations, lists and authorities."""
        for row in records.bound_certificates(self._connection):
            told = self._certificates.pop(row.serial, None)
            status = self._status.pop(row.serial, Status())
            wrong = certificate_objection(row.serial, told, _sum(row))
            if wrong is not None:
                yield wrong
            wrong = status_objection(row.serial, status, row.revocation)
            if wrong is not None:
                yield wrong
        for authority, number, digest in records.bound_lists(self._connection):
            name = _list_name(authority, number)
            wrong = list_objection(name, self._lists.pop(name, None), digest)
            if wrong is not None:
                yield wrong
        gone = [certificate_objection(serial, told, None) for serial, told in self._certificates.items()]
        gone += [list_objection(name, told, None) for name, told in self._lists.items()]
        yield from filter(None, gone)
        for name in records.unfounded_authorities(self._connection):
            yield f"The certificate of the authority {name} is not the one that was issued to it."


# A certificate's facts are added up, so that their order does not count and each counts once.
_ABANDONED: Final = sha256(b"abandoned").digest()
_OF_NO_EVENTS: Final = -1


def _number(digest: bytes) -> int:
    return int.from_bytes(digest)


def _sum(row: records.BoundCertificate) -> int:
    """The sum of what a row says of itself; one of no events where its state is not that of its parts."""
    facts = [row.intent]
    match row.state, row.issued:
        case "issuing", None:
            pass
        case "issued", bytes(issued):
            facts.append(issued)
        case "abandoned", None:
            facts.append(_ABANDONED)
        case _:
            return _OF_NO_EVENTS
    return sum(map(_number, facts))


def _list_name(authority: object, number: object) -> str:
    return f"the revocation list {number} of {authority}"


def _moment(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))

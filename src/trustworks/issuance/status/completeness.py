"""Whether the published lists together tell every revocation: each is read again and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import serial_hex
from trustworks.issuance.status.states import scopes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.status.states import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What was found: lists read, revocations, those on a list, those that wait for the next one."""

    authority: str
    lists: int
    revoked: int
    listed: int
    waiting: int
    objections: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """As JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def completeness(settings: IssuanceSettings, connection: Connection, authority: str) -> Completeness:
    """Compare the newest list of every scope of an authority with its revocations.

    A certificate is looked for on the list that it names, and on the delta list to that one.
    """
    if records.authority(connection, authority) is None:
        raise Rejected("crl.authority", f"There is no authority {authority!r} yet.")
    told: dict[int | None, tuple[set[str], int]] = {}
    count = 0
    for scope in scopes(settings, connection, authority):
        listed, up_to, read = _listed(connection, scope, told.get(scope.shard))
        told[scope.shard] = (listed, up_to)
        count += read
    revoked = on_list = waiting = 0
    objections: list[str] = []
    for serial, shard, change in records.revoked_places(connection, authority):
        revoked += 1
        listed, up_to = told.get(shard, (set(), -1))
        if serial in listed:
            on_list += 1
        elif change is not None and change > up_to:
            waiting += 1
        else:
            objections += completeness_objections(serial, shard)
    return Completeness(
        authority=authority,
        lists=count,
        revoked=revoked,
        listed=on_list,
        waiting=waiting,
        objections=tuple(objections),
    )


@implements("TRUSTWORKS:STATUS-SHARDS-COMPLETE", disabled=())
def completeness_objections(serial: str, shard: int | None) -> tuple[str, ...]:
    """What is wrong with a revocation that no list tells although the list that has to is younger."""
    where = "the complete list" if shard is None else f"the list of shard {shard}"
    return (f"The certificate {serial} is revoked, and {where}, which it names, does not tell it.",)


def _listed(
    connection: Connection, scope: Scope, before: tuple[set[str], int] | None
) -> tuple[set[str], int, int]:
    """The serials on the newest list of a scope, up to which change it goes, and how many lists were read.

    A delta list is put onto what is on the complete list `before`.
    """
    record = records.last_crl(connection, scope.authority, shard=scope.shard, delta=scope.delta)
    listed, up_to = (set(), -1) if before is None else before
    if record is None or (scope.delta and record.changes < up_to):
        return listed, up_to, 0
    for serial, removed in _entries(record.der):
        (listed.discard if removed else listed.add)(serial)
    return listed, record.changes, 1


def _entries(der: bytes) -> Iterator[tuple[str, bool]]:
    """The serials on a list, and whether each is taken from it (RFC 5280, 5.3.1, removeFromCRL)."""
    for entry in x509.load_der_x509_crl(der):
        try:
            reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            reason = x509.ReasonFlags.unspecified
        yield serial_hex(entry.serial_number), reason is x509.ReasonFlags.remove_from_crl

"""A private key that got into other hands: its public key is blocked, and all its certificates are revoked.

First the key is blocked, for good: from that commit on no certificate of it is recorded. Then what it has is
revoked. A crash between the two loses nothing: `finish`, called by the clock, revokes what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules.revocation_requests import check_confirmed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.model import LostKey
    from trustworks.issuance.revocation.change import StatusChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What came of it: the key, whether it was blocked before, and the certificates revoked just now."""

    spki_sha256: bytes
    before: bool
    revoked: tuple[str, ...]


class LostKeys:
    """Blocks keys, and revokes what they have. `system`: the system's clock, as in `StatusChange`."""

    def __init__(
        self,
        change: StatusChange,
        *,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        system: Clock | None = None,
    ) -> None:
        self._change = change
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._system = system

    @implements(
        "EN319411-1:SDP-6.5.1-21",
        disabled=lambda _self, lost, **_: Blocked(spki_sha256=lost.spki_sha256, before=False, revoked=()),
    )
    def block(
        self,
        lost: LostKey,
        *,
        by: str,
        note: str | None = None,
        invalidity_date: datetime | None = None,
    ) -> Blocked:
        """Block a key and revoke all its certificates as compromised; does nothing twice.

        `note` says how it became known; without a proof by the key itself it must say something. Raises
        `Rejected` (revocation.unconfirmed, revocation.authority-key), and what `Issuance.revoke` raises.
        """
        request_rules.check_actor(by)
        if lost.shown_by == "statement":
            check_confirmed(note)
        moment, unproven = any_time(self._clock, self._system)
        with self._database.read() as connection:
            if records.authority_keys(connection, [lost.spki_sha256]):
                raise Rejected(
                    "revocation.authority-key",
                    "This is the key of one of the provider's authorities. Revoke the authority's own "
                    "certificate for cACompromise (`trustworks certificate revoke`), and publish the list of "
                    "the authority above it.",
                )
        known: list[bool] = []

        def action(connection: Connection) -> None:
            known.append(lost.spki_sha256 in records.blocked_keys(connection, [lost.spki_sha256]))
            if not known[-1]:
                records.block_key(
                    connection, lost.spki_sha256, shown_by=lost.shown_by, note=note, at=moment, by=by
                )

        detail = {"shown_by": lost.shown_by, **({} if unproven is None else {"unproven_time": unproven})}
        self._recorder.transact(
            lambda _: Event(
                type="key.blocked",
                outcome="success",
                actor=by,
                subject={"kind": "key", "spki_sha256": lost.spki_sha256.hex()},
                detail={**detail, "before": known[-1]},
                time=moment,
            ),
            action,
        )
        revoked = self._revoke(lost.spki_sha256, by=by, invalidity_date=invalidity_date)
        return Blocked(spki_sha256=lost.spki_sha256, before=known[-1], revoked=revoked)

    @implements("TRUSTWORKS:ISSUANCE-BLOCKED-REVOKED", disabled=())
    def finish(self, *, by: str = "jobs") -> tuple[str, ...]:
        """Revoke what certificates of blocked keys a crash left, and answer their serials."""
        return self._revoke(None, by=by)

    def _revoke(
        self, spki_sha256: bytes | None, *, by: str, invalidity_date: datetime | None = None
    ) -> tuple[str, ...]:
        """Revoke until nothing is left; each change takes all certificates of its key."""
        done: list[str] = []
        if spki_sha256 is not None:
            self._wait_for_issuing(spki_sha256)
        while True:
            with self._database.read() as connection:
                left = records.unrevoked_of_blocked(connection, spki_sha256)
            if not left:
                return tuple(done)
            reason = RevocationReason.keyCompromise
            also = self._change.change(left[0], reason, by=by, invalidity_date=invalidity_date).also
            done += [left[0], *also]

    def _wait_for_issuing(self, spki_sha256: bytes) -> None:
        """Let whoever records a certificate of the key right now commit it, so that it is seen below.

        Recording holds the authority's lock. Whoever takes it later sees that the key is blocked.
        """
        with self._database.begin() as connection:
            for name in records.authorities_of_key(connection, spki_sha256):
                records.lock_authority(connection, name=name)

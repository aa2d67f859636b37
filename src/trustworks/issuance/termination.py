"""The end of an authority: it issues no more, what it issued is revoked, its last status stays.

Each step is done in transactions of its own, so that a crash leaves a whole number of them, and doing the
step again does what is left. Whoever may order this, and in which order, is in `trustworks.app.termination`.
Source: (EU) 2025/2530, Article 3(7); EN 319 411-1, 6.4.9; EN 319 411-2, 6.3.10.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import remaining_copies
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, Revocation, RevocationReason
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.records.notices import REVOKED, News, profiles_of, tell
from trustworks.issuance.rules.authorities import check_last_status
from trustworks.issuance.rules.revocation import following, moment_of_change
from trustworks.issuance.status.last import last_answers
from trustworks.issuance.status.signer import authority_signer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.model import AuthorityRecord

BATCH: Final = 250
"""Certificates that are revoked, or answered for, in one transaction."""
SHORT_TERM: Final = tuple(sorted({one.name for one in PROFILES.values() if one.short_term}))


class Ending:
    """The steps of one authority's end. `plan` is the digest of the plan that they belong to."""

    def __init__(
        self,
        authority: str,
        *,
        plan: str,
        by: str,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.name = authority
        self._plan = plan
        self._by = by
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._progress = progress

    def record(self) -> AuthorityRecord:
        """The authority. Raises `Rejected` (termination.authority)."""
        with self._database.read() as connection:
            found = records.authority(connection, self.name)
        if found is None:
            raise Rejected("termination.authority", f"There is no authority {self.name!r}; correct the plan.")
        return found

    def close(self) -> None:
        """Let the authority issue no more. Raises `Rejected` (termination.other-plan)."""
        now = self._clock.now().utc

        def action(connection: Connection) -> bool:
            records.lock_authority(connection, name=self.name)
            by_plan = records.terminated_by_plan(connection, self.name)
            if by_plan is not None and by_plan != self._plan:
                raise Rejected(
                    "termination.other-plan",
                    f"{self.name} ends by another plan already ({by_plan[:16]}); go on with that.",
                )
            if by_plan is None:
                records.add_terminated(connection, self.name, self._plan, now, self._by)
            return by_plan is None

        self._recorder.transact_all(
            lambda new: [self._event("authority.terminated", now, {})] if new else [], action
        )

    @implements("EU2025-2530:3.7-c", "EN319411-1:OVR-6.4.9-03", disabled=lambda _self, _reason: 0)
    def revoke(self, reason: RevocationReason) -> int:
        """Revoke what has not ended and is not revoked for good, and answer how many certificates that were.

        Raises `Unavailable` (termination.short-term) while short-term certificates, which are never revoked,
        have not ended; everything else is revoked then.
        """
        done = 0
        while batch := self._revoke_some(reason):
            done += batch
            self._progress(done)
        now = self._clock.now().utc
        with self._database.read() as connection:
            end = records.latest_end(connection, self.name, SHORT_TERM)
        if end is not None and end >= now:
            raise Unavailable(
                "termination.short-term",
                f"Short-term certificates of {self.name} are never revoked, and the last of them ends at "
                f"{end:%Y-%m-%d %H:%M:%SZ}. Go on with the plan after that.",
            )
        return done

    def _revoke_some(self, reason: RevocationReason) -> int:
        moment = self._clock.now().utc
        revoked: list[str] = []

        def action(connection: Connection) -> dict[str, str]:
            revoked.clear()
            records.lock_authority(connection, name=self.name)
            now = moment_of_change(moment, (records.last_update(connection, self.name),))
            serials = records.to_be_revoked(connection, self.name, moment, without=SHORT_TERM, limit=BATCH)
            for one in records.statuses(connection, serials):
                new = Revocation(revoked_at=now, reason=reason, recorded_at=now)
                records.set_revocation(connection, one.serial, following(one.revocation, new), at=now)
                revoked.append(one.serial)
            of = profiles_of(connection, revoked)
            told = [News(REVOKED, of[serial], serial, reason=reason.name) for serial in revoked]
            tell(connection, told, now)
            return records.revocation_digests(connection, revoked)

        def events(rows: dict[str, str]) -> list[Event]:
            if not revoked:
                return []
            first, *also = sorted(revoked)
            return [
                Event(
                    type="certificate.revoked",
                    outcome="success",
                    actor=self._by,
                    subject={"kind": "certificate", "serial": first},
                    detail={"reason": reason.name, "rows": rows, "also": also, "termination": self._plan},
                    time=moment,
                )
            ]

        self._recorder.transact_all(events, action)
        return len(revoked)

    def answer(self, key: Key, *, cert_hash: bool) -> int:
        """Make the last answers about all certificates, and answer how many certificates they are about.

        `key` is the authority's. Raises `Rejected` (termination.not-revoked) while one is neither ended nor
        revoked for good.
        """
        signer = authority_signer(key, self.record())
        with self._database.read() as connection:
            left = records.to_be_revoked(connection, self.name, self._clock.now().utc, without=(), limit=1)
        if left:
            raise Rejected(
                "termination.not-revoked",
                f"The certificate {left[0]} of {self.name} is neither ended nor revoked for good; answers "
                "about it would not be its last.",
            )
        done = 0
        while True:
            now = self._clock.now().utc.replace(microsecond=0)
            with self._database.read() as connection:
                wanted = dict(records.unanswered(connection, self.name, limit=BATCH))
                known = records.statuses(connection, list(wanted))
            if not wanted:
                return done
            rows: list[dict[str, Any]] = [
                {
                    "authority": self.name,
                    "serial": one.serial,
                    "issuer_hash": issuer_hash,
                    "der": der,
                    "produced_at": now,
                }
                for one in known
                for issuer_hash, der in last_answers(
                    signer, one, wanted[one.serial], now, cert_hash=cert_hash
                )
            ]
            if {row["serial"] for row in rows} != wanted.keys():  # else the same would be wanted for ever
                raise RuntimeError(f"certificates of {self.name} got no last answer")
            digest = hashlib.sha256(b"".join(row["der"] for row in rows)).hexdigest()
            detail: dict[str, JSON] = {"certificates": len(known), "sha256": digest, "first": known[0].serial}
            self._recorder.transact(
                self._event("ocsp.last-answers", now, detail),
                lambda connection, rows=rows: records.add_last_answers(connection, rows),  # type: ignore[misc]
            )
            done += len(known)
            self._progress(done)

    def _event(self, kind: str, time: datetime, detail: dict[str, JSON]) -> Event:
        return Event(
            type=kind,
            outcome="success",
            actor=self._by,
            subject={"kind": "authority", "authority": self.name},
            detail={"termination": self._plan, **detail},
            time=time,
        )


def check_destruction(
    connection: Connection, spki_sha256: str, *, token: str | None = None, backup: str | None = None
) -> None:
    """Refuse to destroy the last copy of an authority's key too early.

    `token` is the serial number of the token on which it is destroyed, `backup` the backup that is. While
    another copy is left that nobody has ordered to be destroyed, the key is not lost. Raises `Refused`
    (TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST).
    """
    authority = records.authority_with_key(connection, bytes.fromhex(spki_sha256))
    if authority is None:
        return
    history = key_records.history_of(connection, spki_sha256)
    if any(remaining_copies(history, token=token, backup=backup)):
        return
    check_last_status(
        authority,
        listed=has_last_list(connection, authority),
        answered=not records.unanswered(connection, authority, limit=1),
    )


def has_last_list(connection: Connection, authority: str) -> bool:
    """Whether the complete list, which is published after those of all shards, is the last."""
    head = next(iter(records.crl_heads(connection, authority)), None)
    return head is not None and head.next_update == NEVER

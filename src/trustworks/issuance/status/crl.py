"""Publishes revocation lists: complete for their authority, by the clock, and soon after a revocation.

Life of a list. (1) One reading transaction: the last number, up to which change of status the list goes,
then every revoked certificate of its scope, by serial. (2) The list is written and signed in the module.
(3) It is parsed again, by another implementation, and every rule is held against it (`drafts`). (4) Its row
and the audit event commit in one transaction: that is the publication, and relying parties see the old list
or the new one. The primary key of the table (authority, number) keeps numbers apart, and a trigger lets none
be left out: of two publishers that read the same last number one commits, the other's list is thrown away.
A list that was overtaken by a change of status is published all the same: the next one is due at once, as
the authority's count of changes is not that of the list.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog
from cryptography import x509
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected, TrustworksError
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import CrlRecord
from trustworks.issuance.status import crl_rules as rules
from trustworks.issuance.status.drafts import check_authority, check_output, draft, signed
from trustworks.issuance.status.states import CrlState, Scope, check_fresh, crl_states, scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.status.drafts import Draft

__all__ = ["SUPERSEDED", "CrlPublisher", "CrlState", "check_fresh", "crl_states"]

log = structlog.get_logger(__name__)

SUPERSEDED: Final = "crl.superseded"
"""Another process published while this list was made."""


class CrlPublisher:
    """Publishes the lists of the authorities whose keys it is given.

    `keys` answers the signing key by an authority's name, or None. The running services hold those of
    authorities with a parent; a root's list is published in a ceremony, by the command, which opens the
    root's token for it. `public_url` is the provider's address, which the list of a shard names as its
    certificates do.
    """

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        public_url: str,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        keys: Mapping[str, Key] | Callable[[str], Key | None],
    ) -> None:
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._key_of = keys if callable(keys) else keys.get
        self._failed: set[Scope] = set()

    def publish(
        self,
        name: str,
        *,
        actor: str,
        final: bool = False,
        shard: int | None = None,
        delta: bool = False,
        also: Callable[[Connection], None] | None = None,
    ) -> CrlRecord:
        """Sign and publish a list of an authority now, and answer its record.

        `final` makes it the last one, for an authority that issues no more and whose certificates have all
        expired or are revoked. `also` is done in the transaction that publishes it, and may object. Raises
        `Rejected` (crl.authority, crl.superseded, crl.final, crl.base), `Unavailable` (clock, module, store,
        audit), and a bug's RuntimeError when the list breaks a rule; then nothing was published.
        """
        key = self._key_of(name)
        if key is None:
            raise Rejected(
                "crl.authority",
                f"The key of the authority {name!r} is not open here; publish its list where the key is.",
            )
        now = self._clock.now().utc.replace(microsecond=0)
        scope = Scope(name, shard, delta)
        with self._database.read() as connection:
            drafted = draft(connection, self._settings, self._public_url, scope, now, final=final)
        authority = x509.load_der_x509_certificate(drafted.authority.certificate)
        check_authority(drafted.authority, authority, key, now)
        der = signed(drafted, authority, key)
        check_output(der, drafted, authority, now)
        return self._release(der, drafted, actor, also)

    def publish_all(
        self,
        name: str,
        *,
        actor: str,
        final: bool = False,
        also: Callable[[Connection], None] | None = None,
    ) -> list[CrlRecord]:
        """Publish the lists of all scopes of an authority now, the complete list last, and answer them.

        Of last lists those are left out that are published already, so that a crash between two of them is
        made up for; `also` is done with the complete one. Raises as `publish` does; what was published before
        stays.
        """
        done = []
        with self._database.read() as connection:
            wanted = scopes(self._settings, connection, name)
        for scope in [one for one in reversed(wanted) if not one.delta]:
            try:
                with_it = also if scope.shard is None else None
                done.append(self.publish(name, actor=actor, final=final, shard=scope.shard, also=with_it))
            except Rejected as error:
                if error.code != "crl.final" or scope.shard is None:
                    raise
        return done

    @implements("EN319411-1:REV-6.2.4-03A", disabled=list)
    def publish_due(self, now: datetime | None = None, *, actor: str = "jobs") -> list[CrlRecord]:
        """Publish the lists that are due, and answer their records; called by the clock, every few seconds.

        A revocation shows in the list seconds after it was recorded, far within the 24 hours allowed. Lists
        whose key is not open here (the root's) stay due; `crl list` and health tell of it. Who was overtaken
        by another publisher has nothing left to do. One that fails does not keep the others; it is told to
        the audit log once, and its error is raised at the end.
        """
        moment = self._clock.now().utc if now is None else now
        published, failures = [], []
        for state in crl_states(self._settings, self._database, moment):
            if not state.due:
                continue
            try:
                if self._key_of(state.authority) is None:
                    continue
                published.append(
                    self.publish(state.authority, actor=actor, shard=state.shard, delta=state.delta)
                )
            except Exception as error:  # noqa: BLE001 - raised below, after the other lists
                if not isinstance(error, Rejected) or error.code not in {SUPERSEDED, "crl.base"}:
                    self._alarm(state.scope, error, actor, moment)
                    failures.append(error)
            else:
                self._failed.discard(state.scope)
        if failures:
            raise failures[0]
        return published

    @implements("TRUSTWORKS:STATUS-LIST-ALARM")
    def _alarm(self, scope: Scope, error: Exception, actor: str, now: datetime) -> None:
        """Tell the audit log that a list that is due cannot be published: once, until one could."""
        if scope in self._failed:
            return
        code = getattr(error, "code", type(error).__name__)
        log.error("crl.not-published", scope=scope.words, code=code, reason=str(error))
        try:
            self._recorder.record(
                Event(
                    type="crl.publication-failed",
                    outcome="failure",
                    actor=actor,
                    subject={"authority": scope.authority, "shard": scope.shard, "delta": scope.delta},
                    detail={"code": code},
                    time=now,
                )
            )
        except TrustworksError:
            return  # without its log nothing is published either, and the next look tries again
        self._failed.add(scope)

    def status(self) -> list[CrlState]:
        """The newest list of every scope, whether its key is open here or not."""
        return crl_states(self._settings, self._database, self._clock.now().utc)

    def ping(self) -> None:
        """Answer when every newest list is usable; `Unavailable` (crl.stale, crl.late) otherwise."""
        check_fresh(self.status())

    @implements(
        "RFC5280:5.2.3-02",
        disabled=lambda rule, self, der, draft, actor, also: rule(
            self, der, replace(draft, before=0), actor, also
        ),
    )
    def _release(
        self, der: bytes, draft: Draft, actor: str, also: Callable[[Connection], None] | None
    ) -> CrlRecord:
        """(4) Publish: row and event in one transaction, or nothing."""
        scope = draft.scope
        record = CrlRecord(
            authority=scope.authority,
            number=draft.number,
            this_update=draft.this_update,
            next_update=draft.next_update,
            entries=draft.count,
            der=der,
            recorded_at=self._clock.now().utc,
            changes=draft.changes,
            shard=scope.shard,
            base=None if draft.base is None else draft.base.number,
        )
        part = {name: value for name, value in (("shard", record.shard), ("base", record.base)) if value}
        event = Event(
            type="crl.published",
            outcome="success",
            actor=actor,
            subject={"authority": record.authority, "number": record.number},
            detail={
                "entries": record.entries,
                "this_update": record.this_update.isoformat(),
                "next_update": record.next_update.isoformat(),
                "size": len(der),
                "sha256": hashlib.sha256(der).hexdigest(),
                "final": draft.final,
                **part,
            },
            time=record.recorded_at,
        )
        try:
            self._recorder.transact(event, lambda connection: self._write(connection, record, draft, also))
        except IntegrityError:
            raise Rejected(
                SUPERSEDED,
                f"Another process published list {record.number} of {record.authority} meanwhile; this one "
                "was thrown away.",
            ) from None
        return record

    def _write(
        self,
        connection: Connection,
        record: CrlRecord,
        draft: Draft,
        also: Callable[[Connection], None] | None,
    ) -> None:
        """Write the list, and the last one only if it still can be: no other would follow it."""
        if draft.final:
            _check_last(connection, record)
        connection.execute(insert(records.crls).values(records.crl_values(record)))
        if also is not None:
            also(connection)


def _check_last(connection: Connection, record: CrlRecord) -> None:
    """Refuse the last list if a status changed, or a certificate was issued, since it was drafted.

    Under the authority's lock, so that nothing does until it is published.
    """
    name = record.authority
    records.lock_authority(connection, name=name)
    wrong = rules.last_list_objections(records.scope(connection, name), record.recorded_at)
    if wrong or records.changes(connection, name) != record.changes:
        what = wrong[0] if wrong else "revocations changed while it was made; try again"
        raise Rejected("crl.final", f"This cannot be the last list of {name}: {what}.")

"""Publishes revocation lists: complete for their authority, by the clock, and soon after a revocation.

Life of a list. (1) One reading transaction: the last number, up to which change of status the list goes,
then every revoked certificate by serial.
(2) The list is written and signed in the module. (3) It is parsed again, by another implementation, and every
rule is held against it. (4) Its row and the audit event commit in one transaction: that is the publication,
and relying parties see the old list or the new one. The primary key of the table (authority, number) makes
numbers grow: of two publishers that read the same last number one commits, the other's list is thrown away.
A list that was overtaken by a change of status is published all the same: the next one is due at once, as
the authority's count of changes is not that of the list.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.crl import (
    authority_key_identifier_extension,
    crl_number_extension,
    encode_certificate_list,
    encode_entries,
    encode_tbs,
    expired_certs_on_crl_extension,
)
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, AuthorityRecord, CrlHead, CrlRecord
from trustworks.issuance.rules.revocation import date_told, invalidity_date_told
from trustworks.issuance.status import crl_rules as rules
from trustworks.issuance.status.octets import subject_octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import AuthoritySettings, IssuanceSettings

_SECOND: Final = 1_000_000  # in microseconds, as times are stored
SUPERSEDED: Final = "crl.superseded"
"""Another process published while this list was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlState:
    """The newest list of an authority, and whether relying parties may still use it."""

    authority: str
    fresh: bool
    due: bool
    overdue: bool = False
    number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    entries: int | None = None

    def as_dict(self) -> dict[str, object]:
        """The state as JSON values."""
        return {
            "authority": self.authority,
            "fresh": self.fresh,
            "due": self.due,
            "overdue": self.overdue,
            "number": self.number,
            "this_update": None if self.this_update is None else self.this_update.isoformat(),
            "next_update": None if self.next_update is None else self.next_update.isoformat(),
            "entries": self.entries,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What a list is made from, as one transaction read it."""

    authority: AuthorityRecord
    last: CrlHead | None
    number: int
    this_update: datetime
    next_update: datetime
    since: datetime
    entries: bytearray
    serials: list[int]
    changes: int
    final: bool


class CrlPublisher:
    """Publishes the lists of the authorities whose keys it is given.

    `keys` holds the signing keys by authority name. The running services hold the issuing authority's; the
    root's list is published in a ceremony, by the command, which opens the root's token for it.
    """

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        keys: Mapping[str, Key],
    ) -> None:
        self._settings = settings
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._keys = dict(keys)

    def publish(self, name: str, *, actor: str, final: bool = False) -> CrlRecord:
        """Sign and publish the list of an authority now, and answer its record.

        `final` makes it the last one, for an authority that issues no more and whose certificates have all
        expired or are revoked. Raises `Rejected` (crl.authority, crl.superseded, crl.final), `Unavailable`
        (clock, module, store, audit), and a bug's RuntimeError when the list breaks a rule; then nothing
        was published.
        """
        key = self._keys.get(name)
        if key is None:
            raise Rejected(
                "crl.authority",
                f"The key of the authority {name!r} is not open here; publish its list where the key is.",
            )
        now = self._clock.now().utc.replace(microsecond=0)
        draft = self._draft(name, now, final=final)
        authority = x509.load_der_x509_certificate(draft.authority.certificate)
        _check_authority(draft.authority, authority, key, now)
        der = _signed(draft, authority, key)
        _check_output(der, draft, authority, now)
        return self._release(der, draft, actor)

    @implements("EN319411-1:REV-6.2.4-03A", disabled=list)
    def publish_due(self, now: datetime | None = None, *, actor: str = "jobs") -> list[CrlRecord]:
        """Publish the lists that are due, and answer their records; called by the clock, every few seconds.

        A revocation shows in the list seconds after it was recorded, far within the 24 hours allowed. Lists
        whose key is not open here (the root's) stay due; `crl list` and health tell of it. Who was overtaken
        by another publisher has nothing left to do.
        """
        moment = self._clock.now().utc if now is None else now
        published = []
        for state in crl_states(self._settings, self._database, moment):
            if not state.due or state.authority not in self._keys:
                continue
            try:
                published.append(self.publish(state.authority, actor=actor))
            except Rejected as error:
                if error.code != SUPERSEDED:
                    raise
        return published

    def status(self) -> list[CrlState]:
        """The newest list of every authority, whether its key is open here or not."""
        return crl_states(self._settings, self._database, self._clock.now().utc)

    def ping(self) -> None:
        """Answer when every authority's newest list is usable; `Unavailable` (crl.stale) otherwise."""
        check_fresh(self.status())

    def _draft(self, name: str, now: datetime, *, final: bool) -> _Draft:
        # (1) Both numbers are read before the entries: a list with higher ones never knows less.
        serials: list[int] = []
        with self._database.read() as connection:
            authority = records.authority(connection, name)
            if authority is None:
                raise Rejected(
                    "crl.authority",
                    f"There is no authority {name!r} yet. `trustworks lab` makes a laboratory's; the key "
                    "ceremony that makes one elsewhere is not built yet.",
                )
            last = _last(connection, name)
            if last is not None and last.next_update == NEVER:
                raise Rejected(
                    "crl.final",
                    f"The list {last.number} of {name} is its last: it says that none will follow.",
                )
            if final:
                wrong = rules.last_list_objections(records.scope(connection, name), now)
                if wrong:
                    raise Rejected("crl.final", f"This cannot be the last list of {name}: {wrong[0]}.")
            changes = records.changes(connection, name)
            entries, _ = encode_entries(_entries(records.revoked_rows(connection, name), serials, now))
            counted = records.count_revoked(connection, name)
        if counted != len(serials):
            raise RuntimeError(f"{counted} certificates of {name} are revoked, {len(serials)} were read")
        hours = _of(self._settings, name).crl_validity_hours
        return _Draft(
            authority=authority,
            last=last,
            number=1 if last is None else last.number + 1,
            this_update=now,
            next_update=NEVER if final else now + timedelta(hours=hours),
            since=x509.load_der_x509_certificate(authority.certificate).not_valid_before_utc,
            entries=entries,
            serials=serials,
            changes=changes,
            final=final,
        )

    @implements(
        "RFC5280:5.2.3-02",
        disabled=lambda rule, self, der, draft, actor: rule(self, der, replace(draft, number=1), actor),
    )
    def _release(self, der: bytes, draft: _Draft, actor: str) -> CrlRecord:
        """(4) Publish: row and event in one transaction, or nothing."""
        record = CrlRecord(
            authority=draft.authority.name,
            number=draft.number,
            this_update=draft.this_update,
            next_update=draft.next_update,
            entries=len(draft.serials),
            der=der,
            recorded_at=self._clock.now().utc,
            changes=draft.changes,
        )
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
            },
            time=record.recorded_at,
        )
        try:
            self._recorder.transact(event, lambda connection: self._write(connection, record, draft))
        except IntegrityError:
            raise Rejected(
                SUPERSEDED,
                f"Another process published list {record.number} of {record.authority} meanwhile; this one "
                "was thrown away.",
            ) from None
        return record

    def _write(self, connection: Connection, record: CrlRecord, draft: _Draft) -> None:
        """Write the list, and the last one only if it still can be: no other would follow it."""
        if draft.final:
            _check_last(connection, record)
        connection.execute(insert(records.crls).values(records.crl_values(record)))


def crl_states(settings: IssuanceSettings, database: Database, now: datetime) -> list[CrlState]:
    """The newest list of every authority, whether its key is open here or not."""
    with database.read() as connection:
        return [
            _state(connection, one.name, _of(settings, one.name), now)
            for one in records.list_authorities(connection)
        ]


def _state(connection: Connection, name: str, settings: AuthoritySettings, now: datetime) -> CrlState:
    last, changes = _last(connection, name), records.changes(connection, name)
    every, since = timedelta(hours=settings.crl_every_hours), None
    if last is not None and rules.lacks_a_change(last, changes):
        since = records.pending_since(connection, name)
    return CrlState(
        authority=name,
        fresh=rules.is_fresh(last, now),
        due=rules.is_due(last, now, every, changes=changes),
        overdue=rules.is_overdue(last, now, every, changes=changes, since=since),
        number=None if last is None else last.number,
        this_update=None if last is None else last.this_update,
        next_update=None if last is None else last.next_update,
        entries=None if last is None else last.entries,
    )


def _of(settings: IssuanceSettings, name: str) -> AuthoritySettings:
    return settings.root if name == "root" else settings.issuing


def check_fresh(states: Iterable[CrlState]) -> None:
    """Raise `Unavailable` (crl.stale) when an authority's newest list is missing or has run out."""
    stale = [state for state in states if not state.fresh]
    if stale:
        names = ", ".join(state.authority for state in stale)
        raise Unavailable(
            "crl.stale",
            f"The revocation list of {names} is missing or has run out; relying parties cannot check "
            f"certificates. Publish it: trustworks crl publish --authority {stale[0].authority}.",
        )


def _last(connection: Connection, name: str) -> CrlHead | None:
    """The newest list of an authority."""
    return next(iter(records.crl_heads(connection, name)), None)


def _entries(
    rows: Iterable[records.RevokedRow], serials: list[int], now: datetime
) -> Iterator[tuple[int, int, int, int | None]]:
    """The entries of all certificates that belong on the list; their serials are put into `serials`."""
    this_update = int(now.timestamp())
    for text, state, revoked_at, reason, invalid_since in rows:
        if revoked_at is None or not rules.is_listed(state, revoked_at):
            continue
        serial = int(text, 16)
        serials.append(serial)
        since = None if invalid_since is None else invalid_since // _SECOND
        since = invalidity_date_told(since, this_update)
        yield serial, date_told(revoked_at // _SECOND, this_update), reason, since


def _check_authority(record: AuthorityRecord, authority: x509.Certificate, key: Key, now: datetime) -> None:
    """Refuse a key or a certificate that cannot sign this authority's list."""
    if public_key_info(record.certificate) != key.spki:
        raise Rejected(
            "crl.authority",
            f"The key {key.label!r} is not the one in the certificate of {record.name}. Correct [tokens] "
            f"{record.name}.",
        )
    wrong = rules.key_usage_objections(authority)
    if wrong:
        raise Rejected("crl.authority", f"The list of {record.name} cannot be signed: {wrong[0]}.")
    if now >= authority.not_valid_after_utc:
        raise Rejected(
            "crl.authority",
            f"The certificate of {record.name} expired at {authority.not_valid_after_utc}; its last list had "
            "to be published before.",
        )


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


def _signed(draft: _Draft, authority: x509.Certificate, key: Key) -> bytes:
    """(2) The list, signed in the module."""
    algorithm = SIGNATURES[key.scheme.name]
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    tbs = encode_tbs(
        algorithm=algorithm,
        issuer=subject_octets(draft.authority.certificate),
        this_update=draft.this_update,
        next_update=draft.next_update,
        entries=draft.entries,
        extensions=(
            authority_key_identifier_extension(identifier),
            crl_number_extension(draft.number),
            expired_certs_on_crl_extension(draft.since),
        ),
    )
    return encode_certificate_list(tbs, algorithm, key.sign(tbs))


def _check_output(der: bytes, draft: _Draft, authority: x509.Certificate, now: datetime) -> None:
    """(3) Parse the list by another implementation and hold every rule against it; a bug if one objects."""
    crl = x509.load_der_x509_crl(der)
    wrong = [
        *rules.issuer_objections(der, subject_octets(draft.authority.certificate)),
        *rules.signature_objections(crl, der, authority),
        *rules.key_identifier_objections(crl, authority),
        *rules.number_objections(crl, draft.number, None if draft.last is None else draft.last.number),
        *rules.next_update_objections(crl, last=draft.final),
        *rules.time_objections(crl, now),
        *rules.authority_list_objections(
            crl, of_authorities=draft.authority.parent is None, last=draft.final
        ),
        *rules.entries_objections(crl, draft.serials),
        *rules.expired_certs_objections(crl, draft.since),
    ]
    if wrong:
        raise RuntimeError(f"the list of {draft.authority.name} breaks its rules: {'; '.join(wrong)}")

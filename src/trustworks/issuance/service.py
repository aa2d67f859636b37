"""The certification authority: issues, revokes, and knows what it issued. The order of effects is here.

Life of a certificate: README.md. Whoever serves status (`status/`) or takes requests (`enrolment/`, `cli`)
calls this.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeAlias

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.keys import records as key_records
from trustworks.issuance import records
from trustworks.issuance.ceremonies import AuthorityCeremony
from trustworks.issuance.domains import Domains
from trustworks.issuance.model import (
    AuthorityRecord,
    Issued,
    NewAuthority,
    Revocation,
    RevocationReason,
    serial_hex,
)
from trustworks.issuance.model.requests import Request
from trustworks.issuance.orders import ISSUING, USE_OF_ISSUING, Asked, Orders
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.release import INTENT_LIFE, Release, reason_of
from trustworks.issuance.revocation import LostKeys, Reception, RevocationRequests, StatusChange
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules.doors import check_door_of_actor, lacks_evidence
from trustworks.issuance.rules.servers import asks_domains, own_domains
from trustworks.issuance.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date, datetime, timedelta

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.ct import Transparency
    from trustworks.issuance.model import CertificateRecord, CertificateStatus
    from trustworks.issuance.rules.perspectives import Sight

    Also: TypeAlias = Callable[[Connection, bytes], None]

ROOT: Final = "root"

# How many requests are taken together: all are in the time that the first of them takes.
_MOST_TOGETHER: Final = 64
# How many batches are under way. A second one uses the processor while the first waits for the disk, but both
# are smaller then, and what a transaction costs is shared by fewer: measured, that is the greater loss.
_BATCHES: Final = 1


class Issuance:
    """The provider's authorities over one database. Threads share it.

    `keys` opens an authority's key by the authority's name; it is called when a certificate is to be signed,
    so that a process that only revokes or answers status needs no token. `caa` asks the domains of
    alternative names whether they let us issue, and refuses; `caa_elsewhere` does so from other places in the
    network, for web sites. `transparency` shows the certificates of web
    sites to logs. `system` stands for the system's clock, which dates a revocation while `clock` gives no
    time.
    """

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        public_url: str,
        keys: Callable[[str], Key],
        clock: Clock,
        recorder: Recorder,
        database: Database,
        lab: bool = False,
        system: Clock | None = None,
        caa: Callable[[Sequence[str]], None] | None = None,
        caa_elsewhere: Callable[[Sequence[str], date], Sequence[Sight]] | None = None,
        transparency: Transparency | None = None,
    ) -> None:
        self.settings = settings
        self.public_url = public_url.rstrip("/")
        self.lab = lab
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._authorities: dict[str, AuthorityRecord] = {}  # their rows never change
        self._release = Release(
            settings,
            public_url=self.public_url,
            clock=clock,
            recorder=recorder,
            database=database,
            lab=lab,
            transparency=transparency,
        )
        acme = () if settings.acme is None else settings.acme.base_urls
        self._domains = Domains(caa, caa_elsewhere, recorder=recorder, lab=lab)
        self._orders = Orders(
            settings,
            authority=self.authority,
            keys=keys,
            clock=clock,
            database=database,
            lab=lab,
            ask_domains=self._domains.check,
            own_domains=own_domains((self.public_url, *acme)),
        )
        self._ceremony = AuthorityCeremony(
            authority=self.authority,
            orders=self._orders,
            release=self._release,
            clock=clock,
            recorder=recorder,
            database=database,
        )
        self._callers = Together[tuple[Request, "Also | None"], Issued](
            self._issue_all, most=_MOST_TOGETHER, at_once=_BATCHES
        )
        self._revocation = StatusChange(clock, recorder, system=system)
        self.requests = RevocationRequests(
            self._revocation, clock=clock, recorder=recorder, database=database, system=system
        )
        self.lost_keys = LostKeys(
            self._revocation, clock=clock, recorder=recorder, database=database, system=system
        )

    # Authorities

    def create_root(self, key: Key, *, by: str) -> AuthorityRecord:
        """The ceremony of the root: a self-signed certificate for `key`, which is on the root's own token."""
        root = self.settings.root
        new = NewAuthority(name=ROOT, common_name=root.name, years=root.years, token=ROOT)
        return self.create_authority(new, key, by=by)

    def create_issuing(self, key: Key, *, by: str) -> AuthorityRecord:
        """The ceremony of the issuing authority: a certificate for `key`, signed by the root's key."""
        issuing = self.settings.issuing
        new = NewAuthority(
            name=ISSUING, common_name=issuing.name, years=issuing.years, token=ISSUING, parent=ROOT
        )
        return self.create_authority(new, key, by=by)

    def authority(self, name: str) -> AuthorityRecord:
        """The authority with that name; `Unavailable` (issuance.authority-absent) when there is none yet."""
        found = self._authorities.get(name)
        if found is None:
            with self._database.read() as connection:
                found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "issuance.authority-absent",
                f"There is no authority {name!r} yet. `trustworks lab` makes a laboratory's; elsewhere "
                "a key ceremony does: trustworks keys ceremony plan.",
            )
        self._authorities[name] = found
        return found

    def authorities(self) -> list[AuthorityRecord]:
        """All authorities, by name."""
        with self._database.read() as connection:
            return records.list_authorities(connection)

    def generations(self) -> list[AuthorityRecord]:
        """The issuing authority's generations, the newest first: those that have ended or are to come, too.

        Clients get the certificates of all: of what was issued before, and of what will be.
        """
        with self._database.read() as connection:
            later = [one.name for one in key_records.successions(connection, USE_OF_ISSUING)]
        return [self.authority(name) for name in (*reversed(later), ISSUING)]

    def chain(self, authority: str) -> tuple[bytes, ...]:
        """The certificates of an authority and of those above it, nearest first, without the root."""
        return self._orders.chain(self.authority(authority))

    # Issuance

    def issue(self, request: Request, *, also: Also | None = None) -> Issued:
        """Issue a certificate to a subject or a service; threads that come together share the disk's time.

        `also` writes what belongs to it in the transaction that records the certificate, and may object.
        Raises `Malformed` (the CSR), `Rejected` (issuance.*), `Refused` (a rule's or a lint's id; audited),
        `Unavailable` (clock, module, database or audit log; nothing was released then).
        """
        if self._asks_others(request):  # what waits for the network lets nobody else wait
            (outcome,) = self._issue_all([(request, also)])
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        return self._callers.ask((request, also))

    def hand_over(self, request: Request, answered: Callable[[Issued | Exception], None]) -> bool:
        """As `issue`, without a thread that waits: `answered` gets the certificate or what `issue` raises.

        It is called on the batch's thread, and must be quick. False: domains or logs are asked for this
        certificate, which takes its time, so `issue` has to do it; `answered` is not called then.
        """
        if self._asks_others(request):
            return False
        self._callers.hand_over((request, None), answered)
        return True

    def check(self, request: Request) -> str:
        """See whether a certificate could be issued, without issuing one: the request, its key, its name.

        Answers SHA-256 of the SubjectPublicKeyInfo in hexadecimal. Raises as `issue` does; nothing is
        recorded.
        """
        asked = self._asked(request, None, decided=False)
        if isinstance(asked, Exception):
            raise asked
        self._orders.check(asked)
        return hashlib.sha256(asked.spki).hexdigest()

    def issue_all(self, requests: Sequence[Request]) -> list[Issued | Exception]:
        """Issue several certificates at once; each is issued or answered with what `issue` raises for it."""
        return self._issue_all([(request, None) for request in requests])

    def _asks_others(self, request: Request) -> bool:
        """Whether somebody outside is asked before this certificate is issued: domains, logs."""
        try:
            profile = profile_named(request.profile, self.settings.profile_versions)
        except Rejected:
            return False  # it is told where all requests are judged
        return profile.ct or asks_domains(profile, request.door, lab=self.lab)

    def _issue_all(self, requests: Sequence[tuple[Request, Also | None]]) -> list[Issued | Exception]:
        outcomes: list[Issued | Exception | Asked] = [self._asked(*one) for one in requests]
        asked = [one for one in outcomes if isinstance(one, Asked)]
        # Steps 1 and 2 for all, then each of 3 to 7 for all.
        self._orders.take(asked)
        ordered = [one for one in asked if one.failure is None]
        made = self._release.release_all([one.order for one in ordered])
        for one, certificate in zip(ordered, made, strict=True):
            if isinstance(certificate, Exception):
                one.failure = certificate
            else:
                one.certificate = certificate
        self._tell_refusals(asked)
        return [self._outcome(one) if isinstance(one, Asked) else one for one in outcomes]

    def _asked(self, request: Request, also: Also | None, *, decided: bool = True) -> Asked | Exception:
        """A request that may be told of in the audit log, or what stands against that."""
        try:
            self._recorder.ping()
            request_rules.check_actor(request.requested_by)
            if decided:
                check_door_of_actor(request.door, request.requested_by)
            return Asked(profile_named(request.profile, self.settings.profile_versions), request, also)
        except TrustworksError as error:
            return error

    def _outcome(self, asked: Asked) -> Issued | Exception:
        if asked.failure is not None:
            return asked.failure
        return Issued(
            serial=serial_hex(asked.order.template.serial),
            profile=asked.profile.name,
            certificate=asked.certificate,
            chain=asked.chain,
            lacks_evidence=lacks_evidence(asked.profile, asked.request.door),
        )

    def _tell_refusals(self, asked: Sequence[Asked]) -> None:
        """Write to the audit log what is refused, all in one transaction, before anybody is told."""
        refused = [one for one in asked if isinstance(one.failure, Refused | Rejected)]
        if not refused:
            return
        try:
            now = self._clock.now().utc
            events = [
                Event(
                    type="certificate.refused",
                    outcome="refused",
                    actor=one.request.requested_by,
                    subject={"kind": "certificate", "profile": one.profile.name},
                    detail={"rule": reason_of(one.failure)},
                    time=now,
                )
                for one in refused
            ]
            self._recorder.transact_all(lambda _: events, lambda _: None)
        except TrustworksError as error:
            for one in refused:
                one.failure = error

    def create_authority(self, new: NewAuthority, key: Key, *, by: str) -> AuthorityRecord:
        """The ceremony of an authority: a certificate for `key`, self-signed or signed by its parent's key.

        Raises `Rejected` (issuance.authority-exists, issuance.authority-key), `Refused` with a rule's or a
        lint's id, and `Unavailable`; there is no authority then.
        """
        return self._ceremony.create(new, key, by=by)

    def settle(self, *, by: str, older_than: timedelta = INTENT_LIFE) -> list[str]:
        """Close the intents that a crash left open, and answer their serials."""
        return self._release.settle(by=by, older_than=older_than)

    # Revocation

    def revoke(
        self,
        serial: str,
        reason: RevocationReason,
        *,
        by: str,
        invalidity_date: datetime | None = None,
        asked: Reception | None = None,
        also: Callable[[Connection, datetime], dict[str, JSON]] | None = None,
        approved: Callable[[Connection], None] = lambda _: None,
    ) -> Revocation:
        """Revoke or hold a certificate; every status service sees it as soon as this returns.

        A hold becomes a revocation, and keeps its own date then. When the key is lost, all other certificates
        of it are revoked too, in the same transaction; one that is revoked for another reason gets this one,
        and keeps its date. Raises `Rejected` (issuance.*) and, for any other change of a revocation,
        `Refused` (EN319411-1:REV-6.3.9-04). Without trusted time it is recorded all the same, dated by the
        system's clock; answer and audit event say so (`unproven`). `asked` says who asked for it, and is kept
        in the register of requests (`requests`). `also` writes what belongs to it in the same transaction, at
        its moment, and answers what the audit event tells of it; with `asked`, `approved` uses up in it what
        several have approved.
        """
        if asked is not None:
            return self.requests.revoke(
                asked, serial, reason, by=by, invalidity_date=invalidity_date, approved=approved
            )
        return self._revocation.change(serial, reason, by=by, invalidity_date=invalidity_date, also=also)

    def release(self, serial: str, *, by: str) -> None:
        """Lift a hold. Raises as `revoke` does, and `Unavailable` (clock.*) without trusted time."""
        self._revocation.change(serial, None, by=by)

    # What was issued

    def find(self, serial: str) -> CertificateRecord | None:
        """The certificate with this serial (40 hexadecimal digits), in whatever state."""
        with self._database.read() as connection:
            return records.certificate(connection, serial)

    def status(self, serial: str) -> CertificateStatus | None:
        """The status of a serial; None when it was never used."""
        with self._database.read() as connection:
            return records.status(connection, serial)

    def list(
        self,
        *,
        state: str | None = None,
        profile: str | None = None,
        profiles: Collection[str] | None = None,
        revoked: bool | None = None,
        subject: str | None = None,
        limit: int = 100,
    ) -> Sequence[CertificateRecord]:
        """The newest certificates that fit, newest first; `profiles` are those that the caller may see."""
        with self._database.read() as connection:
            return records.list_certificates(
                connection,
                state=state,
                profile=profile,
                profiles=profiles,
                revoked=revoked,
                subject=subject,
                limit=limit,
            )

    def counts(self) -> dict[str, int]:
        """How many certificates are in each state, and how many are revoked."""
        with self._database.read() as connection:
            return records.counts(connection)

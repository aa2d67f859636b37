"""The certification authority: issues, revokes, and knows what it issued. The order of effects is here.

Life of a certificate: README.md. Whoever serves status (`status/`) or takes requests (`enrolment/`, `cli`)
calls this.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.algorithms import algorithm_of
from trustworks.issuance import records
from trustworks.issuance.model import (
    SERIAL_OCTETS,
    AuthorityRecord,
    Issued,
    NameAttribute,
    Profile,
    Request,
    Revocation,
    RevocationReason,
    Template,
    serial_hex,
)
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import read_authority
from trustworks.issuance.release import INTENT_LIFE, Release, objection_of
from trustworks.issuance.revocation import StatusChange
from trustworks.issuance.rules import keys as key_rules
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules.declarations import check_declarations
from trustworks.issuance.rules.key_quality import check_key_quality
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime, timedelta

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import CertificateRecord, CertificateStatus, KeyProof

ROOT: Final = "root"
ISSUING: Final = "issuing"


def new_serial() -> int:
    """A serial number: 159 random bits, the highest of them set, so that all have the same length."""
    return secrets.randbits(SERIAL_OCTETS * 8 - 2) | 1 << (SERIAL_OCTETS * 8 - 2)


class Issuance:
    """The provider's authorities over one database. Threads share it.

    `keys` opens an authority's key by the authority's name; it is called when a certificate is to be signed,
    so that a process that only revokes or answers status needs no token. `system` stands for the system's
    clock, which dates a revocation while `clock` gives no time.
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
    ) -> None:
        self.settings = settings
        self.public_url = public_url.rstrip("/")
        self.lab = lab
        self._keys = keys
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
        )
        self._revocation = StatusChange(clock, recorder, system=system)

    # Authorities

    def create_root(self, key: Key, *, by: str) -> AuthorityRecord:
        """The ceremony of the root: a self-signed certificate for `key`, which is on the root's own token."""
        root = self.settings.root
        return self._create_authority(
            profile_named("root"), ROOT, key, root.name, years=root.years, by=by, parent=None
        )

    def create_issuing(self, key: Key, *, by: str) -> AuthorityRecord:
        """The ceremony of the issuing authority: a certificate for `key`, signed by the root's key."""
        issuing = self.settings.issuing
        return self._create_authority(
            profile_named("sub-ca"), ISSUING, key, issuing.name, years=issuing.years, by=by, parent=ROOT
        )

    def authority(self, name: str) -> AuthorityRecord:
        """The authority with that name; `Unavailable` (issuance.authority-absent) when there is none yet."""
        found = self._authorities.get(name)
        if found is None:
            with self._database.read() as connection:
                found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "issuance.authority-absent",
                f"There is no authority {name!r} yet. `trustworks lab` makes a laboratory's; the key "
                "ceremony that makes one elsewhere is not built yet.",
            )
        self._authorities[name] = found
        return found

    def authorities(self) -> list[AuthorityRecord]:
        """All authorities, by name."""
        with self._database.read() as connection:
            return records.list_authorities(connection)

    # Issuance

    def issue(self, request: Request, *, also: Callable[[Connection, bytes], None] | None = None) -> Issued:
        """Issue a certificate to a subject or a service.

        `also` writes what belongs to it in the transaction that records the certificate, and may object.
        Raises `Malformed` (the CSR), `Rejected` (issuance.*), `Refused` (a rule's or a lint's id; audited),
        `Unavailable` (clock, module, database or audit log; nothing was released then).
        """
        self._recorder.ping()
        request_rules.check_actor(request.requested_by)
        profile = profile_named(request.profile, self.settings.profile_versions)
        try:
            request_rules.check_not_a_ceremony(profile)
            check_declarations(profile, request.declarations)
            return self._issue(profile, request, also)
        except (Refused, Rejected) as error:
            self._recorder.record(
                Event(
                    type="certificate.refused",
                    outcome="refused",
                    actor=request.requested_by,
                    subject={"kind": "certificate", "profile": profile.name},
                    detail={"rule": error.requirement if isinstance(error, Refused) else error.code},
                    time=self._clock.now().utc,
                )
            )
            raise

    def _issue(
        self, profile: Profile, request: Request, also: Callable[[Connection, bytes], None] | None
    ) -> Issued:
        # 1. The request: the key fit, possession shown (a signature by an unfit key shows none), the name
        # complete.
        csr = read_csr(request.csr) if isinstance(request.csr, bytes) else request.csr
        now = self._clock.now().utc
        request_rules.check_in_use(profile, now.date())
        key_rules.check_key_identifier(csr.key_algorithm)
        spki = self._subject_key(csr.public_key(), now.date())
        key_rules.check_possession(csr)
        subject = request_rules.complete_subject(profile, request.subject, self._provider_attributes())
        names = self._alternative_names(profile, request, csr)
        # 2. The authority, and a validity within its own.
        authority = self.authority(profile.authority)
        issuer = read_authority(authority.certificate)
        first, last = request_rules.validity(profile, request.days, now, issuer.not_valid_after_utc)
        template = Template(
            profile=profile,
            subject=subject,
            alternative_names=names,
            spki=spki,
            serial=new_serial(),
            not_before=max(first, issuer.not_valid_before_utc),
            not_after=last,
            semantics=request.semantics,
            issuer_certificate=authority.certificate,
            authority=authority.name,
            path_length=profile.path_length,
            declarations=request.declarations,
        )
        # 3. to 7. are the release's.
        der = self._release.release(
            template, self._authority_key(authority), by=request.requested_by, also=also
        )
        return Issued(
            serial=serial_hex(template.serial),
            profile=profile.name,
            certificate=der,
            chain=self._chain(authority),
        )

    def _create_authority(
        self,
        profile: Profile,
        name: str,
        key: Key,
        common_name: str,
        *,
        years: int,
        by: str,
        parent: str | None,
    ) -> AuthorityRecord:
        self._recorder.ping()
        request_rules.check_actor(by)
        with self._database.read() as connection:
            if records.authority(connection, name) is not None:
                raise _authority_exists(name)
        now = self._clock.now().utc
        spki = self._subject_key(key.public_key, now.date())
        above = None if parent is None else self.authority(parent)
        issuer_end = None if above is None else read_authority(above.certificate).not_valid_after_utc
        first, last = request_rules.validity(profile, years * 36525 // 100, now, issuer_end)
        template = Template(
            profile=profile,
            subject=request_rules.complete_subject(
                profile, [NameAttribute("commonName", common_name)], self._provider_attributes()
            ),
            alternative_names=(),
            spki=spki,
            serial=new_serial(),
            not_before=first,
            not_after=last,
            semantics=False,
            issuer_certificate=None if above is None else above.certificate,
            authority=name if parent is None else parent,
            path_length=profile.path_length,
        )
        made: list[AuthorityRecord] = []

        def add(connection: Connection, der: bytes) -> None:
            made.append(
                AuthorityRecord(
                    name=name,
                    certificate=der,
                    serial=serial_hex(template.serial),
                    spki_sha256=hashlib.sha256(spki).digest(),
                    token=name,
                    key_label=key.label,
                    parent=parent,
                    created_at=now,
                )
            )
            try:
                with connection.begin_nested():  # what it failed on is asked for in the same transaction
                    records.add_authority(connection, made[-1])
            except IntegrityError:
                raise _overtaken(connection, made[-1]) from None

        self._release.release(template, key if above is None else self._authority_key(above), by=by, also=add)
        return made[-1]

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
    ) -> Revocation:
        """Revoke or hold a certificate; every status service sees it as soon as this returns.

        A hold becomes a revocation, and keeps its own date then. When the key is lost, all other certificates
        of it are revoked too, in the same transaction; one that is revoked for another reason gets this one,
        and keeps its date. Raises `Rejected` (issuance.*) and, for any other change of a revocation,
        `Refused` (EN319411-1:REV-6.3.9-04). Without trusted time it is recorded all the same, dated by the
        system's clock; answer and audit event say so (`unproven`).
        """
        return self._revocation.change(serial, reason, by=by, invalidity_date=invalidity_date)

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
        revoked: bool | None = None,
        subject: str | None = None,
        limit: int = 100,
    ) -> Sequence[CertificateRecord]:
        """The newest certificates that fit, newest first."""
        with self._database.read() as connection:
            return records.list_certificates(
                connection, state=state, profile=profile, revoked=revoked, subject=subject, limit=limit
            )

    def counts(self) -> dict[str, int]:
        """How many certificates are in each state, and how many are revoked."""
        with self._database.read() as connection:
            return records.counts(connection)

    # Parts

    def _subject_key(self, given: object, day: date) -> bytes:
        """The SubjectPublicKeyInfo of a key that may be certified."""
        key = key_rules.key_of_known_kind(given)
        algorithm = algorithm_of(key)
        key_rules.check_agreed_key(objection_of(lambda: check_key_algorithm(algorithm, day, lab=self.lab)))
        check_key_quality(key)
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.sha256(spki).digest()
        with self._database.read() as connection:
            taken = records.authority_keys(connection)
            lost = records.compromised_with_key(connection, digest)
        key_rules.check_key_is_separate(digest, taken)
        key_rules.check_key_not_compromised(lost)
        return spki

    def _alternative_names(self, profile: Profile, request: Request, csr: KeyProof) -> tuple[str, ...]:
        names = request.alternative_names
        if not names and "subjectAltName" in profile.honours:
            names = csr.alternative_names()
        request_rules.check_alternative_names(profile, names)
        return names

    def _provider_attributes(self) -> dict[str, str | None]:
        return {
            "countryName": self.settings.country,
            "organizationName": self.settings.organization,
            "organizationIdentifier": self.settings.organization_identifier,
        }

    def _authority_key(self, authority: AuthorityRecord) -> Key:
        key = self._keys(authority.name)
        if key.spki_sha256 != authority.spki_sha256:
            raise Unavailable(
                "issuance.key-differs",
                f"The key {key.label!r} on the token is not the key of the authority {authority.name!r}'s "
                f"certificate. Correct [tokens] {authority.name}; `trustworks module keys` lists keys.",
            )
        return key

    def _chain(self, authority: AuthorityRecord) -> tuple[bytes, ...]:
        """The certificates of the authority and those above it, without the root."""
        found = []
        while authority.parent is not None:
            found.append(authority.certificate)
            authority = self.authority(authority.parent)
        return tuple(found)


def _overtaken(connection: Connection, record: AuthorityRecord) -> Rejected:
    """Why an authority cannot be added although nothing spoke against it: another ceremony was quicker."""
    if records.authority(connection, record.name) is not None:
        return _authority_exists(record.name, "the certificate that was signed is not released")
    return Rejected(
        "issuance.authority-key",
        f"Another authority has the key {record.key_label!r} already; the certificate that was signed is not "
        "released. Make a new key.",
    )


def _authority_exists(name: str, outcome: str = "nothing was changed") -> Rejected:
    return Rejected("issuance.authority-exists", f"The authority {name!r} exists already; {outcome}.")

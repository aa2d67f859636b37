"""What an enrolment is authorised by: shared secrets and registered certificates, for one profile and name.

A secret has to be known to compute a MAC with it, so it is kept encrypted (AES-256-GCM), bound to its
reference (`secret_key`); a backup of the database does not have the key. It is shown once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected
from trustworks.core.pki.certificates import load
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.officers import (
    check_pattern_is_narrow,
    check_spares_officer,
    concerned_by,
    person_behind,
)
from trustworks.issuance.enrolment.patterns import matches
from trustworks.issuance.enrolment.secret_key import secret_key
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.records import cmp as records
from trustworks.issuance.records.renewals import DAYS, EACH, Renewals, add_renewals
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules.doors import check_door
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.enrolment.secret_key import SecretKey
    from trustworks.issuance.model import NameAttribute, Profile
    from trustworks.issuance.records.cmp import Credential, Kind

SECRET_OCTETS: Final = 20  # 160 random bits: no iteration count has to make up for what people choose
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
MAX_USES: Final = 1_000_000
MAX_DAYS: Final = 3660
CMC_RA: Final = "1.3.6.1.5.5.7.3.28"
EVIDENCE: Final = "TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What a registration officer decides: which requests a credential authorises, how many, until when.

    With `ask_officer` the officer decides on each request, too (`waiting.py`). What it brought is renewed by
    its holders as often as `renewals` says in all (None: ten times for each use), within `renewal_days`.
    """

    profile: str
    subject: str
    alternative_names: tuple[str, ...] = ()
    uses: int = 1
    days: int = 7
    by: str = "registration-officer"
    ask_officer: bool = False
    renewals: int | None = None
    renewal_days: int = DAYS


class Credentials:
    """The credentials of enrolment. Every change is audited with its record, in one transaction."""

    def __init__(
        self, *, database: Database, recorder: Recorder, clock: Clock, key: SecretKey, lab: bool
    ) -> None:
        self._lab = lab
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._key = key

    def create_secret(self, new: NewCredential, *, reference: str | None = None) -> tuple[str, str]:
        """A new shared secret: its reference and the secret itself, which is nowhere in readable form."""
        named = reference or secrets.token_hex(8)
        if not _REFERENCE.fullmatch(named):
            raise Rejected(
                "enrolment.reference",
                f"{named!r} is no reference; use up to 48 letters, digits and . _ -, the first a letter or a "
                "digit.",
            )
        secret = secrets.token_urlsafe(SECRET_OCTETS)
        self._key.make()
        self._add("secret", named, new, sealed=self._key.seal(named, secret.encode()))
        return named, secret

    def register_certificate(self, certificate: bytes, new: NewCredential, *, authority: bool) -> str:
        """Let requests that are signed with another authority's certificate (DER) count.

        Answers its reference, the SHA-256. `authority` says that it is a registration authority's. Raises
        `Malformed`, `Refused` (RFC9483:1.7-02), and what `create_secret` raises.
        """
        read = load(certificate)
        if authority:
            check_registration_authority(read)
        reference = hashlib.sha256(certificate).hexdigest()
        self._add("ra" if authority else "certificate", reference, new)
        return reference

    def _add(self, kind: Kind, reference: str, new: NewCredential, *, sealed: bytes | None = None) -> None:
        request_rules.check_actor(new.by)
        profile = profile_named(new.profile)
        request_rules.check_not_a_ceremony(profile)
        subject = read_subject(new.subject)
        if not 1 <= new.uses <= MAX_USES or not 1 <= new.days <= MAX_DAYS:
            raise Rejected(
                "enrolment.limits",
                f"A credential is for 1 to {MAX_USES} uses within 1 to {MAX_DAYS} days; "
                f"{new.uses} uses and {new.days} days were given.",
            )
        most = EACH * new.uses if new.renewals is None else new.renewals
        if not 0 <= most <= EACH * MAX_USES or not 1 <= new.renewal_days <= MAX_DAYS:
            raise Rejected(
                "enrolment.limits",
                f"What a credential brings is renewed 0 to {EACH * MAX_USES} times within 1 to "
                f"{MAX_DAYS} days; {most} times and {new.renewal_days} days were given.",
            )
        now = self._clock.now().utc
        self._check_who_may(kind, profile, subject, new, now)
        record = records.Credential(
            reference=reference,
            kind=kind,
            profile=f"{profile.name}/{profile.version}" if "/" in new.profile else profile.name,
            subject=new.subject,
            alternative_names=new.alternative_names,
            uses=new.uses,
            used=0,
            created_at=now,
            created_by=new.by,
            expires_at=now + timedelta(days=new.days),
            sealed=sealed,
            ask_officer=new.ask_officer,
        )

        def action(connection: Connection) -> None:
            if not records.add_credential(connection, record):
                raise Rejected(
                    "enrolment.reference",
                    f"There is a credential {reference} already; take another reference.",
                )
            until = now + timedelta(days=new.renewal_days)
            add_renewals(connection, Renewals(reference=reference, most=most, made=0, until=until))

        event = self._event("enrolment.credential-created", record, new.by, now)
        self._recorder.transact(event, action)

    def _check_who_may(
        self,
        kind: Kind,
        profile: Profile,
        subject: Sequence[NameAttribute],
        new: NewCredential,
        now: datetime,
    ) -> None:
        """Refuse a credential for what no protocol may bring, or that lets the officer himself pass."""
        names = new.alternative_names
        try:
            check_door(profile, Door.CMP, lab=self._lab)  # what holds for EST, too
            check_pattern_is_narrow(profile, subject, names, lab=self._lab)
            with self._database.read() as connection:
                officer = person_behind(connection, new.by)
            check_not_subject(officer, concerned_by(subject, names))
            check_spares_officer(officer, subject, names, lab=self._lab)
        except Refused as error:
            self._recorder.record(
                Event(
                    type="enrolment.credential-refused",
                    outcome="refused",
                    actor=new.by,
                    subject={"kind": "credential"},
                    detail={"credential": kind, "profile": profile.name, "rule": error.requirement},
                    time=now,
                )
            )
            raise

    def withdraw(self, reference: str, *, by: str) -> None:
        """Let a credential authorise nothing any more. What it authorised stays."""
        request_rules.check_actor(by)
        now = self._clock.now().utc
        found = self.find(reference)
        if found is None or found.withdrawn_at is not None:
            raise _nothing_to_withdraw(reference)

        def action(connection: Connection) -> None:
            if not records.withdraw_credential(connection, reference, now):
                raise _nothing_to_withdraw(reference)

        self._recorder.transact(self._event("enrolment.credential-withdrawn", found, by, now), action)

    @staticmethod
    def _event(kind: str, record: Credential, by: str, now: datetime) -> Event:
        return Event(
            type=kind,
            outcome="success",
            actor=by,
            subject={"kind": "credential", "reference": record.reference},
            detail={
                "credential": record.kind,
                "profile": record.profile,
                "uses": record.uses,
                "asks": record.ask_officer,
            },
            time=now,
        )

    def find(self, reference: str) -> Credential | None:
        """The credential with that reference, usable or not."""
        with self._database.read() as connection:
            return records.credential(connection, reference)

    def secret(self, found: Credential) -> bytes | None:
        """The shared secret of a credential; None of one that is none."""
        return None if found.sealed is None else self._key.open(found.reference, found.sealed)


@implements("RFC9483:1.7-02")
def check_registration_authority(certificate: x509.Certificate) -> None:
    """`Refused` for a certificate that does not say that it is a registration authority's (id-kp-cmcRA)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usages = {usage.dotted_string for usage in found}
    except x509.ExtensionNotFound:
        usages = set()
    if CMC_RA not in usages:
        raise Refused(
            "RFC9483:1.7-02",
            "The certificate is not a registration authority's: extendedKeyUsage has no id-kp-cmcRA. "
            "Register it without --registration-authority, or another one.",
        )


def _nothing_to_withdraw(reference: str) -> Rejected:
    return Rejected(
        "enrolment.reference",
        f"There is no credential {reference!r} that could be withdrawn. `trustworks cmp secret list` shows "
        "all.",
    )


def open_credentials(authority: RegistrationAuthority) -> Credentials:
    """The credentials that a registration authority takes requests by."""
    return Credentials(
        database=authority.database,
        recorder=authority.recorder,
        clock=authority.clock,
        key=secret_key(authority.settings, state_dir=authority.state_dir, service_key=authority.service_key),
        lab=authority.lab,
    )


@implements("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def check_usable(found: Credential, now: datetime) -> None:
    """`Rejected` (notAuthorized) for a credential that was withdrawn, or used up, or whose time is over."""
    if found.withdrawn_at is not None:
        reason = "was withdrawn"
    elif now >= found.expires_at:
        reason = f"ended on {found.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    elif found.used >= found.uses:
        reason = "is used up"
    else:
        return
    raise Rejected(
        "notAuthorized",
        f"The credential {found.reference} {reason}; ask the registration officer for another.",
    )


def use(connection: Connection, reference: str, now: datetime) -> None:
    """Count a use, in the transaction that records what it authorised. Raises as `check_usable`."""
    if not records.use_credential(connection, reference, now):
        raise Rejected(
            "notAuthorized",
            f"The credential {reference} was used up or withdrawn meanwhile; nothing was issued.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of who may have a certificate: of which profile, for which subject and other names.

    With `patterns` a ``*`` in a value stands for any characters.
    """

    profile: str
    subject: tuple[NameAttribute, ...]
    names: tuple[str, ...]
    patterns: bool


def evidence_of(found: Credential) -> Evidence:
    """What a credential is for."""
    return Evidence(
        profile=found.profile,
        subject=read_subject(found.subject),
        names=found.alternative_names,
        patterns=True,
    )


@implements("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
def check_equals_evidence(evidence: Evidence, subject: Sequence[NameAttribute], names: Sequence[str]) -> None:
    """`Refused` for a request whose names are not those that were registered.

    Source: EN 319 411-1, REG-6.2.2-02AC.
    """
    wanted = {one.type: one.value for one in evidence.subject}
    given = {one.type: one.value for one in subject}
    if len(given) != len(subject) or set(given) != set(wanted):
        raise Refused(
            EVIDENCE,
            f"The request's subject has {', '.join(one.type for one in subject) or 'no attributes'}; "
            f"registered is a subject with {', '.join(wanted)}.",
        )
    for name, registered in wanted.items():
        if not _matches(registered, given[name], patterns=evidence.patterns):
            raise Refused(
                EVIDENCE,
                f"The request's {name} is {given[name]!r}; registered is {registered!r}. Ask for the name "
                "that was registered, or register this one.",
            )
    strange = [
        name
        for name in names
        if not any(_matches(one, name, patterns=evidence.patterns) for one in evidence.names)
    ]
    if strange:
        raise Refused(
            EVIDENCE, f"The request asks for the names {', '.join(strange)}, which were not registered."
        )


def _matches(registered: str, value: str, *, patterns: bool) -> bool:
    return matches(registered, value) if patterns else registered == value

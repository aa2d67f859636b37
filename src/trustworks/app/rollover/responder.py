"""The OCSP responder's key, replaced by the jobs without anybody: made, certified, used, destroyed.

Nothing is kept of how far it came but what is there anyway: the keys in their register, with their states,
the certificates on record, and the certificate in the configured file, by which the responders go. A round
looks at these and takes the next step, so that a crash between two of them loses nothing.

| what is there | the next step |
|---|---|
| the certificate in the file is due, and no newer key | a new key, pre-operational, in the module |
| a newer key without a certificate | certificates from every authority that the old key has one of |
| a certified key whose time to prepare is over | it becomes operational, its certificate goes into the file |
| an older key, and the overlap is over | it is deactivated, and destroyed on the token |
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app import certificates
from trustworks.app.rollover.due import service_due
from trustworks.core.der.x509 import public_key_info
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.keys import KeyRegister, registered_events
from trustworks.core.keys import records as key_records
from trustworks.core.module.events import key_facts, new_key
from trustworks.core.module.requests import certification_request
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Request
from trustworks.issuance.profiles import profile_named

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.audit import Recorder
    from trustworks.core.keys import KeyEntry
    from trustworks.core.module import Key, Module, Pkcs11Uri
    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.service import Issuance

PROFILE = "ocsp-signer"
BY = "jobs"


class ResponderRollover:
    """One round at a time. `module` is the token `services`, open for writing, whatever the keys' states."""

    def __init__(
        self,
        settings: RolloverSettings,
        issuing: IssuanceSettings,
        *,
        file: Path,
        issuance: Issuance,
        module: Module,
        database: Database,
        recorder: Recorder,
    ) -> None:
        self._settings = settings
        self._label = issuing.ocsp.key
        self._file = file
        self._issuance = issuance
        self._module = module
        self._database = database
        self._now = datetime.now(UTC)
        self._register = KeyRegister(recorder, by=BY, now=lambda: self._now)
        self._on_event = registered_events(recorder)

    @implements("TRUSTWORKS:ROLLOVER-OCSP", disabled="Nothing is due.")
    def round(self, now: datetime) -> str:
        """Take the next step, and answer a sentence about it. Raises what the steps raise."""
        self._now = now
        current = certificates.read(self._file)
        family = self._family()
        spki = _spki(current)
        ours = next((one for one in family if one.spki_sha256 == spki), None)
        newer = [
            one
            for one in family
            if one.spki_sha256 != spki
            and one.state in {KeyState.PRE_OPERATIONAL, KeyState.OPERATIONAL}
            and (ours is None or _number(one.label) > _number(ours.label))
        ]
        if newer:
            return self._go_on(newer[-1], current, now)
        life = current.not_valid_before_utc, current.not_valid_after_utc
        if now >= service_due(*life, self._settings.service_days):
            return self._make(_number(family[-1].label) + 1 if family else 2)
        return self._retire(family, current, now)

    def _family(self) -> list[KeyEntry]:
        """All keys of the responder that ever were, by number: the configured label, then label-2..."""
        pattern = re.compile(rf"{re.escape(self._label)}(-[0-9]{{1,6}})?")
        with self._database.read() as connection:
            known = key_records.keys_with(connection)
        return sorted(
            (one for one in known if pattern.fullmatch(one.label)), key=lambda one: _number(one.label)
        )

    def _make(self, number: int) -> str:
        algorithm = self._module.key(label=self._present_label()).algorithm
        label = f"{self._label}-{number}"
        new_key(self._told_as_pre_operational, self._module, label=label, algorithm=algorithm)
        return f"The responder's key {label} was made; it waits for its certificate."

    def _told_as_pre_operational(self, kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        state = {"state": KeyState.PRE_OPERATIONAL.value} if kind == "module.key-generated" else {}
        self._on_event(kind, token, detail | state)

    def _present_label(self) -> str:
        """The label of the key whose certificate is in the file."""
        with self._database.read() as connection:
            entry = key_records.key(connection, _spki(certificates.read(self._file)))
        return self._label if entry is None else entry.label

    def _go_on(self, entry: KeyEntry, current: x509.Certificate, now: datetime) -> str:
        key = self._module.key(label=entry.label)
        missing = self._uncertified(key, current, now)
        for authority in missing:
            self._certify(key, authority, current)
        with self._database.read() as connection:
            found = records.newest_of_key(
                connection, self._first_authority(current), PROFILE, key.spki_sha256, at=now
            )
        if found is None:
            return f"The responder's key {entry.label} is certified, from a moment to come on."
        certificate = x509.load_der_x509_certificate(found[1])
        ready = certificate.not_valid_before_utc + timedelta(minutes=self._settings.prepare_minutes)
        if now < ready:
            return (
                f"The responder's key {entry.label} is certified, for use from {ready:%Y-%m-%d %H:%M} UTC on."
            )
        if entry.state is KeyState.PRE_OPERATIONAL:
            self._register.set_state(entry.spki_sha256, KeyState.OPERATIONAL, reason="rollover")
        try:
            put(self._file, certificate.public_bytes(Encoding.PEM))
        except OSError as error:
            raise Unavailable(
                "rollover.file",
                f"The new certificate of the responder cannot be written to {self._file}: {error.strerror}. "
                "Let the account of the jobs write there, or take [rollover] unattended out.",
            ) from None
        return f"The responder's key {entry.label} is in use."

    def _first_authority(self, current: x509.Certificate) -> str:
        with self._database.read() as connection:
            found = records.certificate(connection, f"{current.serial_number:040x}")
        if found is None:
            raise Unavailable(
                "rollover.certificate",
                f"The certificate in {self._file} is not one of this provider's; replace the responder's "
                "key by a ceremony.",
            )
        return found.authority

    def _uncertified(self, key: Key, current: x509.Certificate, now: datetime) -> list[str]:
        """The authorities that the present key has a good certificate of, and this one does not."""
        old = bytes.fromhex(_spki(current))
        first = self._first_authority(current)
        with self._database.read() as connection:
            names = [
                name
                for name in records.authorities_of_key(connection, old)
                if records.newest_of_key(connection, name, PROFILE, old, at=now) is not None
            ]
            wanted = dict.fromkeys([first, *names])
            return [name for name in wanted if not _has_one(connection, name, key)]

    def _certify(self, key: Key, authority: str, current: x509.Certificate) -> None:
        name = certificates.common_name(current)
        default = profile_named(PROFILE).authority
        self._issuance.issue(
            Request(
                profile=PROFILE,
                csr=certification_request(key),
                subject=(NameAttribute("commonName", name),),
                requested_by=BY,
                authority=None if authority == default else authority,
            )
        )

    def _retire(self, family: list[KeyEntry], current: x509.Certificate, now: datetime) -> str:
        """Deactivate and destroy the keys before the present one, once its overlap is over."""
        spki = _spki(current)
        number = next((_number(one.label) for one in family if one.spki_sha256 == spki), 1)
        since = self._operational_since(spki) or current.not_valid_before_utc
        if now < since + timedelta(hours=self._settings.overlap_hours):
            return "Nothing is due."
        done = []
        for one in family:
            if _number(one.label) >= number or one.state is KeyState.DESTROYED:
                continue
            if one.state is not KeyState.DEACTIVATED:
                self._register.set_state(one.spki_sha256, KeyState.DEACTIVATED, reason="rollover")
            if self._module.has(label=one.label):
                key = self._module.key(label=one.label)
                facts = key_facts(key) | {"reason": "rollover"}
                self._on_event("module.key-destruction-ordered", self._module.token_uri, facts)
                self._module.destroy(key)
                self._on_event("module.key-destroyed", self._module.token_uri, facts)
                done.append(one.label)
        return f"Destroyed: {', '.join(done)}." if done else "Nothing is due."

    def _operational_since(self, spki_sha256: str) -> datetime | None:
        with self._database.read() as connection:
            history = key_records.history_of(connection, spki_sha256)
        return next((one.at for one in history if one.state is KeyState.OPERATIONAL), None)


def _has_one(connection: Connection, authority: str, key: Key) -> bool:
    """Whether an authority issued a certificate to a key that stands."""
    found = records.statuses(connection, records.serials_of_key(connection, key.spki_sha256))
    return any(one.authority == authority and one.revocation is None for one in found)


def _number(label: str) -> int:
    """The generation by a label: label is the first, label-2 the second."""
    tail = label.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else 1


def _spki(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's public key as the register has it."""
    return hashlib.sha256(public_key_info(certificate.public_bytes(Encoding.DER))).hexdigest()

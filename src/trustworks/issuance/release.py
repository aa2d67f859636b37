"""From a template to a released certificate: lint, intent, signature, check, record; and what a crash leaves.

Steps 3 to 7 of the life of a certificate (README.md). A certificate leaves this module when its record and
its event are durable, and not before.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Unavailable
from trustworks.core.module.agreed import check_signature
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.lints import Surroundings
from trustworks.issuance.model import serial_hex
from trustworks.issuance.preparation import Prepared, prepare
from trustworks.issuance.profiles import tbs
from trustworks.issuance.rules.authorities import check_authority_usable, check_list_goes_on
from trustworks.issuance.rules.keys import (
    check_agreed_signature,
    check_key_has_one_use,
    check_key_not_compromised,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import Template

# An intent that is open for longer than any issuance takes belongs to a process that died.
INTENT_LIFE: Final = timedelta(minutes=5)


class _IntentClosedError(Exception):
    """Raised inside a transaction, which is undone: the intent is not open any more."""


class Release:
    """The one way from a template to a certificate; used by issuances and by ceremonies."""

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        public_url: str,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        lab: bool,
    ) -> None:
        self._settings = settings
        self._public_url = public_url
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._lab = lab

    @implements(
        "EN319412-2:GEN-4.2.6-01",
        "TRUSTWORKS:ISSUANCE-INTENT",
        disabled=lambda self, template, key, *, by, also=None: (  # the intent comes after the signature
            prepared := self._prepare(template, key),
            der := prepared.redeem(key.sign),
            self._record_intent(template, prepared, by),
            self._record_issued(template, der, by=by, also=also),
        )[1],
    )
    def release(
        self,
        template: Template,
        key: Key,
        *,
        by: str,
        also: Callable[[Connection, bytes], None] | None = None,
    ) -> bytes:
        """The certificate that `template` describes, signed by the authority's `key`, recorded, in DER.

        `also` writes what belongs to it in the same transaction. Whatever fails, nothing is released and the
        serial number stays used. Raises `Refused` (a lint's or rule's id) and `Unavailable`.
        """
        # 3. Encode, sign with a throw-away key, lint. Nothing has reached the authority's key yet.
        prepared = self._prepare(template, key)
        # 4. The intent is durable before the key signs: whatever happens now, the serial is never used again.
        self._record_intent(template, prepared, by)
        try:
            # 5. The module signs the same octets; 6. the certificate is linted and verified again.
            der = prepared.redeem(key.sign)
            # 7. Certificate and event in one transaction; only then is the certificate anybody's.
            self._record_issued(template, der, by=by, also=also)
        except Exception as error:
            reason = getattr(error, "code", getattr(error, "requirement", type(error).__name__))
            with suppress(Unavailable):  # then `settle` closes it later
                self._close_intent(serial_hex(template.serial), by, str(reason))
            raise
        return der

    def _prepare(self, template: Template, key: Key) -> Prepared:
        issuer = template.issuer_certificate
        around = Surroundings(
            profile=template.profile,
            issuer=None if issuer is None else tbs.read_authority(issuer),
            settings=self._settings,
            public_url=self._public_url,
            lab=self._lab,
        )
        day = template.not_before.date()
        check_agreed_signature(
            objection_of(lambda: check_signature(key.algorithm, key.scheme, day, lab=self._lab))
        )
        builder = tbs.build(template, self._settings, self._public_url)
        return prepare(builder, key.algorithm, key.scheme, around)

    def _record_intent(self, template: Template, prepared: Prepared, by: str) -> None:
        now = self._clock.now().utc
        serial = serial_hex(template.serial)
        values = {
            "serial": serial,
            "authority": template.authority,
            "profile": template.profile.name,
            "subject": tbs.readable_name(template.subject),
            "state": "issuing",
            "not_before": template.not_before,
            "not_after": template.not_after,
            "spki_sha256": hashlib.sha256(template.spki).digest(),
            "requested_at": now,
            "requested_by": by,
            "tbs": prepared.tbs,
        }

        def action(connection: Connection) -> None:
            _check_allowed(connection, template)
            connection.execute(insert(records.certificates).values(values))

        event = Event(
            type="certificate.intended",
            outcome="success",
            actor=by,
            subject={"kind": "certificate", "serial": serial},
            detail={
                "authority": template.authority,
                "profile": template.profile.name,
                "row": records.intent_digest(values).hex(),
            },
            time=now,
        )
        try:
            self._recorder.transact(event, action)
        except IntegrityError:
            raise Unavailable(
                "issuance.serial", "The serial number that was drawn is in use already; try again."
            ) from None

    def _record_issued(
        self,
        template: Template,
        der: bytes,
        *,
        by: str,
        also: Callable[[Connection, bytes], None] | None,
    ) -> None:
        now = self._clock.now().utc
        serial = serial_hex(template.serial)

        def action(connection: Connection) -> None:
            if not records.mark_issued(connection, serial, der, now):
                raise _IntentClosedError
            _check_allowed(connection, template)
            if also is not None:
                also(connection, der)

        event = Event(
            type="certificate.issued",
            outcome="success",
            actor=by,
            subject={"kind": "certificate", "serial": serial},
            detail={
                "authority": template.authority,
                "profile": f"{template.profile.name}/{template.profile.version}",
                "sha256": hashlib.sha256(der).hexdigest(),
            },
            time=now,
        )
        try:
            self._recorder.transact(event, action)
        except _IntentClosedError:
            raise Unavailable(
                "issuance.intent-closed",
                "The intent to issue was closed meanwhile, so the certificate is not released; try again.",
            ) from None

    def settle(self, *, by: str, older_than: timedelta = INTENT_LIFE) -> list[str]:
        """Close the intents that a crash left open, and answer their serials; called when a process starts.

        Their certificates were not released, their serials stay used. An issuance that is still under way
        loses against this: it finds its intent closed and releases nothing.
        """
        before = self._clock.now().utc - older_than
        with self._database.read() as connection:
            serials = records.open_intents(connection, before)
        return [serial for serial in serials if self._close_intent(serial, by, "crash")]

    def _close_intent(self, serial: str, by: str, reason: str) -> bool:
        """Close an intent; False when it is not open any more."""

        def action(connection: Connection) -> None:
            if not records.mark_abandoned(connection, serial):
                raise _IntentClosedError

        event = Event(
            type="certificate.abandoned",
            outcome="failure",
            actor=by,
            subject={"kind": "certificate", "serial": serial},
            detail={"reason": reason},
            time=self._clock.now().utc,
        )
        try:
            self._recorder.transact(event, action)
        except _IntentClosedError:
            return False
        return True


def _check_allowed(connection: Connection, template: Template) -> None:
    """What may change while a certificate is made: the authorities, their lists, what the key is used for.

    Asked inside the transactions that write the intent and the certificate, so that nothing crosses them.
    """
    chain = []
    name: str | None = template.authority
    while name is not None and (found := records.lock_authority(connection, name=name)) is not None:
        chain.append(records.status(connection, found.serial))
        name = found.parent
    check_authority_usable(chain)
    check_list_goes_on(next(iter(records.crl_heads(connection, template.authority)), None))
    digest = hashlib.sha256(template.spki).digest()
    check_key_not_compromised(records.compromised_with_key(connection, digest))
    uses = records.uses_of_key(connection, digest)
    check_key_has_one_use(template.profile.name, tbs.readable_name(template.subject), uses)


def objection_of(check: Callable[[], None]) -> str | None:
    """What the agreed mechanisms object to, as their sentence."""
    try:
        check()
    except Refused as error:
        return str(error)
    return None

"""Control over mailboxes at the desk: a random value is mailed, and comes back within a day.

The mailing itself is handed in (`Mailer`). What is kept of a value is its SHA-256: neither officers nor who
reads the database can answer in the holder's place. Addresses stay out of the audit log; events have the
number of what was drawn.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance.profiles.tbs import alternative_name
from trustworks.issuance.registration import mailbox_records, records, rules
from trustworks.issuance.registration.desk import Desk, moved_on, new_id
from trustworks.issuance.registration.mailbox_answers import answer, parts_of
from trustworks.issuance.registration.model import MailboxValidation
from trustworks.issuance.registration.rules.mailboxes import LIFE
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.registration.mail import Mailer
    from trustworks.issuance.registration.model import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """What came of mailing to a mailbox: until when its answer is waited for, or why nothing was mailed."""

    address: str
    until: datetime | None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxState:
    """How it stands with a mailbox: whether its control counts as shown, the newest mail and answer."""

    address: str
    is_shown: bool
    mailed: MailboxValidation | None
    answered: MailboxValidation | None


class Mailboxes(Desk):
    """Has values mailed, and takes them back from an officer whom the holder gave one to."""

    def mailboxes_of(self, application: Application) -> list[MailboxState]:
        """How it stands with each mailbox that the certificate would name; it only reads."""
        addresses = rules.mailboxes(application)
        now = self._clock.now().utc
        with self._database.read() as connection:
            concerning = self._with_renewed(connection, application)
            known = mailbox_records.of_applications(connection, concerning) if addresses else ()
            domains = self._validations(connection, application) if addresses else ()
        missing = rules.unconfirmed(addresses, known, domains, now)
        found = []
        for address in addresses:
            newest = [one for one in reversed(known) if one.address == address]
            state = MailboxState(
                address=address,
                is_shown=address not in missing,
                mailed=next((one for one in newest if one.mailed_at is not None), None),
                answered=next((one for one in newest if one.validated_at is not None), None),
            )
            found.append(state)
        return found

    def challenge_mailboxes(self, identifier: str, mailer: Mailer, *, by: str) -> list[Mailed]:
        """Mail a new value to each mailbox over which no control was shown that counts.

        Values that were mailed before stay good. Raises `Rejected` (registration.*), `Unavailable`; a mail
        that was not taken is in the answer, and hinders no other.
        """
        check_actor(by)
        self._recorder.ping()
        application = self._for_mailboxes(identifier, by)
        now = self._clock.now().utc
        addresses = rules.mailboxes(application)
        if not addresses:
            raise Rejected(
                "registration.no-mailbox",
                f"The application {identifier} asks for no mailbox; there is nobody to write to.",
            )
        with self._database.read() as connection:
            concerning = self._with_renewed(connection, application)
            missing = rules.unconfirmed(
                addresses,
                mailbox_records.of_applications(connection, concerning),
                self._validations(connection, application),
                now,
            )
        return [self._mail(application, one, mailer, by=by) for one in missing]

    def confirm_mailbox(self, identifier: str, value: str, *, by: str) -> MailboxValidation:
        """Take a value back that its receiver gave to an officer.

        Raises `Rejected` (registration.mailbox-value) for one that is not good, or another application's.
        """
        check_actor(by)
        application = self._for_mailboxes(identifier, by)
        number, secret = parts_of(value)
        return answer(
            number,
            secret,
            by=by,
            application=application.id,
            clock=self._clock,
            recorder=self._recorder,
            database=self._database,
        )

    # Parts

    def _for_mailboxes(self, identifier: str, by: str) -> Application:
        application = self._received(identifier, "mailboxes are looked at")
        self._check_not_for_oneself("mailboxes", application, by)
        return application

    def _mail(self, application: Application, address: str, mailer: Mailer, *, by: str) -> Mailed:
        now = self._clock.now().utc
        try:
            alternative_name(f"email:{address}")
        except Rejected as error:  # an earlier version received it: no mail program is to read it
            return Mailed(address=address, until=None, why=str(error))
        secret = secrets.token_urlsafe(32)
        drawn = MailboxValidation(
            id=new_id(),
            application=application.id,
            address=address,
            digest=rules.digest_of(secret),
            drawn_at=now,
            drawn_by=by,
        )

        def draw(connection: Connection) -> None:
            records.lock(connection, application)
            found = records.application(connection, application.id)
            if found is None or found.state != "received":
                raise moved_on(application.id)
            rules.check_mails(mailbox_records.count_recent(connection, address, now - LIFE), address)
            mailbox_records.add(connection, drawn)

        def mailed(connection: Connection) -> None:
            mailbox_records.mailed(connection, drawn.id, at=self._clock.now().utc)

        # Durable before it is mailed: a value that is out and not known here could never come back.
        detail = {"mailbox": drawn.id}
        try:
            self._transact("mailbox-drawn", application.id, draw, by=by, now=now, detail={**detail})
        except Rejected as error:
            if error.code != "registration.mailbox-mails":
                raise
            return Mailed(address=address, until=None, why=str(error))
        try:
            mailer.send(
                address, f"{drawn.id}.{secret}", application=application.id, until=drawn.drawn_at + LIFE
            )
        except (Refused, Rejected, Unavailable) as error:
            event = self._event(
                "mailbox-not-mailed",
                application.id,
                by=by,
                now=self._clock.now().utc,
                detail={**detail},
                outcome="failure",
            )
            self._recorder.record(event)
            return Mailed(address=address, until=None, why=str(error))
        self._transact(
            "mailbox-mailed",
            application.id,
            mailed,
            by=by,
            now=self._clock.now().utc,
            detail={**detail},
        )
        return Mailed(address=address, until=drawn.drawn_at + LIFE)

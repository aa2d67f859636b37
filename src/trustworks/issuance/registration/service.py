"""Registration: takes applications in, gathers evidence, lets an officer decide, has certificates issued.

Life of an application: received (the key shown to be the applicant's, the name complete) -> evidence is added
-> compared, attribute by attribute -> approved or rejected by an officer who is not concerned -> issued. A
decision is durable before anything is issued for it; what a crash leaves approved is issued by the next run.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import readable_name
from trustworks.issuance.registration import records, rules, texts
from trustworks.issuance.registration.decisions import Decisions
from trustworks.issuance.registration.desk import moved_on, new_id
from trustworks.issuance.registration.devices import Devices
from trustworks.issuance.registration.domains import Domains
from trustworks.issuance.registration.mailboxes import Mailboxes
from trustworks.issuance.registration.model import (
    About,
    Application,
    IdentityEvidence,
)
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.issuance.registration.model import Fact, NewApplication

_SALT_OCTETS: Final = 16


class Registration(Decisions, Domains, Mailboxes, Devices):
    """The registration authority's desk. Threads share it.

    `by` is always the pseudonym of an operator, or the name of a process. What is known of the operator as a
    person keeps anybody from deciding on his own certificate.
    """

    # What comes in

    def submit(self, asked: NewApplication, *, by: str) -> Application:
        """Take an application in, and answer it with its id.

        Raises `Malformed` (the CSR), `Rejected` (issuance.*, registration.*), `Refused` (no possession of the
        key, an unfit key), `Unavailable`.
        """
        check_actor(by)
        self._recorder.ping()
        rules.check_contact(asked.contact)
        rules.check_identification_follows(asked.declarations)
        rules.check_nothing_against(rules.kind_fits(asked.kind, profile_named(asked.profile)))
        self._check_not_concerned("submit", by, None, rules.concerned_by(asked, None))
        key_id = self._issuance.check(self._request(asked, by, asked.declarations))
        now = self._clock.now().utc
        salt = secrets.token_bytes(_SALT_OCTETS)
        application = Application(
            id=new_id(),
            state="received",
            asked=asked,
            key_id=key_id,
            received_at=now,
            received_by=by,
            evidence=(),
            decisions=(),
            serial=None,
            digest=hashlib.sha256(salt + texts.asked_text(asked).encode()).hexdigest(),
        )

        def action(connection: Connection) -> None:
            records.add_application(connection, application, subject=readable_name(asked.subject), salt=salt)

        detail: dict[str, JSON] = {
            "profile": asked.profile,
            "digest": application.digest,
            "key": key_id,
            "terms": asked.terms,
        }
        if asked.renews is not None:
            detail["renews"] = asked.renews
        self._transact("received", application.id, action, by=by, now=now, detail=detail)
        return application

    def add_evidence(
        self,
        identifier: str,
        *,
        about: About,
        method: str,
        source: str,
        established_on: date,
        facts: Sequence[Fact],
        by: str,
        ends_on: date | None = None,
    ) -> IdentityEvidence:
        """Record a piece of evidence. Raises `Rejected` (registration.*)."""
        check_actor(by)
        application = self._received(identifier)
        self._check_method(method, about)
        rules.check_source(source)
        rules.check_only_what_is_needed(facts, profile_named(application.asked.profile), about=about)
        concerned = rules.concerned_by(application.asked, application.key_id, facts)
        self._check_not_concerned("evidence", by, identifier, concerned)
        now = self._clock.now().utc
        piece = IdentityEvidence(
            id=new_id(),
            about=about,
            method=method,
            source=source,
            established_on=established_on,
            facts=tuple(facts),
            recorded_at=now,
            recorded_by=by,
            ends_on=ends_on,
        )
        return self._add(application, (piece,), by, now)[0]

    def take_over_evidence(self, identifier: str, earlier: str, *, by: str) -> tuple[IdentityEvidence, ...]:
        """Let the evidence of an earlier application serve this one too, as often as its method allows.

        Raises `Rejected` (registration.*), also when the earlier one's is erased.
        """
        check_actor(by)
        application = self._received(identifier)
        source = self.application(earlier)
        if not source.evidence:
            raise Rejected(
                "registration.no-evidence",
                f"The application {earlier} has no evidence that could serve another.",
            )
        facts = (one.facts for one in source.evidence)
        concerned = rules.concerned_by(application.asked, application.key_id, *facts)
        self._check_not_concerned("evidence", by, identifier, concerned)
        now = self._clock.now().utc
        pieces = tuple(
            IdentityEvidence(
                id=new_id(),
                about=one.about,
                method=one.method,
                source=one.source,
                established_on=one.established_on,
                facts=one.facts,
                recorded_at=now,
                recorded_by=by,
                ends_on=one.ends_on,
                origin=one.origin or one.id,
            )
            for one in source.evidence
        )
        return self._add(application, pieces, by, now)

    def _add(
        self, application: Application, pieces: tuple[IdentityEvidence, ...], by: str, now: datetime
    ) -> tuple[IdentityEvidence, ...]:
        def action(connection: Connection) -> None:
            records.lock(connection, application)
            found = records.application(connection, application.id)
            if found is None or found.state != "received":
                raise moved_on(application.id)
            records.add_evidence(connection, application.id, pieces)

        detail: dict[str, JSON] = {
            "evidence": [{"id": one.id, "about": one.about.value, "method": one.method} for one in pieces]
        }
        self._transact("evidence-added", application.id, action, by=by, now=now, detail=detail)
        return pieces

    # Parts

    def _check_method(self, method: str, about: About) -> None:
        if method not in self._reviewer.methods:
            known = ", ".join(one.name for one in self._reviewer.methods.values() if about in one.about)
            raise Rejected(
                "registration.method",
                f"There is no method {method!r}; [issuance.registration] methods has {known} for "
                f"a {about.value}.",
            )

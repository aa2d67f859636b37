"""The service of trusted roles: who may act, and what several have approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles import changes, records
from trustworks.core.roles.administration import Administration
from trustworks.core.roles.approvals import verify_approval
from trustworks.core.roles.approving import Approving
from trustworks.core.roles.authentication import Authentication
from trustworks.core.roles.model import Act, Person
from trustworks.core.roles.rules import access, duties
from trustworks.core.roles.rules.separation import check_described, check_not_subject
from trustworks.core.roles.standing import needs_operator, quorum_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from trustworks.core.roles.approvals import Approval
    from trustworks.core.roles.jws import Signer
    from trustworks.core.roles.model import Actor
    from trustworks.core.roles.office import Moment, Office
    from trustworks.core.roles.rules.quorum import QuorumVerdict
    from trustworks.core.roles.standing import Standing

# By these a certificate comes to be, so it must be known who the officer is.
_DECIDES: Final = frozenset({Act.DECIDE, Act.ISSUE})


class Roles:
    """Trusted roles over one database. Threads share it.

    `authentication` lets operators in, `administration` changes them, `approving` lets acts be done by what
    was approved; acts, and how approvals are taken in, are here.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self.authentication = Authentication(office)
        self.administration = Administration(office)
        self.approving = Approving(office)

    def are_required(self) -> bool:
        """Whether acts need an operator (`founding.are_needed`)."""
        with self.office.database.read() as connection:
            return needs_operator(connection, self.office.settings, lab=self.office.lab)

    # Acts

    def acting(self, name: str, signer: Signer, act: Act) -> Actor:
        """The operator who does `act` now, known by his key. Raises, and audits, what keeps him from it."""
        actor = self.authentication.by_key(name, signer, act)
        self.authorise(actor, act)
        return actor

    def authorise(self, actor: Actor, act: Act) -> None:
        """Refuse an act that none of the actor's roles allows (CENTS419261:SA1.1); that is audited."""
        try:
            duties.check_may(actor.operator.roles, act)
        except Refused as error:
            self._refused(act.value, error, actor.name)
            raise

    def check_not_subject(self, name: str, act: Act, concerned: Iterable[Person]) -> None:
        """Refuse what concerns the operator himself (EN319411-1:REG-6.2.2-26); that is audited.

        So is a decision of somebody who was never described (TRUSTWORKS:ROLES-DESCRIBED). Of a name that is
        no operator's nothing is known, and nothing is refused.
        """
        with self.office.database.read() as connection:
            known = records.operator(connection, name) is not None
            person = records.person(connection, name) if known else Person()
        try:
            if known and act in _DECIDES:
                check_described(person, name)
            check_not_subject(person, concerned)
        except Refused as error:
            self._refused(act.value, error, name)
            raise

    def _refused(self, what: str, error: Refused, name: str) -> None:
        self.office.tell_refused(
            what,
            error,
            actor=name,
            subject={"kind": "operator", "operator": name},
            now=self.office.now(),
        )

    # Approvals

    def approve(self, approval: Approval) -> Standing | None:
        """Record an approval, whose signature is judged; a change of roles that it completes is done.

        Answers how the change of roles stands that it is about, None where it is about something else.
        Raises `Refused` (CENTS419261:*, TRUSTWORKS:ROLES-*) and `Rejected` (roles.signature,
        roles.approval), which are audited.
        """
        now, content = self.office.now(), approval.content

        def action(connection: Connection) -> None:
            self._check_approval(connection, approval, now)
            records.add_approval(connection, approval, at=now.utc)

        self.office.act(
            "roles.approved",
            action,
            actor=content.operator if self._is_known(content.operator) else "unknown",
            subject={"kind": "approval", "what": content.what, "sha256": content.sha256},
            now=now,
            detail={
                "approval": approval.approval_id,
                "role": content.role.value,
                "key": approval.key_id,
                "form": approval.form,
            },
        )
        if content.what != changes.WHAT:
            return None
        standing = self.administration.standing(content.sha256)
        if standing.verdict.met and not standing.applied:
            return self.administration.apply(content.sha256, by=content.operator)
        return standing

    def quorum_of(self, what: str, sha256: str) -> QuorumVerdict:
        """What the recorded approvals of an act come to, by the configured policy, at this moment."""
        with self.office.database.read() as connection:
            return quorum_of(connection, self.office.settings, what, sha256, self.office.now().utc)

    def _is_known(self, name: str) -> bool:
        with self.office.database.read() as connection:
            return records.operator(connection, name) is not None

    def _check_approval(self, connection: Connection, approval: Approval, now: Moment) -> None:
        content = approval.content
        operator = records.operator(connection, content.operator, lock=True)
        if operator is None:
            raise Refused("CENTS419261:IA1.1", "Nobody is known by the name in this approval.")
        access.check_active(operator)
        if content.role not in operator.roles:
            raise Refused("CENTS419261:SA1.1", f"{operator.name} is not {content.role.value}.")
        duties.check_may({content.role}, Act.APPROVE)
        credential = operator.credential(approval.key_id)
        if credential is None:
            raise Rejected(
                "roles.signature",
                f"The key {approval.key_id} is no credential of {operator.name}.",
            )
        access.check_not_locked_out(credential, now.utc)
        self.authentication.check_credential(credential, now)
        verify_approval(approval, credential)
        if records.has_approval(connection, approval.approval_id):
            raise Rejected("roles.approval", "This very approval is recorded already; nothing was changed.")
        if content.time > now.utc + access.CLOCKS_DIFFER:
            raise Rejected("roles.approval", "Its time is in the future. Set the clock right, and sign anew.")
        if content.what == changes.WHAT:
            self._check_change(connection, content.sha256, operator.name)

    def _check_change(self, connection: Connection, sha256: str, name: str) -> None:
        record = records.change(connection, sha256, lock=True)
        if record is None or record.state != "waiting":
            raise Rejected("roles.change", f"No change {sha256} waits: see trustworks roles change list.")
        if record.operator == name:
            raise Refused(
                "TRUSTWORKS:ROLES-CHANGES-APPROVED", f"The change is about {name}, who does not approve it."
            )

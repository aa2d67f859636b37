"""Who is an operator, in which roles, known by what. To give power takes approvals; to take it away, none.

The first operators come by a bootstrap of the installation's owner, and so does help where nobody is left
who could approve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509
from sqlalchemy.exc import DBAPIError, IntegrityError

from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.roles import changes, jws, records
from trustworks.core.roles.model import Act, Operator, Person, check_name
from trustworks.core.roles.rules import duties, founding, separation
from trustworks.core.roles.rules.quorum import DEFAULTS
from trustworks.core.roles.rules.separation import described
from trustworks.core.roles.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.core.roles.changes import Change, NewCredential
    from trustworks.core.roles.model import Actor, Credential, Role
    from trustworks.core.roles.office import Moment, Office
    from trustworks.core.roles.standing import Standing

T = TypeVar("T")

# What concerns the requests of others, among which nobody's own must be.
_OTHERS_REQUESTS = (Act.DECIDE, Act.ISSUE, Act.REVOKE, Act.RELEASE)


class Administration:
    """Changes operators, by the rules."""

    def __init__(self, office: Office) -> None:
        self._office = office

    # The first operators

    def bootstrap(
        self,
        new: Sequence[Change],
        *,
        by: str,
        people: Mapping[str, Person] | None = None,
        nobody_left: bool = False,
    ) -> list[Operator]:
        """Enrol the first operators, or new ones where that was said: `nobody_left` could approve them.

        Each is a change of the kind ``enrol``; `by` is the account of the installation's owner, as the caller
        has found out; `people` says who each is, for the database alone. Raises `Refused`
        (TRUSTWORKS:ROLES-BOOTSTRAP, -BOOTSTRAP-AGAIN, -FIRST-OFFICERS, CENTS419261:M1.5, ...), `Rejected`,
        `Malformed`.
        """
        now, lab = self._office.now(), self._office.lab
        people = {} if people is None else people
        unknown = sorted(people.keys() - {one.operator for one in new})
        if unknown:
            raise Malformed(f"{', '.join(unknown)} is described and not enrolled here: look at the names.")

        def action(connection: Connection) -> list[Operator]:
            policy = self._office.settings.quorum_for(changes.WHAT)
            present = records.list_operators(connection)
            # Also by the product's own policy: else a configuration that asks for more approvals than there
            # are operators would let its writer enrol new ones beside them.
            for one in (policy, DEFAULTS[changes.WHAT]):
                founding.check_nobody_can_approve(one, present, now.utc)
            idle = now.utc - self._office.settings.session_idle
            sessions = records.count_open_sessions(connection, at=now.utc, used_since=idle)
            founding.check_again(enrolled=bool(present), nobody_left=nobody_left, sessions=sessions)
            founding.check_first_are_described(people, [one.operator for one in new], lab=lab)
            made = [
                self._enrol(connection, one, by="owner", now=now, person=people.get(one.operator, Person()))
                for one in new
            ]
            after = records.list_operators(connection)
            founding.check_can_approve(policy, after, now.utc)
            founding.check_two_officers(after, now.utc, lab=lab)
            return made

        return self._office.act(
            "roles.bootstrapped-again" if nobody_left else "roles.bootstrapped",
            _with_keys_free(action),
            actor="owner",
            subject={"kind": "roles"},
            now=now,
            detail={
                "account": by,
                "operators": [_told(one) for one in new],
                "described": sorted(people),
                "laboratory": lab,
            },
        )

    # What several must approve

    def request(self, actor: Actor, change: Change) -> Standing:
        """Ask for a change; it is done when enough operators approve its hash. Raises as `bootstrap` does."""
        now = self._office.now()

        def action(connection: Connection) -> None:
            self._authorise(connection, actor, Act.CHANGE_ROLES, unless=change)
            self._check(connection, change, now)
            records.add_change(
                connection,
                records.ChangeRecord(
                    sha256=change.sha256,
                    body=change.octets(),
                    operator=change.operator,
                    requested_at=now.utc,
                    requested_by=actor.name,
                    state="waiting",
                    ended_at=None,
                ),
            )

        self._office.act(
            "roles.change-requested",
            action,
            actor=actor.name,
            subject=_subject(change.operator),
            now=now,
            detail={"sha256": change.sha256, "change": _told(change)},
        )
        return self.standing(change.sha256)

    def standing(self, sha256: str) -> Standing:
        """How a change of roles stands. Raises `Rejected` (roles.change) where there is none of that hash."""
        now = self._office.now()
        with self._office.database.read() as connection:
            return standing_of(connection, self._office.settings, sha256, now.utc)

    def apply(self, sha256: str, *, by: str) -> Standing:
        """Do a change whose quorum is met; `Refused` (TRUSTWORKS:ROLES-CHANGES-APPROVED) before that."""
        now = self._office.now()

        def action(connection: Connection) -> Standing:
            record = records.change(connection, sha256, lock=True)
            standing = standing_of(connection, self._office.settings, sha256, now.utc)
            if record is None or standing.state != "waiting":
                raise Rejected("roles.change", f"The change {sha256} is {standing.state} already.")
            if not standing.verdict.met:
                missing = ", ".join(standing.verdict.missing)
                raise Refused(
                    "TRUSTWORKS:ROLES-CHANGES-APPROVED",
                    f"To {standing.change.summary()}, this is missing: {missing}. "
                    f"Others approve it by trustworks roles approve {changes.WHAT} {sha256}.",
                )
            self._do(connection, standing.change, by=record.requested_by, now=now)
            records.end_change(connection, sha256, "applied", at=now.utc)
            return replace(standing, state="applied")

        def detail(done: Standing) -> dict[str, JSON]:
            return {
                "sha256": sha256,
                "change": _told(done.change),
                "approvals": [one.approval_id for one in done.verdict.counted],
            }

        return self._office.act(
            "roles.changed",
            _with_keys_free(action),
            actor=by,
            subject={"kind": "roles", "sha256": sha256},
            now=now,
            detail=detail,
        )

    def drop(self, actor: Actor, sha256: str) -> None:
        """Give a change up that was asked for."""
        now = self._office.now()

        def action(connection: Connection) -> None:
            self._authorise(connection, actor, Act.CHANGE_ROLES)
            record = records.change(connection, sha256, lock=True)
            if record is None or record.state != "waiting":
                raise Rejected("roles.change", f"No change {sha256} waits for approvals.")
            records.end_change(connection, sha256, "dropped", at=now.utc)

        self._office.act(
            "roles.change-dropped",
            action,
            actor=actor.name,
            subject={"kind": "roles", "sha256": sha256},
            now=now,
        )

    # What one security officer does alone: it takes power away, or gives none

    def lock(self, actor: Actor, name: str) -> None:
        """Lock an account until several approve that it is unlocked; its sessions end."""
        self._alone(actor, name, "roles.operator-locked", lambda c, now: self._end(c, name, "locked", now))

    def retire(self, actor: Actor, name: str) -> None:
        """End an account for good: its roles are withdrawn and its credentials removed."""

        def action(connection: Connection, now: Moment) -> None:
            found = self._end(connection, name, "retired", now)
            for role in found.roles:
                records.withdraw_grant(connection, name, role, by=actor.name, at=now.utc)
            for one in found.credentials:
                if one.is_usable:
                    records.remove_credential(connection, one.key_id, by=actor.name, at=now.utc)

        self._alone(actor, name, "roles.operator-retired", action)

    def withdraw(self, actor: Actor, name: str, role: Role) -> None:
        """Take a role from an operator."""

        def action(connection: Connection, now: Moment) -> None:
            if role not in _present(connection, name).roles:
                raise Rejected("roles.grant", f"{name} is not {role.value}; nothing was changed.")
            records.withdraw_grant(connection, name, role, by=actor.name, at=now.utc)

        self._alone(actor, name, "roles.role-withdrawn", action, role=role.value)

    def remove_credential(self, actor: Actor, key_id: str) -> Credential:
        """Let a credential count no more."""
        with self._office.database.read() as connection:
            found = records.credential(connection, key_id=key_id)
        if found is None or not found.is_usable:
            raise Rejected("roles.credential", f"No credential has the key {key_id}, or it was removed.")

        def action(connection: Connection, now: Moment) -> None:
            held = _present(connection, found.operator).credential(key_id)
            if held is None or not held.is_usable:
                raise Rejected("roles.credential", f"The key {key_id} was removed meanwhile.")
            records.remove_credential(connection, key_id, by=actor.name, at=now.utc)

        self._alone(actor, found.operator, "roles.credential-removed", action, key=key_id)
        return found

    def describe(self, actor: Actor, name: str, *, names: Iterable[str], identifiers: Iterable[str]) -> None:
        """Write what tells an operator from other people, in place of what was there; nothing empties it.

        It is kept beside the log, never in it, and can be taken away of who handles no requests. Raises
        `Refused` (TRUSTWORKS:ROLES-DESCRIBED, TRUSTWORKS:ROLES-DESCRIBED-BY-ANOTHER, audited), `Malformed`.
        """
        person = described(names, identifiers)

        def action(connection: Connection, _: Moment) -> None:
            separation.check_another_describes(actor.name, name)
            found = _present(connection, name)
            handles = any(duties.may(found.roles, act) for act in _OTHERS_REQUESTS)
            separation.check_stays_described(person, name, handles_requests=handles)
            records.set_person(connection, name, person)

        self._alone(actor, name, "roles.operator-described", action)

    def _alone(self, actor: Actor, name: str, kind: str, action: Any, **detail: JSON) -> None:
        now = self._office.now()

        def authorised(connection: Connection) -> None:
            self._authorise(connection, actor, Act.LOCK_OPERATOR)
            action(connection, now)

        self._office.act(
            kind, authorised, actor=actor.name, subject=_subject(name), now=now, detail=dict(detail)
        )

    def _end(self, connection: Connection, name: str, state: Any, now: Moment) -> Operator:
        found = _present(connection, name)
        if found.state in {state, "retired"}:
            raise Rejected("roles.state", f"{name} is {found.state} already; nothing was changed.")
        records.set_state(connection, name, state)
        records.close_sessions(connection, name, at=now.utc)
        return found

    # Parts

    def _authorise(
        self, connection: Connection, actor: Actor, act: Act, *, unless: Change | None = None
    ) -> None:
        """Whether the actor still may, at this moment of the transaction.

        Everybody may ask for a credential of his own (`unless`): others decide.
        """
        present = _present(connection, actor.name)
        duties.check_factors(present.roles, actor.factors)
        own = unless is not None and unless.kind == "add-credential" and unless.operator == actor.name
        if not own:
            duties.check_may(present.roles, act)

    def _check(self, connection: Connection, change: Change, now: Moment) -> None:
        """Whether the change could be done now."""
        for credential in change.credentials:
            self._check_new(connection, credential, now)
        found = records.operator(connection, change.operator, lock=True)
        if change.kind == "enrol":
            if found is not None:
                raise Rejected(
                    "roles.operator-exists",
                    f"{change.operator} is or was an operator. A name is used once: choose another.",
                )
            if not change.roles or not change.credentials:
                raise Rejected("roles.enrol", "An operator is enrolled with a role and a credential.")
            duties.check_roles_agree(change.roles)
            return
        found = _present(connection, change.operator)
        if found.state == "retired":
            raise Rejected("roles.state", f"{change.operator} has retired, and that is for good.")
        if change.kind == "grant":
            if change.roles <= found.roles:
                raise Rejected("roles.grant", f"{change.operator} has that role already.")
            duties.check_roles_agree(found.roles | change.roles)
        locked = any(one.locked_until is not None for one in found.credentials)
        if change.kind == "unlock" and found.state == "active" and not locked:
            raise Rejected("roles.state", f"{change.operator} is not locked.")

    def _check_new(self, connection: Connection, new: NewCredential, now: Moment) -> None:
        if records.credential(connection, key_id=new.key_id) is not None:
            raise Rejected(
                "roles.credential-exists",
                f"The key {new.key_id} was registered before. A key is one operator's, for good: make a "
                "new one.",
            )
        if new.kind == "certificate":
            certificate = x509.load_der_x509_certificate(new.public)
            algorithm = algorithm_of(jws.read_certificate_key(certificate))
            check_key_algorithm(algorithm, now.utc.date(), lab=self._office.lab)
            if not certificate.not_valid_before_utc <= now.utc <= certificate.not_valid_after_utc:
                raise Rejected(
                    "roles.credential",
                    f"The certificate with the key {new.key_id} is not valid now. Give one that is.",
                )

    def _do(self, connection: Connection, change: Change, *, by: str, now: Moment) -> None:
        self._check(connection, change, now)
        match change.kind:
            case "enrol":
                self._enrol(connection, change, by=by, now=now)
            case "grant":
                for role in change.roles - _present(connection, change.operator).roles:
                    records.add_grant(connection, change.operator, role, by=by, at=now.utc)
            case "add-credential":
                for one in change.credentials:
                    registered = one.registered(change.operator, by=by, at=now.utc)
                    records.add_credential(connection, registered)
            case _:
                records.set_state(connection, change.operator, "active")
                for held in _present(connection, change.operator).credentials:
                    records.set_failures(connection, held.key_id, 0, None)

    def _enrol(
        self, connection: Connection, change: Change, *, by: str, now: Moment, person: Person | None = None
    ) -> Operator:
        check_name(change.operator)
        self._check(connection, change, now)
        made = Operator(
            name=change.operator,
            state="active",
            roles=change.roles,
            credentials=tuple(
                one.registered(change.operator, by=by, at=now.utc) for one in change.credentials
            ),
            enrolled_at=now.utc,
            enrolled_by=by,
        )
        records.add_operator(connection, made, person or Person())
        return made


def _present(connection: Connection, name: str) -> Operator:
    found = records.operator(connection, name, lock=True)
    if found is None:
        raise Rejected(
            "roles.operator",
            f"There is no operator {name}. See who is: trustworks roles operator list.",
        )
    return found


def _with_keys_free(action: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """The action; two changes with the same key at the same moment are a refusal, and no fault."""

    def guarded(connection: Connection) -> T:
        try:
            return action(connection)
        except DBAPIError as error:
            if not isinstance(error, IntegrityError) and "append-only" not in str(error):
                raise
            raise Rejected(
                "roles.credential-exists",
                "A name or key of this change was registered meanwhile. Look again.",
            ) from None

    return guarded


def _subject(name: str) -> dict[str, JSON]:
    return {"kind": "operator", "operator": name}


def _told(change: Change) -> dict[str, JSON]:
    """A change as the log tells it."""
    return {
        "change": change.kind,
        "operator": change.operator,
        "roles": sorted(role.value for role in change.roles),
        "keys": [one.key_id for one in change.credentials],
    }

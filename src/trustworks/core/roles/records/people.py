"""All SQL on operators, their roles and credentials."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from trustworks.core.roles.model import Credential, Operator, Person, Role
from trustworks.core.roles.records.tables import credentials, grants, operators

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from trustworks.core.roles.model import OperatorState

_CREDENTIAL = tuple(credentials.c[name] for name in Credential.__slots__)


def count_operators(connection: Connection) -> int:
    """How many operators were ever enrolled."""
    found: int = connection.execute(select(func.count()).select_from(operators)).scalar_one()
    return found


def operator(connection: Connection, name: str, *, lock: bool = False) -> Operator | None:
    """The operator with that name, or None. With `lock` no other writer changes him until the commit."""
    query = select(operators).where(operators.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _operator(connection, row)


def list_operators(connection: Connection) -> list[Operator]:
    """All operators, by name."""
    rows = connection.execute(select(operators).order_by(operators.c.name)).all()
    return [_operator(connection, row) for row in rows]


def _operator(connection: Connection, row: Row[tuple[object, ...]]) -> Operator:
    held = (
        select(grants.c.role, grants.c.granted_at)
        .where(grants.c.operator == row.name, grants.c.withdrawn_at.is_(None))
        .order_by(grants.c.role)
    )
    granted = tuple((Role(one.role), one.granted_at) for one in connection.execute(held))
    own = select(*_CREDENTIAL).where(credentials.c.operator == row.name).order_by(credentials.c.added_at)
    return Operator(
        name=row.name,
        state=row.state,
        roles=frozenset(role for role, _ in granted),
        granted=granted,
        credentials=tuple(Credential(**one._mapping) for one in connection.execute(own)),  # noqa: SLF001 - the public name
        enrolled_at=row.enrolled_at,
        enrolled_by=row.enrolled_by,
    )


def add_operator(connection: Connection, new: Operator, person: Person) -> None:
    """Write a new operator with his roles and credentials."""
    connection.execute(
        insert(operators).values(
            name=new.name,
            state=new.state,
            enrolled_at=new.enrolled_at,
            enrolled_by=new.enrolled_by,
            names=_as_list(person.names),
            identifiers=_as_list(person.identifiers),
            failures=0,
        )
    )
    for role in sorted(new.roles, key=lambda one: one.value):
        add_grant(connection, new.name, role, by=new.enrolled_by, at=new.enrolled_at)
    for credential in new.credentials:
        add_credential(connection, replace(credential, operator=new.name))


def set_state(connection: Connection, name: str, state: OperatorState) -> None:
    """Change an operator's state."""
    connection.execute(update(operators).where(operators.c.name == name).values(state=state))


def set_failures(connection: Connection, key_id: str, failures: int, locked_until: datetime | None) -> None:
    """Write how often sign-ins by a credential failed in a row, and until when it is locked out."""
    connection.execute(
        update(credentials)
        .where(credentials.c.key_id == key_id)
        .values(failures=failures, locked_until=locked_until)
    )


def person(connection: Connection, name: str) -> Person:
    """What tells the operator from other people, with the keys that he has."""
    row = connection.execute(
        select(operators.c.names, operators.c.identifiers).where(operators.c.name == name)
    ).one()
    keys = select(credentials.c.key_id).where(credentials.c.operator == name)
    return Person(
        names=frozenset(json.loads(row.names)),
        identifiers=frozenset(json.loads(row.identifiers)),
        key_ids=frozenset(connection.execute(keys).scalars()),
    )


def set_person(connection: Connection, name: str, person: Person) -> None:
    """Write, or empty, what tells the operator from other people."""
    connection.execute(
        update(operators)
        .where(operators.c.name == name)
        .values(names=_as_list(person.names), identifiers=_as_list(person.identifiers))
    )


def _as_list(texts: Iterable[str]) -> str:
    return json.dumps(sorted(texts), ensure_ascii=False)


# Roles


def add_grant(connection: Connection, name: str, role: Role, *, by: str, at: datetime) -> None:
    """Give an operator a role."""
    connection.execute(insert(grants).values(operator=name, role=role.value, granted_at=at, granted_by=by))


def withdraw_grant(connection: Connection, name: str, role: Role, *, by: str, at: datetime) -> None:
    """Take a role from an operator."""
    connection.execute(
        update(grants)
        .where(grants.c.operator == name, grants.c.role == role.value, grants.c.withdrawn_at.is_(None))
        .values(withdrawn_at=at, withdrawn_by=by)
    )


# Credentials


def add_credential(connection: Connection, new: Credential) -> None:
    """Write a credential. Raises `IntegrityError` for a key that was ever registered."""
    connection.execute(
        insert(credentials).values({name: getattr(new, name) for name in Credential.__slots__})
    )


def credential(
    connection: Connection, *, key_id: str | None = None, handle: bytes | None = None
) -> Credential | None:
    """The credential with this key, or the passkey with this credential id; or None."""
    wanted = credentials.c.handle == handle if key_id is None else credentials.c.key_id == key_id
    row = connection.execute(select(*_CREDENTIAL).where(wanted)).one_or_none()
    return None if row is None else Credential(**row._mapping)  # noqa: SLF001 - the public name of the library


def remove_credential(connection: Connection, key_id: str, *, by: str, at: datetime) -> None:
    """Say that a credential counts no more."""
    connection.execute(
        update(credentials).where(credentials.c.key_id == key_id).values(removed_at=at, removed_by=by)
    )


def set_sign_count(connection: Connection, key_id: str, count: int) -> None:
    """Remember a passkey's counter."""
    connection.execute(update(credentials).where(credentials.c.key_id == key_id).values(sign_count=count))


def named_again(connection: Connection, *, since: datetime) -> datetime | None:
    """When the installation's owner named operators since that moment though there were some; None: not."""
    named = select(func.max(operators.c.enrolled_at)).where(
        operators.c.enrolled_by == "owner", operators.c.enrolled_at > since
    )
    last: datetime | None = connection.execute(named).scalar_one()
    first: datetime | None = connection.execute(select(func.min(operators.c.enrolled_at))).scalar_one()
    return None if last is None or first is None or last <= first else last

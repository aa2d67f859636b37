"""The tables of devices that hold subjects' keys, and of products that lost their certification.

What tells a device of a person (its number, what was looked at, the attestation) goes when the time of its
application is over; product and key stay, which tell nothing of anybody.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Column, Index, String, Table, Text, exists, func, insert, or_, select, text, update

from trustworks.core.audit.bound import bind
from trustworks.core.audit.canonical import canonical
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records import certificates
from trustworks.issuance.registration import contents
from trustworks.issuance.registration.model import DeviceEvidence

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

devices = Table(
    "device_evidence",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("application", String(32), nullable=False, index=True),
    Column("product", String(64), nullable=False),
    Column("way", String(16), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("content", Text, nullable=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String(64), nullable=False),
)
bind(devices, but=("content",))
Index("device_evidence_product", devices.c.product)

losses = Table(
    "device_losses",
    metadata,
    Column("product", String(64), primary_key=True),
    Column("lost_on", String(10), nullable=False),
    Column("why", String(1000), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String(64), nullable=False),
)
bind(losses)


class Concerned(NamedTuple):
    """A certificate whose key is in a device of a product, valid or held."""

    serial: str
    profile: str
    not_after: datetime


def add(connection: Connection, application: str, piece: DeviceEvidence) -> None:
    """Write which device holds the key of an application."""
    content = canonical(
        {
            "serial_number": piece.serial_number,
            "source": piece.source,
            "established_on": piece.established_on.isoformat(),
            "attestation": [b64encode(one).decode() for one in piece.attestation],
        }
    )
    connection.execute(
        insert(devices).values(
            id=piece.id,
            application=application,
            product=piece.product,
            way=piece.way,
            key_id=piece.key_id,
            content=content.decode(),
            recorded_at=piece.recorded_at,
            recorded_by=piece.recorded_by,
        )
    )
    contents.add(connection, "device", piece.id, application, content)


def of_application(connection: Connection, application: str) -> tuple[DeviceEvidence, ...]:
    """What was recorded for an application and is not erased, the newest last."""
    query = (
        select(devices)
        .where(devices.c.application == application, devices.c.content.is_not(None))
        .order_by(devices.c.recorded_at, devices.c.id)
    )
    return tuple(_device(row) for row in connection.execute(query))


def erase(connection: Connection, application: str) -> None:
    """Forget what tells the device of a person."""
    connection.execute(update(devices).where(devices.c.application == application).values(content=None))


def lose(connection: Connection, product: str, *, on: date, why: str, by: str, at: datetime) -> None:
    """Write that a product lost its certification."""
    connection.execute(
        insert(losses).values(
            product=product, lost_on=on.isoformat(), why=why, recorded_at=at, recorded_by=by
        )
    )


def keep_losses_out(connection: Connection) -> None:
    """Let nobody record that a product was lost until this transaction ends; wait for who is about to.

    So a loss is either seen by what is read after this, or finds what this transaction writes. SQLite has one
    writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE device_losses IN SHARE MODE"))  # several may issue at once


def lost(connection: Connection) -> dict[str, date]:
    """The products that lost their certification, and on which day."""
    return {row.product: date.fromisoformat(row.lost_on) for row in connection.execute(select(losses))}


def concerned(connection: Connection, product: str, now: datetime) -> list[Concerned]:
    """The certificates of keys in devices of a product that are neither revoked for good nor at their end.

    Held ones are among them; by their ends, the last first.
    """
    query = (
        _valid(now, certificates.c.serial, certificates.c.profile, certificates.c.not_after)
        .where(devices.c.product == product)
        .distinct()
        .order_by(certificates.c.not_after.desc(), certificates.c.serial)
    )
    return [Concerned(row.serial, row.profile, row.not_after) for row in connection.execute(query)]


def standing(connection: Connection, now: datetime) -> dict[str, int]:
    """How many certificates of `concerned` each product has, by name; none of a product that has none."""
    number = func.count(certificates.c.serial.distinct())
    query = _valid(now, devices.c.product, number).group_by(devices.c.product).order_by(devices.c.product)
    return {row[0]: row[1] for row in connection.execute(query)}


def recorded(connection: Connection) -> frozenset[str]:
    """The products that devices were recorded of."""
    return frozenset(connection.execute(select(devices.c.product).distinct()).scalars())


def _valid(now: datetime, *columns: ColumnElement[Any]) -> Select[Any]:
    """These columns of certificates of keys in devices, neither revoked for good nor at their end."""
    from trustworks.issuance.registration.records import applications  # noqa: PLC0415 - it has these in it

    newer = devices.alias()
    return (
        select(*columns)
        .select_from(
            devices.join(applications, applications.c.id == devices.c.application).join(
                certificates, certificates.c.serial == applications.c.serial
            )
        )
        .where(
            certificates.c.state == "issued",
            certificates.c.not_after >= now,
            or_(
                certificates.c.revoked_at.is_(None),
                certificates.c.revocation_reason == RevocationReason.certificateHold.value,
            ),
            ~exists().where(  # what was recorded last is what was decided on
                newer.c.application == devices.c.application, newer.c.recorded_at > devices.c.recorded_at
            ),
        )
    )


def _device(row: Any) -> DeviceEvidence:
    content: dict[str, Any] = json.loads(row.content)
    return DeviceEvidence(
        id=row.id,
        product=row.product,
        way=row.way,
        key_id=row.key_id,
        serial_number=content["serial_number"],
        source=content["source"],
        established_on=date.fromisoformat(content["established_on"]),
        attestation=tuple(b64decode(one) for one in content["attestation"]),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )

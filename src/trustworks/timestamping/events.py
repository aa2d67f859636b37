"""What the audit log and the record of tokens are told.

Events have no personal data: no client, no imprint. The imprint is in the record of tokens alone; the event
of a token has the SHA-256 of its TSTInfo and of the record's values, which tie the three together.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from trustworks.core.audit import Event, Row
from trustworks.core.audit.rows import row_digest
from trustworks.core.errors import Refused
from trustworks.core.trace import implements
from trustworks.timestamping import records

if TYPE_CHECKING:
    from trustworks.core.time import TimeEvidence
    from trustworks.timestamping.model import Content, IssuedBy
    from trustworks.timestamping.unit import Unit

ACTOR = "timestamping"


@implements(
    "EN319421:OVR-7.13-05",
    disabled=lambda rule, content, by, tst_info, evidence, signed: rule(
        content, by, tst_info, evidence._replace(lease="", sources=()), signed
    ),
)
def issued(
    content: Content, by: IssuedBy, tst_info: bytes, evidence: TimeEvidence, signed: datetime
) -> tuple[Event, Row]:
    """The event and the record of a token that was signed at `signed`."""
    serial = f"{content.serial:x}"
    digest = sha256(tst_info).digest()
    values = {
        "serial": serial,
        "unit": by.unit,
        "policy": content.policy,
        "qualified": content.qualified,
        "imprint_hash": by.imprint_hash,
        "imprint": content.digest,
        "gen_time": content.gen_time,
        "tst_info": digest,
        "clock_mode": evidence.mode,
        "clock_lease": evidence.lease,
        "clock_sources": " ".join(evidence.sources),
        "clock_bound_us": evidence.bound_us,
        "clock_leap": evidence.leap_state,
        "stream": by.stream,
    }
    event = Event(
        type="timestamp.issued",
        outcome="success",
        actor=ACTOR,
        subject={"serial": serial, "unit": by.unit},
        detail={"row": row_digest(list(values.values())).hex(), "tst_info": digest.hex()},
        time=signed,
    )
    return event, Row(records.tokens, values)


@implements(
    "EN319421:OVR-7.12-02",
    "EN319421:OVR-7.12-03",
    disabled=lambda rule, *given: replace(rule(*given), detail={}),
)
def opened(unit: Unit, accuracy_us: int, clock_mode: str) -> Event:
    """A key with its certificate is taken into use (EN 319 421, 7.12)."""
    return Event(
        type="timestamp.unit-opened",
        outcome="success",
        actor=ACTOR,
        subject={"unit": unit.name, "key": unit.key.label},
        detail={
            "spki_sha256": unit.key.spki_sha256.hex(),
            "certificate_sha256": sha256(unit.identity.certificate).hexdigest(),
            "certificate_serial": f"{unit.identity.serial:x}",
            "scheme": unit.scheme.name,
            "key_ends": text(unit.key_ends),
            "policies": list(unit.terms.policies),
            "accuracy_us": accuracy_us,
            "qualified": unit.qualified,
            "clock_mode": clock_mode,
        },
        time=datetime.now(UTC),
    )


def refused(unit: str, key: str, error: Exception) -> Event:
    """A unit is not taken into use: it breaks a requirement, or its key or a file of it cannot be had.

    `key` is the key's label.
    """
    return Event(
        type="timestamp.unit-refused",
        outcome="refused",
        actor=ACTOR,
        subject={"unit": unit, "key": key},
        detail={"requirement": code_of(error), "reason": str(error)},
        time=datetime.now(UTC),
    )


def stopped(unit: str, code: str, error: Exception) -> Event:
    """A unit cannot issue for now."""
    return Event(
        type="timestamp.stopped",
        outcome="refused",
        actor=ACTOR,
        subject={"unit": unit},
        detail={"code": code, "reason": str(error)},
        time=datetime.now(UTC),
    )


def resumed(unit: str, code: str) -> Event:
    """A unit issues again."""
    return Event(
        type="timestamp.resumed",
        outcome="success",
        actor=ACTOR,
        subject={"unit": unit},
        detail={"code": code},
        time=datetime.now(UTC),
    )


def code_of(error: Exception) -> str:
    """The code that names what went wrong: the family's own, the requirement, or the kind of a fault."""
    if isinstance(error, Refused):
        return error.requirement
    return str(getattr(error, "code", "")) or type(error).__name__


def text(moment: datetime) -> str:
    """The moment in UTC to the second, as RFC 3339 writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

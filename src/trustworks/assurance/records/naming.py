"""How an entry of the register is named, and what differs between two versions of it."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import Binding, Certificate, Headcount, Product, ProviderPaper, Transfer
from trustworks.assurance.records.encoding import encode

if TYPE_CHECKING:
    from trustworks.assurance.model import Entry
    from trustworks.core.audit.canonical import JSON

_SHOWN: Final = 300  # characters of a value in an event


def identify(entry: Entry) -> str:
    """The id of an entry in the register: the same thing said again has the same."""
    if isinstance(entry, Product | Certificate):
        return entry.id
    if isinstance(entry, Binding):
        return f"{entry.service}/{entry.process}/{entry.product}"
    if isinstance(entry, Headcount):
        return f"{entry.product}/{entry.act}"
    if isinstance(entry, ProviderPaper):
        return f"{entry.kind}/{hashlib.sha256(entry.title.casefold().encode()).hexdigest()[:12]}"
    digest = hashlib.sha256(encode(entry).encode()).hexdigest()[:16]
    about = entry.source if isinstance(entry, Transfer) else entry.product
    return f"{about}/{digest}"


def differences(before: Entry | None, after: Entry) -> tuple[JSON, ...]:
    """What differs between two versions, field by field, in a form for the audit log."""
    found: list[JSON] = []
    for one in fields(after):
        old, new = (None if before is None else getattr(before, one.name)), getattr(after, one.name)
        if old != new and not (before is None and new in (None, "", ())):
            found.append({"field": one.name, "before": _told(old), "after": _told(new)})
    return tuple(found)


def _told(value: object) -> JSON:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return [one[:_SHOWN] for one in value]
    if isinstance(value, str):
        return value[:_SHOWN]
    # Facts and identities: their digest; the entry's versions have them whole.
    return hashlib.sha256(repr(value).encode()).hexdigest()

"""Whether a file lets itself be signed as somebody wants: what earlier signatures and its fields say.

Source: ISO 32000-2, 12.8.2.2 (DocMDP), 12.8.2.4 (FieldMDP), 12.7.5.5 (seed values).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.pades.fields import dictionaries, field_names, signature_fields, text_of
from trustworks.formats.pades.permissions import NOTHING, permissions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.pades.creating.wanted import Lock
    from trustworks.formats.pades.fields import SignatureField
    from trustworks.formats.pades.permissions import Locked
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

_BY_BIT: Final = ("Filter", "SubFilter", "V", "Reasons", "LegalAttestation", "AddRevInfo", "DigestMethod")
"""What each bit of the seed value's Ff makes mandatory, from the first bit on (table 237)."""
_MOST_NAMED: Final = 10
"""Fields that a refusal names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the signatures of a file permit. `signed`: it has any; `level` the lowest P of all."""

    signed: bool
    level: int | None
    locked: tuple[Locked, ...]


def earlier(view: View) -> Earlier:
    """What the signatures of a file, as it is, permit to be done to it."""
    fields = signature_fields(view)
    said = [permissions_of(view, one, fields) for one in dictionaries(view)]
    return Earlier(
        signed=bool(said),
        level=min((one.level for one in said if one.level is not None), default=None),
        locked=tuple(lock for one in said for lock in one.locked),
    )


@implements("ISO32000-2:12.8.2.2-FIRST")
def certifies_first(found: Earlier, certify: int | None) -> None:
    """Refuses to certify what is signed already: a certification is the first signature of a document."""
    if certify is not None and found.signed:
        raise Rejected(
            "pdf.certify",
            "The PDF is signed already, and only its first signature can certify it. Sign it without.",
        )


@implements("ISO32000-2:12.8.2.2-CLOSED")
def is_open(found: Earlier) -> None:
    """Refuses to sign what a certification has closed: its P lets nothing be added but validation data."""
    if found.level == NOTHING:
        raise Rejected(
            "pdf.certified",
            "The PDF is certified so that no signature may follow. Only validation data and document "
            "time-stamps can be added.",
        )


@implements("TRUSTWORKS:PDF-PLACEHOLDER")
def has_no_placeholder(view: View) -> None:
    """Refuses a file in which a signature was begun whose value never came: it would stay broken for ever.

    Whoever began it can still put the value in, and could not once something follows.
    """
    for one in dictionaries(view):
        contents = view.get(one.entries.get("Contents"))
        if isinstance(contents, bytes) and not contents.strip(b"\0"):
            named = ", ".join(one.fields) or "a signature without a field"
            raise Rejected(
                "pdf.placeholder",
                f"The PDF has a placeholder ({named:.100}): a signature was begun in it and never completed. "
                "Complete that one first, or sign the document as it was before.",
            )


@implements("ISO32000-2:12.8.2.4-OPEN")
def is_unlocked(found: Earlier, name: str | None) -> None:
    """Refuses a field that an earlier signature has locked, a new one too where it has locked all of them."""
    if name is not None and any(lock.holds(name) for lock in found.locked):
        raise Rejected(
            "pdf.field-locked",
            f"The field {name!r:.100} was locked by an earlier signature. Give another one, unless "
            "all are locked: then nobody may sign.",
        )


@implements("TRUSTWORKS:PDF-LOCK-KNOWN")
def locks_what_is_there(view: View, lock: Lock, own: str) -> None:
    """Refuses a lock that names a field which the PDF has not: it would hold nothing, or all but nothing.

    `own` is the field of the signature itself, which may be a new one.
    """
    missing = dict.fromkeys(lock.fields)
    missing.pop(own, None)
    others: dict[str, None] = {}
    more = False
    for name in field_names(view) if missing else ():
        missing.pop(name, None)
        if len(others) < _MOST_NAMED:
            others[name] = None
        else:
            more = more or name not in others
    if missing:
        there = ", ".join(f"{one!r:.60}" for one in others)
        has = f"It has {there}{' and others' if more else ''}" if others else "It has none"
        raise Rejected(
            "pdf.lock-unknown",
            f"A field {next(iter(missing))!r:.100} is to be locked or left open, and the PDF has no such "
            f"field. {has}. Name one that is there, or lock all.",
        )


@implements("ISO32000-2:12.7.5.5-SEED")
def meets_seed(view: View, field: SignatureField, offered: dict[str, str | None]) -> None:
    """Refuses a field whose seed values demand what the signature would not have.

    `offered` has what it will have by the name of the entry. What is demanded and is none of those is not
    looked into: the signature would have it by chance alone.
    """
    seed = view.entries(field.entries.get("SV"))
    flags = view.get(seed.get("Ff"))
    for bit, key in enumerate(_BY_BIT):
        if not isinstance(flags, int) or not flags >> bit & 1 or key not in seed:
            continue
        has = offered.get(key)
        if has is None or has not in _texts(view, seed[key]):
            raise Rejected(
                "pdf.seed-value",
                f"The field {field.name!r:.100} demands a signature with another {key}. Sign another field.",
            )


def _texts(view: View, value: Object) -> Sequence[str]:
    """One or several names or texts as texts."""
    found = view.get(value)
    items = [view.get(one) for one in found] if isinstance(found, list) else [found]
    return [text_of(one) if isinstance(one, bytes) else one for one in items if isinstance(one, bytes | str)]

"""What a document's signatures permit to be changed after them (ISO 32000-2, 12.8.2, 12.7.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.formats.pades.fields import text_of
from trustworks.formats.pades.syntax import Ref

if TYPE_CHECKING:
    from trustworks.formats.pades.fields import SignatureDictionary, SignatureField
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

NOTHING: Final = 1
"""P of DocMDP: no changes but those of long-term validation (ISO 32000-2, table 257)."""
FORMS: Final = 2
"""Forms may be filled in and signed."""
ANNOTATIONS: Final = 3
"""As `FORMS`, and annotations may be made, changed and deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """Which fields must keep their values: all, those that are named, or all but those."""

    action: str
    fields: frozenset[str] = frozenset()

    def holds(self, name: str) -> bool:
        """Whether the field of a full name is locked; naming a field names what is below it."""
        named = any(name == one or name.startswith(f"{one}.") for one in self.fields)
        match self.action:
            case "Include":
                return named
            case "Exclude":
                return not named
            case _:
                return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What one signature says: the P of DocMDP, None where it certifies nothing; fields that it locks."""

    level: int | None = None
    certifies: bool = False
    locked: tuple[Locked, ...] = ()


def permissions_of(
    view: View, dictionary: SignatureDictionary, fields: tuple[SignatureField, ...]
) -> Permissions:
    """What the references and the field of a signature dictionary permit, in the revision that it signs."""
    levels: list[int] = []
    locked: list[Locked] = []
    certifies = False
    for one in view.items(dictionary.entries.get("Reference"))[:64]:
        reference = view.entries(one)
        parameters = view.entries(reference.get("TransformParams"))
        match view.get(reference.get("TransformMethod")):
            case "DocMDP":
                certifies = True
                levels.append(_level(view.get(parameters.get("P"))))
            case "FieldMDP":
                locked += _locked(view, parameters)
            case _:
                pass
    for one_field in fields:
        if one_field.name in dictionary.fields and "Lock" in one_field.entries:
            lock = view.entries(one_field.entries["Lock"])
            locked += _locked(view, lock)
            if "P" in lock:
                levels.append(_level(view.get(lock["P"])))
    return Permissions(
        level=min(levels) if levels else None,
        certifies=certifies or _is_in_permissions(view, dictionary),
        locked=tuple(dict.fromkeys(locked)),
    )


def _level(value: Object) -> int:
    """The P of a dictionary; absent or strange it is 2, as the standard says of the absent one."""
    return value if isinstance(value, int) and value in {NOTHING, FORMS, ANNOTATIONS} else FORMS


def _locked(view: View, entries: dict[str, Object]) -> list[Locked]:
    action = view.get(entries.get("Action"))
    if not isinstance(action, str) or action not in {"All", "Include", "Exclude"}:
        return []
    names = (view.get(one) for one in view.items(entries.get("Fields"))[:10_000])
    return [Locked(action=action, fields=frozenset(text_of(one) for one in names if isinstance(one, bytes)))]


def _is_in_permissions(view: View, dictionary: SignatureDictionary) -> bool:
    """Whether the catalogue's permissions name this signature as the one that certifies (Perms, DocMDP)."""
    named = view.entries(view.root.get("Perms")).get("DocMDP")
    return (
        isinstance(named, Ref)
        and dictionary.reference is not None
        and named.number == dictionary.reference.number
    )

"""Whether what was changed after a signature is what the document permits (ISO 32000-2, 12.8.2).

Each difference between the signed revision and the last one has a kind. What long-term validation adds is
always right; filling in forms and signing, and annotating, are right up to the level that the signatures
permit; whatever else differs is no change that a signer expects. Attacks on PDF signatures that need an
update (incremental saving, shadow documents, evil annotations) are differences of the last two kinds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.differences import Difference, Role
from trustworks.formats.pades.fields import full_name
from trustworks.formats.pades.permissions import ANNOTATIONS, FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.formats.pades.differences import Comparison
    from trustworks.formats.pades.permissions import Locked
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View


class Kind(StrEnum):
    """What a difference is, in the order of what a document permits."""

    EXTENSION = "extension"
    """The security store, document time-stamps, and what a program writes of itself: metadata, extensions."""
    FORM = "form"
    """A field filled in, a signature made."""
    ANNOTATION = "annotation"
    UNDEFINED = "undefined"
    """What no permission covers."""


_FILLED: Final = frozenset({"V", "AS", "AP", "M", "RV", "I", "MK", "DA", "Q"})
_FORM_KEYS: Final = frozenset({"SigFlags", "DA", "DR", "NeedAppearances", "XFA", "CO", "Q"})
_CATALOGUE_KEYS: Final = frozenset({"AcroForm", "DSS", "Extensions", "Metadata", "Version", "Perms", "Type"})
_SHOWN: Final = 5


def kind_of(difference: Difference, old: View, new: View) -> Kind:
    """The kind of one difference."""
    judged = _BY_ROLE.get(difference.role)
    return Kind.UNDEFINED if judged is None else judged(difference, old, new)


def _extension(difference: Difference, old: View, new: View) -> Kind:
    """What validation data, metadata and declared extensions change, shows nothing else."""
    del difference, old, new
    return Kind.EXTENSION


def _form(difference: Difference, old: View, new: View) -> Kind:
    del old, new
    return Kind.FORM if difference.key in _FORM_KEYS else Kind.UNDEFINED


def _made_annotation(difference: Difference, old: View, new: View) -> Kind:
    del difference, old, new
    return Kind.ANNOTATION


def _filled(difference: Difference, old: View, new: View) -> Kind:
    """A signature dictionary stays as it is; what else a value may be is for who fills in the form."""
    holder = difference.holder or {}
    if difference.role is Role.VALUE and "ByteRange" in holder and "Contents" in holder:
        return Kind.UNDEFINED
    if difference.role is Role.PERMISSIONS and difference.before is not None:
        return Kind.UNDEFINED
    del old, new
    return Kind.FORM


def _catalogue(difference: Difference, old: View, new: View) -> Kind:
    del old
    if difference.key not in _CATALOGUE_KEYS or difference.after is None:
        return Kind.UNDEFINED
    if difference.key == "AcroForm":
        fields = new.items(new.entries(difference.after).get("Fields"))
        return _most(_new_field(new, one) for one in fields)
    return Kind.FORM if difference.key == "Perms" else Kind.EXTENSION


def _fields(difference: Difference, old: View, new: View) -> Kind:
    """A field was added to the form or taken from it."""
    del old
    return Kind.UNDEFINED if difference.after is None else _new_field(new, difference.after)


def _new_field(new: View, value: Object) -> Kind:
    """New fields are for signatures; one that holds a document time-stamp is long-term validation's."""
    entries = new.entries(value)
    if new.get(entries.get("FT")) != "Sig":
        return Kind.UNDEFINED
    return Kind.EXTENSION if is_time_stamp(new, entries.get("V")) else Kind.FORM


def _field(difference: Difference, old: View, new: View) -> Kind:
    holder, held = difference.holder or {}, difference.held or {}
    is_signature = "Sig" in {old.get(holder.get("FT")), new.get(held.get("FT"))}
    if is_signature and difference.key == "V":
        if difference.before is not None and old.get(difference.before) is not None:
            return Kind.UNDEFINED
        return Kind.EXTENSION if is_time_stamp(new, difference.after) else Kind.FORM
    if is_signature and old.entries(holder.get("V")):
        # A field that is signed already shows what it showed.
        return Kind.UNDEFINED
    if difference.key == "Ff" and isinstance(difference.after, int):
        was = difference.before if isinstance(difference.before, int) else 0
        # Programs set "read only" in fields that a signature locks.
        return Kind.FORM if difference.after == was | 1 else Kind.UNDEFINED
    if difference.key == "F" and is_signature:
        return Kind.FORM
    return Kind.FORM if difference.key in _FILLED else Kind.UNDEFINED


def _page(difference: Difference, old: View, new: View) -> Kind:
    """A page's entry came, went or changed: annotations may come, and tabs are no content."""
    if difference.key == "Annots":
        gone = [_annotation(old, one, new) for one in old.items(difference.before)]
        come = [_annotation(new, one, new) for one in new.items(difference.after)]
        return _most([*gone, *come])
    return (
        Kind.EXTENSION if difference.key in {"Tabs", "Type", "LastModified", "PieceInfo"} else Kind.UNDEFINED
    )


def _annotations(difference: Difference, old: View, new: View) -> Kind:
    """An annotation was put on a page or taken off it."""
    if difference.after is None:
        kind = _annotation(old, difference.before, new)
        return Kind.ANNOTATION if kind is Kind.ANNOTATION else Kind.UNDEFINED
    return _annotation(new, difference.after, new)


def _annotation(view: View, value: Object, new: View) -> Kind:
    entries = view.entries(value)
    if view.get(entries.get("Subtype")) != "Widget":
        return Kind.ANNOTATION
    holder = entries if "FT" in entries else {**view.entries(entries.get("Parent")), **entries}
    if view.get(holder.get("FT")) != "Sig":
        return Kind.UNDEFINED
    return Kind.EXTENSION if is_time_stamp(new, holder.get("V")) else Kind.FORM


_BY_ROLE: Final = {
    Role.STORE: _extension,
    Role.METADATA: _extension,
    Role.EXTENSIONS: _extension,
    Role.STRUCTURE: _filled,
    Role.VALUE: _filled,
    Role.APPEARANCE: _filled,
    Role.PERMISSIONS: _filled,
    Role.CATALOGUE: _catalogue,
    Role.FORM: _form,
    Role.FIELDS: _fields,
    Role.FIELD: _field,
    Role.PAGE: _page,
    Role.ANNOTATIONS: _annotations,
    Role.ANNOTATION: _made_annotation,
}
"""Roles without an entry (the page tree, content) may not change."""


def is_time_stamp(view: View, value: Object) -> bool:
    """Whether the value of a signature field is a document time-stamp."""
    return view.get(view.entries(value).get("SubFilter")) == "ETSI.RFC3161"


def _most(kinds: Iterable[Kind]) -> Kind:
    order = list(Kind)
    return max(kinds, key=order.index, default=Kind.EXTENSION)


def judge(
    comparison: Comparison, old: View, new: View, level: int | None, locked: Sequence[Locked]
) -> tuple[Finding, ...]:
    """Findings about all differences after a signature, in the order of their weight.

    `level` is what the document permits (P of DocMDP), None where no signature says. `locked` are the fields
    whose values may not change.
    """
    by_kind: dict[Kind, list[Difference]] = {}
    for one in comparison.differences:
        by_kind.setdefault(kind_of(one, old, new), []).append(one)
    forms, annotations = by_kind.get(Kind.FORM, []), by_kind.get(Kind.ANNOTATION, [])
    return (
        *pages_stay(comparison.pages),
        *nothing_undefined(by_kind.get(Kind.UNDEFINED, []), cut_off=comparison.cut_off),
        *within_permission(forms, annotations, level),
        *annotated_where_permitted(annotations, level),
        *locked_fields_stay(
            [one for one in forms if one.role is Role.FIELD and one.key in {"V", "RV", "AS"}], old, locked
        ),
        *_told(by_kind, level),
    )


@implements("ISO32000-2:12.8.2.2-PAGES", disabled=())
def pages_stay(pages: tuple[int, int]) -> tuple[Finding, ...]:
    """Refuses a document that has not as many pages as the signer saw."""
    before, after = pages
    if before == after:
        return ()
    return (
        Finding(
            code="pades.page-count",
            text=f"The signed revision has {before} pages and the file {after}: pages were added or removed "
            "after the signature. Look at the signed revision.",
            weight=Weight.FATAL,
            requirement="ISO32000-2:12.8.2.2-PAGES",
        ),
    )


@implements("ISO32000-2:12.8.2.2-UNDEFINED", disabled=())
def nothing_undefined(differences: Sequence[Difference], *, cut_off: bool) -> tuple[Finding, ...]:
    """Objects to changes that are neither long-term validation, form, signature nor annotation."""
    if not differences and not cut_off:
        return ()
    return (
        Finding(
            code="pades.undefined-change",
            text=f"After the signature the document was changed where no permission allows it: "
            f"{_listed(differences)}. Compare the signed revision with the file.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.2.2-UNDEFINED",
        ),
    )


@implements("ISO32000-2:12.8.2.2-DOCMDP", disabled=())
def within_permission(
    forms: Sequence[Difference], annotations: Sequence[Difference], level: int | None
) -> tuple[Finding, ...]:
    """Objects to forms filled in, signatures or annotations that the document's certification forbids."""
    forbidden = [
        *(forms if level is not None and level < FORMS else ()),
        *(annotations if level is not None and level < ANNOTATIONS else ()),
    ]
    if not forbidden:
        return ()
    return (
        Finding(
            code="pades.doc-mdp",
            text=f"The document permits changes of level {level} only, and was changed otherwise after the "
            f"signature: {_listed(forbidden)}.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.2.2-DOCMDP",
        ),
    )


@implements("ISO32000-2:12.8.2.2-ANNOTATIONS", disabled=())
def annotated_where_permitted(annotations: Sequence[Difference], level: int | None) -> tuple[Finding, ...]:
    """Objects to annotations in a document that no signature says may be annotated.

    An annotation is painted over the page and can hide what was signed. Forms may be filled in and signed
    without a certification, as other validators have it (pyHanko's default rules).
    """
    if not annotations or level is not None:
        return ()
    return (
        Finding(
            code="pades.annotated-unpermitted",
            text="Annotations were made, changed or removed after the signature, which no signature permits: "
            f"{_listed(annotations)}. Compare the signed revision with the file.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.2.2-ANNOTATIONS",
        ),
    )


@implements("ISO32000-2:12.8.2.4-FIELDMDP", disabled=())
def locked_fields_stay(
    changed: Sequence[Difference], old: View, locked: Sequence[Locked]
) -> tuple[Finding, ...]:
    """Objects to another value in a field that the signature locks."""
    changed_names = {full_name(old, one.holder or {}) for one in changed}
    names = sorted(name for name in changed_names if any(lock.holds(name) for lock in locked))
    if not names:
        return ()
    return (
        Finding(
            code="pades.field-mdp",
            text=f"Fields that the signature locks were changed after it: {', '.join(names[:_SHOWN])}.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.2.4-FIELDMDP",
        ),
    )


def _told(by_kind: dict[Kind, list[Difference]], level: int | None) -> tuple[Finding, ...]:
    """What was changed and is permitted, so that a reader knows of it."""
    texts = {
        Kind.EXTENSION: ("pades.extended", "Validation data, time-stamps or metadata were added"),
        Kind.FORM: ("pades.form-changed", "The form was filled in or signed"),
        Kind.ANNOTATION: ("pades.annotated", "Annotations were made, changed or removed"),
    }
    return tuple(
        Finding(code=code, text=f"{text} after the signature: {_listed(by_kind[kind])}.", weight=Weight.NOTE)
        for kind, (code, text) in texts.items()
        if by_kind.get(kind) and (kind is not Kind.ANNOTATION or level == ANNOTATIONS)
    )


def _listed(differences: Sequence[Difference]) -> str:
    shown = ", ".join(dict.fromkeys(str(one) for one in differences[:_SHOWN]))
    more = len(differences) - _SHOWN
    return (shown or "too much to list") + (f" and {more} more" if more > 0 else "")

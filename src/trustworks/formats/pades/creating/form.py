"""Puts a signature field into the form and onto a page, or finds the empty one that is there.

Source: ISO 32000-2, 12.7.3, 12.7.5.5 and 12.5.6.19.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.formats.pades.creating.archival import archival_of, must_appear
from trustworks.formats.pades.creating.drawing import drawn
from trustworks.formats.pades.creating.encryption import may_sign
from trustworks.formats.pades.creating.look import Shown
from trustworks.formats.pades.creating.pages import (
    located,
    page_at,
    page_with,
    quarter,
    seen_box,
    shown_size,
)
from trustworks.formats.pades.creating.tags import is_tagged, put_tag
from trustworks.formats.pades.creating.wanted import Appearance, Widget
from trustworks.formats.pades.creating.written import NewStream, text
from trustworks.formats.pades.fields import form_of, signature_fields, text_of
from trustworks.formats.pades.overlaps import are_over, box_of
from trustworks.formats.pades.syntax import Name, Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.pades.creating.archival import Archival
    from trustworks.formats.pades.creating.look import Place
    from trustworks.formats.pades.creating.pages import Box, Page
    from trustworks.formats.pades.creating.update import Update
    from trustworks.formats.pades.fields import SignatureField
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

_SIGNED: Final = 3
"""SigFlags: there are signatures, and the file may only be appended to (12.7.3)."""
_SHOWN: Final = 132
"""Flags of the annotation: printed, and not to be moved."""
_MOST_LOOKED_AT: Final = 2_000
"""Annotations of a page that are looked at, as readers do."""
_NOWHERE: Final = (0, 0, 0, 0)
_NOTHING: Final = Appearance(content=b"", box=_NOWHERE)
"""What an invisible field shows: PDF/A-1 asks every field to say it."""

Shape: TypeAlias = Widget | Shown


def put_field(
    update: Update, name: str | None, value: Ref, wanted: Shape | None, said: str, *, signed: bool
) -> tuple[str, Ref]:
    """A signature field with a value: its full name and its reference.

    `said` is what is read out of a tagged document where nothing else is. `signed`: the file has signatures,
    which others judge by what comes after them.

    Raises:
        Rejected: ``pdf.field-signed``, ``pdf.field-name``, ``pdf.page``: that field cannot be signed;
            ``pdf.widget``, ``pdf.place`` and what `drawn` raises: it cannot be shown so.
        Malformed: the form or the pages of the file cannot be followed.
    """
    fields = signature_fields(update.view)
    form = update.inside(update.catalogue(), "AcroForm", dict)
    flags = form.get("SigFlags")
    form["SigFlags"] = (flags if isinstance(flags, int) else 0) | _SIGNED
    existing = [one for one in fields if one.name == name]
    if update.encryption is not None:
        may_sign(update.encryption, new_field=not existing)
    if existing:
        return existing[0].name, _fill(update, existing[0], value, wanted, signed=signed)
    taken = _names(update.view)
    if name is None:
        number = next(number for number in range(1, len(taken) + 2) if f"Signature{number}" not in taken)
        name = f"Signature{number}"
    elif not name or "." in name or name in taken:
        raise Rejected(
            "pdf.field-name",
            f"The field {name!r:.100} is no signature field, or its name is none for a new field, which has "
            "no point in it. Give another name, or none.",
        )
    return name, _make(update, form, name, value, wanted, said, signed=signed)


def _names(view: View) -> set[str]:
    """Names that a new field cannot have: those of all fields at the top of the form."""
    found: set[str] = set()
    for one in view.items(form_of(view).get("Fields")):
        view.document.work()
        partial = view.get(view.entries(one).get("T"))
        if isinstance(partial, bytes):
            found.add(text_of(partial))
    return found


@implements("ISO32000-2:12.7.5.5-EMPTY")
def is_empty(field: SignatureField, value: Object) -> None:
    """A field that has a value is signed already, and another value would take that signature out."""
    if value is not None:
        raise Rejected(
            "pdf.field-signed", f"The field {field.name!r:.100} is signed. Give another one, or none."
        )


def _fill(update: Update, field: SignatureField, value: Ref, wanted: Shape | None, *, signed: bool) -> Ref:
    is_empty(field, update.view.get(field.value))
    entries = None if field.reference is None else update.edit(field.reference, dict)
    if field.reference is None or entries is None:
        raise Malformed(f"The field {field.name!r:.100} is no object by itself, as fields of a form must be.")
    entries["V"] = value
    if wanted is not None:
        reference, shown = _widget_of(update, field, entries)
        widget = wanted if isinstance(wanted, Widget) else _in_field(update, reference, shown, wanted)
        appearance, alternative = widget.appearance, widget.alternative
        if signed and alternative is not None:
            # The field was signed by others: its name for people is not a thing that filling in may change.
            appearance, alternative = read_out(appearance, alternative), None
        shown["AP"] = {"N": _appearance(update, appearance)}
        if alternative is not None:
            entries["TU"] = text(alternative)
    return field.reference


@implements("ISO32000-2:14.9.3-APPEARANCE", disabled=lambda appearance, alternative: appearance)  # noqa: ARG005
def read_out(appearance: Appearance, alternative: str) -> Appearance:
    """An appearance that says by itself what is read out in its place."""
    said = f"/Span <</Alt <{text(alternative).hex()}>>> BDC\n".encode()
    return replace(appearance, content=said + appearance.content + b"\nEMC")


def _widget_of(
    update: Update, field: SignatureField, entries: dict[str, Object]
) -> tuple[Ref, dict[str, Object]]:
    """The widget of an existing field: the field itself, or the only one below it."""
    assert field.reference is not None  # noqa: S101 - by the caller
    if entries.get("Subtype") == "Widget":
        return field.reference, entries
    kids = update.view.items(entries.get("Kids"))
    found = update.edit(kids[0], dict) if len(kids) == 1 and isinstance(kids[0], Ref) else None
    if found is None or not isinstance(kids[0], Ref):
        raise Rejected(
            "pdf.widget", f"The field {field.name!r:.100} has not one place where it is shown. Sign without."
        )
    return kids[0], found


def _in_field(update: Update, reference: Ref, shown: dict[str, Object], wanted: Shown) -> Widget:
    """A look in the rectangle that an existing field has."""
    if wanted.place is not None:
        raise Rejected(
            "pdf.place", "The field to be signed has its place already. Give no other, or another field."
        )
    view = update.view
    page = page_with(view, reference, shown.get("P"))
    size = shown_size(view, page, shown.get("Rect"))
    return Widget(
        page=1,
        rectangle=_NOWHERE,
        appearance=drawn(wanted.look, size, archival_of(view), quarter(view, page)),
        alternative=wanted.read_out,
    )


def _make(  # noqa: PLR0917 - what a field is made of
    update: Update,
    form: dict[str, Object],
    name: str,
    value: Ref,
    wanted: Shape | None,
    said: str,
    *,
    signed: bool,
) -> Ref:
    view = update.view
    if isinstance(wanted, Shown) and wanted.place is None:
        raise Rejected(
            "pdf.place", "A new field needs a place where it is shown. Give a page and a rectangle on it."
        )
    number = (
        1
        if wanted is None
        else wanted.page
        if isinstance(wanted, Widget)
        else cast("Place", wanted.place).page
    )
    found = page_at(view, number)
    archival = archival_of(view)
    widget = wanted if not isinstance(wanted, Shown) else _on_page(view, found, wanted, archival)
    page = update.edit(found.reference, dict)
    if page is None:
        raise Malformed(f"Page {number} of the PDF cannot be read again.")
    rectangle = _NOWHERE if widget is None else widget.rectangle
    if signed and isinstance(wanted, Shown):
        lies_free(wanted, rectangle, _boxes(view, found))
    alternative = None if widget is None else widget.alternative
    tagged = is_tagged(view)
    if tagged:
        alternative = alternative or said
    if tagged and signed and widget is None:
        # Readers take a change of the structure for one of the document: what is not on the page needs none.
        left, bottom, _, _ = seen_box(view, found)
        rectangle = (left - 1, bottom - 1, left - 1, bottom - 1)
    entries: dict[str, Object] = {
        "Type": Name("Annot"),
        "Subtype": Name("Widget"),
        "FT": Name("Sig"),
        "T": text(name),
        "V": value,
        "F": _SHOWN,
        "P": found.reference,
        "Rect": list(rectangle),
    }
    if widget is not None:
        entries["AP"] = {"N": _appearance(update, widget.appearance)}
    elif must_appear(archival.part):
        entries["AP"] = {"N": _appearance(update, _NOTHING)}
    made = update.add(entries)
    if tagged and not signed:
        entries["StructParent"] = put_tag(update, made, found.reference, alternative or said)
        page.setdefault("Tabs", Name("S"))
    if alternative is not None:
        entries["TU"] = text(alternative)
    update.inside(form, "Fields", list).append(made)
    update.inside(page, "Annots", list).append(made)
    return made


def _on_page(view: View, page: Page, wanted: Shown, archival: Archival) -> Widget:
    """A look where a person wants it."""
    place = cast("Place", wanted.place)
    box = located(view, page, place)
    return Widget(
        page=place.page,
        rectangle=box,
        appearance=drawn(wanted.look, place.rectangle[2:], archival, quarter(view, page)),
        alternative=wanted.read_out,
    )


def _boxes(view: View, page: Page) -> list[Box]:
    """The rectangles of what stands on a page already."""
    found = (box_of(view, one) for one in view.items(page.entries.get("Annots"))[:_MOST_LOOKED_AT])
    return [one for one in found if one is not None]


@implements("ISO32000-2:12.5.2-FREE")
def lies_free(wanted: Shown, rectangle: Box, taken: Sequence[Box]) -> None:
    """Refuses to put a signature over what stands on a page that is signed already, and hide it."""
    if any(are_over(rectangle, one) for one in taken):
        assert wanted.place is not None  # noqa: S101 - by the caller
        raise Rejected(
            "pdf.place",
            f"On page {wanted.place.page} something stands at that place already, and the PDF is signed: "
            "what hides it would spoil the signatures that are there. Give another place.",
        )


def _appearance(update: Update, look: Appearance) -> Ref:
    entries: dict[str, object] = {
        "Type": Name("XObject"),
        "Subtype": Name("Form"),
        "BBox": list(look.box),
        "Resources": dict(look.resources),
    }
    if look.turned:
        entries["Matrix"] = _turning(look)
    return update.add(NewStream(entries, look.content))


def _turning(look: Appearance) -> list[int | float]:
    """The matrix that turns a form counter-clockwise, and puts it back to where its box began."""
    left, bottom, right, top = look.box
    match look.turned:
        case 90:
            return [0, 1, -1, 0, left + top, bottom - left]
        case 180:
            return [-1, 0, 0, -1, left + right, bottom + top]
        case _:
            return [0, -1, 1, 0, left - bottom, bottom + right]

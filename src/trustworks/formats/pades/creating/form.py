"""Puts a signature field into the form and onto a page, or finds the empty one that is there.

Source: ISO 32000-2, 12.7.3, 12.7.5.5 and 12.5.6.19.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.formats.pades.creating.written import NewStream, text
from trustworks.formats.pades.fields import form_of, signature_fields, text_of
from trustworks.formats.pades.syntax import Name, Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.pades.creating.update import Update
    from trustworks.formats.pades.creating.wanted import Widget
    from trustworks.formats.pades.fields import SignatureField
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

_SIGNED: Final = 3
"""SigFlags: there are signatures, and the file may only be appended to (12.7.3)."""
_SHOWN: Final = 132
"""Flags of the annotation: printed, and not to be moved."""
_NOWHERE: Final = (0, 0, 0, 0)


def put_field(update: Update, name: str | None, value: Ref, widget: Widget | None) -> tuple[str, Ref]:
    """A signature field with a value: its full name and its reference.

    Raises:
        Rejected: ``pdf.field-signed``, ``pdf.field-name``, ``pdf.page``: that field cannot be signed.
        Malformed: the form or the pages of the file cannot be followed.
    """
    fields = signature_fields(update.view)
    form = update.inside(update.catalogue(), "AcroForm", dict)
    flags = form.get("SigFlags")
    form["SigFlags"] = (flags if isinstance(flags, int) else 0) | _SIGNED
    existing = [one for one in fields if one.name == name]
    if existing:
        return existing[0].name, _fill(update, existing[0], value, widget)
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
    return name, _make(update, form, name, value, widget)


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


def _fill(update: Update, field: SignatureField, value: Ref, widget: Widget | None) -> Ref:
    is_empty(field, update.view.get(field.value))
    entries = None if field.reference is None else update.edit(field.reference, dict)
    if field.reference is None or entries is None:
        raise Malformed(f"The field {field.name!r:.100} is no object by itself, as fields of a form must be.")
    entries["V"] = value
    if widget is not None:
        shown = _widget_of(update, field, entries)
        shown["AP"] = {"N": _appearance(update, widget)}
        if widget.alternative is not None:
            entries["TU"] = text(widget.alternative)
    return field.reference


def _widget_of(update: Update, field: SignatureField, entries: dict[str, Object]) -> dict[str, Object]:
    """The widget of an existing field: the field itself, or the only one below it."""
    if entries.get("Subtype") == "Widget":
        return entries
    kids = update.view.items(entries.get("Kids"))
    found = update.edit(kids[0], dict) if len(kids) == 1 and isinstance(kids[0], Ref) else None
    if found is None:
        raise Rejected(
            "pdf.widget", f"The field {field.name!r:.100} has not one place where it is shown. Sign without."
        )
    return found


def _make(update: Update, form: dict[str, Object], name: str, value: Ref, widget: Widget | None) -> Ref:
    place, page = page_of(update, 1 if widget is None else widget.page)
    entries: dict[str, Object] = {
        "Type": Name("Annot"),
        "Subtype": Name("Widget"),
        "FT": Name("Sig"),
        "T": text(name),
        "V": value,
        "F": _SHOWN,
        "P": place,
        "Rect": list(_NOWHERE if widget is None else widget.rectangle),
    }
    if widget is not None:
        entries["AP"] = {"N": _appearance(update, widget)}
        if widget.alternative is not None:
            entries["TU"] = text(widget.alternative)
    made = update.add(entries)
    update.inside(form, "Fields", list).append(made)
    update.inside(page, "Annots", list).append(made)
    return made


def _appearance(update: Update, widget: Widget) -> Ref:
    look = widget.appearance
    return update.add(
        NewStream(
            {
                "Type": Name("XObject"),
                "Subtype": Name("Form"),
                "BBox": list(look.box),
                "Resources": dict(look.resources),
            },
            look.content,
        )
    )


def page_of(update: Update, number: int) -> tuple[Ref, dict[str, Object]]:
    """A page by its number, from 1, to be changed. Raises `Rejected` (``pdf.page``): there is none."""
    view = update.view
    left = number
    seen: set[int] = set()
    waiting: list[Object] = [view.root.get("Pages")]
    while waiting and left > 0:
        here = waiting.pop()
        view.document.work()
        if not isinstance(here, Ref) or here.number in seen:
            continue
        seen.add(here.number)
        kids = _kids(view, here)
        if kids is not None:
            waiting += reversed(kids)
            continue
        left -= 1
        if left == 0 and (page := update.edit(here, dict)) is not None:
            return here, page
    raise Rejected("pdf.page", f"The PDF has no page {number} that a signature can be shown on.")


def _kids(view: View, node: Ref) -> Sequence[Object] | None:
    """What is below a node of the page tree; None for a page."""
    entries = view.entries(node)
    return view.items(entries["Kids"]) if "Kids" in entries else None

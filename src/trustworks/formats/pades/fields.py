"""Signature fields and the signature dictionaries that are their values (ISO 32000-2, 12.7.5.5, 12.8.1)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit
from trustworks.core.values import dataclass
from trustworks.formats.pades.syntax import Name, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.pades.document import Indirect
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

_DEPTH: Final = 64
"""Levels of a field tree; deeper ones are not followed (no form has them, and loops end by being seen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureField:
    """A signature field: its full name, its own entries with what it inherits, and its value as it stands."""

    name: str
    entries: dict[str, Object]
    reference: Ref | None
    value: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureDictionary:
    """A signature dictionary where it stands in the file, and the names of all fields that have it as value.

    `span` is where its Contents stand, with their angle brackets; None where they are not in the file as such
    (the dictionary is in an object stream, or there are none). `twice` are keys that it has more than once.
    """

    entries: dict[str, Object]
    fields: tuple[str, ...]
    reference: Ref | None
    begin: int
    span: tuple[int, int] | None
    twice: frozenset[str] = field(default=frozenset())

    @property
    def sub_filter(self) -> str | None:
        """What encoding its Contents claim."""
        found = self.entries.get("SubFilter")
        return found if isinstance(found, Name) else None

    @property
    def type(self) -> str | None:
        """Its Type: ``Sig`` or ``DocTimeStamp``, where it says so."""
        found = self.entries.get("Type")
        return found if isinstance(found, Name) else None


def form_of(view: View) -> dict[str, Object]:
    """The interactive form of a document, empty where it has none."""
    return view.entries(view.root.get("AcroForm"))


def signature_fields(view: View) -> tuple[SignatureField, ...]:
    """All signature fields of the interactive form, in the order of its tree."""
    return tuple(one for _, one in _tree(view) if one is not None)


def field_names(view: View) -> Iterator[str]:
    """The full names of all fields, of those too that have others below them; a name may come again."""
    return (name for name, _ in _tree(view) if name)


def _tree(view: View) -> Iterator[tuple[str, SignatureField | None]]:
    """Fields and widgets in the order of their tree: the full name, and the field if it is for signatures."""
    seen: set[int] = set()
    waiting: list[tuple[Object, str, dict[str, Object], int]] = [
        (one, "", {}, 0) for one in reversed(view.items(form_of(view).get("Fields")))
    ]
    steps = view.document.limits.elements
    while waiting:
        steps -= 1
        if steps < 0:
            raise BeyondLimit(
                f"The form of the PDF has more than {view.document.limits.elements} fields.", "elements"
            )
        here, above, inherited, depth = waiting.pop()
        if isinstance(here, Ref):
            if here.number in seen:
                continue
            seen.add(here.number)
        entries = view.entries(here)
        partial = view.get(entries.get("T"))
        name = text_of(partial) if isinstance(partial, bytes) else ""
        full = f"{above}.{name}" if above and name else above or name
        own: dict[str, Object] = dict(inherited)
        own.update((key, entries[key]) for key in ("FT", "V", "Lock", "SV") if key in entries)
        kids = view.items(entries.get("Kids"))
        if view.get(own.get("FT")) == "Sig" and not any("T" in view.entries(kid) for kid in kids):
            yield (
                full,
                SignatureField(
                    name=full,
                    entries={**own, **entries},
                    reference=here if isinstance(here, Ref) else None,
                    value=own.get("V"),
                ),
            )
            # Its kids are widgets of this one field, unless they have names of their own.
            continue
        yield full, None
        if depth < _DEPTH:
            waiting += [(kid, full, own, depth + 1) for kid in reversed(kids)]


def dictionaries(view: View) -> tuple[SignatureDictionary, ...]:
    """The signature dictionaries of all fields that are signed, each once, however many fields name it."""
    found: dict[int, SignatureDictionary] = {}
    for place, one in enumerate(signature_fields(view)):
        entries = view.entries(one.value)
        if not entries:
            continue
        key, made = _dictionary(view, one, entries, -1 - place)
        before = found.get(key)
        found[key] = made if before is None else _also(before, one.name)
    return tuple(found.values())


def _dictionary(
    view: View, one: SignatureField, entries: dict[str, Object], otherwise: int
) -> tuple[int, SignatureDictionary]:
    value = one.value
    indirect: Indirect | None = view.indirect(value.number) if isinstance(value, Ref) else None
    if indirect is None:
        # Direct in its field, or in an object stream: no place of its own.
        reference = value if isinstance(value, Ref) else None
        key = reference.number if reference is not None else otherwise
        return key, SignatureDictionary(
            entries=entries, fields=(one.name,), reference=reference, begin=-1, span=None
        )
    return indirect.number, SignatureDictionary(
        entries=entries,
        fields=(one.name,),
        reference=Ref(indirect.number, indirect.generation),
        begin=indirect.begin,
        span=indirect.spans.get("Contents"),
        twice=indirect.twice,
    )


def _also(before: SignatureDictionary, name: str) -> SignatureDictionary:
    return SignatureDictionary(
        entries=before.entries,
        fields=(*before.fields, name),
        reference=before.reference,
        begin=before.begin,
        span=before.span,
        twice=before.twice,
    )


def full_name(view: View, entries: dict[str, Object]) -> str:
    """The full name of a field: its own partial name after those of the fields that it is in."""
    names: list[str] = []
    for _ in range(_DEPTH):
        partial = view.get(entries.get("T"))
        if isinstance(partial, bytes):
            names.append(text_of(partial))
        entries = view.entries(entries.get("Parent"))
        if not entries:
            break
    return ".".join(reversed(names))


def text_of(octets: bytes) -> str:
    """A text string: UTF-16 or UTF-8 by its mark, else PDFDocEncoding, whose unusual half is read as Latin-1.

    Source: ISO 32000-2, 7.9.2.2.
    """
    if octets.startswith(b"\xfe\xff"):
        return octets[2:].decode("utf-16-be", "replace")
    if octets.startswith(b"\xff\xfe"):
        return octets[2:].decode("utf-16-le", "replace")
    if octets.startswith(b"\xef\xbb\xbf"):
        return octets[3:].decode("utf-8", "replace")
    return octets.decode("latin-1")

"""What a PDF does, hides and takes from elsewhere, read out of its objects; every object that is reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.fields import form_of, text_of
from trustworks.formats.pades.overlaps import pages_of
from trustworks.formats.pades.second_reader import DecryptedView
from trustworks.formats.pades.syntax import Ref, Stream
from trustworks.formats.pades.view import View

if TYPE_CHECKING:
    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.syntax import Object

_LAUNCHES: Final = frozenset({"Launch", "GoToR", "GoToE", "Thread"})
_ACTS: Final = frozenset(
    {"SubmitForm", "ResetForm", "ImportData", "Hide", "SetOCGState", "Named", "Trans", "RichMediaExecute"}
)
_MEDIA: Final = frozenset({"RichMedia", "Screen", "Movie", "Sound", "3D"})
_FONTS: Final = frozenset({"Type1", "MMType1", "TrueType", "CIDFontType0", "CIDFontType2"})
_EMBEDDED: Final = ("FontFile", "FontFile2", "FontFile3")
_BESIDE: Final = frozenset({"Link", "Popup", "Widget"})
_HIDDEN: Final = 1 << 1
_PRINT: Final = 1 << 2
_NO_VIEW: Final = 1 << 5


@dataclass(slots=True, kw_only=True)
class Facts:
    """Counts of what was found, by the words of `told`; fonts, layers and kinds of actions by their names."""

    counts: Counter[str] = field(default_factory=Counter)
    actions: set[str] = field(default_factory=set)
    fonts: set[str] = field(default_factory=set)
    layers: int = 0
    layers_hidden: list[str] = field(default_factory=list)
    layers_print: list[str] = field(default_factory=list)
    damaged: bool = False
    encrypted: bool = False
    xfa: bool = False
    xfa_dynamic: bool = False
    pages: int = 0
    """Those that the tree of pages leads to."""
    updates: int = 0


def facts_of(octets: bytes, limits: Limits) -> Facts:
    """All that its objects say. Raises `Malformed` where they cannot be followed or are too many."""
    document = Document(octets, limits)
    view = View(document, len(octets))
    facts = Facts(encrypted="Encrypt" in view.trailer)
    if facts.encrypted:
        view = DecryptedView(document, len(octets))
    _Walk(view, facts).all()
    _layers(view, facts)
    facts.xfa = "XFA" in form_of(view)
    facts.xfa_dynamic = facts.xfa and view.get(view.root.get("NeedsRendering")) is True
    facts.pages = sum(1 for _ in pages_of(view))
    facts.damaged = view.rebuilt or bool(view.misplaced)
    ends = octets.count(b"%%EOF") - (b"/Linearized" in octets[:2048])
    facts.updates = max(0, ends - 1)
    return facts


class _Walk:
    """Goes through every object that the catalogue leads to, each once."""

    def __init__(self, view: View, facts: Facts) -> None:
        self._view = view
        self._facts = facts
        self._counts = facts.counts

    def all(self) -> None:
        waiting: list[Object] = [self._view.trailer.get("Root")]
        seen: set[int] = set()
        while waiting:
            here = waiting.pop()
            if isinstance(here, Ref):
                if here.number in seen:
                    continue
                seen.add(here.number)
                here = self._view.get(here)
            self._view.document.work()
            if isinstance(here, Stream):
                self._stream(here.entries)
                here = here.entries
            if isinstance(here, dict):
                self._dictionary(here)
                waiting += here.values()
            elif isinstance(here, list):
                waiting += here

    def _stream(self, entries: dict[str, Object]) -> None:
        self._counts["elsewhere"] += "F" in entries  # its octets are in another file (7.3.8.2)
        self._counts["elsewhere"] += "Ref" in entries or "OPI" in entries  # 8.10.4; OPI
        self._counts["alternates"] += "Alternates" in entries

    def _dictionary(self, entries: dict[str, Object]) -> None:
        kind, subtype = self._name(entries, "Type"), self._name(entries, "Subtype")
        if kind in {None, "Action"} and "Pg" not in entries:
            self._action(entries)
        if "Rect" in entries and subtype is not None and kind in {None, "Annot"}:
            self._annotation(entries, subtype)
        if kind == "Font" and subtype in _FONTS:
            self._font(entries)
        self._counts["files"] += "EF" in entries
        self._counts["fields"] += self._name(entries, "FT") in {"Tx", "Btn", "Ch"}

    def _action(self, entries: dict[str, Object]) -> None:
        does = self._name(entries, "S")
        if does == "JavaScript" or ("JS" in entries and does in {None, "Rendition"}):
            self._counts["scripts"] += 1
        elif does in _LAUNCHES:
            self._counts["launches"] += 1
        elif does == "URI":
            self._counts["links"] += 1
        elif does in _ACTS:
            self._facts.actions.add(does)

    def _annotation(self, entries: dict[str, Object], subtype: str) -> None:
        self._counts["media"] += subtype in _MEDIA
        if subtype in _BESIDE or subtype in _MEDIA:
            return
        self._counts["annotations"] += 1
        flags = self._view.get(entries.get("F"))
        flags = flags if isinstance(flags, int) else 0
        on_screen, on_paper = not flags & (_HIDDEN | _NO_VIEW), flags & _PRINT and not flags & _HIDDEN
        self._counts["annotations-print"] += bool(on_screen) != bool(on_paper)

    def _font(self, entries: dict[str, Object]) -> None:
        described = self._view.entries(entries.get("FontDescriptor"))
        if not any(name in described for name in _EMBEDDED):
            self._facts.fonts.add(self._name(entries, "BaseFont") or "?")

    def _name(self, entries: dict[str, Object], key: str) -> str | None:
        found = self._view.get(entries.get(key))
        return found if isinstance(found, str) else None


def _layers(view: View, facts: Facts) -> None:
    """Optional content that is not seen at first, or on paper only (ISO 32000-2, 8.11.4)."""
    properties = view.entries(view.root.get("OCProperties"))
    groups = view.items(properties.get("OCGs"))
    usual = view.entries(properties.get("D"))
    off = {one.number for one in view.items(usual.get("OFF")) if isinstance(one, Ref)}
    on = {one.number for one in view.items(usual.get("ON")) if isinstance(one, Ref)}
    all_off = view.get(usual.get("BaseState")) == "OFF"
    facts.layers = len(groups)
    for group in groups:
        view.document.work()
        entries = view.entries(group)
        number = group.number if isinstance(group, Ref) else -1
        usage = view.entries(entries.get("Usage"))
        seen = view.get(view.entries(usage.get("View")).get("ViewState"))
        printed = view.get(view.entries(usage.get("Print")).get("PrintState"))
        hidden = number in off or (all_off and number not in on) or seen == "OFF"
        given = view.get(entries.get("Name"))
        name = text_of(given)[:60] if isinstance(given, bytes) else "?"
        if hidden:
            facts.layers_hidden.append(name)
        if printed is not None and (printed == "OFF") != hidden:
            facts.layers_print.append(name)

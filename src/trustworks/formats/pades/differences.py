"""What differs between two revisions of a document, told by where it is and what it is for.

Both catalogues are walked side by side. Each place has a role (catalogue, form, field, page, annotation,
...), and what an object is reached as decides what may happen to it: the same object in two roles is looked
at in both. What pages show and all other parts are walked only when the parts of known structure do not
account for every object that an update replaced.

Source: ISO 32000-2, 7.7 (structure of a document), 12.8.2.2 (what a permitted change is).
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.formats.pades.document import mentions
from trustworks.formats.pades.syntax import Name, Ref, Stream

if TYPE_CHECKING:
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View


class Role(StrEnum):
    """What an object is reached as."""

    CATALOGUE = "catalogue"
    FORM = "form"
    FIELDS = "fields"
    FIELD = "field"
    VALUE = "value"
    APPEARANCE = "appearance"
    STORE = "security store"
    PAGES = "page tree"
    PAGE = "page"
    ANNOTATIONS = "annotations"
    ANNOTATION = "annotation"
    METADATA = "metadata"
    EXTENSIONS = "extensions"
    PERMISSIONS = "permissions"
    STRUCTURE = "structure tree"
    OTHER = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was. `before` or `after` is None where it was added or removed.

    `holder` and `held` are the dictionaries that the entry is in, before and after, where it is in one.
    """

    role: Role
    path: tuple[str, ...]
    before: Object
    after: Object
    holder: dict[str, Object] | None = None
    held: dict[str, Object] | None = None

    @property
    def key(self) -> str:
        """The last step of the path."""
        return self.path[-1] if self.path else ""

    def __str__(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All differences; the pages before and after; whether there were more differences than are told."""

    differences: tuple[Difference, ...]
    pages: tuple[int, int]
    cut_off: bool = False


_MOST: Final = 1_000
_INTO: Final = {
    Role.CATALOGUE: {
        "AcroForm": Role.FORM,
        "DSS": Role.STORE,
        "Pages": Role.PAGES,
        "Metadata": Role.METADATA,
        "Extensions": Role.EXTENSIONS,
        "Version": Role.EXTENSIONS,
        "Perms": Role.PERMISSIONS,
        "StructTreeRoot": Role.STRUCTURE,
        "MarkInfo": Role.STRUCTURE,
    },
    Role.FORM: {"Fields": Role.FIELDS, "DR": Role.APPEARANCE, "XFA": Role.VALUE},
    Role.FIELD: {
        "Kids": Role.FIELDS,
        "V": Role.VALUE,
        "RV": Role.VALUE,
        "I": Role.VALUE,
        "AP": Role.APPEARANCE,
        "MK": Role.APPEARANCE,
    },
    Role.PAGES: {"Kids": Role.PAGES},
    Role.PAGE: {"Annots": Role.ANNOTATIONS},
}
_STAY: Final = frozenset(
    {
        Role.VALUE,
        Role.APPEARANCE,
        Role.STORE,
        Role.METADATA,
        Role.EXTENSIONS,
        Role.PERMISSIONS,
        Role.STRUCTURE,
    }
    | {Role.ANNOTATION, Role.OTHER}
)
_UPWARD: Final = frozenset({"Parent", "P", "Popup", "IRT", "StructParent", "StructParents"})
_SKELETON: Final = frozenset(
    {Role.CATALOGUE, Role.FORM, Role.FIELDS, Role.FIELD, Role.PAGES, Role.PAGE, Role.ANNOTATIONS}
)
_FIRST: Final = _SKELETON | {Role.STORE, Role.METADATA, Role.EXTENSIONS, Role.PERMISSIONS}
"""Roles that are walked first, and whose objects nothing else can put to a harmful use."""


def compare(old: View, new: View) -> Comparison:
    """What differs from the one revision to the later one. Raises `Malformed` beyond the limits of work."""
    return _Walk(old, new).walk()


def replaced(old: View, new: View) -> tuple[set[int], set[int]]:
    """Numbers of objects that were there and are elsewhere now (or gone), and of those that are new."""
    known = {id(section) for section in old.sections}
    other: set[int] = set()
    fresh: set[int] = set()
    for section in new.sections:
        if id(section) in known and not (old.rebuilt or new.rebuilt):
            continue
        for number in section.numbers():
            new.document.work()
            before, after = old.place(number), new.place(number)
            if before is None:
                if after is not None:
                    fresh.add(number)
            elif before != after:
                other.add(number)
    return other, fresh


class _Walk:
    """One comparison: what waits to be looked at, what was seen in which role, what differs."""

    def __init__(self, old: View, new: View) -> None:
        self.old = old
        self.new = new
        self.first: deque[tuple[Role, tuple[str, ...], Object, Object]] = deque()
        self.later: deque[tuple[Role, tuple[str, ...], Object, Object]] = deque()
        self.seen: set[tuple[int, int, Role]] = set()
        self.known: set[int] = set()
        self.pages = [0, 0]
        self.found: list[Difference] = []
        self.cut_off = False

    def walk(self) -> Comparison:
        changed, fresh = replaced(self.old, self.new)
        self._look(Role.CATALOGUE, ("Root",), self.old.trailer.get("Root"), self.new.trailer.get("Root"))
        self._look(Role.METADATA, ("Info",), self.old.trailer.get("Info"), self.new.trailer.get("Info"))
        self._empty(self.first)
        if not all(map(self._is_harmless, changed - self._accounted())) or self._is_awaited(fresh):
            self._empty(self.later)
        else:
            # What is known of structure accounts for all. Only what differs at its edge is left to look at.
            self.later = deque(one for one in self.later if one[2] != one[3])
            self._empty(self.later)
        return Comparison(
            differences=tuple(self.found), pages=(self.pages[0], self.pages[1]), cut_off=self.cut_off
        )

    def _accounted(self) -> set[int]:
        """Objects that were looked at in a role of known structure."""
        return {before for before, _, role in self.seen if role in _FIRST}

    def _is_harmless(self, number: int) -> bool:
        """Whether an object was only written anew, or is one that carries others."""
        before, after = self.old.load(number), self.new.load(number)
        carriers = {"XRef", "ObjStm"}
        if isinstance(before, Stream) and before.entries.get("Type") in carriers:
            return after is None or (isinstance(after, Stream) and after.entries.get("Type") in carriers)
        if isinstance(before, Stream) and isinstance(after, Stream):
            return before.entries == after.entries and self.old.raw(before) == self.new.raw(after)
        return type(before) is type(after) and before == after

    def _empty(self, waiting: deque[tuple[Role, tuple[str, ...], Object, Object]]) -> None:
        while waiting and not self.cut_off:
            self._pair(*waiting.popleft())

    def _look(self, role: Role, path: tuple[str, ...], before: Object, after: Object) -> None:
        (self.first if role in _FIRST else self.later).append((role, path, before, after))

    def _pair(self, role: Role, path: tuple[str, ...], before: Object, after: Object) -> None:
        """One pair of values in a role."""
        if isinstance(before, Ref) or isinstance(after, Ref):
            pair = (
                before.number if isinstance(before, Ref) else -1,
                after.number if isinstance(after, Ref) else -1,
                role,
            )
            if pair in self.seen or (role not in _SKELETON and self._is_structure(pair)):
                return
            self.seen.add(pair)
            if role in _SKELETON or role is Role.ANNOTATION:
                self.known.update(pair[:2])
        self.new.document.work()
        old, new = self.old.get(before), self.new.get(after)
        if role is Role.PAGES and isinstance(new, dict) and "Kids" not in new:
            role = Role.PAGE
        if isinstance(old, Stream) and isinstance(new, Stream):
            self._streams(role, path, old, new)
        elif isinstance(old, dict) and isinstance(new, dict):
            self._entries(role, path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            self._items(role, path, old, new)
        elif not _same(old, new):
            self._differs(role, path, old, new)

    def _is_structure(self, pair: tuple[int, int, Role]) -> bool:
        """Whether the pair is one object that is looked at as a page, field or annotation anyway."""
        return pair[0] == pair[1] and pair[0] in self.known

    def _entries(
        self, role: Role, path: tuple[str, ...], old: dict[str, Object], new: dict[str, Object]
    ) -> None:
        if role is Role.PAGE:
            self.pages[0] += 1
            self.pages[1] += 1
        into = _INTO.get(role)
        for key in dict.fromkeys((*old, *new)):
            if key in _UPWARD:
                continue
            before, after = old.get(key), new.get(key)
            step = role if into is None else into.get(key, Role.OTHER if role in _OPEN else role)
            if before is None or after is None:
                if self.old.get(before) is not None or self.new.get(after) is not None:
                    self._differs(role, (*path, key), before, after, old, new)
                if step is Role.PAGES:
                    self._look(step, (*path, key), before, after)
                continue
            if isinstance(before, Ref | list | dict) or isinstance(after, Ref | list | dict):
                self._look(step, (*path, key), before, after)
            elif not _same(before, after):
                self._differs(role, (*path, key), before, after, old, new)

    def _items(self, role: Role, path: tuple[str, ...], old: list[Object], new: list[Object]) -> None:
        match role:
            case Role.FIELDS | Role.ANNOTATIONS | Role.PAGES:
                self._members(role, path, old, new)
            case _ if len(old) != len(new):
                self._differs(role, path, old, new)
            case _:
                for place, (before, after) in enumerate(zip(old, new, strict=True)):
                    here = (*path, f"[{place}]")
                    if isinstance(before, Ref | list | dict) or isinstance(after, Ref | list | dict):
                        self._look(role, here, before, after)
                    elif not _same(before, after):
                        self._differs(role, here, before, after)

    def _members(self, role: Role, path: tuple[str, ...], old: list[Object], new: list[Object]) -> None:
        """Lists whose members are told apart by what they are, and not by their place: fields, pages, ..."""
        before_by = {_mark(one): one for one in old}
        after_by = {_mark(one): one for one in new}
        gone = [one for mark, one in before_by.items() if mark not in after_by]
        come = [one for mark, one in after_by.items() if mark not in before_by]
        for place, (mark, after) in enumerate(after_by.items()):
            if mark in before_by:
                before = before_by[mark]
                self._look(self._member(role, before, after), (*path, f"[{place}]"), before, after)
        if role is Role.PAGES and (gone or come):
            self.pages[0] += sum(_leaves(self.old, one) for one in gone)
            self.pages[1] += sum(_leaves(self.new, one) for one in come)
        for one in gone:
            self._differs(role, path, one, None)
        for one in come:
            self._differs(role, path, None, one)
        if role is Role.PAGES and not gone and not come and [*before_by] != [*after_by]:
            self._differs(role, path, old, new)

    def _member(self, role: Role, before: Object, after: Object) -> Role:
        if role is Role.PAGES:
            return Role.PAGES
        if role is Role.FIELDS:
            return Role.FIELD
        kinds = {self.old.entries(before).get("Subtype"), self.new.entries(after).get("Subtype")}
        return Role.FIELD if kinds == {"Widget"} else Role.ANNOTATION

    def _streams(self, role: Role, path: tuple[str, ...], old: Stream, new: Stream) -> None:
        if old is new:
            self._entries(role, path, old.entries, new.entries)
            return
        leave = {"Length", "Filter", "DecodeParms"}
        self._entries(
            role,
            path,
            {key: one for key, one in old.entries.items() if key not in leave},
            {key: one for key, one in new.entries.items() if key not in leave},
        )
        if not self._is_same_content(old, new):
            self._differs(role, (*path, "stream"), old, new)

    def _is_same_content(self, old: Stream, new: Stream) -> bool:
        """Whether two streams hold the same; an image that is packed otherwise counts as another one."""
        leave = ("Filter", "DecodeParms")
        if all(old.entries.get(key) == new.entries.get(key) for key in leave):
            return self.old.raw(old) == self.new.raw(new)
        return new.entries.get("Subtype") != "Image" and self.old.plain(old) == self.new.plain(new)

    def _differs(  # noqa: PLR0917 - the fields of a difference
        self,
        role: Role,
        path: tuple[str, ...],
        before: Object,
        after: Object,
        holder: dict[str, Object] | None = None,
        held: dict[str, Object] | None = None,
    ) -> None:
        if len(self.found) >= _MOST:
            self.cut_off = True
            return
        self.found.append(
            Difference(role=role, path=path, before=before, after=after, holder=holder, held=held)
        )

    def _is_awaited(self, fresh: set[int]) -> bool:
        """Whether the earlier revision refers to an object that it did not have: prepared for later."""
        if not fresh:
            return False
        octets = self.old.document.mentioned(self.old.end)
        return not fresh.isdisjoint(octets) or any(
            not fresh.isdisjoint(number for _, number in mentions(content, self.old.document.work))
            for content in self.old.member_streams()
        )


_OPEN: Final = frozenset({Role.CATALOGUE, Role.PAGE, Role.FORM, Role.FIELD})
"""Dictionaries whose entries without a role of their own are content."""


def _mark(value: Object) -> object:
    return value.number if isinstance(value, Ref) else repr(value)[:4096]


def _same(before: Object, after: Object) -> bool:
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Name) != isinstance(after, Name):
        return False
    return before == after


def _leaves(view: View, value: Object, depth: int = 0) -> int:
    """Pages under a node of the page tree, at least 1."""
    entries = view.entries(value)
    view.document.work()
    kids = view.items(entries.get("Kids"))
    if not kids or depth > 16:
        return 1
    return sum(_leaves(view, one, depth + 1) for one in kids)

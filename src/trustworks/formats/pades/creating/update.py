"""One incremental update of a PDF: new and changed objects, behind the file as it is (ISO 32000-2, 7.5.6).

The file is looked at where it lies and is never written. An update has a section of the kind that the newest
one of the file is of, so that every reader of the one can read the other.
"""

from __future__ import annotations

import hashlib
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar, cast

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import in_view, password_of
from trustworks.formats.pades.creating.encryption import opened
from trustworks.formats.pades.creating.written import NewObject, NewStream, octets_of, stream
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.syntax import Name, Ref
from trustworks.formats.pades.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.creating.encryption import Encryption
    from trustworks.formats.pades.syntax import Object

Container = TypeVar("Container", "list[Object]", "dict[str, Object]")
Value = TypeVar("Value", bound="Object")

_MOST: Final = 8_388_607
"""The highest number of an object that readers must take (ISO 32000-1, annex C)."""
_FARTHEST: Final = 9_999_999_999
"""The last offset that a line of a table has room for (7.5.4)."""


@contextmanager
def updating(data: Data, limits: Limits) -> Iterator[Update]:
    """An update of a file.

    Raises:
        Malformed: it is no PDF that can be read.
        Rejected: ``pdf.damaged``: it can be read, and nothing can be added to it so that every reader finds
            it; ``pdf.encrypted``, ``pdf.password``: it is encrypted, and not for whoever asks.
    """
    try:
        with in_view(data, limits.parsed) as octets:
            yield Update(octets, limits, password_of(data))
    except RecursionError as error:
        raise Malformed(f"{data.name or 'The PDF'} is nested too deeply to be read.") from error


class Update:
    """The objects of an update while they are put together. `view` is the file as it is."""

    def __init__(self, octets: bytes, limits: Limits, password: str) -> None:
        self.size = len(octets)
        self.limits = limits
        self.document = Document(octets, limits, password)
        self.view = View(self.document, self.size)
        refuse_damaged(self.view)
        self.encryption: Encryption | None = None
        if any("Encrypt" in section.trailer for section in self.view.sections):
            self.view, self.encryption = opened(self.document, self.view)
        self._ends_with_line = octets[-1:] in {b"\n", b"\r"}
        self._next = _first_unused(self.view)
        self._generations: dict[int, int] = {}
        self._edited: dict[int, Object] = {}
        self._bodies: dict[int, bytes] = {}
        self.begins: dict[int, int] = {}
        self._placed: dict[int, tuple[NewStream | NewObject, Ref]] = {}

    # --- what the objects are -----------------------------------------------------------------------------

    def add(self, value: Object | NewStream) -> Ref:
        """A new object; streams within what it holds become objects too."""
        reference = Ref(self._next, 0)
        self._next += 1
        if self._next > _MOST:
            raise Rejected("pdf.damaged", f"The PDF has more than {_MOST} objects: none can be added.")
        if isinstance(value, NewStream):
            entries = self.sealed({key: self.placed(one) for key, one in value.entries.items()}, reference)
            content = value.content
            if self.encryption is not None:
                content = self.encryption.stream(content, *reference)
            self._bodies[reference.number] = stream(entries, content)
        else:
            self._edited[reference.number] = value
        return reference

    def put_octets(self, reference: Ref, body: bytes) -> None:
        """Gives a new object these octets, which are written as they are."""
        del self._edited[reference.number]
        self._bodies[reference.number] = body

    def sealed(self, value: Value, reference: Ref) -> Value:
        """A value as it stands in its object: its strings encrypted where the file is."""
        if self.encryption is None:
            return value
        return cast("Value", self.encryption.value(value, *reference))

    def placed(self, value: object) -> Object:
        """A value with the new streams and objects in it made, each once, and references in their place."""
        match value:
            case NewStream() | NewObject():
                if id(value) not in self._placed:
                    made = value if isinstance(value, NewStream) else self.placed(value.value)
                    self._placed[id(value)] = value, self.add(made)
                return self._placed[id(value)][1]
            case dict():
                return {key: self.placed(one) for key, one in value.items()}
            case list():
                return [self.placed(one) for one in value]
            case None | bool() | int() | float() | bytes() | Name() | Ref():
                return value
            case _:
                raise Malformed(f"A {type(value).__name__} cannot be written to a PDF.")

    def edit(self, reference: Ref, kind: type[Container]) -> Container | None:
        """The container that an object is, to be changed; None where it is none of that kind."""
        number = reference.number
        if number not in self._edited:
            found = self.view.load(number)
            place = self.view.place(number)
            if not isinstance(found, kind) or place is None:
                return None
            self._edited[number] = _copied(found)
            self._generations[number] = place.generation if place.stream is None else 0
        edited = self._edited[number]
        return edited if isinstance(edited, kind) else None

    def inside(self, holder: dict[str, Object], key: str, kind: type[Container]) -> Container:
        """The container under a key, to be changed, wherever it stands; a new one where there is none."""
        value = holder.get(key)
        found = self.edit(value, kind) if isinstance(value, Ref) else value
        if not isinstance(found, kind):
            found = kind()
            holder[key] = found
        return found

    @property
    def root(self) -> Ref:
        """The reference of the catalogue."""
        found = self.view.trailer.get("Root")
        if not isinstance(found, Ref):
            raise Malformed("The PDF names no catalogue.")
        return found

    def catalogue(self) -> dict[str, Object]:
        """The catalogue, to be changed."""
        found = self.edit(self.root, dict)
        if found is None:
            raise Malformed("The PDF has no catalogue.")
        return found

    # --- the octets ---------------------------------------------------------------------------------------

    def octets(self) -> bytes:
        """What comes behind the file: objects, section and trailer, in the order of the objects' numbers.

        `begins` says afterwards where in it each object is.
        """
        bodies = dict(self._bodies)
        for number, value in self._edited.items():
            bodies[number] = octets_of(self.sealed(value, Ref(number, self._generations.get(number, 0))))
        written = bytearray(b"" if self._ends_with_line else b"\n")
        places: dict[int, tuple[int, int]] = {}
        self.begins.clear()
        for number in sorted(bodies):
            generation = self._generations.get(number, 0)
            self.begins[number] = len(written)
            places[number] = (self.size + len(written), generation)
            written += b"%d %d obj\n%b\nendobj\n" % (number, generation, bodies[number])
        start = self.size + len(written)
        if start > _FARTHEST:
            raise Rejected("pdf.too-large", f"The PDF is larger than the {_FARTHEST} octets that it can be.")
        trailer = self._trailer(hashlib.sha256(written).digest()[:16])
        if self.view.sections[0].is_stream:
            written += _section_stream(places, trailer, self._next, start)
        else:
            trailer["Size"] = self._next
            written += _section_table(places) + b"trailer\n" + octets_of(trailer) + b"\n"
        written += b"startxref\n%d\n%%%%EOF\n" % start
        return bytes(written)

    def _trailer(self, changed: bytes) -> dict[str, Object]:
        """The entries that go on, the second half of ID new, and where the section before stands."""
        before = self.view.trailer
        trailer: dict[str, Object] = {
            key: before[key] for key in ("Root", "Info", "Encrypt") if key in before
        }
        identifier = self.view.get(before.get("ID"))
        if isinstance(identifier, list) and identifier and isinstance(identifier[0], bytes):
            trailer["ID"] = [identifier[0], changed]
        trailer["Prev"] = self.document.last_start(self.size)
        return trailer


def _copied(value: Object) -> Object:
    """Containers anew, what is in them as it is: nothing else can be changed."""
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def refuse_damaged(view: View) -> None:
    """Behind sections that readers must guess, an update would be found by some and not by others."""
    if view.rebuilt or view.document.header:
        raise Rejected(
            "pdf.damaged",
            "The cross-reference sections of the PDF are damaged, or there is something before its header. "
            "Save it anew by a program that repairs it, and look at it before you sign that.",
        )


def _first_unused(view: View) -> int:
    """A number above all that there are: some files have more objects than their Size says."""
    sizes = [size for section in view.sections if isinstance(size := section.trailer.get("Size"), int)]
    return max([1, *sizes, *(section.highest() + 1 for section in view.sections)])


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Numbers in ascending order as runs: the first of each, and how many."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and sum(runs[-1]) == number:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs


def _section_table(places: dict[int, tuple[int, int]]) -> bytes:
    """A table: lines of 20 octets for each run of numbers (7.5.4)."""
    parts = [b"xref\n"]
    for first, count in _runs(sorted(places)):
        parts.append(b"%d %d\n" % (first, count))
        parts += [b"%010d %05d n \n" % places[number] for number in range(first, first + count)]
    return b"".join(parts)


def _section_stream(
    places: dict[int, tuple[int, int]], trailer: dict[str, Object], number: int, start: int
) -> bytes:
    """A stream, which is an object itself and says so (7.5.8)."""
    places = {**places, number: (start, 0)}
    width = (start.bit_length() + 7) // 8
    rows = b"".join(
        b"\x01" + at.to_bytes(width, "big") + generation.to_bytes(2, "big")
        for _, (at, generation) in sorted(places.items())
    )
    index: list[Object] = [figure for run in _runs(sorted(places)) for figure in run]
    entries: dict[str, Object] = {
        "Type": Name("XRef"),
        "W": [1, width, 2],
        "Index": index,
        "Size": number + 1,
        **trailer,
        "Filter": Name("FlateDecode"),
    }
    return b"%d 0 obj\n%b\nendobj\n" % (number, stream(entries, zlib.compress(rows)))

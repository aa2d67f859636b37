"""A form of RFC 7578 as it arrives: short fields, and files that are put aside as they come.

A file that is longer than a little goes to a file without a name, which the system removes with the last
process that holds it, however that ends.
"""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from trustworks.core.errors import Malformed
from trustworks.core.http import BodyRefusedError
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.bounded.asked import Given

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

MEDIA_TYPE: Final = "multipart/form-data"
LONGEST_FIELD: Final = 4096
_MOST_FIELDS: Final = 50
_LONGEST_NAME: Final = 500
_IN_MEMORY: Final = 256 * 1024
_ALL_IN_MEMORY: Final = 1024 * 1024
"""Octets of all files of a form that are not put aside."""


@dataclass(slots=True)
class _Part:
    name: str
    filename: str | None
    octets: bytearray
    stored: BinaryIO | None = None


class Form:
    """The fields and files of one body; `with form:` it removes what was put aside.

    `folder` is where files are put aside, `most` how many there may be, `longest` the octets of a field at
    most. `opening` is entered for each file
    that is open until the form is left, and raises `Unavailable` where there may be no more.
    """

    def __init__(
        self,
        content_type: str,
        *,
        folder: Path,
        most: int,
        opening: Callable[[], AbstractContextManager[None]] = nullcontext,
        longest: int = LONGEST_FIELD,
    ) -> None:
        """Raises `BodyRefusedError` (415) for another media type, `Malformed` for one without a boundary."""
        kind, options = parse_options_header(content_type)
        if kind.lower() != MEDIA_TYPE.encode():
            raise BodyRefusedError(415, f"The body's Content-Type must be {MEDIA_TYPE}.")
        boundary = options.get(b"boundary")
        if not boundary:
            raise Malformed("The Content-Type names no boundary between the parts of the form.")
        self._folder = folder
        self._most = most
        self._longest = longest
        self._opening = opening
        self._stack = ExitStack()
        self._headers: dict[str, str] = {}
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._part: _Part | None = None
        self._ended = False
        self._parts = 0
        self._in_memory = 0
        self._fields: dict[str, str] = {}
        self._files: list[tuple[str, Given]] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._all,
                },
            )
        except FormParserError as error:
            raise Malformed(f"The form cannot be read: {error}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields by name, without white space around them."""
        return self._fields

    @property
    def names(self) -> frozenset[str]:
        """The names under which files came."""
        return frozenset(field for field, _ in self._files)

    def files(self, name: str) -> tuple[Given, ...]:
        """The files of a name; those that a browser sends for a field where none was chosen are left out."""
        return tuple(file for field, file in self._files if field == name)

    async def read(self, portions: AsyncIterator[bytes]) -> None:
        """Read all of the body. Raises `Malformed`, and `BodyRefusedError` as the portions do."""
        try:
            async for portion in portions:
                self._parser.write(portion)
            self._parser.finalize()
        except FormParserError as error:
            raise Malformed(f"The form cannot be read: {error}.") from None
        if not self._ended:
            raise Malformed("The form ends before its last boundary.")

    # What the parser calls

    def _begin(self) -> None:
        self._parts += 1
        # Files that were not chosen are parts, too, and each part costs the parser more than its octets.
        if self._parts > self._most + _MOST_FIELDS:
            raise Malformed(f"The form has more than {self._most + _MOST_FIELDS} parts.")
        self._headers = {}
        self._header = (bytearray(), bytearray())

    def _header_ends(self) -> None:
        name, value = (bytes(one).decode("latin-1") for one in self._header)
        self._headers[name.lower()] = value
        self._header = (bytearray(), bytearray())

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        name = options.get(b"name")
        if name is None:
            raise Malformed("A part of the form has no name.")
        given = options.get(b"filename")
        filename = None if given is None else given.decode("utf-8", "replace")[-_LONGEST_NAME:]
        if filename is not None and len(self._files) >= self._most:
            raise BodyRefusedError(413, f"More than {self._most} files came; send them in several requests.")
        called = name.decode("utf-8", "replace")
        if filename is None and len(self._fields) >= _MOST_FIELDS:
            raise Malformed(f"The form has more than {_MOST_FIELDS} fields.")
        if filename is None and called in self._fields:
            raise Malformed(f"The form has the field {called[:40]!r} twice; send it once.")
        self._part = _Part(called, filename, bytearray())

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = cast("_Part", self._part)
        if part.filename is None:
            part.octets += data[start:end]
            if len(part.octets) > self._longest:
                raise Malformed(f"The field {part.name[:40]!r} has more than {self._longest} octets.")
            return
        length = end - start
        if part.stored is None and (
            len(part.octets) + length > _IN_MEMORY or self._in_memory + length > _ALL_IN_MEMORY
        ):
            part.stored = self._aside()
            part.stored.write(part.octets)
            self._in_memory -= len(part.octets)
            part.octets = bytearray()
        if part.stored is None:
            part.octets += data[start:end]
            self._in_memory += length
        else:
            part.stored.write(data[start:end])

    def _end(self) -> None:
        part = cast("_Part", self._part)
        self._part = None
        if part.filename is None:
            self._fields[part.name] = bytes(part.octets).decode("utf-8", "replace").strip()
        elif part.stored is not None:
            part.stored.flush()
            self._files.append((part.name, Given(name=_last(part.filename), descriptor=part.stored.fileno())))
        elif part.filename or part.octets:
            self._files.append((part.name, Given(name=_last(part.filename), octets=bytes(part.octets))))

    def _all(self) -> None:
        self._ended = True

    @implements(
        "TS119441:OVR-7.13-03",
        "TS119101:GSM-2.6",
        disabled=lambda self: self._stack.enter_context((self._folder / "named").open("w+b")),
    )
    def _aside(self) -> BinaryIO:
        self._stack.enter_context(self._opening())
        self._folder.mkdir(parents=True, exist_ok=True)
        return cast("BinaryIO", self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder)))


def _last(name: str) -> str | None:
    """The name without the folders that a client may put before it; None for an empty one."""
    return name.replace("\\", "/").rpartition("/")[2] or None

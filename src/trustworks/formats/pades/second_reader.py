"""What another reader, QPDF, says of the same file: to compare with, and to read what is encrypted.

Readers that disagree on what a file holds are how signed documents show one thing to one person and another
to the next: where QPDF sees other signatures or another number of pages than we do, that is told. An
encrypted document that opens without a password, or by the one that was given, is read through it.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from trustworks.core.errors import Malformed
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.filters import unpack
from trustworks.formats.pades.syntax import Name, Ref, Stream
from trustworks.formats.pades.view import View

if TYPE_CHECKING:
    from pikepdf import Pdf

    from trustworks.formats.pades.document import Document
    from trustworks.formats.pades.fields import SignatureDictionary
    from trustworks.formats.pades.sections import Place, Section
    from trustworks.formats.pades.syntax import Object

_STREAM: Final = re.compile(r"(?:stream )?<[^<>]*>:? ?")
_DEPTH: Final = 100
_FIELDS: Final = 100_000


class WrongPassword(Malformed):
    """The PDF is encrypted, and the password that was given, or none, does not open it."""


class _Lying(io.RawIOBase):
    """Octets to be read where they lie, which may be in a large file (`formats.data.in_view`)."""

    def __init__(self, octets: bytes, end: int) -> None:
        super().__init__()
        self._octets = octets
        self._end = end
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = max(begin + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer)
        found = self._octets[self._at : min(self._at + len(room), self._end)]
        room[: len(found)] = found
        self._at += len(found)
        return len(found)


def opened(octets: bytes, password: str = "", end: int | None = None) -> Pdf:
    """The file as QPDF reads it, with its password; the empty one opens what everybody may read.

    `end` of a revision: what comes after it is not read.

    Raises:
        WrongPassword: it needs another password.
        Malformed: it needs another key, or QPDF can make nothing of it.
    """
    import pikepdf  # noqa: PLC0415 - a library that is loaded with the first PDF only

    # What QPDF warns of while it reads is no message to whoever runs this.
    logging.getLogger("pikepdf._core").setLevel(logging.CRITICAL)
    try:
        password.encode()  # QPDF takes no half characters
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = cast(
                "BinaryIO", _Lying(octets, len(octets) if end is None else end)
            )  # what of one is asked for
            return pikepdf.Pdf.open(source, password=password, suppress_warnings=True)
    except (pikepdf.PasswordError, UnicodeEncodeError) as error:
        if password:
            raise WrongPassword(
                "The password does not open the PDF. Look whether it is that of this file, as it was typed."
            ) from error
        raise WrongPassword(
            "The PDF is encrypted with a password or for certain readers, and cannot be read here. Ask who "
            "made it for a file without, or open it and save what is signed."
        ) from error
    except (pikepdf.PdfError, ValueError, RuntimeError, OverflowError) as error:
        raise Malformed(f"The PDF cannot be read by QPDF: {_said(error)}.") from error


def _said(error: Exception) -> str:
    """What QPDF says, without the stream's address in memory, so that the same file gets the same finding."""
    return _STREAM.sub("", str(error))[:200]


class DecryptedView(View):
    """A revision of an encrypted document: strings and streams as QPDF decrypts them."""

    def __init__(self, document: Document, end: int, sections: tuple[Section, ...] | None = None) -> None:
        self._streams: dict[int, int] = {}
        self._values: dict[int, Object] = {}
        super().__init__(document, end, sections)

    @cached_property
    def pdf(self) -> Pdf:
        """The revision as QPDF reads it. Raises `Malformed` where it cannot."""
        return opened(self.document.octets, self.document.password, self.end)

    def load(self, number: int) -> Object:
        """The indirect object of a number, decrypted."""
        place = self.place(number)
        if place is None:
            return None
        if number not in self._values:
            self.document.work()
            self._values[number] = self._load(number, place)
        return self._values[number]

    def _load(self, number: int, place: Place) -> Object:
        raw = self.indirect(number)
        try:
            found = _converted(
                self.pdf.get_object((number, 0 if place.stream is not None else place.generation))
            )
        except (RuntimeError, ValueError, KeyError) as error:
            raise Malformed(
                f"Object {number} of the encrypted PDF cannot be read: {_said(error)}."
            ) from error
        if (
            raw is not None
            and isinstance(raw.value, dict)
            and isinstance(found, dict)
            and "ByteRange" in found
        ):
            # Contents of a signature are never encrypted (ISO 32000-2, 7.6.2).
            return {**found, **{key: raw.value[key] for key in ("Contents",) if key in raw.value}}
        if raw is not None and isinstance(raw.value, Stream):
            self._streams[raw.value.start] = number
            return Stream(found if isinstance(found, dict) else raw.value.entries, raw.value.start)
        return found

    def raw(self, stream: Stream) -> bytes:
        """The octets of a stream, decrypted and still packed."""
        number = self._streams.get(stream.start)
        place = None if number is None else self.place(number)
        if number is None or place is None:
            return super().raw(stream)
        try:
            return bytes(self.pdf.get_object((number, place.generation)).read_raw_bytes())
        except (RuntimeError, ValueError) as error:
            raise Malformed(
                f"Stream {number} of the encrypted PDF cannot be read: {_said(error)}."
            ) from error

    def stream(self, stream: Stream) -> bytes:
        """The unpacked octets of a stream. Raises `Malformed`: see `filters.unpack`."""
        entries = stream.entries
        return unpack(
            self.raw(stream),
            self._direct(entries.get("Filter")),
            self._direct(entries.get("DecodeParms")),
            self.document.allowance,
        )


def _converted(value: Any, depth: int = 0) -> Object:  # noqa: PLR0911 - one for each kind of object
    """An object of QPDF as ours; references stay references."""
    import pikepdf  # noqa: PLC0415 - see `opened`

    if depth > _DEPTH or value is None:
        return None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal | float):
        return float(value)
    if depth and getattr(value, "is_indirect", False):
        return Ref(*value.objgen)
    match value:
        case pikepdf.Name():
            return Name(str(value)[1:])
        case pikepdf.String():
            return bytes(value)
        case pikepdf.Array():
            return [_converted(one, depth + 1) for one in value]
        case pikepdf.Stream():
            return {key[1:]: _converted(one, depth + 1) for key, one in value.stream_dict.items()}
        case pikepdf.Dictionary():
            return {key[1:]: _converted(one, depth + 1) for key, one in value.items()}
        case _:
            return None


def disagreement(octets: bytes, dictionaries: tuple[SignatureDictionary, ...]) -> tuple[Finding, ...]:
    """Where QPDF reads other signature dictionaries out of the form's fields than we do, or reads nothing."""
    try:
        pdf = opened(octets)
        theirs = _contents(pdf)
    except Malformed as error:
        return (_finding(str(error)),)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        return (_finding(f"QPDF cannot follow its form: {_said(error)}."),)
    ours = {one.entries["Contents"] for one in dictionaries if isinstance(one.entries.get("Contents"), bytes)}
    if theirs == ours:
        return ()
    return (
        _finding(
            f"QPDF finds {len(theirs)} signatures in its fields where {len(ours)} were found here, or others "
            "of the same number."
        ),
    )


def _finding(text: str) -> Finding:
    return Finding(
        code="pades.readers-disagree",
        text=f"Readers of PDF disagree on this file. {text}",
        weight=Weight.NOTE,
    )


def _contents(pdf: Pdf) -> set[bytes]:
    """The Contents of all signature dictionaries that are values of fields, by QPDF's objects."""
    found: set[bytes] = set()
    form = pdf.Root.get("/AcroForm")
    waiting = [] if form is None else [(one, False) for one in form.get("/Fields", [])]
    seen: set[tuple[int, int]] = set()
    while waiting and len(seen) < _FIELDS:
        one, above = waiting.pop()
        mark = one.objgen
        if mark in seen and mark != (0, 0):
            continue
        seen.add(mark)
        kind = one.get("/FT")
        signs = above if kind is None else kind == "/Sig"
        value = one.get("/V")
        if signs and value is not None and "/Contents" in value:
            found.add(bytes(value["/Contents"]))
        waiting += [(kid, signs) for kid in one.get("/Kids", [])]
    return found

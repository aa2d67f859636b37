"""Pages drawn by PDFium: the only place that touches it. It runs no scripts and knows no XFA, as it is built.

It is not safe for threads, and reads the files of strangers: it is called in a process of its own.
"""

from __future__ import annotations

import ctypes
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_TEXT: Final = 1
"""FPDF_PAGEOBJ_TEXT."""
_INVISIBLE: Final = 3
"""FPDF_TEXTRENDERMODE_INVISIBLE (ISO 32000-2, 9.3.6)."""
_PASSWORD: Final = 4
"""FPDF_ERR_PASSWORD."""
_DEPTH: Final = 12
_ANNOTATIONS_BESIDE: Final = frozenset({2, 16, 20})
"""FPDF_ANNOT_LINK, _POPUP, _WIDGET: they lie over content on purpose, or not at all."""


class NotDrawn(Exception):  # noqa: N818 - what it is
    """The document or the page cannot be drawn. `reason` is a key of the catalogue below ``absent``."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class Box(NamedTuple):
    """A rectangle in the pixels of a picture, counted from its upper left corner."""

    left: int
    low: int
    right: int
    high: int

    def over(self, other: Box) -> bool:
        """Whether the two have an area in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.low < other.high
            and other.low < self.high
        )


class Letter(NamedTuple):
    """A character of a page, and where it is in the picture."""

    text: str
    box: Box


class Document:
    """An open PDF."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self.count: int = len(document)

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as it is seen, in points. Zero for one that cannot be read."""
        try:
            width, height = self._document.get_page_size(number - 1)
        except pdfium.PdfiumError:
            return 0.0, 0.0
        return round(width, 2), round(height, 2)

    @contextmanager
    def page(self, number: int) -> Iterator[DrawnPage]:
        """A page. Raises `NotDrawn`."""
        try:
            page = self._document[number - 1]
        except pdfium.PdfiumError as error:
            raise NotDrawn("pages", f"page {number} cannot be read") from error
        try:
            yield DrawnPage(page)
        finally:
            page.close()


class DrawnPage:
    """A page that can be drawn."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def picture(self, width: int, most: int, *, printed: bool = False) -> Image:
        """The page of about `width` pixels, at most `most` altogether, with annotations and fields.

        Raises:
            NotDrawn: it has no area, or there is no memory for it.
        """
        across, down = self._page.get_size()
        if not (across > 0 and down > 0 and math.isfinite(across) and math.isfinite(down)):
            raise NotDrawn("pages", "the page has no area")
        scale = min(width / across, math.sqrt(most / (across * down)))
        if across * scale < 1 or down * scale < 1:
            raise NotDrawn("pages", "the page is too narrow to be drawn")
        flags = raw.FPDF_PRINTING if printed else 0
        try:
            bitmap = self._page.render(scale=scale, rev_byteorder=True, extra_flags=flags)
        except (pdfium.PdfiumError, ValueError) as error:
            raise NotDrawn("pages", "it is too large, or damaged") from error
        made: Image = bitmap.to_pil().convert("RGB")
        bitmap.close()
        return made

    @property
    def has_text(self) -> bool:
        """Whether there are any characters on it."""
        with self._textpage() as page:
            return bool(page.count_chars())

    def text(self) -> str:
        """What a screen reader reads."""
        with self._textpage() as page:
            found: str = page.get_text_range()
        return found.replace("\r\n", "\n").replace("\ufffe", "-")

    def letters(self, width: int, height: int, most: int) -> Iterator[Letter]:
        """The characters that have ink, at their places in a picture of that size; at most `most`."""
        sides = [ctypes.c_double() for _ in range(4)]
        with self._textpage() as page:
            for index in range(min(page.count_chars(), most)):
                code = raw.FPDFText_GetUnicode(page, index)
                letter = chr(code) if 32 < code < 0x110000 else " "
                if not letter.isprintable() or letter.isspace() or raw.FPDFText_IsGenerated(page, index) == 1:
                    continue
                left, right, low, high = sides
                if not raw.FPDFText_GetCharBox(page, index, left, right, low, high):
                    continue
                corners = (left.value, low.value, right.value, high.value)
                yield Letter(letter, self._in_picture(corners, width, height))

    def invisible(self, most: int) -> tuple[int, int]:
        """How many pieces of its text are drawn invisibly, and how many objects were looked at.

        Those are `most` where it has as many or more.
        """
        count = invisible = 0
        try:
            for one in self._page.get_objects(max_depth=_DEPTH):
                count += 1
                if count >= most:
                    break
                if one.type == _TEXT:
                    invisible += raw.FPDFTextObj_GetTextRenderMode(one.raw) == _INVISIBLE
        except pdfium.PdfiumError as error:
            raise NotDrawn("pages", "its content cannot be read") from error
        return invisible, count

    def annotations(self, width: int, height: int, most: int) -> list[Box]:
        """Where in a picture of that size annotations lie that are seen and are no links or fields."""
        found = []
        sides = raw.FS_RECTF()
        for index in range(min(raw.FPDFPage_GetAnnotCount(self._page), most)):
            annotation = raw.FPDFPage_GetAnnot(self._page, index)
            if not annotation:
                continue
            hidden = raw.FPDFAnnot_GetFlags(annotation) & 0b100010  # Hidden, NoView
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if not hidden and kind not in _ANNOTATIONS_BESIDE and raw.FPDFAnnot_GetRect(annotation, sides):
                corners = (sides.left, sides.bottom, sides.right, sides.top)
                found.append(self._in_picture(corners, width, height))
            raw.FPDFPage_CloseAnnot(annotation)
        return found

    def _in_picture(self, corners: tuple[float, float, float, float], width: int, height: int) -> Box:
        """A rectangle of the page (left, low, right, high) in a picture of that size."""
        x, y = ctypes.c_int(), ctypes.c_int()
        places = []
        for across, up in (corners[:2], corners[2:]):
            raw.FPDF_PageToDevice(self._page, 0, 0, width, height, 0, across, up, x, y)
            places.append((x.value, y.value))
        (a, b), (c, d) = places
        return Box(min(a, c), min(b, d), max(a, c), max(b, d))

    @contextmanager
    def _textpage(self) -> Iterator[Any]:
        try:
            page = self._page.get_textpage()
        except pdfium.PdfiumError as error:
            raise NotDrawn("pages", "its text cannot be read") from error
        try:
            yield page
        finally:
            page.close()


@contextmanager
def opened(octets: bytes) -> Iterator[Document]:
    """The document, with the empty password. Raises `NotDrawn`."""
    try:
        document = pdfium.PdfDocument(octets)
        document.init_forms()
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise NotDrawn("password", "it needs a password") from error
        raise NotDrawn("pages", "PDFium can make nothing of it") from error
    try:
        yield Document(document)
    finally:
        document.close()

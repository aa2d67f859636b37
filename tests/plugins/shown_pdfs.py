"""PDF files that do, hide or fetch something, made octet by octet."""

from __future__ import annotations

from signed_pdfs import OBJECTS, Pdf, stream

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
    b"/Resources << /Font << /F1 7 0 R >> %b >> %b >>"
)
WORDS = b"BT /F1 12 Tf 20 100 Td (You owe nothing.) Tj ET"


def pdf(
    content: bytes = WORDS,
    *,
    catalogue: bytes = b"",
    page: bytes = b"",
    resources: bytes = b"",
    more: dict[int, bytes] | None = None,
) -> bytes:
    """A page with that content, and whatever else its catalogue, page and resources have."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalogue,
        2: OBJECTS[2],
        3: PAGE % (resources, page),
        4: stream(content),
        7: FONT,
        **(more or {}),
    }
    return Pdf().update(objects).octets


def pages(count: int) -> bytes:
    """A document of so many pages."""
    numbers = range(20, 20 + count)
    return pdf(
        more={
            2: b"<< /Type /Pages /Kids [%b] /Count %d >>"
            % (b" ".join(b"%d 0 R" % one for one in numbers), count),
            **dict.fromkeys(numbers, PAGE % (b"", b"")),
        }
    )

"""PDF as a signer is shown it: pages, and what the document does, hides and takes from elsewhere."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shown_pdfs import WORDS, pages, pdf
from signed_pdfs import document, stream

from trustworks.core.errors import Rejected
from trustworks.formats.data import Octets
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.look import look
from trustworks.signing.shown.model import Absent, Kind, Page, Pages, Seen, Signatures, Weight
from trustworks.signing.shown.paper import shown_page

JAVASCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
PLAIN = {"pdf.fonts"}
"""What is told of every document here: Helvetica is in none of them."""


def seen(octets: bytes, **more: Any) -> Seen:
    return look(Octets(octets, "a.pdf"), "a.pdf", **more)


def codes(octets: bytes) -> set[str]:
    return {one.code for one in seen(octets).findings}


def page(octets: bytes, number: int = 1, width: int = 400) -> Page:
    return shown_page(octets, number, width, DEFAULT)


def picture(octets: bytes) -> Image.Image:
    return Image.open(io.BytesIO(page(octets).png))


def test_a_document_has_pages_of_sizes() -> None:
    found = seen(pdf())
    assert (found.kind, found.parts) == (Kind.PDF, (Pages(count=1, sizes=((200.0, 200.0),)),))
    assert codes(pdf()) == PLAIN


def test_a_page_is_a_picture_with_its_text() -> None:
    made = page(pdf())
    assert (made.number, made.width, made.height, made.text.strip()) == (1, 400, 400, "You owe nothing.")
    image = Image.open(io.BytesIO(made.png)).convert("L")
    assert image.size == (400, 400)
    # The ink is where the text is: from (20, 100) on, in points from below.
    ink = image.point(lambda value: 255 * (value < 128)).getbbox()
    assert ink is not None
    left, top, right, bottom = ink
    assert 38 <= left <= 44
    assert 180 <= top <= bottom <= 210
    assert right > 200
    assert made.findings == ()


def test_a_turned_page_is_seen_as_it_is_turned() -> None:
    octets = pdf(page=b"/Rotate 90 /CropBox [0 50 200 150]")
    assert seen(octets).parts[0] == Pages(count=1, sizes=((100.0, 200.0),))
    made = page(octets, width=100)
    assert (made.width, made.height) == (100, 200)
    assert codes(octets) == PLAIN  # letters are looked for where they are after turning


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_page_that_is_not_there_is_rejected(number: int) -> None:
    with pytest.raises(Rejected) as raised:
        page(pdf(), number)
    assert raised.value.code == "shown.page"


@pytest.mark.req("TRUSTWORKS:SHOWN-WHOLE", "TS119101:SCP-9")
def test_pages_that_are_not_shown_are_an_objection() -> None:
    found = seen(pages(7), bounds=replace(DEFAULT, pages=5))
    (part,) = found.parts
    assert isinstance(part, Pages)
    assert (part.count, len(part.sizes)) == (7, 5)
    (finding,) = (one for one in found.findings if one.weight is Weight.OBJECTION)
    assert (finding.code, finding.values) == ("cut", {"shown": "5", "of": "7", "what": "pages"})


@pytest.mark.parametrize("box", [b"[0 0 14400 14400]", b"[0 0 1 100000]", b"[0 0 100000000 100000000]"])
def test_a_page_of_any_size_stays_within_the_bounds(box: bytes) -> None:
    octets = pdf(page=b"/MediaBox " + box)
    try:
        made = page(octets, width=100_000)
    except Rejected:
        return
    assert made.width * made.height <= DEFAULT.drawn + 100_000


_LINK = b"/Annots [<< /Type /Annot /Subtype /Link /Rect [20 90 90 120] /A %b >>]"
_STAMP = b"/Annots [<< /Type /Annot /Subtype /Stamp /F %d /Rect [%b] /AP << /N 8 0 R >> >>]"
_FORM = stream(b"1 1 1 rg 0 0 200 40 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 200 40]")
_LAYERS = (
    b"/OCProperties << /OCGs [8 0 R] /D << /OFF [%b] >> >>",
    {8: b"<< /Type /OCG /Name (Price) /Usage << %b >> >>"},
)


def layers(off: bytes, usage: bytes = b"") -> bytes:
    return pdf(catalogue=_LAYERS[0] % off, more={8: _LAYERS[1][8] % usage})


@pytest.mark.req("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY")
@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (pdf(catalogue=b"/OpenAction " + JAVASCRIPT), {"pdf.script"}),
        (
            pdf(catalogue=b"/Names << /JavaScript << /Names [(a) 8 0 R] >> >>", more={8: JAVASCRIPT}),
            {"pdf.script"},
        ),
        (pdf(page=b"/AA << /O %b >>" % JAVASCRIPT), {"pdf.script"}),
        (pdf(page=_LINK % b"<< /S /Launch /F (a.exe) >>"), {"pdf.launch"}),
        (pdf(page=_LINK % b"<< /S /GoToR /F (other.pdf) /D [0 /Fit] >>"), {"pdf.launch"}),
        (pdf(page=_LINK % b"<< /S /URI /URI (https://elsewhere.example/) >>"), {"pdf.links"}),
        (pdf(page=_LINK % b"<< /S /SubmitForm /F (https://elsewhere.example/) >>"), {"pdf.action"}),
        (pdf(page=_LINK % b"<< /S /GoTo /D [3 0 R /Fit] >>"), set()),
        (
            pdf(
                catalogue=b"/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /F (a.exe) "
                b"/EF << /F 8 0 R >> >>] >> >>",
                more={8: stream(b"x", b"/Type /EmbeddedFile")},
            ),
            {"pdf.embedded-files"},
        ),
        (pdf(page=b"/Annots [<< /Type /Annot /Subtype /Screen /Rect [0 0 9 9] >>]"), {"pdf.media"}),
        (
            pdf(
                resources=b"/XObject << /X 8 0 R >>",
                more={8: stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Ref << /F (b.pdf) >>")},
            ),
            {"pdf.elsewhere"},
        ),
        (
            pdf(
                resources=b"/XObject << /X 8 0 R >>",
                more={
                    8: stream(b"\0", b"/Subtype /Image /Width 1 /Height 1 /Alternates [] /BitsPerComponent 8")
                },
            ),
            {"pdf.image-alternates"},
        ),
        (
            pdf(catalogue=b"/AcroForm << /Fields [] /XFA [(a) 8 0 R] >>", more={8: stream(b"<x/>")}),
            {"pdf.xfa"},
        ),
        (
            pdf(
                catalogue=b"/NeedsRendering true /AcroForm << /Fields [] /XFA [(a) 8 0 R] >>",
                more={8: stream(b"<x/>")},
            ),
            {"pdf.xfa-dynamic"},
        ),
        (pdf(catalogue=b"/AcroForm << /Fields [<< /FT /Tx /T (a) /V (b) >>] >>"), {"pdf.form"}),
        (layers(b""), {"pdf.layers"}),
        (layers(b"8 0 R"), {"pdf.layers", "pdf.layers-hidden"}),
        (layers(b"", b"/Print << /PrintState /OFF >>"), {"pdf.layers", "pdf.layers-print"}),
        (layers(b"", b"/Print << /PrintState /ON >>"), {"pdf.layers"}),
    ],
)
def test_what_a_document_does_and_carries_is_told(octets: bytes, told: set[str]) -> None:
    assert codes(octets) == PLAIN | told


WHITE = b"1 1 1 rg BT /F1 12 Tf 20 100 Td (You owe 1,000,000.) Tj ET"


@pytest.mark.req("TRUSTWORKS:SHOWN-HIDDEN")
@pytest.mark.parametrize(
    ("content", "page_", "told"),
    [
        (WHITE, b"", {"pdf.hidden-text"}),
        # White on black is read well.
        (b"0 0 0 rg 0 90 200 30 re f " + WHITE, b"", set()),
        # A white area over the text, drawn after it.
        (WORDS + b" 1 1 1 rg 0 90 200 40 re f", b"", {"pdf.hidden-text"}),
        (b"BT /F1 12 Tf 20 250 Td (Above the page) Tj ET", b"", {"pdf.hidden-text"}),
        (b"BT /F1 0.6 Tf 20 100 Td (You owe 1000000) Tj ET", b"", {"pdf.text-tiny"}),
        (b"BT 3 Tr /F1 12 Tf 20 100 Td (Invisible) Tj ET", b"", {"pdf.hidden-text", "pdf.text-invisible"}),
        (
            WORDS,
            _STAMP % (4, b"10 90 150 120"),
            {"pdf.annotations", "pdf.annotation-over", "pdf.hidden-text"},
        ),
        (WORDS, _STAMP % (4, b"10 10 90 40"), {"pdf.annotations"}),
        (WORDS, _STAMP % (0, b"10 10 90 40"), {"pdf.annotations", "pdf.annotation-print"}),
        (WORDS, _STAMP % (32 | 4, b"10 90 150 120"), {"pdf.annotations", "pdf.annotation-print"}),
    ],
)
def test_text_that_cannot_be_seen_is_told(content: bytes, page_: bytes, told: set[str]) -> None:
    octets = pdf(content, page=page_, more={8: _FORM})
    assert codes(octets) == PLAIN | told
    of_page = {one.code for one in page(octets).findings}
    assert ("pdf.hidden-text" in of_page) == ("pdf.hidden-text" in told)


def test_a_page_that_prints_as_another_says_so() -> None:
    octets = pdf(page=_STAMP % (32 | 4, b"10 90 150 120"), more={8: _FORM})
    assert [one.code for one in page(octets).findings] == ["pdf.print-differs"]


def test_annotations_and_fields_are_drawn() -> None:
    black = stream(b"0 0 0 rg 0 0 200 40 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 200 40]")
    assert picture(pdf(page=_STAMP % (4, b"10 10 90 40"), more={8: black})).getpixel((100, 350)) == (0, 0, 0)
    field = _STAMP.replace(b"/Subtype /Stamp", b"/Subtype /Widget /FT /Tx /T (a)") % (4, b"10 10 90 40")
    form = b"/AcroForm << /Fields [] >>"
    assert picture(pdf(catalogue=form, page=field, more={8: black})).getpixel((100, 350)) == (0, 0, 0)


def test_a_font_that_is_in_the_document_is_not_told() -> None:
    (finding,) = seen(pdf()).findings
    assert finding.values == {"names": "Helvetica"}
    described = b"<< /Type /Font /Subtype /Type1 /BaseFont /A /FontDescriptor << /FontFile3 9 0 R >> >>"
    assert codes(pdf(b"", more={7: described, 9: stream(b"")})) == set()


@pytest.mark.req("TS119101:SCP-17")
def test_signatures_that_are_there_are_told_in_their_own_words() -> None:
    found = seen(document().signed_with(entries=b"/M (D:20260504030201Z) /Reason (I agree)").octets)
    (part,) = (one for one in found.parts if isinstance(one, Signatures))
    (signed,) = part.signatures
    assert (signed.level[:5], signed.reason) == ("PAdES", "I agree")
    assert signed.signer is not None
    assert {"signed-already", "pdf.updates"} <= {one.code for one in found.findings}


def test_a_document_that_needs_a_password_cannot_be_shown() -> None:
    pikepdf = pytest.importorskip("pikepdf")
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as opened:
        opened.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    found = seen(out.getvalue())
    (part,) = found.parts
    assert isinstance(part, Absent)
    assert part.reason == "password"
    empty = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as opened:
        opened.save(empty, encryption=pikepdf.Encryption(owner="o", user=""))
    assert codes(empty.getvalue()) == PLAIN | {"pdf.encrypted"}


@pytest.mark.req("TRUSTWORKS:SHOWN-KIND", "TS119101:SCP-7")
def test_readers_that_do_not_agree_are_an_objection() -> None:
    octets = pdf()
    # A tree of pages that says that it has more than are there: some believe it.
    broken = octets.replace(b"/Kids [3 0 R] /Count 1", b"/Kids [3 0 R] /Count 9")
    (finding,) = (one for one in seen(broken).findings if one.code == "pdf.readers")
    assert finding.weight is Weight.OBJECTION


@pytest.mark.parametrize("octets", [b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", pdf()[:200], b"%PDF-" + b"\0" * 5_000])
def test_a_document_that_cannot_be_opened_says_so(octets: bytes) -> None:
    found = seen(octets)
    (part,) = found.parts
    assert isinstance(part, Absent)
    assert {one.code for one in found.findings} >= {"absent"}


@pytest.mark.req("TRUSTWORKS:SHOWN-HIDDEN")
def test_a_page_that_cannot_be_drawn_is_an_objection() -> None:
    itself = pdf(more={2: b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"})
    (finding,) = (one for one in seen(itself).findings if one.code == "pdf.pages-undrawn")
    assert (finding.weight, finding.values) == (Weight.OBJECTION, {"pages": "1"})


def test_a_damaged_table_of_places_is_told() -> None:
    assert "pdf.damaged" in codes(pdf().replace(b"startxref\n", b"startxref\n9"))


@given(st.integers(0, 900), st.binary(min_size=1, max_size=6))
def test_a_damaged_document_has_an_answer(place: int, with_: bytes) -> None:
    octets = pdf(page=_LINK % JAVASCRIPT)
    damaged = octets[:place] + with_ + octets[place + len(with_) :]
    found = seen(damaged)
    assert found.parts
    if isinstance(found.parts[0], Pages) and found.parts[0].count:
        with suppress(Rejected):
            assert page(damaged).png


def test_content_that_multiplies_itself_ends() -> None:
    # Forms that draw each other ten times, three levels deep.
    forms = {
        number: stream(
            b"/X Do " * 10,
            b"/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /X %d 0 R >> >>"
            % (number + 1),
        )
        for number in range(30, 33)
    }
    forms[33] = stream(WORDS, b"/Type /XObject /Subtype /Form /BBox [0 0 200 200]")
    octets = pdf(b"/X Do", resources=b"/XObject << /X 30 0 R >>", more=forms)
    found = seen(octets, bounds=replace(DEFAULT, objects=50))
    assert "pdf.pages-unlooked" in {one.code for one in found.findings}

"""Visible signatures: what is said of them as a person says it, and what of it stands in the file."""

from __future__ import annotations

import contextlib
import io
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from signed_pdfs import OBJECTS, Pdf, cades

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import Octets
from trustworks.formats.limits import DEFAULT
from trustworks.formats.pades.creating import (
    Look,
    Place,
    Shown,
    Wanted,
    claims_text,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.creating.drawing import drawn
from trustworks.formats.pades.creating.written import text
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.syntax import Ref, Stream
from trustworks.formats.pades.view import View
from trustworks.formats.read import read

if TYPE_CHECKING:
    from trustworks.formats.pades.creating.look import Corner
    from trustworks.formats.pades.syntax import Object

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
PLAIN = Wanted(time=WHEN)
TEXT = Look(text="Signed by Ünsal Żółć\nΔίκη Иванов")
PAGE = Ref(3, 0)
PLACE = Place(rectangle=(10, 20, 100, 40))


def picture(mode: str = "RGBA", size: tuple[int, int] = (20, 10), kind: str = "PNG", **how: Any) -> bytes:
    colour: Any = (200, 0, 0, 100)[: len(mode)] if mode in {"RGB", "RGBA", "CMYK"} else 1
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **how)
    return out.getvalue()


SEAL = Look(picture=picture())


def page(entries: bytes = b"/MediaBox [0 0 200 300]", kids: bytes = b"[3 0 R]") -> Pdf:
    """A document whose page has these entries."""
    return Pdf().update(
        OBJECTS
        | {
            2: b"<< /Type /Pages /Kids %b /Count 1 /MediaBox [0 0 9 9] >>" % kids,
            3: b"<< /Type /Page /Parent 2 0 R %b /Contents 4 0 R /Annots 9 0 R >>" % entries,
        }
    )


def with_metadata(metadata: bytes, catalogue: bytes = b"") -> Pdf:
    pdf = page()
    said = b"<< /Length %d >>\nstream\n%b\nendstream" % (len(metadata), metadata)
    return pdf.update({1: pdf.objects[1][:-2] + b"/Metadata 50 0 R %b >>" % catalogue, 50: said})


def archivable(part: int, catalogue: bytes = b"") -> bytes:
    metadata = b'<x xmlns:id="http://www.aiim.org/pdfa/ns/id/" id:part="%d" id:conformance="B"/>' % part
    return with_metadata(metadata, catalogue).octets


def signed(octets: bytes, shown: Shown | None, **more: Any) -> View:
    """The file with a signature that is shown so, which reads as a whole."""
    data = Octets(octets)
    prepared = prepare(data, replace(PLAIN, widget=shown, **more))
    after = prepared.complete(cades(prepared.covered(data).octets()), data).octets()
    found = read(Octets(after)).signatures[-1]
    assert found.revision is not None
    assert (found.references[0].intact, found.revision.later) == (True, ())
    return View(Document(after, DEFAULT), len(after))


def widget_of(view: View, place: Ref = PAGE) -> dict[str, Object]:
    """The last annotation of a page."""
    return view.entries(view.items(view.entries(place)["Annots"])[-1])


def look_of(view: View, place: Ref = PAGE) -> Stream:
    found = view.get(view.entries(widget_of(view, place)["AP"])["N"])
    assert isinstance(found, Stream)
    return found


def refused(shown: Any, octets: bytes | None = None, **more: Any) -> str:
    """The code and the sentence of the refusal."""
    with pytest.raises(Rejected) as caught:
        prepare(Octets(octets or page().octets), replace(PLAIN, widget=shown(), **more))
    return f"{caught.value.code}: {caught.value}"


# --- what is shown ----------------------------------------------------------------------------------------


def test_the_text_says_what_the_signature_claims() -> None:
    assert claims_text(PLAIN) == "2026-05-04 03:02:01 UTC"
    whole = replace(PLAIN, name="N", reason="R", location="L")
    assert claims_text(whole) == "Signed by N\n2026-05-04 03:02:01 UTC\nReason: R\nPlace: L"


def test_a_text_has_its_font_and_the_way_back_to_its_characters() -> None:
    view = signed(page().octets, Shown(look=TEXT, place=PLACE))
    look = look_of(view)
    assert (look.entries["BBox"], "Matrix" in look.entries) == ([0, 0, 100, 40], False)
    fonts = view.entries(view.entries(look.entries["Resources"])["Font"])
    assert fonts
    for one in fonts.values():
        font = view.entries(one)
        assert isinstance(view.get(font["ToUnicode"]), Stream)
        (below,) = view.items(font["DescendantFonts"])
        descriptor = view.entries(view.entries(below)["FontDescriptor"])
        assert isinstance(view.get(descriptor["FontFile3"]), Stream)
        assert str(descriptor["FontName"])[6:7] == "+"
    assert widget_of(view)["TU"] == text("Signed by Ünsal Żółć, Δίκη Иванов")
    assert widget_of(view)["F"] == 132


@pytest.mark.parametrize("at", ["left", "right", "above", "below", "behind"])
def test_a_picture_beside_a_text(at: Any) -> None:
    look = replace(TEXT, picture=picture(), picture_at=at, background="#ffeecc", border="#000080")
    view = signed(page().octets, Shown(look=look, place=replace(PLACE, rectangle=(0, 0, 150, 150))))
    (image,) = view.entries(view.entries(look_of(view).entries["Resources"])["XObject"]).values()
    entries = view.entries(image)
    assert (entries["Width"], entries["Height"], "SMask" in entries) == (20, 10, True)


def test_the_same_look_is_the_same_octets() -> None:
    data = Octets(page().octets)
    wanted = replace(PLAIN, widget=Shown(look=replace(TEXT, picture=picture()), place=PLACE))
    once = prepare(data, wanted)
    drawn.cache_clear()
    assert prepare(data, wanted) == once


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (picture("RGB"), b"RGB"),
        (picture("L"), b"Gray"),
        (picture("1"), b"Gray"),
        (picture("P"), b"RGB"),
        (picture("RGB", kind="JPEG"), b"DCTDecode"),
        (picture("CMYK", kind="JPEG"), b"DCTDecode"),
        (picture("L", kind="JPEG"), b"DCTDecode"),
        (picture("I;16"), b"Gray"),
    ],
)
def test_pictures_of_every_kind(octets: bytes, kind: bytes) -> None:
    view = signed(page().octets, Shown(look=Look(picture=octets), place=PLACE, alternative="seal"))
    (image,) = view.entries(view.entries(look_of(view).entries["Resources"])["XObject"]).values()
    entries = view.entries(image)
    assert "SMask" not in entries
    assert entries["BitsPerComponent"] == 8
    if kind == b"DCTDecode":
        assert entries["Filter"] == "DCTDecode"
    else:
        (profile,) = [one for one in view.items(entries["ColorSpace"]) if isinstance(one, Ref)]
        assert view.entries(profile)["N"] == (1 if kind == b"Gray" else 3)
    assert widget_of(view)["TU"] == b"seal"


def test_a_photograph_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture("RGB", (20, 10), "JPEG", exif=exif)
    view = signed(page().octets, Shown(look=Look(picture=turned), place=PLACE))
    (image,) = view.entries(view.entries(look_of(view).entries["Resources"])["XObject"]).values()
    assert (view.entries(image)["Width"], view.entries(image)["Height"]) == (10, 20)


def bomb(side: int) -> bytes:
    """A picture of a few octets that says that it has many."""
    octets = bytearray(picture("L", (1, 1)))
    octets[16:24] = side.to_bytes(4, "big") * 2
    octets[29:33] = zlib.crc32(octets[12:29]).to_bytes(4, "big")
    return bytes(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"GIF89a",
        picture()[:50],
        picture("RGB", kind="JPEG")[:200],
        picture("RGB", kind="GIF"),
        picture("RGB", kind="TIFF"),
        picture("L", (10_001, 1)),
        picture("1", (4000, 4000)),
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        bytes(8 * 1024 * 1024 + 1),
    ],
)
def test_pictures_that_are_none(octets: bytes) -> None:
    said = refused(lambda: Shown(look=Look(picture=octets), place=PLACE))
    assert said.startswith("pdf.picture: The picture ")


@pytest.mark.parametrize("octets", [picture("RGB", kind="GIF"), b"", b"<svg/>"])
def test_a_picture_of_another_kind_is_told_what_it_is_not(octets: bytes) -> None:
    said = refused(lambda: Shown(look=Look(picture=octets), place=PLACE))
    assert said == (
        "pdf.picture: The picture is neither PNG nor JPEG. Give another one, as a plain PNG or JPEG."
    )


def test_a_picture_is_not_unpacked_before_its_size_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    large, huge = bomb(5_000), bomb(60_000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("it was unpacked"))
    assert "5000 by 5000 pixels" in refused(lambda: Shown(look=Look(picture=large), place=PLACE))
    assert "pdf.picture" in refused(lambda: Shown(look=Look(picture=huge), place=PLACE))


def test_letters_that_the_fonts_lack_are_named() -> None:
    said = refused(lambda: Shown(look=Look(text="A 漢 B 字"), place=PLACE))
    assert said.startswith("pdf.letters: The fonts for visible signatures lack 漢, 字.")
    said = refused(lambda: Shown(look=Look(text="漢"), place=PLACE), archivable(1))
    assert said.startswith("pdf.letters")


def test_a_text_is_made_smaller_and_broken_until_it_fits() -> None:
    words = "word " * 30
    view = signed(page().octets, Shown(look=Look(text=words, size=40), place=PLACE))
    sizes = {float(one.split()[-1]) for one in view.plain(look_of(view)).split(b"Tf")[:-1]}
    assert len(sizes) == 1
    assert 4 <= sizes.pop() < 12
    said = refused(lambda: Shown(look=Look(text=words * 10), place=PLACE))
    assert said.startswith("pdf.look-room: The text does not fit into 100 by 40 points")
    # A word that is too long is not cut off at the border.
    assert refused(lambda: Shown(look=Look(text="w" * 60), place=PLACE)).startswith("pdf.look-room")


def test_what_a_text_says_is_no_program_of_the_typesetter() -> None:
    said = '#panic("x") $x$ *b* _i_ @a <l> \\ // #sys.inputs.given'
    view = signed(page().octets, Shown(look=Look(text=said), place=replace(PLACE, rectangle=(0, 0, 190, 90))))
    assert widget_of(view)["TU"] == text(said)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"text": " \n"},
        {"text": "a\tb"},
        {"text": "a\x00b"},
        {"text": "a" * 2001},
        {"text": "a", "colour": "red"},
        {"text": "a", "border": "#12345"},
        {"text": "a", "background": "#12345g"},
        {"text": "a", "size": 3},
        {"text": "a", "size": float("nan")},
        {"text": "a", "border_width": 0},
        {"text": "a", "picture_at": "beside"},
    ],
)
def test_looks_that_are_none(wrong: dict[str, Any]) -> None:
    assert refused(lambda: Shown(look=Look(**wrong), place=PLACE)).startswith("pdf.look: ")


# --- where it is shown ------------------------------------------------------------------------------------

TURNED = {
    0: {"bottom-left": [30, 50, 80, 80], "top-right": [100, 130, 150, 160]},
    90: {"bottom-left": [120, 40, 150, 90], "top-right": [40, 100, 70, 150]},
    180: {"bottom-left": [100, 130, 150, 160], "top-right": [30, 50, 80, 80]},
    270: {"bottom-left": [40, 100, 70, 150], "top-right": [120, 40, 150, 90]},
}
"""Rectangles of 50 by 30 that are 10 across and 20 up from a corner of what is shown: 20, 30 to 160, 180."""
TURNED[90] = {"bottom-left": [110, 40, 140, 90], "top-right": [40, 120, 70, 170]}
TURNED[270] = {"bottom-left": [40, 120, 70, 170], "top-right": [110, 40, 140, 90]}


@pytest.mark.req("ISO32000-2:14.11.2-SHOWN")
@pytest.mark.parametrize("turned", TURNED)
@pytest.mark.parametrize("corner", ["bottom-left", "top-right"])
def test_a_place_is_measured_on_what_is_shown(turned: int, corner: Corner) -> None:
    octets = page(b"/MediaBox [0 0 200 180] /CropBox [160 190 20 30] /Rotate %d" % (turned - 360)).octets
    view = signed(octets, Shown(look=TEXT, place=Place(corner=corner, rectangle=(10, 20, 50, 30))))
    assert widget_of(view)["Rect"] == TURNED[turned][corner]
    matrix = {
        0: None,
        90: [0, 1, -1, 0, 30, 0],
        180: [-1, 0, 0, -1, 50, 30],
        270: [0, -1, 1, 0, 0, 50],
    }
    assert look_of(view).entries.get("Matrix") == matrix[turned]


def test_points_are_points_whatever_unit_a_page_has() -> None:
    view = signed(page(b"/MediaBox [0 0 100 100] /UserUnit 2.5").octets, Shown(look=TEXT, place=PLACE))
    assert widget_of(view)["Rect"] == [4, 8, 44, 24]
    assert look_of(view).entries["BBox"] == [0, 0, 100, 40]


def several() -> bytes:
    pdf = page(b"", b"[3 0 R 30 0 R]")
    body = b"<< /Type /Page /Parent %d 0 R %b >>"
    return pdf.update(
        {
            2: b"<< /Type /Pages /Kids [3 0 R 30 0 R] /Count 3 /MediaBox [0 0 150 150] >>",
            30: b"<< /Type /Pages /Kids [31 0 R 32 0 R 77 0 R] /Count 2 /Parent 2 0 R /Rotate 90 >>",
            31: body % (30, b""),
            32: body % (30, b"/Rotate 180"),
        }
    ).octets


@pytest.mark.parametrize(
    ("number", "reference", "turned"),
    [(1, 3, 0), (2, 31, 90), (3, 32, 180), (-1, 32, 180), (-2, 31, 90), (-3, 3, 0)],
)
def test_pages_are_counted_from_both_ends(number: int, reference: int, turned: int) -> None:
    view = signed(several(), Shown(look=TEXT, place=replace(PLACE, page=number)))
    place = Ref(reference, 0)
    assert widget_of(view, place)["P"] == place
    assert ("Matrix" in look_of(view, place).entries) == bool(turned)


def test_pages_that_are_not_there() -> None:
    for number in (4, -4):
        assert refused(lambda: Shown(look=TEXT, place=replace(PLACE, page=number)), several()).startswith(  # noqa: B023
            f"pdf.page: The PDF has no page {number}"
        )
    assert refused(lambda: Shown(look=TEXT, place=replace(PLACE, page=0))).startswith("pdf.place")


@pytest.mark.req("ISO32000-2:14.11.2-SHOWN")
@pytest.mark.parametrize("rectangle", [(101, 0, 100, 10), (0, 261, 10, 40), (0, 0, 201, 10), (0, 0, 10, 301)])
@pytest.mark.parametrize("corner", ["bottom-left", "top-right", "top-left", "bottom-right"])
def test_a_place_beyond_the_page(rectangle: Any, corner: Any) -> None:
    said = refused(lambda: Shown(look=SEAL, place=Place(rectangle=rectangle, corner=corner)))
    assert said.startswith("pdf.place: The rectangle does not fit on page 1, which shows 200 by 300 points")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rectangle": (0, 0, 0.5, 10)},
        {"rectangle": (-1, 0, 10, 10)},
        {"rectangle": (0, float("inf"), 10, 10)},
        {"rectangle": (0, 0, float("nan"), 10)},
        {"rectangle": (0, 0, 10, 10), "corner": "middle"},
    ],
)
def test_places_that_are_none(wrong: dict[str, Any]) -> None:
    assert refused(lambda: Shown(look=SEAL, place=Place(**wrong))).startswith("pdf.place: ")


@pytest.mark.parametrize(
    "entries",
    [
        b"/MediaBox null",
        b"/MediaBox [0 0 10]",
        b"/MediaBox [0 0 (a) 10]",
        b"/MediaBox [0 0 0 10]",
        b"/MediaBox [0 0 100 100] /CropBox [200 200 300 300]",
    ],
)
def test_pages_without_a_size(entries: bytes) -> None:
    with pytest.raises(Malformed, match="The page to be signed on"):
        prepare(Octets(page(entries).octets), replace(PLAIN, widget=Shown(look=TEXT, place=PLACE)))


# --- in a field that is there -----------------------------------------------------------------------------


def with_field(
    rectangle: bytes = b"[20 30 70 130]", entries: bytes = b"/P 3 0 R", annotations: bytes = b"[7 0 R]"
) -> bytes:
    return (
        page(b"/MediaBox [0 0 200 300] /Rotate 90")
        .update(
            {
                5: b"<< /Fields [6 0 R 7 0 R] >>",
                7: b"<< /FT /Sig /T (here) /Type /Annot /Subtype /Widget /Rect %b %b >>"
                % (rectangle, entries),
                9: annotations,
            }
        )
        .octets
    )


@pytest.mark.parametrize("entries", [b"/P 3 0 R", b"", b"/P 77 0 R"])
def test_a_field_gives_its_rectangle(entries: bytes) -> None:
    view = signed(with_field(entries=entries), Shown(look=TEXT), field="here")
    assert widget_of(view)["Rect"] == [20, 30, 70, 130]
    assert look_of(view).entries["BBox"] == [0, 0, 100, 50]
    assert look_of(view).entries["Matrix"] == [0, 1, -1, 0, 50, 0]


def test_fields_that_do_not_show_a_look() -> None:
    there = {"field": "here"}
    assert "has its place already" in refused(lambda: Shown(look=TEXT, place=PLACE), with_field(), **there)
    assert "is invisible" in refused(lambda: Shown(look=TEXT), with_field(b"[0 0 0 0]"), **there)
    assert "is invisible" in refused(lambda: Shown(look=TEXT), with_field(b"null"), **there)
    assert "on no page" in refused(lambda: Shown(look=TEXT), with_field(annotations=b"[]"), **there)
    assert "needs a place" in refused(lambda: Shown(look=TEXT), with_field(), field="new")


# --- archivable and accessible files ----------------------------------------------------------------------


@pytest.mark.req("ISO19005-1:6.4-OPAQUE")
@pytest.mark.parametrize(
    ("octets", "clear"),
    [
        (archivable(1), False),
        (archivable(1, b"/OutputIntents [<< /S /GTS_PDFA1 >>]"), False),
        (archivable(2), False),
        (archivable(2, b"/OutputIntents [<< /S /GTS_PDFA1 >>]"), True),
        (archivable(4, b"/OutputIntents [<< /S /GTS_PDFA1 >>]"), True),
        (with_metadata(b"<a xmlns:b='http://www.aiim.org/pdfa/ns/id/' c:part='1'/>").octets, True),
        (
            with_metadata(b"<a xmlns:b='http://www.aiim.org/pdfa/ns/id/'><b:part> 1 </b:part></a>").octets,
            False,
        ),
        (
            with_metadata(
                "<a xmlns:b='http://www.aiim.org/pdfa/ns/id/' b:part='1'/>".encode("utf-16")
            ).octets,
            False,
        ),
    ],
)
def test_nothing_is_seen_through_where_that_is_forbidden(octets: bytes, *, clear: bool) -> None:
    view = signed(octets, Shown(look=SEAL, place=PLACE))
    (image,) = view.entries(view.entries(look_of(view).entries["Resources"])["XObject"]).values()
    assert ("SMask" in view.entries(image)) == clear


@pytest.mark.req("ISO19005-1:6.9-APPEARANCE")
def test_an_invisible_field_of_an_archivable_file_has_an_appearance() -> None:
    assert isinstance(look_of(signed(archivable(1), None)), Stream)
    assert "AP" not in widget_of(signed(archivable(2), None))
    assert "AP" not in widget_of(signed(page().octets, None))


@pytest.mark.req("ISO19005-2:6.1.13-ROOM")
@pytest.mark.parametrize("part", [2, 3])
def test_the_room_that_archivable_files_have(part: int) -> None:
    said = refused(lambda: None, archivable(part), room=32_768)
    assert said.startswith(f"pdf.room: The PDF says that it is PDF/A-{part}, in which")
    with pytest.raises(Rejected, match="at most 32767 octets"):
        prepare_time_stamp(Octets(archivable(part)), room=32_768)
    for octets, room in ((archivable(part), 32_767), (archivable(1), 32_768), (page().octets, 32_768)):
        assert prepare(Octets(octets), replace(PLAIN, room=room)).room == room


def tagged(root: bytes, tree: bytes, **more: bytes) -> bytes:
    pdf = page()
    return pdf.update(
        {
            1: pdf.objects[1][:-2] + b"/StructTreeRoot 60 0 R /MarkInfo << /Marked true >> >>",
            60: b"<< /Type /StructTreeRoot %b /ParentTree 61 0 R %b >>" % (root, more.get("entries", b"")),
            61: tree,
            62: b"<< /Type /StructElem /S /Document /P 60 0 R %b >>" % more.get("document", b""),
            63: b"<< /Type /StructElem /S /P /P 60 0 R >>",
            64: b"<< /Limits [0 7] /Nums [0 [63 0 R] 7 63 0 R] >>",
        }
    ).octets


@pytest.mark.req("ISO32000-2:14.7.5.3-FIELD")
@pytest.mark.parametrize(
    ("octets", "above", "key"),
    [
        (tagged(b"/K 62 0 R", b"<< /Nums [0 [63 0 R]] >>"), 62, 1),
        (tagged(b"/K [62 0 R]", b"<< /Nums [] >>", document=b"/K [63 0 R] /NS 70 0 R"), 62, 0),
        (tagged(b"/K [62 0 R]", b"<< /Kids [64 0 R] >>", document=b"/K 63 0 R"), 62, 8),
        (tagged(b"/K [63 0 R 62 0 R]", b"<< /Kids [64 0 R] >>", entries=b"/ParentTreeNextKey 20"), 60, 20),
        (tagged(b"/K 63 0 R", b"null", entries=b"/ParentTreeNextKey (a)"), 60, 0),
        (tagged(b"", b"<< /Nums [0 null] >>"), 60, 1),
    ],
)
def test_a_field_is_part_of_the_structure(octets: bytes, above: int, key: int) -> None:
    view = signed(octets, Shown(look=TEXT, place=PLACE))
    widget = widget_of(view)
    assert widget["StructParent"] == key
    root = view.entries(Ref(60, 0))
    assert root["ParentTreeNextKey"] == key + 1
    tree = view.entries(root["ParentTree"])
    leaf = view.entries(view.items(tree["Kids"])[-1]) if "Kids" in tree else tree
    number, element = view.items(leaf["Nums"])[-2:]
    assert number == key
    kids = view.entries(Ref(above, 0))["K"]
    assert element == kids or element in view.items(kids)
    form = view.entries(element)
    (shown,) = [view.entries(one) for one in view.items(form["K"])]
    assert (form["S"], form["P"], form["Pg"]) == ("Form", Ref(above, 0), Ref(3, 0))
    assert (shown["Type"], view.entries(shown["Obj"])) == ("OBJR", widget)
    assert ("NS" in form) == ("NS" in view.entries(Ref(above, 0)))
    assert view.entries(Ref(3, 0))["Tabs"] == "S"


SPOTS = re.compile(rb"/[A-Za-z]+ (\[[^\]]*\]|\(\w+\)|-?[\d.]+(?: 0 R)?|/\w+|<< [^<>]* >>)")
WORDS = (
    b"null",
    b"[]",
    b"<< >>",
    b"[[]]",
    b"-1",
    b"1e9",
    b"3 0 R",
    b"60 0 R",
    b"9 0 R",
    b"(a)",
    b"/N",
    b"true",
)


@settings(max_examples=100)
@given(
    st.sampled_from(
        [archivable(1), tagged(b"/K 62 0 R", b"<< /Nums [0 [63 0 R]] >>"), several(), with_field()]
    ),
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(WORDS)), min_size=1, max_size=3),
    st.sampled_from([None, "here"]),
    st.sampled_from([None, Shown(look=SEAL), Shown(look=SEAL, place=replace(PLACE, page=-1))]),
)
def test_whatever_stands_in_a_file_it_is_signed_or_refused(
    octets: bytes, changes: list[tuple[int, bytes]], name: str | None, shown: Shown | None
) -> None:
    spots = [found.span(1) for found in SPOTS.finditer(octets)]
    for number, word in changes:
        begin, end = spots[number % len(spots)]
        if len(word) <= end - begin:
            octets = octets[:begin] + word.ljust(end - begin) + octets[end:]
    with contextlib.suppress(Malformed, Rejected):
        prepare(Octets(octets), replace(PLAIN, field=name, widget=shown))


def test_what_is_not_seen_is_read_out_where_a_file_has_a_structure() -> None:
    octets = tagged(b"/K 62 0 R", b"<< /Nums [] >>")
    assert widget_of(signed(octets, None))["TU"] == b"Digital signature"
    stamp = prepare_time_stamp(Octets(octets)).appended
    assert b"/TU (Document time-stamp)" in stamp
    assert "TU" not in widget_of(signed(page().octets, None))


def test_the_structure_of_a_signed_file_stays() -> None:
    """Others take its change for one of the document; what is not on the page needs no place in it."""
    view = signed(tagged(b"/K 62 0 R", b"<< /Nums [] >>"), None)
    octets = view.document.octets
    widget = widget_of(signed(octets, None))
    assert ("StructParent" in widget, widget["TU"], widget["Rect"]) == (
        False,
        b"Digital signature",
        [-1, -1, -1, -1],
    )
    shown = widget_of(signed(octets, Shown(look=TEXT, place=PLACE)))
    assert ("StructParent" in shown, "TU" in shown) == (False, True)


@pytest.mark.req("ISO32000-2:12.5.2-FREE")
def test_nothing_is_put_over_what_is_there_once_a_file_is_signed() -> None:
    once = signed(page().octets, Shown(look=TEXT, place=PLACE)).document.octets
    beside = replace(PLACE, rectangle=(10, 60, 100, 40))
    signed(once, Shown(look=TEXT, place=beside))
    over = replace(PLACE, rectangle=(10, 59, 100, 40))
    said = refused(lambda: Shown(look=TEXT, place=over), once)
    assert said.startswith("pdf.place: On page 1 something stands at that place already")


@pytest.mark.parametrize("root", [b"<< /K 62 0 R /ParentTree << /Nums [] >> >>"])
def test_a_structure_that_cannot_be_followed(root: bytes) -> None:
    pdf = page()
    octets = pdf.update({1: pdf.objects[1][:-2] + b"/StructTreeRoot %b >>" % root}).octets
    with pytest.raises(Malformed, match="structure of the tagged PDF is no object"):
        prepare(Octets(octets), PLAIN)
    crowded = tagged(b"/K 62 0 R", b"<< /Nums [2147483648 63 0 R] >>")
    with pytest.raises(Malformed, match="no keys left"):
        prepare(Octets(crowded), PLAIN)

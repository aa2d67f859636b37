"""Others judge visible signatures and encrypted files: veraPDF, pyHanko, QPDF, pdfsig and pdftoppm."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signed_pdfs import AUTHORITY, cades, token

from trustworks.core.pages.typesetting import typeset
from trustworks.core.ports import ValidationData
from trustworks.formats.data import Octets, Protected
from trustworks.formats.pades.creating import (
    Lock,
    Look,
    Place,
    Shown,
    Wanted,
    add_store,
    claims_text,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.creating.archival import LONGEST
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data

pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".venv" / "verapdf" / "jars"
WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
PLAIN = Wanted(time=WHEN, name="Łucja Ünder", reason="Agreed", location="Αθήνα")
PLACE = Place(page=-1, corner="bottom-right", rectangle=(10, 10, 180, 60))


@pytest.fixture(autouse=True, scope="module")
def _numbers_apart() -> Iterator[None]:
    """The CA's certificate gets another number than the signer's: pyHanko takes the first of both for it."""
    before = AUTHORITY.ca
    AUTHORITY.ca = AUTHORITY.certify_ca(b"CA", serial=1)
    yield
    AUTHORITY.ca = before


def picture() -> bytes:
    """The left half red, the right half blue and half seen through."""
    found = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    found.paste((0, 0, 255, 128), (20, 0, 40, 20))
    out = io.BytesIO()
    found.save(out, "PNG")
    return out.getvalue()


LATER = {ModificationLevel.FORM_FILLING, ModificationLevel.LTA_UPDATES}
LOOK = Look(text=claims_text(PLAIN), picture=picture(), border="#004488", background="#eef4ff")


def signed(data: Data, wanted: Wanted) -> Data:
    prepared = prepare(data, wanted)
    return prepared.complete(cades(prepared.covered(data).octets()), data)


def whole_life(data: Data, shown: Shown | None) -> bytes:
    """Signed so, signed again without being seen, with validation data and a document time-stamp."""
    twice = signed(signed(data, replace(PLAIN, widget=shown)), PLAIN)
    stored = add_store(twice, ValidationData(certificates=(AUTHORITY.ca,)))
    prepared = prepare_time_stamp(stored)
    return prepared.complete(token(prepared.covered(stored).octets()), stored).octets()


def judged(octets: bytes, password: str | None = None) -> list[Any]:
    """What pyHanko says of each signature."""
    reader = PdfFileReader(io.BytesIO(octets))
    if password is not None:
        reader.decrypt(password)
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(AUTHORITY.ca)], moment=WHEN, revocation_mode="soft-fail"
    )
    return [
        validate_pdf_signature(one, context)
        for one in reader.embedded_signatures
        if one.sig_object_type != "/DocTimeStamp"
    ]


# --- archivable and accessible ----------------------------------------------------------------------------

TEMPLATE = b"""
#set document(title: "A contract", author: "TEST")
#set text(lang: "en")
#set page(width: 300pt, height: 200pt)
= A contract
You owe nothing.
#pagebreak()
== More of it
- one
- two
"""
FLAVOURS = {
    "1b": ["a-1b"],
    "1a": ["a-1a"],
    "2b": ["a-2b"],
    "2a,ua1": ["a-2a", "ua-1"],
    "3b": ["a-3b"],
    "4": ["a-4"],
}


def archivable(standards: Sequence[Any]) -> bytes:
    return typeset(TEMPLATE, {}, WHEN, standards=list(standards))


@pytest.mark.req(
    "ISO19005-1:6.4-OPAQUE",
    "ISO19005-1:6.9-APPEARANCE",
    "ISO19005-2:6.1.13-ROOM",
    "ISO32000-2:14.7.5.3-FIELD",
)
def test_verapdf_finds_what_was_archivable_so_when_it_is_signed(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not JARS.is_dir():
        pytest.skip("NOT TESTED, because veraPDF is not there: tools/setup tests gets it by java and mvn")
    source = ROOT / "tests" / "interop" / "java" / "Conforms.java"
    for flavours, standards in FLAVOURS.items():
        files = [tmp_path / f"{flavours}-{name}.pdf" for name in ("shown", "unseen")]
        for file, shown in zip(files, (Shown(look=LOOK, place=PLACE), None), strict=True):
            file.write_bytes(whole_life(Octets(archivable(standards)), shown))
        files.append(tmp_path / f"{flavours}-certified.pdf")
        most = replace(PLAIN, certify=2, lock=Lock(action="All"), room=LONGEST)
        files[-1].write_bytes(signed(Octets(archivable(standards)), most).octets())
        found = subprocess.run(
            [java, "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", str(source), flavours, *map(str, files)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout.splitlines()
        assert found == [f"{flavour} true {file}" for flavour in flavours.split(",") for file in files]


@pytest.mark.parametrize("flavours", FLAVOURS)
def test_pyhanko_finds_nothing_wrong_with_later_signatures_in_such_files(flavours: str) -> None:
    octets = whole_life(Octets(archivable(FLAVOURS[flavours])), Shown(look=LOOK, place=PLACE))
    said = judged(octets)
    assert [(one.intact, one.valid, one.docmdp_ok) for one in said] == [(True, True, True)] * 2
    assert all(one.modification_level in LATER for one in said)
    # By part 1 the field of the time-stamp has an appearance, which pyHanko has for more than what keeps it.
    assert (said[1].modification_level is ModificationLevel.LTA_UPDATES) == ("1" not in flavours[:1])


@pytest.mark.req("ISO32000-2:14.9.3-APPEARANCE")
@pytest.mark.parametrize("alternative", [None, "Seal of Ünsal"])
@pytest.mark.parametrize("split", [False, True], ids=["one object", "field and widget"])
@pytest.mark.parametrize("certify", [2, 3])
def test_a_certified_form_stays_so_when_a_field_of_it_is_signed_and_seen(
    certify: Any, split: bool, alternative: str | None
) -> None:
    made, out = pikepdf.new(), io.BytesIO()
    page = made.add_blank_page(page_size=(200, 300))
    name, kind = {"/T": "S", "/TU": "Sign here", "/FT": pikepdf.Name.Sig}, pikepdf.Name.Widget
    seen = {
        "/Type": pikepdf.Name.Annot,
        "/Subtype": kind,
        "/Rect": [10, 20, 160, 90],
        "/P": page.obj,
        "/F": 4,
    }
    field = made.make_indirect(pikepdf.Dictionary({**name, **({} if split else seen)}))
    widget = made.make_indirect(pikepdf.Dictionary({**seen, "/Parent": field})) if split else field
    if split:
        field.Kids = pikepdf.Array([widget])
    page.obj.Annots = pikepdf.Array([widget])
    made.Root.AcroForm = made.make_indirect(pikepdf.Dictionary({"/Fields": [field], "/SigFlags": 0}))
    made.save(out)
    certified = signed(Octets(out.getvalue()), replace(PLAIN, certify=certify))
    shown = Shown(look=LOOK, alternative=alternative)
    octets = signed(certified, replace(PLAIN, field="S", widget=shown)).octets()
    said = judged(octets)
    # For pyHanko the look of a widget that stands apart from its field is no part of filling it in.
    expected = ModificationLevel.OTHER if split else ModificationLevel.FORM_FILLING
    assert [(one.intact, one.valid, one.docmdp_ok) for one in said] == [
        (True, True, not split),
        (True, True, True),
    ]
    assert said[0].modification_level is expected
    ours = [one.revision for one in read(Octets(octets)).signatures if one.revision]
    assert [[each.code for each in one.later] for one in ours] == [["pades.form-changed"], []]
    after = pikepdf.open(io.BytesIO(octets))
    (found,) = [one for one in after.Root.AcroForm.Fields if one.T == "S"]
    assert str(found.TU) == "Sign here"
    look = (found.Kids[0] if split else found).AP.N.read_bytes()
    assert (alternative or LOOK.text or "").encode("utf-16-be").hex().encode()[-12:] in look.split(b"BDC")[0]


# --- where it is shown ------------------------------------------------------------------------------------


def turned(rotate: int, unit: int = 1) -> bytes:
    """A page of which 300 by 200 units are shown, turned."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(400, 400))
        page.obj.Rotate = rotate
        page.obj.CropBox = pikepdf.Array([50, 20, 350, 220])
        if unit != 1:
            page.obj.UserUnit = unit
        pdf.save(out)
    return out.getvalue()


@pytest.mark.req("ISO32000-2:14.11.2-SHOWN")
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("unit", [1, 2])
def test_poppler_shows_it_upright_where_it_was_wanted(rotate: int, unit: int, tmp_path: Path) -> None:
    renderer = shutil.which("pdftoppm")
    if renderer is None:
        pytest.skip("NOT TESTED, because pdftoppm (poppler-utils) is not there")
    place = Place(corner="top-right", rectangle=(30, 20, 100, 50))
    look = Look(picture=picture(), background="#00ff00")
    path = tmp_path / "a.pdf"
    path.write_bytes(
        signed(Octets(turned(rotate, unit)), replace(PLAIN, widget=Shown(look=look, place=place))).octets()
    )
    # Poppler draws a unit as a point, whatever UserUnit says.
    subprocess.run(
        [renderer, "-cropbox", "-png", "-singlefile", "-r", f"{72 * unit}", str(path), str(tmp_path / "a")],
        check=True,
        capture_output=True,
        timeout=120,
    )
    seen = Image.open(tmp_path / "a.png").convert("RGB")
    across, up = (300 * unit, 200 * unit) if rotate % 180 == 0 else (200 * unit, 300 * unit)
    assert seen.size == (across, up)
    left = across - 130
    at = {
        (left + 25, 45): (255, 0, 0),
        (left + 75, 45): (0, 127, 128),
        (left + 2, 45): (0, 255, 0),
        (left + 98, 45): (0, 255, 0),
        (left - 3, 45): (255, 255, 255),
        (left + 103, 45): (255, 255, 255),
        (left + 50, 17): (255, 255, 255),
        (left + 50, 73): (255, 255, 255),
    }
    for place_, colour in at.items():
        found: Any = seen.getpixel(place_)
        assert all(abs(one - other) < 12 for one, other in zip(found, colour, strict=True)), place_


# --- encrypted files --------------------------------------------------------------------------------------

WAYS: dict[str, dict[str, Any]] = {
    "RC4 of 40 bits": {"R": 2, "aes": False, "metadata": False},
    "RC4 of 128 bits": {"R": 3, "aes": False, "metadata": False},
    "AES of 128 bits": {"R": 4, "aes": True},
    "AES of 256 bits": {"R": 6, "aes": True},
    "AES of 256 bits, not the metadata": {"R": 6, "aes": True, "metadata": False},
}


def encrypted(way: str) -> bytes:
    allowed = pikepdf.Permissions(modify_assembly=True)
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(archivable(["1.7"]))) as pdf:
        del pdf.Root.Metadata  # of which QPDF says that old ways of encryption cannot do without
        pdf.save(out, encryption=pikepdf.Encryption(user="user", owner="owner", allow=allowed, **WAYS[way]))
    return out.getvalue()


@pytest.mark.req("ISO32000-2:7.6.2-CONTENTS")
@pytest.mark.parametrize("way", WAYS)
def test_others_open_what_was_signed_by_its_password(way: str, tmp_path: Path) -> None:
    octets = whole_life(Protected(Octets(encrypted(way)), "user"), Shown(look=LOOK, place=PLACE))
    with pikepdf.open(io.BytesIO(octets), password="user") as pdf:
        assert pdf.check_pdf_syntax() == []
    for password in ("user", "owner"):
        said = judged(octets, password)
        assert [(one.intact, one.valid) for one in said] == [(True, True)] * 2
        assert all(one.modification_level in LATER for one in said)
    if shutil.which("pdfsig") is None:
        pytest.skip("NOT TESTED by pdfsig, because poppler-utils is not there")
    path = tmp_path / "a.pdf"
    path.write_bytes(octets)
    told = subprocess.run(
        ["pdfsig", "-upw", "user", str(path)], capture_output=True, text=True, check=False, timeout=120
    ).stdout
    assert told.count("Signature is Valid.") == 2, told

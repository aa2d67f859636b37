"""Independent readers judge the PDF signatures that are built here: pyHanko, QPDF, Poppler's pdfsig, EU DSS.

The first ones hold CMS that `openssl cms` made, over the octets that were prepared.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import x509 as asn1_x509
from dss_judge import Case, answers
from jades_vectors import Signer
from pikepdf import ObjectStreamMode
from pikepdf import Pdf as Qpdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from signed_pdfs import AUTHORITY, OBJECTS, PAGE, Pdf, cades, stamped, stream, token

from trustworks.core.ports import ValidationData
from trustworks.formats.data import Octets, Stored
from trustworks.formats.pades.creating import (
    Appearance,
    Lock,
    Look,
    Place,
    Shown,
    Wanted,
    Widget,
    add_store,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.syntax import Name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.interop

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
PLAIN = Wanted(time=WHEN)
LOOK = Appearance(
    content=b"BT /F 12 Tf 2 5 Td (Signed) Tj ET",
    box=(0, 0, 100, 20),
    resources={
        "Font": {"F": {"Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica")}}
    },
)
WAYS = {
    "plain": PLAIN,
    "shown": replace(PLAIN, widget=Widget(page=1, rectangle=(20, 20, 120, 40), appearance=LOOK)),
    "as said": replace(
        PLAIN, widget=Shown(look=Look(text="Signed"), place=Place(page=-1, rectangle=(20, 20, 100, 20)))
    ),
    "certified": replace(PLAIN, certify=2),
    "locking": replace(PLAIN, lock=Lock(action="Include", fields=("amount",))),
    "described": replace(PLAIN, field="Ünder", name="N", reason="Because", location="L", contact="C"),
}


def clean(**how: Any) -> bytes:
    """A document that QPDF finds nothing to warn of in: its page has resources."""
    return Pdf(**how).update(OBJECTS | {3: PAGE.replace(b"/Contents", b"/Resources << >> /Contents")}).octets


def shaped(packed: bool, **how: Any) -> bytes:
    out = io.BytesIO()
    mode = ObjectStreamMode.generate if packed else ObjectStreamMode.disable
    with Qpdf.open(io.BytesIO(clean())) as pdf:
        pdf.save(out, object_stream_mode=mode, **how)
    return out.getvalue()


def hybrid() -> bytes:
    """A file with a table whose trailer names a stream, which tells of one object more (XRefStm)."""
    pdf = Pdf().update(OBJECTS | {3: PAGE.replace(b"/Contents", b"/Resources << >> /Contents")})
    octets, hidden = pdf.octets, len(pdf.octets)
    octets += b"50 0 obj\n(hidden)\nendobj\n"
    places = [(50, hidden), (51, len(octets))]
    rows = b"".join(b"\x01" + at.to_bytes(4, "big") + b"\0" for _, at in places)
    body = stream(rows, b"/Type /XRef /W [1 4 1] /Index [50 2] /Size 52")
    octets += b"51 0 obj\n%b\nendobj\n" % body
    trailer = b"<< /Size 52 /Root 1 0 R /Prev %d /XRefStm %d >>" % (pdf.start or 0, places[1][1])
    start = len(octets)
    octets += b"xref\n0 1\n0000000000 65535 f \ntrailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)
    return octets


SHAPES = {
    "hybrid": hybrid(),
    "table": clean(),
    "stream": clean(as_stream=True),
    "1.3": shaped(packed=False, force_version="1.3"),
    "packed 1.7": shaped(packed=True, force_version="1.7"),
    "linear": shaped(packed=False, linearize=True),
    "packed linear 2.0": shaped(packed=True, linearize=True, force_version="2.0"),
}


@pytest.fixture(autouse=True, scope="module")
def _numbers_apart() -> Iterator[None]:
    """The CA's certificate gets another number than the signer's: pyHanko takes the first of both for it."""
    before = AUTHORITY.ca
    AUTHORITY.ca = AUTHORITY.certify_ca(b"CA", serial=1)
    yield
    AUTHORITY.ca = before


def signed(octets: bytes, wanted: Wanted = PLAIN, contents: Any = cades) -> bytes:
    data = Octets(octets)
    prepared = prepare(data, wanted)
    return prepared.complete(contents(prepared.covered(data).octets()), data).octets()


def time_stamped(octets: bytes) -> bytes:
    data = Octets(octets)
    prepared = prepare_time_stamp(data)
    return prepared.complete(token(prepared.covered(data).octets()), data).octets()


def checked_by_qpdf(octets: bytes) -> None:
    with Qpdf.open(io.BytesIO(octets)) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert len(pdf.pages) == 1


def context() -> ValidationContext:
    return ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(AUTHORITY.ca)], moment=WHEN, revocation_mode="soft-fail"
    )


def judged_by_pyhanko(octets: bytes) -> list[Any]:
    """What pyHanko says of each signature and document time-stamp."""
    # Where it is strict it judges no signature in a hybrid file.
    reader = PdfFileReader(io.BytesIO(octets), strict=b"/XRefStm" not in octets)
    found: list[Any] = []
    for one in reader.embedded_signatures:
        if one.sig_object_type == "/DocTimeStamp":
            found.append(validate_pdf_timestamp(one, context()))
        else:
            found.append(validate_pdf_signature(one, context()))
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_pyhanko_and_qpdf_take_what_is_built(shape: str, way: str) -> None:
    twice = signed(signed(SHAPES[shape], WAYS[way], stamped))
    octets = time_stamped(add_store(Octets(twice), ValidationData(certificates=(AUTHORITY.ca,))).octets())
    checked_by_qpdf(octets)
    said = judged_by_pyhanko(octets)
    assert [(one.intact, one.valid) for one in said] == [(True, True)] * 3
    assert said[0].timestamp_validity.intact
    assert said[0].modification_level in {ModificationLevel.FORM_FILLING, ModificationLevel.LTA_UPDATES}
    assert said[1].modification_level is ModificationLevel.LTA_UPDATES
    assert all(one.docmdp_ok for one in said[:2])


@pytest.mark.parametrize("level", [1, 2, 3])
def test_pyhanko_reads_a_certification(level: Any) -> None:
    octets = signed(clean(), replace(PLAIN, certify=level))
    (one,) = PdfFileReader(io.BytesIO(octets)).embedded_signatures
    assert one.docmdp_level.value == level
    assert validate_pdf_signature(one, context()).intact


def of_openssl(folder: Path, covered: Path) -> bytes:
    """CMS over a file by a new key."""
    key, certificate, out = folder / "key.pem", folder / "cert.pem", folder / "sig.der"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=signer"]
    subprocess.run(
        ["openssl", "req", "-x509", *made, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    how = ["-binary", "-cades", "-md", "sha256", "-nosmimecap", "-outform", "DER"]
    given = ["-in", str(covered), "-signer", str(certificate), "-inkey", str(key), "-out", str(out)]
    subprocess.run(["openssl", "cms", "-sign", *how, *given], check=True, capture_output=True)
    return out.read_bytes()


def test_cms_of_openssl_is_put_into_a_file(tmp_path: Path) -> None:
    path, covered = tmp_path / "a.pdf", tmp_path / "covered"
    path.write_bytes(clean())
    data = Stored(path)
    prepared = prepare(data, PLAIN)
    covered.write_bytes(prepared.covered(data).octets())
    octets = prepared.complete(of_openssl(tmp_path, covered), data).octets()
    checked_by_qpdf(octets)
    (said,) = judged_by_pyhanko(octets)
    assert (said.intact, said.valid) == (True, True)
    out = tmp_path / "signed.pdf"
    out.write_bytes(octets)
    pdfsig = shutil.which("pdfsig")
    if pdfsig is None:
        pytest.skip("NOT TESTED, because pdfsig is not there: tools/setup tests gets it (poppler-utils)")
    shown = subprocess.run([pdfsig, "-nocert", out], capture_output=True, check=False, timeout=60).stdout
    assert b"Signature Validation: Signature is Valid." in shown
    assert b"Total document signed" in shown


def test_eu_dss_finds_the_levels_that_were_built(tmp_path: Path) -> None:
    store = ValidationData(
        certificates=(AUTHORITY.ca, AUTHORITY.certificate),
        lists=(Signer(authority=AUTHORITY, issuer="CA").revocation_list("CA"),),
    )
    made = {f"{way} B": signed(SHAPES["table"], wanted) for way, wanted in WAYS.items()}
    made |= {f"{shape} T": signed(octets, PLAIN, stamped) for shape, octets in SHAPES.items()}
    made |= {f"{way} T by document": time_stamped(made[f"{way} B"]) for way in ("plain", "certified")}
    made |= {
        f"{shape} LTA": time_stamped(add_store(Octets(made[f"{shape} T"]), store).octets())
        for shape in ("table", "packed 1.7")
    }
    cases, expected = [], []
    for name, octets in made.items():
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(octets)
        cases.append(Case(file=path, at=WHEN.replace(hour=4)))
        level = next(one for one in ("LTA", "T", "B") if f" {one}" in name)
        # Above T, EU DSS looks at what status data is worth, and the authority of the tests may sign none.
        expected.append((f"PAdES-BASELINE-{level[:1].replace('L', 'T')}", True, True, level != "B"))
    differ = {}
    for case, said, wanted_of in zip(cases, answers(cases, tmp_path), expected, strict=True):
        found = [
            (one["level"], one["intact"], one["data_intact"], bool(one["time_stamps"]))
            for one in said.get("signatures", [])
        ]
        if found != [wanted_of] or any(not one["imprint_intact"] for one in said["time_stamps"]):
            differ[case.file.name] = said
    assert not differ, json.dumps(differ, indent=1)

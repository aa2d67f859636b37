"""Signatures and document time-stamps put into PDF files, read back by our own reader."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_pdfs import OBJECTS, Pdf, cades, document, stamped, stream, token

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import PORTION, Octets, Stored
from trustworks.formats.evidence import Weight
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.formats.pades.creating import (
    Appearance,
    Lock,
    NewStream,
    Prepared,
    Wanted,
    Widget,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.creating.written import date, octets_of, text
from trustworks.formats.pades.dates import date_of
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.fields import text_of
from trustworks.formats.pades.syntax import Name, Ref, parse
from trustworks.formats.pades.view import View
from trustworks.formats.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Signature

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
PLAIN = Wanted(time=WHEN)
LOOK = Appearance(
    content=b"BT /F 12 Tf 2 5 Td (Signed) Tj ET",
    box=(0, 0, 100, 20.5),
    resources={
        "Font": {"F": {"Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica")}},
        "XObject": {"Im": NewStream({"Type": Name("XObject"), "Subtype": Name("Image")}, b"\x00")},
    },
)
SHOWN = Widget(page=1, rectangle=(20, 20, 120, 40.5), appearance=LOOK, alternative="Signed by Ü")


def signed(data: Data, wanted: Wanted = PLAIN, contents: Any = cades) -> bytes:
    """The file with one more signature."""
    prepared = prepare(data, wanted)
    return prepared.complete(contents(prepared.covered(data).octets()), data).octets()


def time_stamped(octets: bytes) -> bytes:
    data = Octets(octets)
    prepared = prepare_time_stamp(data)
    return prepared.complete(token(prepared.covered(data).octets()), data).octets()


def evidence(octets: bytes) -> Evidence:
    return read(Octets(octets, "a.pdf"))


def whole(signature: Signature) -> bool:
    """Whether the reader finds nothing wrong: what was signed is there, and no later change objects."""
    assert signature.revision is not None
    wrong = [one for one in (*signature.findings, *signature.revision.later) if one.weight is not Weight.NOTE]
    return all(one.found and one.intact for one in signature.references) and not wrong


def opened(octets: bytes) -> View:
    return View(Document(octets, DEFAULT), len(octets))


@pytest.mark.parametrize("as_stream", [False, True])
@pytest.mark.req("EN319142-1:5.3-GAP", "ISO32000-2:12.8.1-RANGE", "ISO32000-2:12.8.1-REVISION")
def test_a_signature_is_added_behind_the_file(*, as_stream: bool) -> None:
    before = document(as_stream=as_stream).octets
    wanted = replace(PLAIN, name="N", reason="Ü", location="L", contact="C", room=5000)
    octets = signed(Octets(before), wanted)
    assert octets.startswith(before)
    found = evidence(octets)
    (signature,) = found.signatures
    assert found.findings == ()
    assert whole(signature)
    assert (signature.level, signature.name) == ("PAdES-BASELINE-B", "Signature1")
    attributes = signature.attributes
    assert (attributes.signing_time, attributes.reason, attributes.signer_name) == (WHEN, "Ü", "N")
    assert attributes.location == {"place": "L", "contact": "C"}
    assert signature.revision is not None
    assert signature.revision.covers_all_of_it
    view = opened(octets)
    assert view.sections[0].is_stream == as_stream
    assert not view.misplaced


def test_the_digest_is_that_of_what_the_byte_range_names() -> None:
    data = Octets(document().octets)
    prepared = prepare(data, PLAIN, hash_name="sha512")
    covered = prepared.covered(data)
    contents = cades(covered.octets())
    octets = prepared.complete(contents, data).octets()
    begin, end = prepared.size + prepared.gap_begin, prepared.size + prepared.gap_end
    assert prepared.digest == covered.digest("sha512")
    assert prepared.digest == hashlib.sha512(octets[:begin] + octets[end:]).digest()
    assert octets[begin:end] == b"<" + contents.hex().encode().ljust(2 * prepared.room, b"0") + b">"


def test_what_is_prepared_can_be_written_down() -> None:
    prepared = prepare(Octets(document().octets), PLAIN)
    assert Prepared.decode(prepared.encode()) == prepared


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"PDF"', b'"XML"'),
        (b'"size":', b'"size":-'),
        (b'"field":"Signature1"', b'"field":1'),
        (b'"digest":{"base64":"', b'"digest":{"base64":"*'),
        (b'"gap_begin":', b'"gap_begin":1'),
        (b"{", b"["),
    ],
)
def test_what_was_not_prepared_is_not_completed(old: bytes, new: bytes) -> None:
    octets = prepare(Octets(document().octets), PLAIN).encode()
    assert old in octets
    with pytest.raises(Malformed, match="prepared"):
        Prepared.decode(octets.replace(old, new, 1))


def test_contents_must_fit() -> None:
    data = Octets(document().octets)
    # As long as they come: a value of ECDSA has one octet more or fewer.
    room = len(cades(b"")) + 3
    prepared = prepare(data, replace(PLAIN, room=room))
    finished = prepared.complete(cades(prepared.covered(data).octets()), data)
    assert finished.size == data.size + len(prepared.appended)
    for contents in (b"", bytes(room + 1)):
        with pytest.raises(Rejected, match=f"room for 1 to {room}") as caught:
            prepared.complete(contents, data)
        assert caught.value.code == "pdf.contents"


def test_what_is_not_over_the_file_is_not_put_in() -> None:
    data = Octets(document().octets)
    prepared, stamping = prepare(data, PLAIN), prepare_time_stamp(data)
    covered = prepared.covered(data).octets()
    wrong = cades(covered)
    value_changed = wrong[:-1] + bytes([wrong[-1] ^ 1])
    own = token(stamping.covered(data).octets())
    attempts: list[tuple[Prepared, bytes, str]] = [
        (prepared, cades(b"another"), "signature.content"),
        (prepared, cades(covered, signers=2), "signature.content"),
        (prepared, value_changed, "signature.own"),
        (stamping, token(b"another"), "signature.content"),
        (stamping, token(covered), "signature.content"),
        (stamping, own[:-1] + bytes([own[-1] ^ 1]), "signature.own"),
    ]
    for waiting, contents, code in attempts:
        with pytest.raises(Rejected) as caught:
            waiting.complete(contents, data)
        assert caught.value.code == code
    for waiting in (prepared, stamping):
        with pytest.raises(Malformed):
            waiting.complete(b"\x30\x03\x02\x01\x01", data)


def test_what_was_prepared_of_a_file_and_then_changed_is_not_completed() -> None:
    """Else a card would sign another digest than that of the document."""
    data = Octets(document().octets)
    prepared = prepare(data, PLAIN)
    other = hashlib.sha256(b"another document").digest()
    for changed in (replace(prepared, digest=other), replace(prepared, appended=prepared.appended + b"%")):
        with pytest.raises(Rejected, match="was changed since") as caught:
            changed.complete(cades(prepared.covered(data).octets()), data)
        assert caught.value.code == "data.changed"


def test_another_file_is_not_completed(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    data = Octets(document().octets)
    prepared = prepare(data, PLAIN)
    other = Octets(data.octets().replace(b"nothing", b"a house"))
    contents = cades(prepared.covered(data).octets())
    with pytest.raises(Rejected, match="changed since") as caught:
        prepared.complete(contents, other)
    assert caught.value.code == "data.changed"
    path.write_bytes(data.octets())
    finished = prepared.complete(contents, Stored(path))
    path.write_bytes(other.octets())
    given: list[bytes] = []
    with pytest.raises(Rejected, match="changed since") as caught:
        given.extend(finished.portions())
    assert caught.value.code == "data.changed"
    assert b"".join(given) == other.octets()


def test_a_second_signature_leaves_the_first_whole() -> None:
    once = signed(Octets(document().octets))
    twice = signed(Octets(once))
    assert twice.startswith(once)
    found = evidence(twice)
    assert [(one.name, whole(one)) for one in found.signatures] == [
        ("Signature1", True),
        ("Signature2", True),
    ]


def test_a_document_time_stamp() -> None:
    octets = time_stamped(signed(Octets(document().octets), contents=stamped))
    found = evidence(octets)
    (signature,) = found.signatures
    assert whole(signature)
    assert signature.level == "PAdES-BASELINE-T"
    (stamp,) = [one for one in found.time_stamps if one.kind == "document"]
    assert stamp.references[0].intact
    assert {signature.id} <= stamp.covers


def test_what_is_shown_of_a_signature() -> None:
    octets = signed(Octets(document().octets), replace(PLAIN, widget=SHOWN, field="Über"))
    view = opened(octets)
    (signature,) = evidence(octets).signatures
    assert (signature.name, whole(signature)) == ("Über", True)
    widget = view.entries(view.items(view.root and view.entries(Ref(3, 0)).get("Annots"))[-1])
    assert widget["Rect"] == [20, 20, 120, 40.5]
    assert widget["P"] == Ref(3, 0)
    assert widget["TU"] == text("Signed by Ü")
    look = view.get(view.entries(widget["AP"])["N"])
    assert view.plain(look) == LOOK.content  # type: ignore[arg-type]
    resources = view.entries(look).get("Resources")
    image = view.get(view.entries(view.entries(resources)["XObject"])["Im"])
    assert view.plain(image) == b"\x00"  # type: ignore[arg-type]


def with_field(entries: bytes = b"", value: bytes = b"") -> Pdf:
    """A document with an empty signature field that is shown."""
    form = b"<< /Fields [6 0 R 7 0 R] >>"
    made = b"<< /FT /Sig /T (here) /Type /Annot /Subtype /Widget /Rect [1 2 3 4] /P 3 0 R %b %b >>"
    return Pdf().update(OBJECTS | {5: form, 7: made % (entries, value), 9: b"[6 0 R 7 0 R]"})


def test_an_empty_field_is_signed() -> None:
    octets = signed(Octets(with_field().octets), replace(PLAIN, field="here", widget=SHOWN))
    (signature,) = evidence(octets).signatures
    assert (signature.name, whole(signature)) == ("here", True)
    field = opened(octets).entries(Ref(7, 0))
    assert field["Rect"] == [1, 2, 3, 4]
    assert "AP" in field


def test_a_field_with_its_place_below_it_is_signed() -> None:
    kid = b"<< /Type /Annot /Subtype /Widget /Rect [1 2 3 4] /P 3 0 R /Parent 7 0 R >>"
    pdf = with_field().update({7: b"<< /FT /Sig /T (here) /Kids [8 0 R] >>", 8: kid, 9: b"[6 0 R 8 0 R]"})
    octets = signed(Octets(pdf.octets), replace(PLAIN, field="here", widget=SHOWN))
    assert evidence(octets).signatures[0].name == "here"
    assert "AP" in opened(octets).entries(Ref(8, 0))


@pytest.mark.req("ISO32000-2:12.7.5.5-EMPTY")
def test_a_field_is_signed_once() -> None:
    once = signed(Octets(with_field().octets), replace(PLAIN, field="here"))
    with pytest.raises(Rejected, match="is signed") as caught:
        prepare(Octets(once), replace(PLAIN, field="here"))
    assert caught.value.code == "pdf.field-signed"


@pytest.mark.parametrize("name", ["amount", "a.b", ""])
def test_names_that_no_new_field_may_have(name: str) -> None:
    with pytest.raises(Rejected) as caught:
        prepare(Octets(document().octets), replace(PLAIN, field=name))
    assert caught.value.code == "pdf.field-name"


@pytest.mark.parametrize("page", [0, 2, -2])
def test_pages_that_are_not_there(page: int) -> None:
    with pytest.raises(Rejected) as caught:
        prepare(Octets(document().octets), replace(PLAIN, widget=replace(SHOWN, page=page)))
    assert caught.value.code == "pdf.page"


@pytest.mark.parametrize("how", [{"field": "\udc80"}, {"reason": "\ud800"}])
def test_texts_with_half_a_character(how: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        prepare(Octets(document().octets), replace(PLAIN, **how))  # type: ignore[arg-type]  # texts, both
    assert caught.value.code == "pdf.text"


def test_a_circle_of_pages_ends() -> None:
    pdf = document().update({2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1 >>"})
    with pytest.raises(Rejected, match="no page 1"):
        prepare(Octets(pdf.octets), PLAIN)


# --- certifications and locks -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_certification(level: Any) -> None:
    octets = signed(Octets(document().octets), replace(PLAIN, certify=level))
    (signature,) = evidence(octets).signatures
    assert signature.revision is not None
    assert (signature.revision.permissions, whole(signature)) == (level, True)
    view = opened(octets)
    assert isinstance(view.entries(view.root["Perms"])["DocMDP"], Ref)
    assert whole(evidence(time_stamped(octets)).signatures[0])


@pytest.mark.req("ISO32000-2:12.8.2.2-FIRST")
def test_only_the_first_signature_certifies() -> None:
    once = signed(Octets(document().octets))
    with pytest.raises(Rejected, match="only its first") as caught:
        prepare(Octets(once), replace(PLAIN, certify=2))
    assert caught.value.code == "pdf.certify"


@pytest.mark.req("ISO32000-2:12.8.2.2-CLOSED")
def test_what_is_closed_is_not_signed() -> None:
    closed = signed(Octets(document().octets), replace(PLAIN, certify=1))
    with pytest.raises(Rejected, match="no signature may follow") as caught:
        prepare(Octets(closed), PLAIN)
    assert caught.value.code == "pdf.certified"
    left_open = signed(Octets(document().octets), replace(PLAIN, certify=2))
    assert all(map(whole, evidence(signed(Octets(left_open))).signatures))


@pytest.mark.req("ISO32000-2:12.8.2.4-FIELDMDP")
def test_a_lock_of_fields() -> None:
    octets = signed(
        Octets(document().octets), replace(PLAIN, lock=Lock(action="Include", fields=("amount",)))
    )
    assert whole(evidence(octets).signatures[0])
    start = int(octets[octets.rindex(b"startxref") + 9 :].split()[0])
    changed = Pdf(octets, dict(OBJECTS), start).update({6: OBJECTS[6].replace(b"(10)", b"(20)")})
    revision = evidence(changed.octets).signatures[0].revision
    assert revision is not None
    assert "pdf.field-mdp" in {one.code.replace("pades", "pdf") for one in revision.later}


def test_a_lock_names_fields_or_all_of_them() -> None:
    for action, fields in (("All", ("a",)), ("Include", ()), ("Exclude", ())):
        with pytest.raises(Rejected):
            Lock(action=action, fields=fields)  # type: ignore[arg-type]


@pytest.mark.req("TRUSTWORKS:PDF-LOCK-KNOWN")
@pytest.mark.parametrize("action", ["Include", "Exclude"])
def test_a_lock_names_fields_that_are_there(action: Any) -> None:
    parent = b"<< /T (to) /Kids [<< /T (pay) /FT /Tx /V (1) >>] >>"
    many = b" ".join(b"<< /T (f%d) /FT /Tx >>" % number for number in range(20))
    form = b"<< /Fields [6 0 R 7 0 R 8 0 R] >>"
    few = document().update({5: form, 7: parent, 8: b"<< /T (\xfcber) /FT /Tx >>"}).octets
    named = "It has 'amount', 'to', 'to.pay', 'über'. Name one that is there, or lock all."
    for octets, fields, words in (
        (few, ("amount", "nope"), f"A field 'nope' is to be locked .* {named}"),
        (few, ("pay",), "A field 'pay' is"),
        (few, ("Amount\x1b" * 999,), "A field .{100} is"),
        (document().update({5: b"<< /Fields [" + many + b"] >>"}).octets, ("nope",), "'f9' and others. Name"),
        (document().update({5: b"<< >>"}).octets, ("nope",), "It has none"),
    ):
        with pytest.raises(Rejected, match=words) as caught:
            prepare(Octets(octets), replace(PLAIN, lock=Lock(action=action, fields=fields)))
        assert caught.value.code == "pdf.lock-unknown"
        assert len(str(caught.value)) < 1000
        assert str(caught.value).isprintable()
    for fields in (("amount", "to"), ("to.pay", "über"), ("Signature1",), ("amount", "amount")):
        octets = signed(Octets(few), replace(PLAIN, lock=Lock(action=action, fields=fields)))
        assert whole(evidence(octets).signatures[0])


@pytest.mark.req("ISO32000-2:12.8.2.4-OPEN")
def test_a_locked_field_is_not_signed() -> None:
    locked = signed(Octets(with_field().octets), replace(PLAIN, lock=Lock(action="All")))
    with pytest.raises(Rejected, match="was locked") as caught:
        prepare(Octets(locked), replace(PLAIN, field="here"))
    assert caught.value.code == "pdf.field-locked"
    with pytest.raises(Rejected, match="'Signature2' was locked"):
        prepare(Octets(locked), PLAIN)
    assert whole(evidence(time_stamped(locked)).signatures[0])
    rest = signed(Octets(document().octets), replace(PLAIN, lock=Lock(action="Include", fields=("amount",))))
    assert all(map(whole, evidence(signed(Octets(rest))).signatures))


def test_the_lock_that_a_field_demands_is_signed() -> None:
    pdf = with_field(b"/Lock << /Type /SigFieldLock /Action /Exclude /Fields [(here)] >>")
    octets = signed(Octets(pdf.octets), replace(PLAIN, field="here"))
    assert octets.count(b"/TransformMethod /FieldMDP") == 1
    assert b"/Action /Exclude /Fields [(here)]" in octets[len(pdf.octets) :]


@pytest.mark.req("ISO32000-2:12.7.5.5-SEED")
def test_a_field_that_demands_another_signature() -> None:
    demanding = {
        b"/Ff 2 /SubFilter [/adbe.pkcs7.detached]": "SubFilter",
        b"/Ff 8 /Reasons [(mine)]": "Reasons",
        b"/Ff 32 /AddRevInfo true": "AddRevInfo",
        b"/Ff 64 /DigestMethod [/SHA512]": "DigestMethod",
    }
    for seed, wrong in demanding.items():
        data = Octets(with_field(b"/SV << %b >>" % seed).octets)
        with pytest.raises(Rejected, match=f"another {wrong}") as caught:
            prepare(data, replace(PLAIN, field="here"))
        assert caught.value.code == "pdf.seed-value"
    for seed in (b"/Ff 3 /Filter /Adobe.PPKLite /SubFilter [/ETSI.CAdES.detached]", b"/SubFilter [/other]"):
        prepare(Octets(with_field(b"/SV << %b >>" % seed).octets), replace(PLAIN, field="here"))


# --- files of all kinds -----------------------------------------------------------------------------------


def of_qpdf(**how: Any) -> bytes:
    from pikepdf import Pdf as Qpdf  # noqa: PLC0415 - loaded where it is used

    out = io.BytesIO()
    with Qpdf.open(io.BytesIO(document().octets)) as pdf:
        pdf.save(out, **how)
    return out.getvalue()


@pytest.mark.parametrize(
    ("version", "packed"), [("1.3", False), ("1.4", False), ("1.7", False), ("1.7", True), ("2.0", True)]
)
@pytest.mark.parametrize("linearize", [False, True])
def test_files_of_every_shape(version: str, *, linearize: bool, packed: bool) -> None:
    from pikepdf import ObjectStreamMode  # noqa: PLC0415 - loaded where it is used

    mode = ObjectStreamMode.generate if packed else ObjectStreamMode.disable
    octets = signed(Octets(of_qpdf(force_version=version, linearize=linearize, object_stream_mode=mode)))
    octets = time_stamped(signed(Octets(octets)))
    found = evidence(octets)
    assert [whole(one) for one in found.signatures] == [True, True]
    assert found.time_stamps[0].references[0].intact
    assert opened(octets).sections[0].is_stream == packed


def test_a_hybrid_file() -> None:
    pdf = document()
    offset = len(pdf.octets)
    rows = b"\x01" + (offset).to_bytes(4, "big") + b"\0"
    hidden = b"50 0 obj\n" + stream(rows, b"/Type /XRef /W [1 4 1] /Index [50 1] /Size 51") + b"\nendobj\n"
    octets = pdf.octets + hidden
    start = len(octets)
    octets += b"xref\n0 0\ntrailer\n<< /Size 51 /Root 1 0 R /Prev %d /XRefStm %d >>\n" % (
        pdf.start or 0,
        offset,
    )
    octets += b"startxref\n%d\n%%%%EOF\n" % start
    assert opened(octets).place(50) is not None
    made = signed(Octets(octets))
    view = opened(made)
    assert view.place(50) is not None
    assert view.place(51) is not None
    assert whole(evidence(made).signatures[0])


def test_a_file_without_a_form_or_annotations_or_last_line() -> None:
    bare = OBJECTS | {1: b"<< /Type /Catalog /Pages 2 0 R >>", 3: b"<< /Type /Page /Parent 2 0 R >>"}
    octets = Pdf().update(bare).octets.rstrip()
    made = signed(Octets(octets))
    assert whole(evidence(made).signatures[0])
    assert made[len(octets) : len(octets) + 1] == b"\n"


@pytest.mark.parametrize("as_stream", [False, True])
def test_a_file_with_more_objects_than_it_says(*, as_stream: bool) -> None:
    """A new object never takes the number of one that is there."""
    pdf = document(as_stream=as_stream)
    assert pdf.octets.count(b"/Size 11") == 1
    octets = pdf.octets.replace(b"/Size 11", b"/Size  3")
    made = signed(Octets(octets))
    before, after = opened(octets), opened(made)
    kept = [number for number in OBJECTS if number not in {1, 3, 5, 9}]
    assert [after.place(number) for number in kept] == [before.place(number) for number in kept]
    assert whole(evidence(made).signatures[0])


def test_identifiers_go_on() -> None:
    pdf = Pdf(trailer=b"/ID [(first) (second)] /Info 4 0 R").update(dict(OBJECTS))
    trailer = opened(signed(Octets(pdf.octets))).trailer
    assert trailer["Info"] == Ref(4, 0)
    first, second = trailer["ID"]  # type: ignore[misc]
    assert first == b"first"
    assert second != b"second"


def test_a_large_file_is_neither_held_nor_copied(tmp_path: Path) -> None:
    """A file larger than what may be in memory is signed where it lies."""
    big = stream(bytes(20 * PORTION))
    path = tmp_path / "large.pdf"
    path.write_bytes(document().update({4: big}).octets)
    limits = Limits(parsed=PORTION)
    prepared = prepare(Stored(path), PLAIN, limits=limits)
    assert len(prepared.appended) < PORTION
    portions = list(
        prepared.complete(cades(prepared.covered(Stored(path)).octets()), Stored(path)).portions()
    )
    assert max(map(len, portions)) <= PORTION
    assert whole(evidence(b"".join(portions)).signatures[0])
    with pytest.raises(Malformed, match="Write it to a file"):
        prepare(Octets(path.read_bytes()), PLAIN, limits=limits)


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda octets: b"mail header\n" + octets,
        lambda octets: octets.replace(b"startxref\n", b"startxref\n9"),
        lambda octets: octets.replace(b"xref\n0 1", b"xrof\n0 1"),
    ],
)
def test_damaged_files_are_refused(damage: Any) -> None:
    with pytest.raises(Rejected) as caught:
        prepare(Octets(damage(document().octets)), PLAIN)
    assert caught.value.code == "pdf.damaged"


@pytest.mark.parametrize("octets", [b"", b"text", b"%PDF-1.7\n", b"%PDF-1.7\nstartxref\n0\n%%EOF"])
def test_what_is_no_pdf_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        prepare(Octets(octets), PLAIN)


def test_a_count_of_objects_that_no_reader_takes() -> None:
    pdf = document()
    octets = pdf.octets.replace(b"/Size 11", b"/Size 8388607")
    assert octets != pdf.octets
    with pytest.raises(Rejected, match="objects"):
        prepare(Octets(octets), PLAIN)


@pytest.mark.parametrize("room", [0, -1, 1 << 40])
def test_room_that_makes_no_sense(room: int) -> None:
    with pytest.raises(Rejected):
        replace(PLAIN, room=room)
    with pytest.raises(Rejected):
        prepare_time_stamp(Octets(document().octets), room=room)


def test_a_time_without_zone() -> None:
    with pytest.raises(Rejected, match="zone"):
        Wanted(time=datetime(2026, 5, 4))  # noqa: DTZ001 - that is what is wrong


# --- values -----------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.binary(max_size=20),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=8).map(Name),
    st.builds(Ref, st.integers(0, 10**6), st.integers(0, 65535)),
    st.floats(-1e6, 1e6).map(lambda one: round(one, 6) + 0.0),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("AZaz09#/ é", min_size=1, max_size=5).map(Name), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_values_are_read_as_they_were_written(value: Any) -> None:
    read_back = parse(octets_of(value) + b" ", 0, DEFAULT, lambda _: None).value
    assert read_back == value
    assert octets_of(read_back) == octets_of(value)


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_texts_are_read_as_they_were_written(said: str) -> None:
    assert text_of(text(said)) == said


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - zone beside
def test_dates_are_read_as_they_were_written(moment: datetime) -> None:
    assert date_of(date(moment)) == moment.replace(microsecond=0)

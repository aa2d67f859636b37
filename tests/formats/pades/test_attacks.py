"""Signed PDF files that were tampered with: what was changed after a signature, and what it never covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from signed_pdfs import AUTHORITY, OBJECTS, PAGE, ROOM, Pdf, cades, document, stream

from trustworks.formats.data import Octets
from trustworks.formats.evidence import ScopeKind, Weight
from trustworks.formats.read import read

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence

SHOWN = stream(b"BT /F1 12 Tf 20 100 Td (You owe a million.) Tj ET")
CERTIFYING = (
    b"/M (D:20260504030201Z) /Reference [<< /TransformMethod /DocMDP /TransformParams << /P %d >> >>]"
)
RIGHTS = b"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 1 2 3] /Contents <00> >>"
NOTE = b"<< /Type /Annot /Subtype /Text /Rect [20 20 40 40] /Contents (read this) >>"


def evidence(pdf: Pdf | bytes) -> Evidence:
    return read(Octets(pdf if isinstance(pdf, bytes) else pdf.octets, "a.pdf"))


def told(pdf: Pdf | bytes, place: int = 0) -> dict[str, Weight]:
    """The findings of a signature, about itself and about what came after it."""
    signature = evidence(pdf).signatures[place]
    assert signature.revision is not None
    return {one.code: one.weight for one in (*signature.findings, *signature.revision.later)}


def field_with(value: bytes) -> dict[int, bytes]:
    return {6: OBJECTS[6].replace(b"(10)", value)}


def test_a_second_signature_and_validation_data_are_permitted() -> None:
    pdf = (
        document().signed_with().signed_with("Second", numbers=(24, 25)).stored([AUTHORITY.ca]).time_stamped()
    )
    assert told(pdf) == {"pades.extended": Weight.NOTE, "pades.form-changed": Weight.NOTE}
    assert told(pdf, 1) == {"pades.extended": Weight.NOTE}
    assert [one.scopes[0].kind for one in evidence(pdf).signatures] == [ScopeKind.PARTIAL, ScopeKind.PARTIAL]


def test_the_signed_revision_can_be_had() -> None:
    signed = document().signed_with()
    (signature,) = evidence(signed.update({4: SHOWN})).signatures
    assert signature.scopes[0].data is not None
    assert signature.scopes[0].data.octets() == signed.octets


@pytest.mark.req("ISO32000-2:12.8.2.2-UNDEFINED")
@pytest.mark.parametrize(
    "objects",
    [
        pytest.param({4: SHOWN}, id="other content"),
        pytest.param({3: PAGE.replace(b"4 0 R", b"50 0 R"), 50: SHOWN}, id="content of a new object"),
        pytest.param({3: PAGE.replace(b"200 200", b"200 50")}, id="a smaller page"),
        pytest.param({1: OBJECTS[1].replace(b">>", b"/OpenAction 50 0 R >>"), 50: b"<< >>"}, id="an action"),
        pytest.param({5: b"<< /Fields [20 0 R] /SigFlags 3 >>"}, id="a field taken away"),
        pytest.param({6: OBJECTS[6].replace(b"[10 10 50 20]", b"[0 0 200 200]")}, id="a field moved"),
        pytest.param(
            {20: b"<< /FT /Sig /T (Signature1) /V 21 0 R /Rect [0 0 90 90] >>"}, id="signature moved"
        ),
        pytest.param(
            {5: b"<< /Fields [6 0 R 20 0 R 50 0 R] /SigFlags 3 >>", 50: b"<< /FT /Tx /T (b) /V (c) >>"},
            id="a new field",
        ),
    ],
)
def test_changes_that_nothing_permits_are_told(objects: dict[int, bytes]) -> None:
    assert told(document().signed_with().update(objects))["pades.undefined-change"] is Weight.SUSPICIOUS


@pytest.mark.req("ISO32000-2:12.8.2.2-UNDEFINED")
@pytest.mark.parametrize("reference", [b"50 0 R", b"50\n0\tR", b"50 %x\n 0 R"])
def test_content_that_was_prepared_and_comes_later_is_told(reference: bytes) -> None:
    """The page refers to an object that is not there when it is signed: a shadow document that hides."""
    prepared = document().update({3: PAGE.replace(b"4 0 R", b"[4 0 R %b]" % reference)}).signed_with()
    assert told(prepared) == {}
    assert told(prepared.update({50: SHOWN}))["pades.undefined-change"] is Weight.SUSPICIOUS


@pytest.mark.req("ISO32000-2:12.8.2.2-UNDEFINED")
def test_an_object_that_a_page_shows_too_does_not_change_as_appearance() -> None:
    """An appearance may change when a form is filled in; not where the page shows the same object."""
    shared = {
        6: OBJECTS[6].replace(b"/P 3 0 R", b"/P 3 0 R /AP << /N 50 0 R >>"),
        50: SHOWN.replace(b"<<", b"<< /Type /XObject /Subtype /Form"),
    }
    changed = {50: shared[50].replace(b"million", b"billion")}
    fair = document().update(shared).signed_with().update(changed)
    assert told(fair) == {"pades.form-changed": Weight.NOTE}
    page = PAGE.replace(b"/Contents", b"/Resources << /XObject << /X 50 0 R >> >> /Contents")
    foul = document().update({**shared, 3: page}).signed_with().update(changed)
    assert told(foul)["pades.undefined-change"] is Weight.SUSPICIOUS


@pytest.mark.req("ISO32000-2:12.8.2.2-PAGES")
def test_an_added_page_is_refused() -> None:
    pdf = (
        document()
        .signed_with()
        .update(
            {2: b"<< /Type /Pages /Kids [3 0 R 50 0 R] /Count 2 >>", 50: PAGE.replace(b"/Annots 9 0 R", b"")}
        )
    )
    assert told(pdf)["pades.page-count"] is Weight.FATAL


@pytest.mark.req("ISO32000-2:12.8.2.2-DOCMDP")
@pytest.mark.parametrize(
    ("level", "objects", "forbidden"),
    [
        (1, field_with(b"(20)"), True),
        (2, field_with(b"(20)"), False),
        (2, {9: b"[6 0 R 20 0 R 50 0 R]", 50: NOTE}, True),
        (3, {9: b"[6 0 R 20 0 R 50 0 R]", 50: NOTE}, False),
    ],
)
def test_a_certified_document_permits_what_it_says(
    level: int, objects: dict[int, bytes], *, forbidden: bool
) -> None:
    pdf = document().signed_with(entries=CERTIFYING % level).update(objects)
    found = told(pdf)
    assert ("pades.doc-mdp" in found) == forbidden
    assert "pades.undefined-change" not in found
    revision = evidence(pdf).signatures[0].revision
    assert revision is not None
    assert revision.permissions == level


@pytest.mark.req("ISO32000-2:12.8.2.2-DOCMDP")
def test_a_certification_holds_for_later_signatures_too() -> None:
    pdf = document().signed_with(entries=CERTIFYING % 1).time_stamped()
    assert told(pdf) == {"pades.extended": Weight.NOTE}
    pdf = document().signed_with(entries=CERTIFYING % 1).signed_with("Second", numbers=(24, 25))
    assert told(pdf)["pades.doc-mdp"] is Weight.SUSPICIOUS
    pdf = document().signed_with(entries=CERTIFYING % 2).signed_with("Second", numbers=(24, 25))
    annotated = pdf.update({9: b"[6 0 R 20 0 R 24 0 R 50 0 R]", 50: NOTE})
    assert told(annotated, 1)["pades.doc-mdp"] is Weight.SUSPICIOUS


@pytest.mark.req("ISO32000-2:12.8.2.2-ANNOTATIONS")
@pytest.mark.parametrize(
    ("entries", "code", "weight"),
    [
        (b"", "pades.annotated-unpermitted", Weight.SUSPICIOUS),
        (CERTIFYING % 3, "pades.annotated", Weight.NOTE),
    ],
)
def test_annotations_need_a_permission(entries: bytes, code: str, weight: Weight) -> None:
    """What is painted over the page after the signature may hide what was signed."""
    found = told(document().signed_with(entries=entries).update({9: b"[6 0 R 20 0 R 50 0 R]", 50: NOTE}))
    assert found[code] is weight
    assert len({"pades.annotated", "pades.annotated-unpermitted"} & found.keys()) == 1


@pytest.mark.req("ISO32000-2:12.8.2.4-FIELDMDP")
@pytest.mark.parametrize(
    ("lock", "held"),
    [
        (b"/Lock << /Action /All >>", True),
        (b"/Lock << /Action /Include /Fields [(amount)] >>", True),
        (b"/Lock << /Action /Include /Fields [(other)] >>", False),
        (b"/Lock << /Action /Exclude /Fields [(amount)] >>", False),
        (b"/Lock << /Action /Exclude /Fields [(other)] >>", True),
    ],
)
def test_locked_fields_keep_their_values(lock: bytes, *, held: bool) -> None:
    pdf = document().signed_with(field_entries=lock).update(field_with(b"(20)"))
    assert ("pades.field-mdp" in told(pdf)) == held


def test_field_locks_stand_in_references_too() -> None:
    entries = (
        b"/Reference [<< /TransformMethod /FieldMDP /TransformParams << /Action /Include "
        b"/Fields [(amount)] >> >>]"
    )
    assert "pades.field-mdp" in told(document().signed_with(entries=entries).update(field_with(b"(20)")))


@pytest.mark.req("ISO32000-2:12.8.1-RANGE")
@pytest.mark.parametrize(
    ("numbers", "signatures"),
    [
        (b"[1 900 9400 100]", 1),
        (b"[0 -1 9400 100]", 1),
        (b"[0 900 100 800]", 1),
        (b"[0 900 9400 99999999]", 1),
        (b"[0 900 9400 100 9500 1]", 1),
        (b"[0 900]", 0),
        (b"[0 900 9400 null]", 0),
        (b"[]", 0),
    ],
)
def test_strange_byte_ranges_are_refused(numbers: bytes, signatures: int) -> None:
    octets = document().signed_with().octets
    begin = octets.index(b"[0 ", octets.index(b"/ByteRange"))
    end = octets.index(b"]", begin) + 1
    found = evidence(octets[:begin] + numbers.ljust(end - begin) + octets[end:])
    assert len(found.signatures) == signatures
    codes = [one.code for signature in found.signatures for one in signature.findings]
    assert "pades.byte-range" in codes or [one.code for one in found.findings] == ["pades.no-byte-range"]


@pytest.mark.req("EN319142-1:5.3-GAP")
def test_something_else_in_the_gap_is_refused() -> None:
    """Signature wrapping: the gap is larger than Contents, and what is in it is not signed."""
    octets = document().signed_with().octets
    begin = octets.index(b"/Contents <") + 10
    end = octets.index(b">", begin) + 1
    moved = octets[: begin + 1] + octets[begin + 1 : end - 1].rstrip(b"0").ljust(2 * ROOM - 100, b"0") + b">"
    wrapped = moved.ljust(end) + octets[end:]
    assert told(wrapped)["pades.byte-range-gap"] is Weight.FATAL


@pytest.mark.req("ISO32000-2:12.8.1-REVISION")
def test_a_revision_with_octets_that_are_not_signed_is_told() -> None:
    octets = document().signed_with().octets
    begin = octets.index(b"[0 ", octets.index(b"/ByteRange"))
    zero, gap, after, length = octets[begin + 1 :].split(b"]")[0].split()
    shorter = b"%b %b %b %d" % (zero, gap, after, int(length) - 40)
    end = octets.index(b"]", begin)
    found = told(octets[: begin + 1] + shorter.ljust(end - begin - 1) + octets[end:])
    assert found["pades.byte-range-end"] is Weight.SUSPICIOUS


@pytest.mark.req("ISO32000-2:12.8.1-APART")
def test_two_signatures_in_the_same_gap_are_told() -> None:
    pdf = document().signed_with().signed_with("Second", numbers=(24, 25))
    octets = pdf.octets
    first = octets.index(b"/ByteRange")
    second = octets.index(b"/ByteRange", first + 1)
    twice = octets[:second] + octets[first : first + 43] + octets[second + 43 :]
    assert "pades.byte-range-collision" in {one.code for one in evidence(twice).findings}


@pytest.mark.req("ISO32000-2:12.8.1-ONCE")
def test_a_second_byte_range_is_refused() -> None:
    pdf = document().signed_with(entries=b"/ByteRange [0 1 2 3]")
    assert {one.code for one in evidence(pdf).signatures[0].findings} >= {"pades.twice"}


@pytest.mark.req("ISO32000-2:12.8.1-ONCE")
def test_one_signature_in_two_fields_is_told() -> None:
    pdf = (
        document()
        .signed_with()
        .update(
            {
                5: b"<< /Fields [6 0 R 20 0 R 50 0 R] /SigFlags 3 >>",
                50: b"<< /FT /Sig /T (Copy) /V 21 0 R /Subtype /Widget /Rect [0 0 90 90] >>",
            }
        )
    )
    (signature,) = evidence(pdf).signatures
    assert "pades.shared-dictionary" in {one.code for one in signature.findings}


def test_contents_that_are_null_are_no_signature() -> None:
    """Universal signature forgery: nothing to verify must not be taken for verified."""
    octets = document().signed_with().octets
    begin = octets.index(b"/Contents <") + 10
    end = octets.index(b">", begin) + 1
    found = evidence(octets[:begin] + b"null".ljust(end - begin) + octets[end:])
    assert found.signatures == ()
    assert [one.code for one in found.findings] == ["pades.contents"]


def test_a_range_beyond_the_file_is_never_intact() -> None:
    octets = document().signed_with().octets
    (signature,) = evidence(octets[:-1]).signatures
    assert not signature.references[0].intact
    short = document().signed_with(contents=lambda covered: cades(covered[:-1])).octets[:-1]
    assert not evidence(short).signatures[0].references[0].intact


@pytest.mark.req("ISO32000-2:12.8.1-STAYS")
def test_a_signature_that_was_removed_is_told() -> None:
    signed = document().signed_with()
    removed = signed.update({5: OBJECTS[5], 9: OBJECTS[9], 20: b"null", 21: b"null"})
    found = evidence(removed)
    assert (found.signatures, [one.code for one in found.findings]) == ((), ["pades.signature-removed"])
    # A file in the file has signatures of its own, and they are none of this one's.
    attached = document().update({50: stream(signed.octets)})
    assert evidence(attached).findings == ()


@pytest.mark.req("ISO32000-2:12.7.5.5-FIELD")
def test_a_signature_in_no_field_is_told() -> None:
    signed = document().signed_with()
    found = evidence(signed.update({5: OBJECTS[5]}))
    assert (found.signatures, [one.code for one in found.findings]) == ((), ["pades.signature-in-no-field"])


@pytest.mark.req("ISO32000-2:12.5.2-APART")
@pytest.mark.parametrize(
    ("rectangle", "over"), [(b"[20 12 40 18]", True), (b"[50 10 90 20]", False), (b"[60 60 60 60]", False)]
)
def test_an_annotation_over_another_is_told(rectangle: bytes, *, over: bool) -> None:
    note = NOTE.replace(b"[20 20 40 40]", rectangle)
    pdf = document().signed_with().update({9: b"[6 0 R 20 0 R 50 0 R]", 50: note})
    assert ("pades.annotation-overlap" in told(pdf)) == over


def test_usage_rights_are_no_signature() -> None:
    rights = document().update({1: OBJECTS[1].replace(b">>", b"/Perms << /UR3 50 0 R >> >>"), 50: RIGHTS})
    found = evidence(rights.signed_with())
    assert ([one.code for one in found.findings], len(found.signatures)) == (["pades.usage-rights"], 1)

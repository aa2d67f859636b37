"""Containers as a signer is shown them: lists of files, and what of those runs or is fetched."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.formats.data import Octets
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.look import look
from trustworks.signing.shown.model import Absent, Kind, Member, Members, Seen


def packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def seen(octets: bytes, name: str = "a.zip", **more: Any) -> Seen:
    return look(Octets(octets, name), name, **more)


def codes(found: Seen) -> set[str]:
    return {one.code for one in found.findings}


def test_a_container_is_a_list_of_its_files() -> None:
    found = seen(packed(("a.txt", b"I owe nothing."), ("folder/b.xml", b"<b/>")))
    assert found.kind is Kind.CONTAINER
    assert found.parts == (
        Members(
            count=2,
            members=(
                Member(name="a.txt", size=14, sha256=hashlib.sha256(b"I owe nothing.").hexdigest()),
                Member(name="folder/b.xml", size=4, sha256=hashlib.sha256(b"<b/>").hexdigest()),
            ),
        ),
    )
    assert found.findings == ()


def test_a_container_says_its_media_type() -> None:
    kind = "application/vnd.etsi.asic-e+zip"
    (part, *_) = seen(packed(("mimetype", kind.encode()), ("a.txt", b"x"))).parts
    assert isinstance(part, Members)
    assert part.media_type == kind


@pytest.mark.req("TRUSTWORKS:SHOWN-WHOLE", "TS119101:SCP-9")
def test_a_list_that_is_cut_is_an_objection() -> None:
    octets = packed(*((f"{number}.txt", b"x") for number in range(5)))
    found = seen(octets, bounds=replace(DEFAULT, members=3))
    (part,) = found.parts
    assert isinstance(part, Members)
    assert (part.count, len(part.members), codes(found)) == (5, 3, {"cut"})


@pytest.mark.req("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY")
@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("word/vbaProject.bin", "container.macros"),
        ("Basic/Standard/Module1.xml", "container.macros"),
        ("Scripts/python/a.py", "container.macros"),
        ("xl/macrosheets/sheet1.xml", "container.macros"),
        ("word/activeX/activeX1.bin", "container.programs"),
        ("word/embeddings/oleObject1.bin", "container.programs"),
        ("setup.exe", "container.programs"),
    ],
)
def test_macros_and_programs_are_told(member: str, code: str) -> None:
    assert code in codes(seen(packed(("a.txt", b"x"), (member, b"x"))))


def test_an_office_document_is_no_list_of_files_and_that_is_said() -> None:
    assert codes(seen(packed(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")))) == {
        "container.office"
    }
    odt = packed(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<o/>"))
    assert codes(seen(odt, "a.odt")) == {"container.office"}


def test_a_template_elsewhere_is_an_objection_and_a_link_is_not() -> None:
    relation = (
        '<Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
        'Target="https://elsewhere.example/" TargetMode="External"/>'
    )

    def document(kind: str) -> bytes:
        related = f"<Relationships>{relation.format(kind=kind)}</Relationships>".encode()
        return packed(("[Content_Types].xml", b"<Types/>"), ("word/_rels/settings.xml.rels", related))

    assert codes(seen(document("attachedTemplate"))) == {"container.office", "container.elsewhere"}
    assert codes(seen(document("hyperlink"))) == {"container.office"}


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (packed(("../a.txt", b"x")), "container.member-name"),
        (packed(("a.txt", b"x"), ("A.TXT", b"y")), "container.duplicate-member"),
        (packed(("a.txt", b"x")) + b"behind", "container.trailing-data"),
        (packed(("a.txt", b"x"), method=zipfile.ZIP_BZIP2), "container.compression"),
    ],
)
def test_what_is_wrong_with_a_container_is_told(octets: bytes, code: str) -> None:
    assert code in codes(seen(octets))


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_a_damaged_container_has_an_answer(place: int, with_: bytes) -> None:
    octets = packed(("a.txt", b"I owe nothing."), ("b.txt", b"I owe nothing either."))
    damaged = octets[:place] + with_ + octets[place + len(with_) :]
    assert seen(damaged).parts
    assert seen(octets[:place]).parts


def test_a_container_that_cannot_be_opened_says_so() -> None:
    (part,) = seen(b"PK\x03\x04" + b"\0" * 40).parts
    assert isinstance(part, Absent)
    assert part.reason == "container"

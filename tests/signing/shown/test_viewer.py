"""Documents shown by real processes: what they answer, and how they end when a document overdoes it."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from shown_pdfs import pdf
from signed_pdfs import stream

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.formats.data import Octets, Stored
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.model import Absent, Kind, Members, Pages, Picture, Styled, Text
from trustworks.signing.shown.viewer import TOO_MUCH, Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.signing.shown.model import Shown

TEXT = b"I owe nothing.\n"


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    with Viewer() as made:
        yield made


@pytest.mark.req("TRUSTWORKS:SHOWN-DIGEST")
def test_a_document_is_shown_with_the_digests_of_its_octets(viewer: Viewer, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(TEXT)
    for data in (Octets(TEXT, "a.txt"), Stored(file, "a.txt")):
        found = viewer.shown(data, "a.txt", "text/plain")
        assert (found.name, found.media_type, found.kind) == ("a.txt", "text/plain", Kind.TEXT)
        assert found.parts == (Text(role="text", text=TEXT.decode(), encoding="ASCII"),)
        assert found.size == len(TEXT)
        assert found.digests == {
            "sha256": hashlib.sha256(TEXT).hexdigest(),
            "sha384": hashlib.sha384(TEXT).hexdigest(),
            "sha512": hashlib.sha512(TEXT).hexdigest(),
        }
        assert found.findings == found.objections == ()


def test_pages_and_pictures_come_through(viewer: Viewer) -> None:
    data = Octets(pdf(), "a.pdf")
    assert viewer.shown(data, "a.pdf").parts == (Pages(count=1, sizes=((200.0, 200.0),)),)
    page = viewer.page(data, 1, 300)
    assert page.png.startswith(b"\x89PNG")
    assert (page.width, page.text.strip()) == (300, "You owe nothing.")
    (picture,) = viewer.shown(Octets(page.png), "a.png").parts
    assert isinstance(picture, Picture)
    assert (picture.width, picture.png[:4]) == (300, b"\x89PNG")
    with pytest.raises(Rejected) as raised:
        viewer.page(data, 2, 300)
    assert raised.value.code == "shown.page"


def test_a_stylesheet_beside_shows_the_document(viewer: Viewer) -> None:
    sheet = (
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        b'<xsl:template match="/"><p><xsl:value-of select="a"/></p></xsl:template></xsl:stylesheet>'
    )
    document = b'<?xml-stylesheet type="text/xsl" href="look.xsl"?><a>100</a>'
    found = viewer.shown(Octets(document), "a.xml", beside=[Octets(sheet, "look.xsl")])
    assert isinstance(found.parts[0], Styled)
    assert found.parts[0].html == "<p>100</p>"


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_each_file_of_a_container_is_shown_by_itself(viewer: Viewer) -> None:
    outer = Octets(_zip(a=TEXT, inner=_zip(b=pdf())), "a.zip")
    (listed,) = viewer.shown(outer, "a.zip").parts
    assert isinstance(listed, Members)
    found = viewer.shown(outer, "a.zip", within=("a",))
    assert (found.name, found.size, found.kind) == ("a", len(TEXT), Kind.TEXT)
    assert found.digests["sha256"] == listed.members[0].sha256 == hashlib.sha256(TEXT).hexdigest()
    assert viewer.page(outer, 1, 100, within=("inner", "b")).width == 100
    for within in (("c",), ("inner", "c"), ("a",) * 5):
        with pytest.raises(Rejected) as raised:
            viewer.shown(outer, "a.zip", within=within)
        assert raised.value.code == "shown.member"


def absent(found: Shown) -> str:
    (part,) = found.parts
    assert isinstance(part, Absent)
    assert [one.code for one in found.objections] == ["absent"]
    assert len(found.digests) == 3
    return part.reason


def test_a_container_that_cannot_be_opened_is_said_to_be_so(viewer: Viewer) -> None:
    with pytest.raises(Malformed):
        viewer.shown(Octets(TEXT), "a.zip", within=("a",))


@pytest.mark.req("TRUSTWORKS:SHOWN-BOUNDED", "TS119101:SCP-24")
@pytest.mark.parametrize("bounds", [{"cpu_seconds": 1}, {"memory": 128 * 1024 * 1024}])
def test_a_document_that_takes_too_much_is_said_to_do_so_and_the_next_one_is_shown(
    bounds: dict[str, int],
) -> None:
    # Forms that draw each other ten times, eight levels deep: a hundred million pieces of text.
    kind = b"/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /Font << /F1 7 0 R >> "
    forms = {
        number: stream(b"/X Do " * 10, kind + b"/XObject << /X %d 0 R >> >>" % (number + 1))
        for number in range(30, 38)
    }
    forms[38] = stream(b"BT /F1 12 Tf 20 100 Td (You owe nothing.) Tj ET", kind + b">>")
    harmful = pdf(b"/X Do", resources=b"/XObject << /X 30 0 R >>", more=forms)
    with Viewer(replace(DEFAULT, **bounds)) as made:
        found = made.shown(Octets(harmful), "a.pdf")
        assert absent(found) == "too-much"
        assert found.size == len(harmful)
        assert made.shown(Octets(b"I owe nothing."), "a.txt").kind is Kind.TEXT
        with pytest.raises(Rejected) as raised:
            made.page(Octets(harmful), 1, 200)
        assert raised.value.code == TOO_MUCH


def test_a_process_that_is_not_heard_of_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen

    def start(command: tuple[str, ...], **options: Any) -> Any:
        return started((command[0], "-c", "import time; time.sleep(600)"), **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    with Viewer(replace(DEFAULT, seconds=0.5)) as made, pytest.raises(Unavailable) as raised:
        made.shown(Octets(TEXT), "a.txt")
    assert raised.value.code == "shown.time"


def test_a_process_that_says_something_else_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen
    lies = (
        "import sys; from trustworks.core.bounded import inside\n"
        "inside.serve(inside.channel_of('m', 'd'), lambda *_: ({}, b'[{}, 1]'), cpu_seconds=9, seconds=9)"
    )

    def start(command: tuple[str, ...], **options: Any) -> Any:
        return started((command[0], "-c", lies, *command[3:]), **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    with Viewer() as made, pytest.raises(Unavailable) as raised:
        made.shown(Octets(TEXT), "a.txt")
    assert raised.value.code == "shown.process"


def test_names_that_are_no_text_are_shown_as_such(viewer: Viewer) -> None:
    assert viewer.shown(Octets(TEXT), os.fsdecode(b"\xff.txt")).name == "?.txt"


def test_threads_share_a_viewer(viewer: Viewer) -> None:
    barrier = threading.Barrier(2)

    def show(number: int) -> str:
        barrier.wait()
        return viewer.shown(Octets(b"%d" % number), "a.txt").digests["sha256"]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(show, range(2))) == [
            hashlib.sha256(b"%d" % number).hexdigest() for number in range(2)
        ]


def test_a_viewer_that_is_closed_shows_nothing() -> None:
    made = Viewer()
    made.close()
    with pytest.raises(Unavailable) as raised:
        made.shown(Octets(TEXT), "a.txt")
    assert raised.value.code == "shown.closed"

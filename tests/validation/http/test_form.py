"""Forms as they arrive: bad ones first, then what becomes of fields and files."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.http import BodyRefusedError
from trustworks.validation.desk import Arriving
from trustworks.validation.http.form import Form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from trustworks.validation.bounded.asked import Given

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return (
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
    )


END = b"--xyz--\r\n"


async def _portions(body: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]


def read(form: Form, body: bytes, *, size: int = 1000) -> None:
    asyncio.run(form.read(_portions(body, size)))


@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(TYPE, folder=tmp_path / "uploads", most=3)


@pytest.mark.parametrize("given", ["", "application/json", "multipart/mixed; boundary=xyz"])
def test_other_media_types_are_no_forms(given: str, tmp_path: Path) -> None:
    with pytest.raises(BodyRefusedError) as raised:
        Form(given, folder=tmp_path, most=1)
    assert raised.value.status == 415


@pytest.mark.parametrize("given", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 300}"])
def test_a_form_needs_a_boundary(given: str, tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        Form(given, folder=tmp_path, most=1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        part("file", b"x", filename="a"),  # the end is missing
        part("file", b"x", filename="a")[:40],
        b"--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,  # no name
        b"--xyz\r\n" + b"a" * 100_000,
        b"--xyz\r\n" + b"A: b\r\n" * 10_000 + b"\r\nx\r\n" + END,
        part("policy", b"x" * 5000) + END,
        b"".join(part(f"f{number}", b"") for number in range(60)) + END,
        part("policy", b"ades") + part("policy", b"qualified") + END,
        part("at", b"") + part("at", b"") + END,
        part("file", b"", filename="") * 60 + END,  # a browser's field where no file was chosen
    ],
)
def test_what_cannot_be_read_is_malformed(form: Form, body: bytes) -> None:
    with form, pytest.raises(Malformed) as raised:
        read(form, body)
    assert str(raised.value).endswith(".")


def test_more_files_than_allowed_are_refused_when_the_next_begins(form: Form) -> None:
    with form, pytest.raises(BodyRefusedError) as raised:
        read(form, part("detached", b"x", filename="a") * 4 + END)
    assert raised.value.status == 413


def test_files_that_are_put_aside_are_open_as_many_as_may_be(tmp_path: Path) -> None:
    arriving = Arriving(uploads=9, octets=1 << 30, open_files=2)
    body = part("detached", b"x" * (300 << 10), filename="a") * 2 + END
    with Form(TYPE, folder=tmp_path, most=3, opening=arriving.opening) as first:
        read(first, body)
        with (
            Form(TYPE, folder=tmp_path, most=3, opening=arriving.opening) as second,
            pytest.raises(Unavailable, match="Many files are open"),
        ):
            read(second, body)
    with Form(TYPE, folder=tmp_path, most=3, opening=arriving.opening) as third:
        read(third, body)
        assert len(third.files("detached")) == 2


@given(st.binary(max_size=400))
def test_any_octets_are_read_or_malformed(body: bytes) -> None:
    from pathlib import Path  # noqa: PLC0415 - a fixture would not be made anew for each example

    with Form(TYPE, folder=Path("/nowhere"), most=3) as form:
        try:
            read(form, b"--xyz\r\n" + body, size=7)
        except (Malformed, BodyRefusedError):
            return
        assert body.count(b"--xyz--") == 1


def content(one: Given) -> bytes:
    if one.descriptor is None:
        return one.octets
    return os.pread(one.descriptor, 1 << 24, 0)


@pytest.mark.parametrize("size", [1, 13, 100_000])
def test_fields_and_files_are_what_was_sent(form: Form, size: int) -> None:
    body = (
        part("policy", b" ades ")
        + part("file", b"\r\n--xy\r\n", filename="C:\\fakepath\\a.pdf")
        + part("detached", b"one", filename="x/y")
        + part("detached", b"two", filename="z")
        + END
    )
    with form:
        read(form, body, size=size)
        assert form.fields == {"policy": "ades"}
        assert form.names == {"file", "detached"}
        assert [(one.name, content(one)) for one in form.files("file")] == [("a.pdf", b"\r\n--xy\r\n")]
        assert [(one.name, content(one)) for one in form.files("detached")] == [("y", b"one"), ("z", b"two")]


def test_a_field_where_no_file_was_chosen_holds_none(form: Form) -> None:
    with form:
        read(form, part("records", b"", filename="") + part("file", b"", filename="empty") + END)
        assert form.files("records") == ()
        assert [one.name for one in form.files("file")] == ["empty"]


def descriptors() -> Sequence[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone


@pytest.mark.req("TS119441:OVR-7.13-03")
@pytest.mark.req("TS119101:GSM-2.6")
def test_a_long_file_is_put_aside_without_a_name_and_gone_afterwards(form: Form, tmp_path: Path) -> None:
    long = os.urandom(1 << 20)
    before = descriptors()
    with form:
        read(form, part("file", long, filename="long") + END, size=65_536)
        (found,) = form.files("file")
        assert found.descriptor is not None
        assert content(found) == long
        assert list((tmp_path / "uploads").iterdir()) == []
    assert descriptors() == before


def test_short_files_are_held_in_memory_up_to_a_number_of_octets_together(tmp_path: Path) -> None:
    form = Form(TYPE, folder=tmp_path / "uploads", most=10)
    contents = [bytes([number]) * 250_000 for number in range(6)]
    body = b"".join(part("detached", one, filename="a") for one in contents) + END
    with form:
        read(form, body, size=50_000)
        found = form.files("detached")
        assert [one.descriptor is None for one in found] == [True] * 4 + [False] * 2
        assert [one.octets or os.pread(one.descriptor or 0, 300_000, 0) for one in found] == contents


def test_nothing_of_a_form_that_breaks_off_is_left(form: Form, tmp_path: Path) -> None:
    before = descriptors()
    with form, pytest.raises(Malformed):
        read(form, part("file", b"x" * (1 << 20), filename="long"), size=65_536)
    assert descriptors() == before
    assert list((tmp_path / "uploads").iterdir()) == []

"""Images as a signer is shown them."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.model import Absent, Picture
from trustworks.signing.shown.picture import shown_picture

RED = (200, 10, 10)


def written(form: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (40, 20), **more: object) -> bytes:
    out = io.BytesIO()
    colour = RED if mode == "RGB" else (*RED, 0) if mode == "RGBA" else 100
    Image.new(mode, size, colour).save(out, form, **more)
    return out.getvalue()


def codes(octets: bytes) -> set[str]:
    return {one.code for one in shown_picture(octets, DEFAULT)[1]}


def drawn(octets: bytes) -> Image.Image:
    part, _ = shown_picture(octets, DEFAULT)
    assert isinstance(part, Picture)
    return Image.open(io.BytesIO(part.png))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_image_is_written_anew(form: str) -> None:
    octets = written(form)
    part, findings = shown_picture(octets, DEFAULT)
    assert isinstance(part, Picture)
    assert (part.width, part.height, part.format, findings) == (40, 20, form, ())
    pixel = drawn(octets).getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert all(abs(one - other) < 6 for one, other in zip(pixel, RED, strict=True))


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16", "CMYK"])
def test_images_of_every_kind_of_colour_are_drawn(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (8, 8)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert drawn(out.getvalue()).mode == "RGB"


def test_sixteen_bits_keep_their_brightness() -> None:
    out = io.BytesIO()
    Image.new("I;16", (4, 4), 32_768).save(out, "PNG")
    assert drawn(out.getvalue()).getpixel((1, 1)) == (128, 128, 128)


def test_what_is_said_beside_the_picture_does_not_come_through() -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    words = PngInfo()
    words.add_text("Comment", "beside")
    part, _ = shown_picture(written(pnginfo=words), DEFAULT)
    assert isinstance(part, Picture)
    assert b"beside" not in part.png


def test_a_transparent_image_is_shown_on_white_and_told() -> None:
    octets = written(mode="RGBA")
    assert drawn(octets).getpixel((3, 3)) == (255, 255, 255)
    assert codes(octets) == {"image.transparent"}


def test_an_image_that_is_stored_turned_is_shown_as_it_asks() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    octets = written("JPEG", exif=exif)
    part, _ = shown_picture(octets, DEFAULT)
    assert isinstance(part, Picture)
    assert (part.width, part.height) == (20, 40)
    assert codes(octets) == {"image.turned"}


def test_more_than_one_picture_is_an_objection() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 0, 0))]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    assert "image.frames" in codes(out.getvalue())


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_octets_after_the_image_are_told(form: str) -> None:
    assert codes(written(form) + b"something else") == {"image.octets-after"}
    assert codes(written(form) + b"\0\0") == set()


def test_a_large_image_is_shown_smaller() -> None:
    part, findings = shown_picture(written(size=(600, 300)), replace(DEFAULT, width=100))
    assert isinstance(part, Picture)
    assert (part.width, [one.code for one in findings]) == (600, ["image.smaller"])
    assert Image.open(io.BytesIO(part.png)).size == (100, 50)


def _bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it has side times side pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_bomb_is_not_unpacked(side: int) -> None:
    part, findings = shown_picture(_bomb(side), DEFAULT)
    assert isinstance(part, Absent)
    assert (part.reason, [one.code for one in findings]) == ("pixels", ["absent"])


@given(st.integers(0, 300), st.binary(min_size=1, max_size=4), st.sampled_from(["PNG", "JPEG"]))
def test_a_damaged_image_has_an_answer(place: int, with_: bytes, form: str) -> None:
    octets = written(form)
    part, _ = shown_picture(octets[:place] + with_ + octets[place + len(with_) :], DEFAULT)
    assert isinstance(part, Picture | Absent)
    part, _ = shown_picture(octets[:place], DEFAULT)
    assert isinstance(part, Picture | Absent)

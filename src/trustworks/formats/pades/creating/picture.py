"""Pictures in visible signatures: looked at before they are unpacked, written anew without their extras."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_OCTETS: Final = 8 * 1024 * 1024
_MOST_PIXELS: Final = 8_000_000
"""What an A4 page has at 300 dots an inch."""
_MOST_SIDE: Final = 10_000
_QUALITY: Final = 90
_UPRIGHT: Final = 1
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture to be typeset; `kind` is ``png`` or ``jpg``."""

    kind: str
    octets: bytes


def picture_of(octets: bytes, *, opaque: bool, background: str) -> Picture:
    """A picture as it may stand in a PDF: RGB or grey, of 8 bits, without metadata, profile or interlace.

    A JPEG that has only what a PDF shows stays as it is. `opaque`: what can be seen through is laid on
    `background`.

    Raises:
        Rejected: ``pdf.picture``: it is no PNG or JPEG, is damaged, or larger than a signature needs.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - a library that is loaded with the first picture only

    if len(octets) > _MOST_OCTETS:
        raise _wrong(f"has {len(octets)} octets, more than {_MOST_OCTETS}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(octets), formats=("PNG", "JPEG")) as found:
                width, height = found.size
                if width * height > _MOST_PIXELS or max(found.size) > _MOST_SIDE:
                    raise _wrong(
                        f"is {width} by {height} pixels, more than {_MOST_PIXELS} or {_MOST_SIDE} on one side"
                    )
                found.load()
                if found.format == "JPEG":
                    if found.mode in {"L", "RGB"} and found.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT:
                        return Picture(kind="jpg", octets=octets)
                    return _written(ImageOps.exif_transpose(found).convert("RGB"), "JPEG", "jpg")
                return _written(_plain(found, opaque=opaque, background=background), "PNG", "png")
    except Image.DecompressionBombError as error:
        raise _wrong(f"has more than {_MOST_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise _wrong("is neither PNG nor JPEG") from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        KeyError,
        IndexError,
        TypeError,
        OverflowError,
    ) as error:
        raise _wrong(f"cannot be read as PNG or JPEG ({str(error)[:100]})") from error


def _plain(found: Image, *, opaque: bool, background: str) -> Image:
    """A PNG with 8 bits a colour; with its alpha channel where it has one and may."""
    from PIL import Image  # noqa: PLC0415 - as above

    if found.mode.startswith("I"):
        # Grey of 16 bits: of each value the higher octet.
        return found.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not found.has_transparency_data:
        return found.convert("L" if found.mode in {"1", "L"} else "RGB")
    clear = found.convert("RGBA")
    if not opaque:
        return clear
    ground = Image.new("RGBA", clear.size, background)
    return Image.alpha_composite(ground, clear).convert("RGB")


def _written(found: Image, kind: str, ending: str) -> Picture:
    out = io.BytesIO()
    found.info.clear()
    found.save(out, kind, **({"quality": _QUALITY} if kind == "JPEG" else {}))
    return Picture(kind=ending, octets=out.getvalue())


def _wrong(what: str) -> Rejected:
    return Rejected("pdf.picture", f"The picture {what}. Give another one, as a plain PNG or JPEG.")

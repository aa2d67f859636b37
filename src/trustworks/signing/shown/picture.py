"""Images: looked at before they are unpacked, and written anew, so that only the picture comes through."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from trustworks.signing.shown.codes import found
from trustworks.signing.shown.model import Absent, Picture

if TYPE_CHECKING:
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8\xff"
_FORMATS: Final = ("PNG", "JPEG")
_PAPER: Final = (255, 255, 255)
_ORIENTATION: Final = 0x0112
_END_OF_PNG: Final = b"IEND\xaeB`\x82"
_END_OF_JPEG: Final = b"\xff\xd9"


def shown_picture(octets: bytes, bounds: Bounds) -> tuple[Picture | Absent, tuple[Finding, ...]]:
    """The picture as it is seen on white paper, and what of the file is not in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own bound on pixels warns; ours is below
            with Image.open(io.BytesIO(octets), formats=_FORMATS) as image:
                if image.width * image.height > bounds.pixels:
                    return _absent("pixels", found_pixels=image.width * image.height, most=bounds.pixels)
                return _drawn(image, octets, bounds)
    except Image.DecompressionBombError:
        return _absent("pixels", found_pixels="", most=bounds.pixels)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError):
        return _absent("image")


def _absent(reason: str, **values: object) -> tuple[Absent, tuple[Finding, ...]]:
    return (
        Absent(reason=reason, values={name: str(one) for name, one in values.items()}),
        (found("absent"),),
    )


def _drawn(image: Image.Image, octets: bytes, bounds: Bounds) -> tuple[Picture, tuple[Finding, ...]]:
    findings = []
    form = str(image.format)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        findings.append(found("image.frames", count=frames))
        image.seek(0)
    if image.getexif().get(_ORIENTATION, 1) != 1:
        findings.append(found("image.turned"))
    image.load()
    seen = ImageOps.exif_transpose(image)
    width, height = seen.size
    if seen.has_transparency_data:
        layer = seen.convert("RGBA")
        least, _ = layer.getchannel("A").getextrema()
        if least != 255:
            findings.append(found("image.transparent"))
        seen = Image.new("RGB", layer.size, _PAPER)
        seen.paste(layer, mask=layer.getchannel("A"))
    else:
        seen = _eight_bits(seen).convert("RGB")
    if width > bounds.width or width * height > bounds.drawn:
        scale = min(bounds.width / width, (bounds.drawn / (width * height)) ** 0.5)
        seen = seen.resize((max(1, int(width * scale)), max(1, int(height * scale))))
        findings.append(found("image.smaller", width=width, height=height))
    if _octets_after(octets, form):
        findings.append(found("image.octets-after"))
    out = io.BytesIO()
    Image.frombytes("RGB", seen.size, seen.tobytes()).save(out, "PNG")  # without what is said beside it
    return Picture(png=out.getvalue(), width=width, height=height, format=form), tuple(findings)


def _eight_bits(image: Image.Image) -> Image.Image:
    """An image of 16 bits a point with its brightness kept; the library would cut it off."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image


def _octets_after(octets: bytes, form: str) -> bool:
    """Whether something stands behind the image: another file, which no viewer shows."""
    end = octets.rfind(_END_OF_PNG) + len(_END_OF_PNG) if form == "PNG" else octets.rfind(_END_OF_JPEG) + 2
    first = octets.find(_END_OF_PNG) + len(_END_OF_PNG) if form == "PNG" else end
    return bool(octets[min(end, first) :].strip(b"\0"))

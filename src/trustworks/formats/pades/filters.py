"""The octets of streams that structure needs: sections, object streams, tokens (ISO 32000-2, 7.4).

Only filters that such streams use are undone: Flate with predictors, ASCIIHex, ASCII85, RunLength. What a
page shows is never unpacked.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.pades.syntax import Name, unhex

if TYPE_CHECKING:
    from trustworks.formats.pades.syntax import Object

_SHORT: Final = {
    "Fl": "FlateDecode",
    "AHx": "ASCIIHexDecode",
    "A85": "ASCII85Decode",
    "RL": "RunLengthDecode",
}

_PORTION: Final = 1 << 18


class Allowance:
    """How many octets may still be unpacked from one file, over all its streams."""

    def __init__(self, octets: int) -> None:
        self.left = octets
        self.whole = octets

    def take(self, octets: int) -> None:
        """Counts octets that were unpacked. Raises `Malformed` when it is more than is allowed."""
        self.left -= octets
        if self.left < 0:
            raise BeyondLimit(f"The streams of the PDF unpack to more than {self.whole} octets.", "parsed")


def unpack(raw: bytes, filters: Object, parameters: Object, allowance: Allowance) -> bytes:
    """Undoes the filters of a stream, in their order. Direct objects only: references are resolved before.

    Raises:
        Malformed: a filter is none of those above, the octets are not what it makes, or they become too many.
    """
    names = filters if isinstance(filters, list) else [] if filters is None else [filters]
    given = parameters if isinstance(parameters, list) else [parameters]
    if len(names) > 8:
        raise Malformed("A stream of the PDF has more than 8 filters, which no program writes.")
    for place, name in enumerate(names):
        settings = given[place] if place < len(given) else None
        raw = _undo(name, raw, settings if isinstance(settings, dict) else {}, allowance)
    return raw


def _undo(name: Object, raw: bytes, settings: dict[str, Object], allowance: Allowance) -> bytes:
    match _SHORT.get(name, name) if isinstance(name, Name) else None:
        case "FlateDecode":
            return _predicted(_inflate(raw, allowance), settings)
        case "ASCIIHexDecode":
            allowance.take(len(raw) // 2)
            return unhex(raw.partition(b">")[0])
        case "ASCII85Decode":
            allowance.take(len(raw) * 4)
            try:
                return base64.a85decode(raw.partition(b"~")[0].strip().removeprefix(b"<~"))
            except ValueError as error:
                raise Malformed("A stream of the PDF says ASCII85Decode and is not that.") from error
        case "RunLengthDecode":
            return _run_lengths(raw, allowance)
        case "Crypt":
            return raw
        case _:
            raise Malformed(
                f"A stream of the PDF has a filter that its structure may not have: {name!r:.60}."
            )


def _inflate(raw: bytes, allowance: Allowance) -> bytes:
    """Inflates; octets before an error or a cut are kept, as readers of PDF do."""
    machine = zlib.decompressobj()
    parts: list[bytes] = []
    try:
        for begin in range(0, len(raw), _PORTION):
            rest = raw[begin : begin + _PORTION]
            while rest and not machine.eof:
                part = machine.decompress(rest, _PORTION)
                allowance.take(len(part))
                parts.append(part)
                rest = machine.unconsumed_tail
    except zlib.error as error:
        if not parts:
            raise Malformed("A compressed stream of the PDF cannot be unpacked: it is damaged.") from error
    return b"".join(parts)


def _run_lengths(raw: bytes, allowance: Allowance) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(raw) and raw[at] != 128:
        count = raw[at]
        part = raw[at + 1 : at + 2 + count] if count < 128 else raw[at + 1 : at + 2] * (257 - count)
        allowance.take(len(part))
        parts.append(part)
        at += count + 2 if count < 128 else 2
    return b"".join(parts)


def _predicted(octets: bytes, settings: dict[str, Object]) -> bytes:
    """Undoes a predictor of PNG, or leaves the octets as they are where there is none (7.4.4.4)."""
    predictor = settings.get("Predictor")
    if not isinstance(predictor, int) or predictor < 2:
        return octets
    if predictor < 10:
        raise Malformed("A stream of the PDF's structure uses the TIFF predictor, which is for images.")
    columns, colours, bits = (
        value if isinstance(value := settings.get(key, default), int) else default
        for key, default in (("Columns", 1), ("Colors", 1), ("BitsPerComponent", 8))
    )
    width = (columns * colours * bits + 7) // 8
    step = max(1, colours * bits // 8)
    if not (0 < width <= 1 << 20) or step > width:
        raise Malformed("A stream of the PDF has predictor columns that no structure has.")
    done = bytearray()
    above = bytearray(width)
    for begin in range(0, len(octets), width + 1):
        row = bytearray(octets[begin + 1 : begin + 1 + width])
        if not row:
            break
        _undo_row(octets[begin], row, above, step)
        done += row
        above = row.ljust(width, b"\0") if len(row) < width else row
    return bytes(done)


def _undo_row(kind: int, row: bytearray, above: bytearray, step: int) -> None:
    """One row of PNG's filters (ISO/IEC 15948, 9), in place."""
    match kind:
        case 1:
            for place in range(step, len(row)):
                row[place] = (row[place] + row[place - step]) & 255
        case 2:
            for place, over in zip(range(len(row)), above, strict=False):
                row[place] = (row[place] + over) & 255
        case 3:
            for place in range(len(row)):
                left = row[place - step] if place >= step else 0
                row[place] = (row[place] + (left + above[place]) // 2) & 255
        case 4:
            for place in range(len(row)):
                left, corner = (row[place - step], above[place - step]) if place >= step else (0, 0)
                over = above[place]
                guess = left + over - corner
                near = min(
                    (abs(guess - left), 0, left),
                    (abs(guess - over), 1, over),
                    (abs(guess - corner), 2, corner),
                )
                row[place] = (row[place] + near[2]) & 255
        case _:
            pass

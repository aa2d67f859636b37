"""The syntax of PDF objects: octets at a place to values, and where they end (ISO 32000-2, 7.2 and 7.3).

Lenient where readers of others are (what cannot be read is null), and bounded in all it does: nothing is
recursive, and what one object may hold is counted.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from trustworks.core.errors import BeyondLimit
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.formats.limits import Limits


class Name(str):
    """A name object, without its solidus and with its escapes resolved."""

    __slots__ = ()


class Ref(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A stream: its dictionary, and where its octets begin in the file (they are not looked for yet)."""

    entries: dict[str, Object]
    start: int


Object: TypeAlias = (
    "bool | int | float | bytes | Name | Ref | list[Object] | dict[str, Object] | Stream | None"
)
"""Any PDF object; strings are `bytes`."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value, where it ends, and for a dictionary where the value of each of its entries stands.

    `twice` are keys that stand in the outermost dictionary more than once: readers disagree on which counts.
    """

    value: Object
    end: int
    spans: Mapping[str, tuple[int, int]]
    twice: frozenset[str] = frozenset()


WHITE: Final = rb"\x00\t\n\x0c\r "
"""White-space characters, for a class of a regular expression (7.2.3)."""

_BLANK: Final = rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*+"
_TOKEN: Final = re.compile(
    _BLANK
    + rb"""(?:
    (?P<open><<) | (?P<close>>>) | (?P<array>\[) | (?P<end>\])
    | (?P<name>/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*)
    | (?P<ref>(?P<number>\d{1,10}+)(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)++
      (?P<generation>\d{1,10}+)(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)++
      R(?![^\x00\t\n\x0c\r ()<>\[\]{}/%]))
    | (?P<figure>[+-]*[0-9]*\.?[0-9]+\.?[0-9-]*)
    | (?P<hex><[^<>]*>)
    | (?P<text>\()
    | (?P<word>[^\x00\t\n\x0c\r ()<>\[\]{}/%]+)
    | (?P<other>[){}<>])
    )""",
    re.VERBOSE,
)
_BLANKS: Final = re.compile(_BLANK)
_ESCAPED_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_IN_TEXT: Final = re.compile(rb"\(++|\)++|\\|\r")
_OCTAL: Final = re.compile(rb"[0-7]{1,3}")
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))
_ESCAPES: Final = {
    ord(b"n"): b"\n",
    ord(b"r"): b"\r",
    ord(b"t"): b"\t",
    ord(b"b"): b"\b",
    ord(b"f"): b"\f",
    ord(b"\n"): b"",
    ord(b"("): b"(",
    ord(b")"): b")",
    ord(b"\\"): b"\\",
}
_DIGITS: Final = 18
"""Digits of an integer that are read; a longer one is no offset, number or length of anything."""
_TOKEN_STEPS: Final = 20
_ESCAPE_STEPS: Final = 8
_OCTETS_OF_STEP: Final = 16
"""What it takes to read one token, one escape or parenthesis within a string or name, and plain octets, in
steps of `Limits.work`: by the time that each was measured to take, at about 60 nanoseconds a step."""
_TOGETHER: Final = 10_000
"""Steps that are counted at a time, since counting takes time as well."""


def parse(octets: bytes, at: int, limits: Limits, work: Callable[[int], None]) -> Parsed:
    """The value at a place. A stray closing bracket or the end of the file there is null.

    `work` is told the steps that reading takes, while it goes on, and raises where they are too many.

    Raises:
        Malformed: it is nested deeper, holds more, or takes more steps, than the limits allow.
    """
    reading = _Reading(octets, at, limits, work)
    parsed = reading.value()
    work(reading.steps + (parsed.end - reading.counted) // _OCTETS_OF_STEP)
    return parsed


class _Reading:
    """One value being read: containers that are open, innermost last."""

    def __init__(self, octets: bytes, at: int, limits: Limits, work: Callable[[int], None]) -> None:
        self.octets = octets
        self.at = self.counted = at
        self.limits = limits
        self.work = work
        self.steps = 0
        self.open: list[list[Object] | dict[str, Object]] = []
        self.keys: list[str | None] = []
        self.begins: list[int] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.twice: set[str] = set()
        self.left = limits.elements

    def value(self) -> Parsed:
        while True:
            token = _TOKEN.match(self.octets, self.at)
            if token is None:
                return self._abandon()
            kind = token.lastgroup
            begin = token.start(kind) if kind is not None else token.start()
            self.at = token.end()
            self.left -= 1
            self.steps += _TOKEN_STEPS
            if self.steps > _TOGETHER:
                self._count()
            if self.left < 0:
                raise BeyondLimit(f"A PDF object has more than {self.limits.elements} parts.", "elements")
            match kind:
                case "open" | "array":
                    self._deeper({} if kind == "open" else [], begin)
                    continue
                case "close" | "end":
                    if not self.open:
                        return Parsed(None, begin, {})
                    # A bracket of the other kind closes what is open: as lenient readers take it.
                    found: Object = self.open.pop()
                    self.keys.pop()
                    begin = self.begins.pop()
                case _:
                    found = self._scalar(kind, token)
            if not self.open:
                return Parsed(found, self.at, self.spans, frozenset(self.twice))
            self._put(found, begin)

    def _count(self) -> None:
        """Tells the steps since it was told last."""
        steps = self.steps + max(self.at - self.counted, 0) // _OCTETS_OF_STEP
        self.steps, self.counted = 0, max(self.at, self.counted)
        self.work(steps)

    def _abandon(self) -> Parsed:
        """What was read so far, where the file ends within it."""
        return Parsed(self.open[0] if self.open else None, len(self.octets), self.spans)

    def _deeper(self, container: list[Object] | dict[str, Object], begin: int) -> None:
        if len(self.open) >= self.limits.depth:
            raise BeyondLimit(f"A PDF object is nested more than {self.limits.depth} deep.", "depth")
        self.open.append(container)
        self.keys.append(None)
        self.begins.append(begin)

    def _put(self, found: Object, begin: int) -> None:
        """Adds a finished value to the container around it."""
        around = self.open[-1]
        if isinstance(around, list):
            around.append(found)
            return
        key = self.keys[-1]
        if key is None:
            # What is no name cannot be a key, and is passed over.
            if isinstance(found, Name):
                self.keys[-1] = found
            return
        self.keys[-1] = None
        if len(self.open) == 1:
            if key in self.spans:
                self.twice.add(key)
            self.spans[key] = (begin, self.at)
        around[key] = found

    def _scalar(self, kind: str | None, token: re.Match[bytes]) -> Object:  # noqa: PLR0911 - a kind each
        match kind:
            case "name":
                name = token["name"]
                self.steps += _ESCAPE_STEPS * name.count(b"#")
                if self.steps > _TOGETHER:
                    self._count()
                return _name(name)
            case "ref":
                return Ref(int(token["number"]), int(token["generation"]))
            case "figure":
                return _figure(token["figure"])
            case "hex":
                return unhex(token["hex"][1:-1])
            case "text":
                return self._text()
            case "word":
                return {b"true": True, b"false": False}.get(token["word"])
            case _:
                return None

    def _text(self) -> bytes:
        """A literal string; the opening parenthesis is behind (7.3.4.2)."""
        octets, at, depth = self.octets, self.at, 1
        text = bytearray()
        while (special := _IN_TEXT.search(octets, at)) is not None:
            begin, end = special.span()
            self.steps += _ESCAPE_STEPS
            if self.steps > _TOGETHER:
                self.at = begin
                self._count()
            match octets[begin]:
                case 0x28:
                    # Parentheses that stand together are taken together.
                    depth += end - begin
                    text += octets[at:end]
                    at = end
                case 0x29:
                    if depth <= end - begin:
                        self.at = begin + depth
                        text += octets[at : self.at - 1]
                        return bytes(text)
                    depth -= end - begin
                    text += octets[at:end]
                    at = end
                case 0x0D:
                    # Any end of line in a string stands for a line feed.
                    text += octets[at:begin]
                    text += b"\n"
                    at = end + (octets[end : end + 1] == b"\n")
                case _:
                    text += octets[at:begin]
                    at = self._escape(end, text)
        # The file ends within the string.
        text += octets[at:]
        self.at = len(octets)
        return bytes(text)

    def _escape(self, at: int, text: bytearray) -> int:
        """What follows a reverse solidus; answers where it ends."""
        octal = _OCTAL.match(self.octets, at)
        if octal is not None:
            text.append(int(octal[0], 8) & 0xFF)
            return octal.end()
        after = self.octets[at : at + 1]
        if after == b"\r":
            return at + 1 + (self.octets[at + 1 : at + 2] == b"\n")
        if after:
            text += _ESCAPES.get(after[0], after)
        return at + 1


def _name(raw: bytes) -> Name:
    octets = raw[1:]
    if b"#" in octets:
        octets = _ESCAPED_NAME.sub(lambda found: bytes([int(found[1], 16)]), octets)
    try:
        return Name(octets.decode("ascii"))
    except UnicodeDecodeError:
        return Name(octets.decode("utf-8", "surrogateescape"))


def _figure(raw: bytes) -> Object:
    if b"." in raw:
        try:
            return float(raw[:64])
        except ValueError:
            return 0.0
    digits = raw.lstrip(b"+-")
    if len(digits) > _DIGITS or not digits.isdigit():
        return None
    return -int(digits) if raw.startswith(b"-") else int(digits)


def unhex(digits: bytes) -> bytes:
    """The octets of a hexadecimal string; what is no digit is passed over, an odd last digit counts as 0."""
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        clean = digits.translate(None, _NOT_HEX)
        return binascii.unhexlify(clean + b"0" if len(clean) % 2 else clean)


def skip_blanks(octets: bytes, at: int) -> int:
    """Where white space and comments end."""
    found = _BLANKS.match(octets, at)
    return at if found is None else found.end()

"""Messages as who sends them wants to see what breaks: damaged at random, the same for the same seed.

Damage of DER keeps the lengths around it right, so that it gets as deep as the value itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

Node = tuple[bytes, "list[Node] | bytes"]  # the octets of the tag; what is inside, or the value

ODD: Final = (
    b"", b"\0", b"\xff", b"\x80", b"\x7f" * 9, b"\xff" * 21, b"\0" * 40, b"\x2a\x80\x80\x80\x01",
    b"\xf0\x28\x8c\x28", b"99991231235959Z", b"000000000000Z", b"20260231250000Z", b"\xd8\x00",
    b"\x06\x03\x55\x1d\x0f", b"A" * 5000,
)  # fmt: skip
TAGS: Final = bytes(
    (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x17, 0x18, 0x1E, 0x30, 0x31, 0x80, 0xA0)
)


def damaged(seed: bytes, random: Random, count: int) -> Iterator[bytes]:
    """So many damaged messages out of one in DER; some are damaged in several places."""
    tree = _read(seed)
    for _ in range(count):
        if tree and random.random() < 0.75:
            nodes = tree
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                nodes = _changed(nodes, random)
            yield b"".join(map(_written, nodes))
        else:
            yield _octets_changed(seed, random)


def replaced(seed: bytes, old: bytes, new: bytes) -> bytes:
    """The same message in DER with another element wherever `old` stands."""

    def inside(nodes: list[Node]) -> list[Node]:
        return [one if isinstance(one[1], bytes) else (one[0], inside(one[1])) for one in map(other, nodes)]

    def other(node: Node) -> Node:
        return _read(new)[0] if _written(node) == old else node

    return b"".join(map(_written, inside(_read(seed))))


def damaged_json(seed: Any, random: Random, count: int) -> Iterator[Any]:
    """So many damaged values out of one that JSON can say."""
    for _ in range(count):
        yield _value_changed(json.loads(json.dumps(seed)), random)


def _read(data: bytes, depth: int = 0) -> list[Node]:
    """The elements in these octets; none when they are not whole DER."""
    found: list[Node] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            return []
        length, begin = data[at + 1], at + 2
        if length > 0x80:
            begin += length - 0x80
            length = int.from_bytes(data[at + 2 : begin], "big")
        elif length == 0x80:
            return []
        value = data[begin : begin + length]
        if len(value) != length:
            return []
        # What octet strings and bit strings hold is DER itself, often.
        skip = data[at] == 0x03 and value[:1] == b"\0"
        inside = (
            _read(value[skip:], depth + 1) if depth < 40 and (data[at] & 0x20 or data[at] in {3, 4}) else []
        )
        if b"".join(map(_written, inside)) != value[skip:]:
            inside = []  # octets that only look like elements, with lengths that nobody writes so
        prefix = data[at : at + 1] + (b"\0" if skip and inside else b"")
        found.append((prefix, inside or value))
        at = begin + length
    return found


def _written(node: Node) -> bytes:
    tag, inside = node
    value = tag[1:] + (inside if isinstance(inside, bytes) else b"".join(map(_written, inside)))
    size = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return tag[:1] + (bytes([len(value)]) if len(value) < 0x80 else bytes([0x80 + len(size)]) + size) + value


def _changed(nodes: list[Node], random: Random) -> list[Node]:  # noqa: C901 - a case for each kind of damage
    """The elements with a change somewhere in them, deep ones as often as shallow ones."""
    if not nodes:
        return [(b"\x05", b"")]
    nodes, at = list(nodes), random.randrange(len(nodes))
    tag, inside = nodes[at]
    if isinstance(inside, list) and random.random() < 0.8:
        nodes[at] = (tag, _changed(inside, random))
        return nodes
    match random.randrange(9):
        case 0:
            del nodes[at]
        case 1:
            nodes.insert(at, nodes[at])
        case 2:
            nodes[at] = (bytes([random.choice(TAGS)]) + tag[1:], inside)
        case 3:
            nodes[at] = (tag, random.choice(ODD))
        case 4:
            nodes[at] = (tag, random.randbytes(random.choice((1, 4, 32))))
        case 5:
            random.shuffle(nodes)
        case 6:
            deep = _written((tag, inside))
            for _ in range(random.choice((1, 3, 1000))):
                deep = _written((b"\x30", deep))
            nodes[at] = (b"\x30", deep)
        case 7:
            nodes[at] = (bytes([tag[0] ^ 0x20]) + tag[1:], inside)
        case _:
            nodes[at] = (tag, _octets_changed(inside, random)) if isinstance(inside, bytes) else (tag, [])
    return nodes


def _octets_changed(data: bytes, random: Random) -> bytes:
    changed = bytearray(data or b"\0")
    at = random.randrange(len(changed))
    match random.randrange(6):
        case 0:
            changed[at] ^= 1 << random.randrange(8)
        case 1:
            changed[at] = random.randrange(256)
        case 2:
            del changed[at:]
        case 3:
            changed[at:at] = random.choice(ODD)
        case 4:
            changed += changed[at:]
        case _:
            changed[at : at + 4] = random.randbytes(4)
    return bytes(changed)


_VALUES: Final[tuple[Callable[[], Any], ...]] = (
    lambda: None, lambda: True, lambda: 0, lambda: -1, lambda: 2**70, lambda: 1e300, lambda: "", lambda: "\0",
    lambda: "\ud800", lambda: "a" * 70_000, lambda: "é.example", lambda: "xn--a", lambda: "*.", list,
    dict, lambda: [[]], lambda: {"": {}}, lambda: "=" * 5, lambda: "AAAA\n", lambda: [None] * 500,
    lambda: "2026-13-45T99:00:00Z", lambda: "https://[", lambda: "mailto:\r\n@",
)  # fmt: skip


def _value_changed(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(sorted(value))
        match random.randrange(5):
            case 0:
                del value[name]
            case 1:
                value[random.choice(("", "type", "value", "jwk", "kid", "b64", "crit"))] = value[name]
            case _:
                value[name] = _value_changed(value[name], random)
        return value
    if isinstance(value, list) and value and random.random() < 0.9:
        at = random.randrange(len(value))
        if random.random() < 0.3:
            return value + [value[at]] * random.choice((1, 300))
        value[at] = _value_changed(value[at], random)
        return value
    if isinstance(value, str) and value and random.random() < 0.4:
        at = random.randrange(len(value))
        return value[:at] + chr(random.choice((0, 10, 34, 0x7F, 0x131, 0x2028, 0x1F600))) + value[at + 1 :]
    return random.choice(_VALUES)()

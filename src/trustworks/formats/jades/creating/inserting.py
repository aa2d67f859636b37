"""Puts JSON into JSON without writing anew what is there: of a file of others no octet is lost or changed.

Numbers that no program holds, members that are there twice, white space, escapes: all of it stays. What is
given was parsed before (`jws.parse`), so that it is a JWS in JSON. Source: RFC 8259, 4 and 5; RFC 7515, 7.2.
"""

from __future__ import annotations

import json
import re
from typing import Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass

_DECODER: Final = json.JSONDecoder()
_WHITE: Final = re.compile("[\ufeff \t\r\n]*")


@dataclass(frozen=True, slots=True)
class _Part:
    """A member of an object, from its name on, or an item of an array; and where its value stands."""

    name: str
    begin: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Inside:
    """What is in an object or an array of a text, and the place of its closing bracket."""

    text: str
    parts: tuple[_Part, ...]
    closing: int

    def value(self, name: str) -> int | None:
        """Where the value of a member stands: of several the last one, as readers take it."""
        return {one.name: one.value for one in self.parts}.get(name)

    def without(self, name: str) -> str:
        """The members as they stand there, but for one."""
        return ",".join(self.text[one.begin : one.end] for one in self.parts if one.name != name)

    def with_one_more(self, part: str) -> str:
        """The text with one more part in here, behind the others."""
        comma = "," if self.parts else ""
        return self.text[: self.closing] + comma + part + self.text[self.closing :]


def with_component(octets: bytes, place: int, component: str) -> bytes:
    """The file whose signature of that number has one more component, which is JSON, at the end of its etsiU.

    Raises `Rejected` (jades.header) where its unprotected header or its etsiU is of another JSON type.
    """
    text = octets.decode()
    whole = _inside(text, 0)
    several = whole.value("signatures")
    at = 0 if several is None else _inside(text, several).parts[place].value
    for name, bracket in (("header", "{"), ("etsiU", "[")):
        within = _inside(text, at)
        found = within.value(name)
        if found is None:
            new = f'"etsiU":[{component}]'
            return within.with_one_more(new if name == "etsiU" else f'"header":{{{new}}}').encode()
        if text[found] != bracket:
            raise Rejected(
                "jades.header", f"The member {name} of the signature is of a type to which nothing is added."
            )
        at = found
    return _inside(text, at).with_one_more(component).encode()


def with_signatures(first: bytes, second: bytes) -> bytes:
    """The signatures of two files, whose payload is the same, in one of the general serialization.

    Raises `Rejected` (jades.payload) where the second has members of its own, which would be lost.
    """
    text, other = first.decode(), second.decode()
    whole, added = _inside(text, 0), _inside(other, 0)
    several = added.value("signatures")
    if several is None:
        more = "{" + added.without("payload") + "}"
    else:
        if {one.name for one in added.parts} - {"payload", "signatures"}:
            raise Rejected(
                "jades.payload", "The second file has members beside its signatures, and stays by itself."
            )
        more = ",".join(other[one.begin : one.end] for one in _inside(other, several).parts)
    there = whole.value("signatures")
    if there is not None:
        return _inside(text, there).with_one_more(more).encode()
    shared = [text[one.begin : one.end] + "," for one in whole.parts if one.name == "payload"]
    signatures = "{" + whole.without("payload") + "}," + more
    return ("{" + "".join(shared) + f'"signatures":[{signatures}]}}').encode()


def without_payload(octets: bytes) -> str:
    """A flattened signature as it stands in its file, without its payload."""
    return "{" + _inside(octets.decode(), 0).without("payload") + "}"


def _inside(text: str, at: int) -> _Inside:
    """The parts of the object or array that begins at a place, behind white space."""
    at = _after_white(text, at)
    named = text[at] == "{"
    found = []
    at = _after_white(text, at + 1)
    while text[at] not in "]}":
        begin, name = at, ""
        if named:
            name, at = _DECODER.raw_decode(text, at)
            at = _after_white(text, _after_white(text, at) + 1)
        value = at
        _, end = _DECODER.raw_decode(text, at)
        found.append(_Part(name, begin, value, end))
        at = _after_white(text, end)
        if text[at] == ",":
            at = _after_white(text, at + 1)
    return _Inside(text, tuple(found), at)


def _after_white(text: str, at: int) -> int:
    found = _WHITE.match(text, at)
    return at if found is None else found.end()

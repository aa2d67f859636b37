"""Elements of a trusted list: their texts, numbers and times, and what is found wrong with them.

Only element names are looked at, never the order of siblings, which readers of others do not check either.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.model import Finding, Text
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

TSL: Final = "{http://uri.etsi.org/02231/v2#}"
TSLX: Final = "{http://uri.etsi.org/02231/v2/additionaltypes#}"
SIE: Final = "{http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#}"
XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"

_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_LONGEST_NUMBER: Final = 18  # digits; no number of a list comes near, and longer ones cost time to read


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a list may have at most; a list with more is refused as a whole, before much is done for it.

    The largest published list has some 2.5 million octets, 60 providers and 900 services.
    """

    octets: int = 32 * 1024 * 1024
    elements: int = 1_000_000
    services: int = 20_000
    states: int = 40_000
    pointers: int = 2_000
    criteria: int = 100_000
    nested_criteria: int = 16
    findings: int = 1_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(slots=True)
class Findings:
    """Collects what is wrong, and no more than so much of it."""

    most: int
    found: list[Finding] = field(default_factory=list)

    def add(self, code: str, element: Element, words: str) -> None:
        """Note one finding about an element."""
        if len(self.found) < self.most:
            place = f"{local_name(element)} on line {element.sourceline}"
            self.found.append(Finding(code=code, place=place, words=words))


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def elements(element: Element | None) -> Iterator[Element]:
    """The child elements; comments and processing instructions are none."""
    if element is not None:
        for child in element:
            if isinstance(child.tag, str):
                yield child


def content(element: Element | None) -> str:
    """All text in an element, without the white space around it; empty where there is no such element.

    A comment within the text does not end it: what a signature covers is what is read.
    """
    if element is None:
        return ""
    text = element.text if len(element) == 0 else str(element.xpath("string()"))
    return text.strip() if text else ""


def text_at(parent: Element | None, name: str) -> str:
    """The text of the first child element of that full name."""
    return "" if parent is None else content(parent.find(name))


def texts(parent: Element | None) -> tuple[Text, ...]:
    """The children of an element as texts with their languages."""
    return tuple(Text(child.get(_LANGUAGE, ""), content(child)) for child in elements(parent))


def values(parent: Element | None, name: str) -> tuple[str, ...]:
    """The texts of all child elements of that full name."""
    return () if parent is None else tuple(content(child) for child in parent.iterchildren(name))


def number(text: str) -> int | None:
    """A number in decimal digits; None for anything else, and for one that is absurdly long."""
    digits = text.lstrip("+")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None


def moment(text: str) -> datetime | None:
    """An xsd:dateTime, in UTC; None for anything else. One without a zone is taken to be in UTC (5.1.3)."""
    if "T" not in text:
        return None
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def octets(text: str) -> bytes | None:
    """What is written in Base64, with any white space; None for anything else."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return None


def truth(text: str | None) -> bool:
    """An xsd:boolean; what is neither true nor false is false."""
    return text is not None and text.strip() in {"true", "1"}

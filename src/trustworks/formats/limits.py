"""How much of a signed file is looked at, so that none costs more than it may; the configuration sets it."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.xml import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for readers of formats. A file that is beyond one is not read (`Malformed`), whatever it holds.

    `parsed` octets of a file that must be held in memory to be read (XML, JSON, CMS in PEM, and CMS and PDF
    that are no files by themselves; detached data and members of containers that are only digested, the
    content of CMS in a file, and a PDF in a file have no bound). `depth` of nesting, at most 256. `elements`
    of XML, ASN.1 or JSON, objects of a PDF. `attributes` of an XML element, a signer of CMS, components of
    JAdES. `references` of a signature. `signatures` and `time_stamps` of a file. `members` of a container,
    `unpacked` octets of all that are unpacked, `ratio` of unpacked to packed octets of one; also
    cross-reference sections of a PDF, objects of an evidence record.

    Three are about what grows faster than the file: `canonical` octets of canonical forms that are made of an
    XML document, and four times its own beside; `digested` octets of parts that are digested again and again,
    and several times those of the file beside; `work` steps, as of PDF object graphs and XPath
    expressions; simple ones that read no text have 50 for each octet of the document beside, 500 million at
    most.
    """

    parsed: int = 256 * 1024 * 1024
    depth: int = 256
    elements: int = 2_000_000
    attributes: int = 2_000
    references: int = 1_000
    signatures: int = 200
    time_stamps: int = 1_000
    members: int = 10_000
    unpacked: int = 8 * 1024 * 1024 * 1024
    ratio: int = 1_000
    canonical: int = 64 * 1024 * 1024
    digested: int = 512 * 1024 * 1024
    work: int = 50_000_000


DEFAULT = Limits()

NAMES: Final = frozenset(one.name for one in fields(Limits))
MOST: Final = {"depth": 256}
"""What no setting goes beyond: the readers follow one level of nesting within the other."""
_OF_XML: Final = {
    "octets": "parsed",
    "attributes_of_all": "elements",
    "attributes_of_element": "attributes",
    "octets_made": "canonical",
    "octets_read": "digested",
    "xpath_work": "work",
}
"""What the reader of XML calls its bounds, and what they are here."""


def xml_bounds(limits: Limits) -> parse.Limits:
    """The bounds of the reader of XML."""
    from trustworks.core.xml import parse  # noqa: PLC0415 - what needs no XML does not load it

    return parse.Limits(
        octets=limits.parsed,
        depth=limits.depth,
        elements=limits.elements,
        attributes_of_all=limits.elements,
        attributes_of_element=limits.attributes,
        references=limits.references,
        octets_made=limits.canonical,
        octets_read=limits.digested,
        xpath_work=limits.work,
    )


def not_read(error: BeyondLimit, limits: Limits) -> Malformed:
    """What is said of a file that is beyond a limit: which, and by what name it is raised."""
    name = _OF_XML.get(error.limit or "", error.limit or "")
    if name not in NAMES or getattr(limits, name) >= MOST.get(name, math.inf):
        return Malformed(f"{error} Such a file is not read.")
    return Malformed(f"{error} To read it, raise the limit `{name.replace('_', '-')}`.")


def to_client(error: Malformed) -> str:
    """What a client of a service is told of a file that is not read; he cannot raise its limits."""
    beyond = error.__cause__
    return f"{beyond} That is the limit of this service." if isinstance(beyond, BeyondLimit) else str(error)


def limits_of(options: Iterable[str], usual: Limits = DEFAULT) -> Limits:
    """The limits, of which some are given as NAME=NUMBER (``references=5000``). Raises `Malformed`."""
    given: dict[str, int] = {}
    for option in options:
        written, _, number = option.partition("=")
        name = written.strip().replace("-", "_")
        if name not in NAMES:
            names = ", ".join(sorted(NAMES)).replace("_", "-")
            raise Malformed(f"There is no limit {written:.40}; there are {names}.")
        if not number.strip().isdecimal() or len(number) > 18:
            raise Malformed(f"Write the limit {written:.40} as NAME=NUMBER, such as references=5000.")
        given[name] = int(number)
        if given[name] > MOST.get(name, math.inf):
            raise Malformed(f"The limit {written:.40} is {MOST[name]} at most.")
    return replace(usual, **given)

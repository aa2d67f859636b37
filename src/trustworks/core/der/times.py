"""UTCTime and GeneralizedTime as signers write them, DER or not. Source: X.680, 46 and 47; RFC 5652, 11.3."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import GENERALIZED_TIME, UTC_TIME
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

_TIME: Final = re.compile(
    rb"(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:[.,](\d+))?)?)?(?:Z|([+-])(\d\d)(\d\d)?)?"
)
_CENTURY: Final = 50  # of a year in two digits: from it on the last century is meant


def read_time(element: Element) -> datetime:
    """The moment; one without a zone is taken for UTC. Raises `Malformed`."""
    text = element.string()
    # The commonest form by a short way: this is read for every time-stamp.
    if element.tag == GENERALIZED_TIME and len(text) == 15 and text[14] == 0x5A and text[:14].isdigit():
        year, rest = int(text[:4]), text[4:14]
        parts = [int(rest[place : place + 2]) for place in range(0, 10, 2)]
        return _moment(element, year, parts, 0)
    found = _TIME.fullmatch(text) if element.tag in {UTC_TIME, GENERALIZED_TIME} else None
    if found is None or len(found[1]) != (2 if element.tag == UTC_TIME else 4):
        raise Malformed(f"The time at octet {element.start} cannot be read.")
    year = int(found[1])
    if element.tag == UTC_TIME:
        year += 1900 if year >= _CENTURY else 2000
    parts = [int(part or 0) for part in found.groups()[1:6]]
    moment = _moment(element, year, parts, int((found[7] or b"")[:6].ljust(6, b"0")))
    if found[8]:
        off = timedelta(hours=int(found[9]), minutes=int(found[10] or 0))
        try:
            moment = moment - off if found[8] == b"+" else moment + off
        except OverflowError as error:
            raise Malformed(
                f"The time at octet {element.start} is beyond the years that are known."
            ) from error
    return moment


def _moment(element: Element, year: int, parts: list[int], micros: int) -> datetime:
    try:
        month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    except ValueError as error:
        raise Malformed(f"The time at octet {element.start} is none that a calendar has: {error}.") from error

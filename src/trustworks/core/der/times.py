"""UTCTime and GeneralizedTime as signers and authorities write them, DER or not.

DER has one form of each, with seconds and Z. Tokens of others have seconds or minutes left out, fractions,
and zones in place of Z: all that X.680 allows is read, and a time without a zone is taken for UTC. A UTCTime
with a fraction is none by X.680, and what it means is plain: it is read too. What we write never passes here.

Source: X.680, 46 and 47; RFC 5280, 4.1.2.5; RFC 5652, 11.3.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import GENERALIZED_TIME, UTC_TIME
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

_LONGEST: Final = 64  # octets; the longest that means something has a fraction of microseconds and a zone
_REST: Final = rb"(?:[.,](\d+))?(?:Z|([+-]\d\d)(\d\d)?)?"
_FORMS: Final = {
    UTC_TIME: re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?" + _REST),
    GENERALIZED_TIME: re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?" + _REST),
}
_CENTURY: Final = 50
"""Of a year in two digits: from it on the last century is meant (RFC 5280, 4.1.2.5.1)."""


def read_time(element: Element) -> datetime:
    """The moment, in UTC. Raises `Malformed`."""
    return implicit_time(element, element.tag)


def implicit_time(element: Element, tag: int) -> datetime:
    """The content of an element as a time of the tag `UTC_TIME` or `GENERALIZED_TIME`. Raises `Malformed`."""
    text = element.value
    try:
        # The commonest form by a short way: this is read for every time-stamp, and no two have the same.
        if tag == GENERALIZED_TIME and len(text) == 15 and text[14] == 0x5A and text[:14].isdigit():
            month, day, hour, minute, second = (int(text[place : place + 2]) for place in range(4, 14, 2))
            return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
        return _moment(tag, text)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"The time at octet {element.start} cannot be read: {error}.") from error


@lru_cache(maxsize=4096)
def _moment(tag: int, text: bytes) -> datetime:
    """Cached, for certificates and lists come again and again. Raises ValueError, OverflowError."""
    form = _FORMS.get(tag)
    if form is None:
        raise ValueError(f"the tag {tag:#04x} is none of a time")
    found = form.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(f"it is written {text[:_LONGEST]!r}")
    year = int(found[1])
    if tag == UTC_TIME:
        year += 1900 if year >= _CENTURY else 2000
    month, day, hour, minute, second = (int(part or 0) for part in found.groups()[1:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if found[7]:
        # A fraction is one of the last unit that is given (X.680, 46.2).
        unit = 1 if found[6] else 60 if found[5] else 3600
        moment += timedelta(microseconds=unit * int(found[7].ljust(6, b"0")[:6]))
    if found[8]:
        sign = found[8][:1]
        moment -= timedelta(hours=int(found[8]), minutes=int(sign + (found[9] or b"0")))
    return moment

"""Names in certificates held against those in trusted lists (TS 119 615, 4.4.4-01, -06; RFC 5280, 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.names import prepare, read_distinguished_name
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHER_CODES: Final = {"GB": "UK", "GR": "EL"}


def _as_it_is(countries: Sequence[str]) -> str:
    return countries[0] if countries else ""


@implements("TS119615:PRO-4.4.4-01", "TS119615:PRO-4.6.4-02", disabled=_as_it_is)
def country_code(countries: Sequence[str]) -> str:
    """The territory of the list that is to be asked, from a name's countryName; empty where it has none."""
    code = countries[0].strip().upper() if countries else ""
    return _OTHER_CODES.get(code, code)


def same_text(one: str, other: str) -> bool:
    """Whether two attributes are the same but for letters' case and white space (RFC 5280, 7.1)."""
    return prepare(one) == prepare(other)


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two names in DER are the same by RFC 5280, 7.1; what cannot be read, octet for octet."""
    if one == other:
        return True
    try:
        return read_distinguished_name(one) == read_distinguished_name(other)
    except Malformed:
        return False

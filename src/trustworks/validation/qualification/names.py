"""Names in certificates held against those in trusted lists (TS 119 615, 4.4.4-01, -06; RFC 5280, 7.1)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

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
    return _prepared(one) == _prepared(other)


def _prepared(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())

"""Codes of territories that are nobody's: of laboratories and tests."""

from __future__ import annotations

import re
from typing import Final

# ISO 3166-1 leaves these to its users, and gives them to no country.
_NOBODYS: Final = re.compile("AA|Q[M-Z]|X[A-Z]|ZZ")


def is_nobodys(code: str) -> bool:
    """Whether a code of two letters is one that ISO 3166-1 gives to no country."""
    return _NOBODYS.fullmatch(code) is not None

"""Who answered: certificates that are inside OCSP answers, and so covered by whatever covers the answer."""

from __future__ import annotations

from typing import Final

from trustworks.core.der import ber
from trustworks.core.der.encode import SEQUENCE
from trustworks.core.errors import Malformed
from trustworks.core.remembered import remembered

_EXPLICIT_0: Final = 0xA0


@remembered(512)
def responders(answer: bytes) -> tuple[bytes, ...]:
    """The certificates in an OCSP answer, whole or basic (RFC 6960, 4.2.1); none where it cannot be read."""
    try:
        parts = ber.read(answer).children()
        if parts[0].tag != SEQUENCE:
            parts = ber.read(parts[1].children()[0].children()[1].string()).children()
        (held,) = (one for one in parts[3:] if one.tag == _EXPLICIT_0)
        return tuple(one.octets for one in held.children()[0].children())
    except (Malformed, IndexError, ValueError):
        return ()

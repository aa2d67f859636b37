"""What is certified: DNS names (RFC 8555, 7.1.3) and IP addresses (RFC 8738).

Inside, an identifier is its text: a domain name, whose last label is no number, is never taken for an
address. What kind it is of is told here alone.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that an identifier is; None for a DNS name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def identifier(name: str) -> dict[str, str]:
    """An identifier as messages have it."""
    return {"type": "dns" if address_of(name) is None else "ip", "value": name}


def alternative_names(names: Sequence[str]) -> tuple[str, ...]:
    """Identifiers as a certificate's alternative names: ``DNS:name``, ``IP:address``."""
    return tuple(f"{'DNS' if address_of(one) is None else 'IP'}:{one}" for one in names)


def in_url(name: str) -> str:
    """An identifier as the host of a URL and in the Host header: IPv6 in brackets (RFC 8738, 5)."""
    return f"[{name}]" if ":" in name else name


def server_name(name: str) -> str:
    """What the client says in TLS (SNI): of an address the name of its reverse mapping (RFC 8738, 6)."""
    address = address_of(name)
    return name if address is None else address.reverse_pointer

"""Which addresses are connected to when somebody else names the host: none of the provider's network."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Carrier-grade NAT, benchmarks, 6to4, NAT64 and site-local addresses (deprecated by RFC 3879) lead to private
# networks; Python counts some as public.
_INWARD: Final = tuple(
    map(
        ipaddress.ip_network,
        ("100.64.0.0/10", "198.18.0.0/15", "192.88.99.0/24", "2002::/16", "64:ff9b::/96", "fec0::/10"),
    )
)


def is_public(address: str) -> bool:
    """Whether an address is one of the public Internet's."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return (
        found.is_global
        and not found.is_multicast
        and not found.is_reserved
        and not any(found.version == net.version and found in net for net in _INWARD)
    )


def reachable(
    addresses: Iterable[str], networks: Sequence[Network] = (), closed: Sequence[Network] = ()
) -> tuple[str, ...]:
    """The addresses that may be connected to: public ones, and those of networks that are allowed.

    None of those that are `closed`, whatever else they are.
    """
    return tuple(
        one for one in addresses if (is_public(one) or _is_in(one, networks)) and not _is_in(one, closed)
    )


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any(found in net or (mapped is not None and mapped in net) for net in networks)

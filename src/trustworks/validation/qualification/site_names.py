"""Whether a certificate is for the web site that somebody asks about, by its name or address (RFC 9525).

Only alternative names count: the common name of the subject is no name of a server any more.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.pki.certificate import Certificate

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST: Final = 253
_BEHIND_STAR: Final = 2
"""Labels: a star before one label alone would stand for all of a top-level domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMatch:
    """The site that was asked about, the names of sites in the certificate, and which of them is it.

    `matching` is None where none is.
    """

    asked: str
    names: tuple[str, ...]
    matching: str | None


def read_site(text: str) -> str | IPv4Address | IPv6Address:
    """A host as people write it: a domain in small letters without the root's dot, or an address.

    Raises `Malformed`: it is neither.
    """
    try:
        return ip_address(text)
    except ValueError:
        name = text.lower().removesuffix(".") if text.isascii() else ""
    if len(name) <= _LONGEST and all(_LABEL.fullmatch(one) for one in name.split(".")):
        return name
    raise Malformed(
        f"{text!r} is no name of a web site. Write the host alone, such as www.example.org; labels with "
        "other letters as they stand in certificates (xn--...)."
    )


def site_match(certificate: Certificate, asked: str | IPv4Address | IPv6Address) -> SiteMatch:
    """Whether a certificate has the name of a site, as `read_site` gave it."""
    names, matching = [], None
    for shown, same in _presented(certificate, asked):
        names.append(shown)
        if same and matching is None:
            matching = shown
    return SiteMatch(asked=str(asked), names=tuple(names), matching=matching)


def _presented(
    certificate: Certificate, asked: str | IPv4Address | IPv6Address
) -> Iterator[tuple[str, bool]]:
    """The names of sites in a certificate, each with whether it is the one that was asked about."""
    for one in certificate.subject_alt_names:
        if one.form == "dns" and isinstance(one.value, str):
            yield one.value, isinstance(asked, str) and _is_named(one.value, asked)
        elif one.form == "ip" and isinstance(one.value, bytes):
            same = not isinstance(asked, str) and same_address(one.value, asked)
            yield _shown(one.value), same


def _is_named(presented: str, asked: str) -> bool:
    # Beyond ASCII there are letters whose small form is an ASCII one, such as the sign of kelvin.
    if not presented.isascii():
        return False
    found = presented.lower().removesuffix(".")
    return wildcard_covers(found, asked) if "*" in found else same_domain(found, asked)


@implements("RFC9525:6.3", disabled=True)
def same_domain(presented: str, asked: str) -> bool:
    """Whether two names in small letters are the same, label by label (RFC 9525, 6.3)."""
    return presented == asked


@implements("RFC9525:6.3-WILDCARD", disabled=True)
def wildcard_covers(presented: str, asked: str) -> bool:
    """Whether a star, which is the whole first label, stands for the first label of a name (RFC 9525, 6.3).

    Two labels have to be behind it.
    """
    star, _, behind = presented.partition(".")
    _, _, parent = asked.partition(".")
    return star == "*" and behind.count(".") >= _BEHIND_STAR - 1 and "*" not in behind and behind == parent


@implements("RFC9525:6.4", disabled=True)
def same_address(presented: bytes, asked: IPv4Address | IPv6Address) -> bool:
    """Whether an address in a certificate is that one, octet for octet (RFC 9525, 6.4)."""
    return presented == asked.packed


def _shown(octets: bytes) -> str:
    try:
        return str(ip_address(octets))
    except ValueError:
        return octets.hex()

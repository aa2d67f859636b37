"""Certificates of servers: who may ask for them, and for which names.

Outside a laboratory nobody gets one by a secret or a client's key alone, and an officer by himself none but
for the provider's own servers. Source: CA/Browser Forum Baseline Requirements, 3.2.2.4, 3.2.2.5 and 3.2.2.8.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trustworks.core.errors import Refused
from trustworks.core.trace import implements
from trustworks.issuance.model import SERVER_AUTH
from trustworks.issuance.model.requests import Door

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.issuance.model import NameAttribute, Profile

SERVER: Final = "TRUSTWORKS:ISSUANCE-SERVER-DOOR"
NAMES: Final = "TRUSTWORKS:ISSUANCE-SERVER-NAMES"
COMMON_NAME: Final = "TRUSTWORKS:ISSUANCE-SERVER-COMMON-NAME"


def is_for_servers(profile: Profile) -> bool:
    """Whether certificates of a profile show who a server is (serverAuth)."""
    return SERVER_AUTH in profile.extended_key_usage


def is_open_in_a_laboratory(profile: Profile) -> bool:
    """Whether it is the profile of the provider's own servers, which a laboratory lets anybody have."""
    return profile.subject_is == "provider" and is_for_servers(profile)


@implements(SERVER)
def check_server_door(profile: Profile, door: Door, *, lab: bool) -> None:
    """Refuse a server's certificate where a client or a secret asks, and nobody looked who has the names."""
    if lab or door not in {Door.API, Door.CMP, Door.EST} or not is_for_servers(profile):
        return
    raise Refused(
        SERVER,
        f"Certificates of the profile {profile.name} are for servers, and {door.value} does not look who "
        "controls their names: ask for tls-server-dv by ACME, or register an application (trustworks "
        "registration submit); for a server of the provider an officer issues it.",
    )


def own_domains(urls: Iterable[str]) -> frozenset[str]:
    """The hosts of the provider's own addresses (``http://tsp.example.com/...``), in small letters."""
    return frozenset(host for host in (urlsplit(url).hostname for url in urls) if host)


@implements(NAMES)
def check_server_names(
    profile: Profile, door: Door, names: Sequence[str], own: frozenset[str], *, lab: bool
) -> None:
    """Refuse names of the provider's servers that are not below its own domains (`own_domains`).

    Where an application asks, control over each name is seen at the registration desk.
    """
    if lab or door is Door.APPLICATION or not is_open_in_a_laboratory(profile):
        return
    foreign = [name for name in names if not _is_own(name, own)]
    if foreign:
        raise Refused(
            NAMES,
            f"Certificates of the profile {profile.name} are for the provider's own servers, and "
            f"{foreign[0]!r} is not at or below {', '.join(sorted(own))} ([http] public-url, "
            "[issuance.acme] base-urls). Register an application for it (trustworks registration submit), "
            "for which control is seen.",
        )


@implements(COMMON_NAME)
def check_server_common_name(
    profile: Profile, subject: Sequence[NameAttribute], names: Sequence[str], *, lab: bool
) -> None:
    """Refuse a common name that is none of the names beside it: some programs take it for a server's name."""
    if lab or not is_open_in_a_laboratory(profile):
        return
    certified = {name.partition(":")[2].lower() for name in names}
    for kind, value in subject:
        if kind == "commonName" and value.lower() not in certified:
            raise Refused(
                COMMON_NAME,
                f"The commonName {value!r} is none of the alternative names, and control of those alone is "
                f"known; write one of them: {', '.join(sorted(certified))}.",
            )


def asks_domains(profile: Profile, door: Door, *, lab: bool) -> bool:
    """Whether the domains are asked for their CAA records before a certificate of a profile is issued.

    ACME asked them before, with account and way of validation (RFC 8657). Source: RFC 8659, 3.
    """
    return door is not Door.ACME and (profile.caa or _is_asked_outside(profile, lab=lab))


@implements("TRUSTWORKS:ISSUANCE-SERVER-CAA", disabled=False)
def _is_asked_outside(profile: Profile, *, lab: bool) -> bool:
    """Outside a laboratory domains are asked before any server of theirs is certified."""
    return not lab and is_for_servers(profile)


def _is_own(name: str, own: frozenset[str]) -> bool:
    kind, _, value = name.partition(":")
    if kind == "IP":
        return _address(value) in {_address(host) for host in own} - {None}
    wanted = value.lower().removeprefix("*.")
    return any(wanted == host or wanted.endswith(f".{host}") for host in own if _address(host) is None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

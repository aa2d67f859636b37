"""What is told to webhooks, where to, and how often: no input or output here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trustworks.core import addresses as hosts
from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.addresses import Network

MAX_URL: Final = 2000
_INWARD: Final = "TRUSTWORKS:WEBHOOK-INWARD"

# How long after each attempt that failed the next one is made; after the last there is none.
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)


@implements("TRUSTWORKS:WEBHOOK-PRIVATE")
def check_url(url: str, *, lab: bool) -> None:
    """Refuse an address that is not one of HTTPS, or holds what is no part of an address to be called at."""
    wrong = Rejected(
        "webhook.url",
        f"A webhook's address is an https URL of up to {MAX_URL} characters with a host, and without a user, "
        "a password or a fragment.",
    )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise wrong from None
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong
    if not parts.hostname or "@" in parts.netloc or "#" in url:
        raise wrong
    if parts.scheme != "https" and not (lab and parts.scheme == "http"):
        raise wrong


@implements("TRUSTWORKS:WEBHOOK-INWARD", disabled=lambda addresses, **_: tuple(addresses))
def reachable(addresses: Iterable[str], *, networks: Sequence[Network]) -> tuple[str, ...]:
    """The addresses that a webhook may be called at: public ones, and those of the networks that are allowed.

    Else a client could have this provider's network asked, and learn what answers there.
    """
    return hosts.reachable(addresses, networks)


@implements("TRUSTWORKS:WEBHOOK-INWARD")
def check_reachable(addresses: Sequence[str], host: str, *, networks: Sequence[Network]) -> tuple[str, ...]:
    """The addresses of a host that it may be called at. Refuses a host that has none."""
    allowed = reachable(addresses, networks=networks)
    if not allowed:
        raise Refused(
            _INWARD,
            f"{host} has no public address; an operator allows others by [issuance.api.webhooks] networks.",
        )
    return allowed


@implements("TRUSTWORKS:WEBHOOK-RETRY", disabled=None)
def next_try(tries: int, now: datetime, *, spread: float) -> datetime | None:
    """When a notice is tried again that failed `tries` times; None: no more.

    `spread`, from 0 to 1, makes the pause up to a tenth longer, so that not all come back at the same moment.
    """
    if tries > len(PAUSES):
        return None
    return now + PAUSES[tries - 1] * (1 + spread / 10)


def is_soon(not_before: datetime, not_after: datetime, notice: timedelta) -> bool:
    """Whether a certificate is told of before its end: one that was made for a shorter time is not."""
    return not_after - not_before > notice

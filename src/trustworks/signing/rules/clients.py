"""Which client may have what over HTTP, and how much of it on a day."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Rejected
from trustworks.core.http import is_private
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.signing.config import ClientSettings

QUOTAS: Final = frozenset(
    {
        "TRUSTWORKS:SIGNING-REQUEST-QUOTA",
        "TRUSTWORKS:SIGNING-SEAL-QUOTA",
        "TRUSTWORKS:SIGNING-STAMP-QUOTA",
    }
)
"""What a client had enough of for a day."""
MOST_STAMPS: Final = 100
"""Time-stamps of one request: a file that is augmented may have many signatures."""


@implements("TRUSTWORKS:SIGNING-CLIENT", disabled=lambda clients, _token: clients[0])
def client_of(clients: Sequence[ClientSettings], token: str) -> ClientSettings | None:
    """The client whose token it is; each is compared in the same time."""
    given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for one in clients:
        if hmac.compare_digest(one.token_sha256, given):
            found = one
    return found


@implements("TRUSTWORKS:SIGNING-PRIVATE")
def check_private(*, secure: bool, lab: bool) -> None:
    """Refuse a token that others could read on its way. Raises `Refused`."""
    if not is_private(secure=secure, lab=lab):
        raise Refused(
            "TRUSTWORKS:SIGNING-PRIVATE",
            "Speak HTTPS: the token could be read on its way. Have a new one made for the client, and this "
            "one taken out of [[signing.clients]].",
        )


@implements("TRUSTWORKS:SIGNING-LIMITS", disabled=False)
def is_full(begun: int, *, at_once: int, waiting: int) -> bool:
    """Whether another request must be refused: so many run or wait. Its route bounds its size."""
    return begun >= at_once + waiting


@implements("TRUSTWORKS:SIGNING-SEAL-ALLOWED")
def check_allowed(client: ClientSettings, seal: str) -> None:
    """A client gets no other seals than those that it was given. Raises `Refused`."""
    if seal not in client.seals:
        raise Refused(
            "TRUSTWORKS:SIGNING-SEAL-ALLOWED",
            f"The client {client.name} has no documents sealed by {seal[:63]!r}; it has by "
            f"{', '.join(client.seals) or 'none'}.",
        )


@implements("TRUSTWORKS:SIGNING-SEAL-QUOTA")
def check_quota(client: ClientSettings, counted: int) -> None:
    """A client gets no more seals on a day than it may have; `counted` has this one too. Raises `Refused`."""
    if counted > client.per_day:
        raise Refused(
            "TRUSTWORKS:SIGNING-SEAL-QUOTA",
            f"The client {client.name} may have {client.per_day} seals on a day, and has had them. Ask again "
            "tomorrow (UTC), or have per-day raised.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-QUOTA")
def check_requests(client: ClientSettings, counted: int) -> None:
    """No more requests of a client are carried out on a day than it may make. Raises `Refused`."""
    if counted > client.requests_per_day:
        raise Refused(
            "TRUSTWORKS:SIGNING-REQUEST-QUOTA",
            f"The client {client.name} may make {client.requests_per_day} requests on a day, and has made "
            "them. Ask again tomorrow (UTC), or have requests-per-day raised.",
        )


@implements("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def check_set_aside(client: ClientSettings, needed: int, set_aside: int) -> None:
    """Nothing is sealed for which the client's time-stamps of the day will not do. Raises `Refused`."""
    if set_aside < needed:
        raise Refused(
            "TRUSTWORKS:SIGNING-STAMP-QUOTA",
            f"The client {client.name} may have {client.time_stamps_per_day} time-stamps on a day, of which "
            f"{set_aside} are left, and the seal needs {needed}. Ask again tomorrow (UTC), ask for level "
            "B-B, or have time-stamps-per-day raised.",
        )


@implements("TRUSTWORKS:SIGNING-SEAL-STANDS")
def check_not_revoked(seal: str, revoked: str | None) -> None:
    """Nothing is sealed by a certificate that is revoked. Raises `Rejected` (signing.seal-revoked)."""
    if revoked is not None:
        raise Rejected(
            "signing.seal-revoked",
            f"The certificate of the seal {seal} is revoked ({revoked}); nothing is sealed with it. Take a "
            "new key and certificate into use ([[signing.seals]]).",
        )


@implements("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def check_left(used: int, most: int) -> None:
    """No more time-stamps are used than were set aside for a request. Raises `Refused`."""
    if used < most:
        return
    if most == MOST_STAMPS:
        raise Rejected(
            "signing.stamps",
            f"One request uses {MOST_STAMPS} time-stamps at most, and the file has more signatures. Name "
            "some of them, and the others in another request.",
        )
    raise Refused(
        "TRUSTWORKS:SIGNING-STAMP-QUOTA",
        "The client has used the time-stamps that it may have on a day. Ask again tomorrow (UTC), ask for "
        "level B-B, or have time-stamps-per-day raised.",
    )

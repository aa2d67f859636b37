"""Revocation by ACME (RFC 8555, 7.6) and renewal information (RFC 9773)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.model import SERIAL_OCTETS, RevocationReason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from trustworks.issuance.records.acme import Order

# What a subscriber may say (RFC 5280, 5.3.1): no authority's reasons, no hold, which has no place here.
REASONS: Final = {
    one.value: one
    for one in (
        RevocationReason.unspecified,
        RevocationReason.keyCompromise,
        RevocationReason.affiliationChanged,
        RevocationReason.superseded,
        RevocationReason.cessationOfOperation,
        RevocationReason.privilegeWithdrawn,
    )
}
LOOK_AGAIN: Final = timedelta(hours=6)  # RFC 9773, 4.3: how often a client asks


@implements("RFC8555:7.6-REASON", disabled=lambda given: RevocationReason(given or 0))
def reason_given(given: Any) -> RevocationReason:
    """The reason of a revocation, or `Problem` (badRevocationReason) for one that a subscriber has not."""
    if given is None:
        return RevocationReason.unspecified
    if isinstance(given, bool) or not isinstance(given, int) or given not in REASONS:
        raise Problem(
            "badRevocationReason",
            "The reason of a revocation is one of "
            f"{', '.join(f'{code} ({one.name})' for code, one in REASONS.items())}.",
        )
    return REASONS[given]


@implements("RFC8555:7.6-WHO")
def check_may_revoke(*, by_key: bool, is_its_account: bool, authorized: bool) -> None:
    """Refuse a revocation by anybody without a right to it.

    Those who have it: the certificate's key, the account that it was issued to, and an account with valid
    authorizations of all its names.
    """
    if not (by_key or is_its_account or authorized):
        raise Problem(
            "unauthorized",
            "Only the account that a certificate was issued to, an account with authorizations of all its "
            "names, or the certificate's own key may revoke it.",
        )


@implements("RFC9773:4.2-WINDOW", disabled=lambda first, last, _revoked, _now: (first, last))
def renewal_window(
    first: datetime, last: datetime, revoked: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """From when to when a certificate is best renewed: around two thirds of its life; at once if revoked."""
    if revoked is not None:
        return min(revoked, now) - timedelta(hours=1), min(revoked, now)
    life = last - first
    start = first + life * 2 / 3
    return start.replace(microsecond=0), (start + life / 20).replace(microsecond=0)


@implements("RFC9773:4.1-ID", disabled=lambda text: (b"", encoding.decode(text.rpartition(".")[2]).hex()))
def read_certificate_id(text: str) -> tuple[bytes, str]:
    """Key identifier of the issuer and serial number (40 digits) of a certificate's ARI identifier."""
    key, point, serial = text.partition(".")
    octets = encoding.decode(serial)
    if not point or not key or not 0 < len(octets) <= SERIAL_OCTETS or octets[0] & 0x80:
        raise Malformed(
            "A certificate's identifier is the key identifier of its issuer, a point and the serial number, "
            "both in Base64url (RFC 9773, 4.1)."
        )
    return encoding.decode(key), octets.hex().rjust(2 * SERIAL_OCTETS, "0")


def certificate_id(key_identifier: bytes, serial: str) -> str:
    """A certificate's ARI identifier (RFC 9773, 4.1)."""
    octets = bytes.fromhex(serial).lstrip(b"\0") or b"\0"
    if octets[0] & 0x80:
        octets = b"\0" + octets
    return f"{encoding.encode(key_identifier)}.{encoding.encode(octets)}"


@implements("RFC9773:5-REPLACES")
def check_replaces(previous: Order | None, account: str, names: Collection[str]) -> None:
    """Refuse an order that replaces what is not this account's certificate with one of these names."""
    if previous is None or previous.account != account:
        raise Problem(
            "malformed", "replaces names no certificate of this account; order without it.", status=404
        )
    if not set(previous.names) & set(names):
        raise Problem("malformed", "replaces names a certificate for none of these names; order without it.")

"""Who may have an account, and what an account may do (RFC 8555, 7.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.trace import implements
from trustworks.issuance.enrolment.acme.model import Message, Problem
from trustworks.issuance.enrolment.acme.rules.messages import MAC_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.issuance.records.acme import Account, ExternalKey

MAX_CONTACTS: Final = 10
# One addressee and no header fields (RFC 8555, 7.3; RFC 6068 allows both).
MAILTO: Final = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@implements("RFC8555:7.3-CONTACT")
def check_contacts(contacts: Sequence[str]) -> None:
    """Refuse contacts that nobody can be written to at."""
    if len(contacts) > MAX_CONTACTS:
        raise Problem("invalidContact", f"An account has at most {MAX_CONTACTS} contacts; name fewer.")
    for one in contacts:
        if not one.lower().startswith("mailto:"):
            raise Problem("unsupportedContact", "A contact is a mailto URL; no other kind is supported.")
        if len(one) > 255 or not MAILTO.fullmatch("mailto:" + one[7:]):
            raise Problem(
                "invalidContact", "A contact is mailto: and one address, without header fields; correct it."
            )


@implements("RFC8555:7.3-TERMS")
def check_terms(*, agreed: bool, terms: str | None) -> None:
    """Refuse a new account that does not agree to the terms, where there are any."""
    if terms is not None and not agreed:
        raise Problem(
            "userActionRequired",
            f"A new account must agree to the terms of service at {terms}; say termsOfServiceAgreed.",
            headers=(("link", f'<{terms}>;rel="terms-of-service"'),),
        )


@implements("RFC8555:7.3.6-USABLE")
def check_usable(account: Account) -> None:
    """Refuse whatever an account asks that was closed."""
    if account.status != "valid":
        raise Problem(
            "unauthorized",
            f"This account is {account.status} and can do nothing any more; make a new key and an account "
            "with it.",
            status=401,
        )


@implements("RFC8555:7.1-OWNER")
def check_owner(account: Account, owner: str | None) -> None:
    """Refuse what belongs to another account, in the same words as what is not there at all."""
    if owner != account.id:
        raise Problem("unauthorized", "There is no such resource of this account.", status=404)


@implements("RFC8555:7.3.4-REQUIRED")
def check_binding_given(*, given: bool, required: bool) -> None:
    """Refuse a new account that is bound to no external one, where that is required."""
    if required and not given:
        raise Problem(
            "externalAccountRequired",
            "A new account must be bound to an external one (RFC 8555, 7.3.4). Ask the provider for a key "
            "identifier and its key (`trustworks acme eab create` makes them).",
        )


@implements("RFC8555:7.3.4-BINDING")
def check_binding(inner: Message, outer: Message, payload: Any, jwk: dict[str, str]) -> None:
    """Refuse a binding that is not a MAC over this very account's key, for this very request."""
    if inner.algorithm not in MAC_ALGORITHMS:
        raise Problem(
            "malformed",
            f"externalAccountBinding must carry a MAC ({', '.join(MAC_ALGORITHMS)}); sign it with the key "
            "that the provider gave you.",
        )
    if inner.kid is None or inner.nonce is not None:
        raise Problem("malformed", "externalAccountBinding has a kid and no nonce; correct it.")
    if inner.url != outer.url:
        raise Problem("malformed", "externalAccountBinding was made for another URL; make it for this one.")
    if not isinstance(payload, dict) or {k: payload.get(k) for k in jwk} != jwk:
        raise Problem(
            "malformed", "externalAccountBinding binds another key than the account's; bind the account's."
        )


@implements("RFC8555:7.3.4-KEY")
def check_external_key(key: ExternalKey | None, now: datetime) -> None:
    """Refuse a binding to a key that is unknown, withdrawn, too old, or an account's already."""
    if key is None or key.revoked_at is not None:
        what = "is unknown or was withdrawn"
    elif key.expires_at is not None and key.expires_at <= now:
        what = "expired"
    elif key.account is not None:
        what = "is bound to an account already"
    else:
        return
    raise Problem(
        "unauthorized", f"The key of externalAccountBinding {what}; ask the provider for a new one."
    )


@implements("RFC8555:7.3.5-INNER")
def check_key_change(
    inner: Message, outer: Message, payload: Any, *, account_url: str, old: dict[str, str]
) -> None:
    """Refuse a change of key whose new key does not say which account and which old key it is about."""
    if inner.jwk is None or inner.nonce is not None:
        raise Problem("malformed", "The inner message of a key change has a jwk, the new key, and no nonce.")
    if inner.url != outer.url:
        raise Problem("malformed", "The inner message of a key change must name the same url as the outer.")
    if not isinstance(payload, dict) or payload.get("account") != account_url:
        raise Problem("malformed", "The inner message of a key change must name this account in account.")
    given = payload.get("oldKey")
    if not isinstance(given, dict) or {k: given.get(k) for k in old} != old:
        raise Problem(
            "malformed", "The inner message of a key change must hold this account's key in oldKey."
        )


@implements("TRUSTWORKS:ACME-LIMITS")
def check_limit(found: int, most: int, what: str, *, retry_after: int) -> None:
    """Refuse more than the operator allows; it may be granted `retry_after` seconds later."""
    if found >= most:
        raise Problem(
            "rateLimited",
            f"There were {found} {what}, and {most} are allowed; try again later.",
            headers=(("retry-after", str(retry_after)),),
        )

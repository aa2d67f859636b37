"""What may be ordered, and what an order's CSR must be (RFC 8555, 7.1.3, 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.core.trace import implements
from trustworks.issuance.enrolment.acme.identifiers import address_of, alternative_names
from trustworks.issuance.enrolment.acme.model import MOVES, Problem
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name
from trustworks.issuance.rules.requests import MAX_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from trustworks.issuance.records.acme import Authorization, Order

LEAST_LABELS: Final = 2
WILDCARD: Final = "*."


@implements("RFC8555:7.1.4-IDENTIFIERS", disabled=lambda given: tuple(sorted({i["value"] for i in given})))
def names_ordered(given: Sequence[Any]) -> tuple[str, ...]:
    """The DNS names and addresses of an order's identifiers, in small letters, sorted, each once.

    `Problem` for what is neither; what is wrong with each of several is told as subproblems (6.7.1).
    """
    if not 0 < len(given) <= MAX_NAMES:
        raise Problem("malformed", f"An order has 1 to {MAX_NAMES} identifiers; this one has {len(given)}.")
    found, problems = set(), []
    for one in given:
        try:
            found.add(_name(one))
        except Problem as problem:
            problems.append(problem)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Problem(
            "compound",
            "Several identifiers cannot be certified; the subproblems say why for each.",
            parts=problems,
        )
    return tuple(sorted(found))


def _name(given: Any) -> str:
    if not isinstance(given, dict) or not isinstance(given.get("value"), str):
        raise Problem("malformed", "An identifier is an object with type and value, both strings.")
    match given.get("type"):
        case "dns":
            return _dns_name(given["value"])
        case "ip":
            return address_ordered(given["value"])
    raise Problem(
        "unsupportedIdentifier", "Identifiers are of the types dns and ip; no other is certified here."
    )


def _dns_name(given: str) -> str:
    value = given.lower()
    labels = value.removeprefix(WILDCARD).count(".") + 1
    if not value.isascii() or not is_dns_name(value) or labels < LEAST_LABELS:
        raise Problem(
            "rejectedIdentifier",
            "This is no domain name that can be certified: labels of letters, digits and hyphens, two or "
            "more, the last not a number, none of 64 characters; others than ASCII as their A-labels "
            "(xn--); a star as the whole first label alone, before two others or more.",
            name=given[:255] if given.isprintable() else None,
        )
    return value


@implements("RFC8738:3-TEXT", disabled=lambda given: given)
def address_ordered(given: str) -> str:
    """An IP address in its one textual form; `Problem` (malformed) for another form, or for no address.

    IPv4 has four decimal numbers, IPv6 is as RFC 5952, 4 says. An IPv4 address in the shape of an IPv6 one is
    no address of a host.
    """
    found = address_of(given)
    mapped = getattr(found, "ipv4_mapped", None) is not None
    if found is None or mapped or "%" in given or str(found) != given:
        raise Problem(
            "malformed",
            "An identifier of the type ip is an address: IPv4 as four numbers with points, IPv6 in the short "
            "form of RFC 5952 in small letters, such as 2001:db8::1.",
        )
    return given


@implements("RFC8555:7.4-DATES")
def check_no_dates(not_before: Any, not_after: Any) -> None:
    """Refuse an order for a validity of the client's choice: the profile says how long it is."""
    if not_before is not None or not_after is not None:
        raise Problem(
            "malformed",
            "This server does not take notBefore or notAfter: the profile says how long a certificate is "
            "valid. Order without them.",
        )


@implements("ACME-PROFILES:4-PROFILE", disabled=lambda wanted, offered: wanted or offered[0])
def profile_ordered(wanted: str | None, offered: Sequence[str]) -> str:
    """The certificate profile of an order: the one that it names, or the server's first."""
    if wanted is None:
        return offered[0]
    if wanted not in offered:
        raise Problem(
            "invalidProfile", f"There is no profile {wanted[:64]!a}; there are {', '.join(offered)}."
        )
    return wanted


@implements("RFC8555:7.1.6-ORDER", disabled=lambda status, event: MOVES.get((status, event), "valid"))
def moved(status: str, event: str) -> str:
    """The status of an order after an event; `Problem` (orderNotReady) where that event has no place.

    The table is `MOVES`.
    """
    following = MOVES.get((status, event))
    if following is None:
        raise Problem(
            "orderNotReady",
            f"The order is {status}; only one that is ready can be finalized. See its authorizations, or "
            "make a new order.",
        )
    return following


@implements("RFC8555:7.4-AUTHORIZED")
def check_authorized(order: Order, authorizations: Iterable[Authorization], now: datetime) -> None:
    """Refuse to issue unless there is a valid authorization, not expired, of this account for each name."""
    covered = {
        (WILDCARD if one.wildcard else "") + one.name
        for one in authorizations
        if one.status == "valid" and one.expires > now and one.account == order.account
    }
    missing = [name for name in order.names if name not in covered]
    if missing:
        raise Problem(
            "unauthorized",
            f"The authorization of {missing[0]} is not valid any more; make a new order.",
            name=missing[0],
        )


@implements("RFC8555:7.4-CSR")
def check_csr_names(names: Collection[str], common: Collection[str], ordered: Sequence[str]) -> None:
    """Refuse a CSR for other names than the order's, and an address that is asked for as a DNS name.

    `names` are the alternative names (``DNS:name``, ``IP:address``), `common` the subject's common names.
    """
    kinds = {(kind, value.lower()) for kind, _, value in (name.partition(":") for name in names)}
    wanted = {
        (kind, value) for kind, _, value in (name.partition(":") for name in alternative_names(ordered))
    }
    # A name may stand in the subject alone, as older clients write it.
    kinds |= {one for one in wanted if one[1] in {name.lower() for name in common}}
    strange = {name.lower() for name in common} - set(ordered)
    if kinds != wanted or strange:
        raise Problem(
            "badCSR",
            "The CSR must ask for exactly the order's names, as DNS names and IP addresses in "
            "subjectAltName, and for nothing "
            f"else. The order has {', '.join(ordered[:5])}{' and more' if len(ordered) > 5 else ''}.",
        )


@implements("RFC8555:11.1-KEY")
def check_not_account_key(spki: bytes, account_spki: bytes) -> None:
    """Refuse to certify an account's own key."""
    if spki == account_spki:
        raise Problem("badCSR", "The CSR is for the account's key; a certificate needs a key of its own.")

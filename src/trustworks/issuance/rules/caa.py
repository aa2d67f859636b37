"""Whether a domain's CAA records let this provider issue a certificate; others look them up before.

Source: RFC 8659 (CAA), RFC 8657 (methods and accounts), RFC 9495 (issuemail).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

CRITICAL: Final = 128
MAX_VALUE: Final = 4096
# The tags that are understood; some say nothing of whether to issue.
KNOWN: Final = frozenset(
    {"issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"}
)
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_VALUE: Final = re.compile(
    rf"[ \t]*(?P<domain>{_LABEL}(?:\.{_LABEL})*)?[ \t]*"
    rf"(?:;[ \t]*(?P<parameters>{_LABEL}=[\x21-\x3A\x3C-\x7E]*"
    rf"(?:[ \t]*;[ \t]*{_LABEL}=[\x21-\x3A\x3C-\x7E]*)*)?[ \t]*;?[ \t]*)?"
)


class CaaRecord(NamedTuple):
    """One CAA record: its flags, its tag in small letters, its value."""

    flags: int
    tag: str
    value: str


class Authorisation(NamedTuple):
    """Who issues and how it was asked: what a record's parameters are compared with.

    `method` and `account` are those of ACME (``http-01``, the account's URL); None for any other way.
    """

    issuer_domains: frozenset[str]
    method: str | None = None
    account: str | None = None


def domains_to_ask(name: str) -> tuple[str, ...]:
    """A domain and all above it up to its top-level domain, nearest first; a star stands for no label.

    Source: RFC 8659, 3.
    """
    labels = name.lower().rstrip(".").removeprefix("*.").split(".")
    return tuple(".".join(labels[n:]) for n in range(len(labels)))


@implements("RFC8659:4.1")
def check_critical(domain: str, records: Sequence[CaaRecord]) -> None:
    """Refuse when a record that must be understood is not."""
    for record in records:
        if record.flags & CRITICAL and record.tag not in KNOWN:
            raise Refused(
                "RFC8659:4.1",
                f"The CAA record {record.tag!r} of {domain} is critical and not understood, so nothing is "
                "issued; its owner must remove it.",
            )


@implements("RFC8659:4.2")
def check_permitted(
    domain: str,
    records: Sequence[CaaRecord],
    by: Authorisation,
    *,
    wildcard: bool = False,
    mail: bool = False,
) -> None:
    """Refuse when the records name issuers, and this one is not among them.

    For a wildcard the issuewild records count, if there are any; for mail the issuemail records alone.
    Source: RFC 8659, 4.2 and 4.3; RFC 9495, 4.
    """
    tags = {record.tag for record in records}
    tag = "issuemail" if mail else "issuewild" if wildcard and "issuewild" in tags else "issue"
    found = [record for record in records if record.tag == tag]
    if found and not any(_names_us(record.value, by) for record in found):
        wanted = ", ".join(sorted(by.issuer_domains))
        raise Refused(
            "RFC8659:4.2",
            f"The CAA records of {domain} let others issue, not us; its owner must add "
            f'{domain} CAA 0 {tag} "{wanted}", or ask another authority.',
        )


def _names_us(value: str, by: Authorisation) -> bool:
    """Whether a property names this issuer, and its parameters hold; a malformed one names nobody."""
    found = _VALUE.fullmatch(value) if len(value) <= MAX_VALUE else None
    if found is None or (found["domain"] or "").lower() not in by.issuer_domains:
        return False
    return parameters_hold(found["parameters"] or "", by)


@implements("RFC8657:3", disabled=True)
def parameters_hold(parameters: str, by: Authorisation) -> bool:
    """Whether the account and the method are those that a record limits the issuer to.

    Whoever asks by another way than ACME has neither, so that a record with such a limit does not let them.
    A limit that is given twice holds for nobody. Source: RFC 8657, 3 and 4.
    """
    pairs = [
        (tag.strip().lower(), value.strip())
        for tag, _, value in (one.partition("=") for one in parameters.split(";") if one.strip())
    ]
    accounts = [value for tag, value in pairs if tag == "accounturi"]
    methods = [value for tag, value in pairs if tag == "validationmethods"]
    if len(accounts) > 1 or len(methods) > 1:
        return False
    return _is_one_of(by.account, accounts) and _is_one_of(
        by.method, [one for value in methods for one in value.split(",")] if methods else ()
    )


def _is_one_of(ours: str | None, allowed: Collection[str]) -> bool:
    return not allowed or ours in allowed

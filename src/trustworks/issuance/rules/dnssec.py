"""Whether the DNS resolver that domains are asked by shows that it validates DNSSEC.

Source: CA/Browser Forum Baseline Requirements, 4.2.2.2; S/MIME Baseline Requirements, 4.2.2.1.1; RFC 4035,
4.9.3; RFC 6840, 5.7 and 5.8.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE: Final = "dnssec.resolver"
_REMEDY: Final = (
    "let a resolver at this machine validate (unbound with its root anchor, systemd-resolved with "
    "DNSSEC=yes), and name it in [issuance.caa] and [issuance.acme] resolver"
)


@implements("CABF-BR:4.2.2.2-CHANNEL")
def check_channel(resolvers: Sequence[str]) -> None:
    """`Unavailable` (dnssec.resolver) for a resolver elsewhere: anybody on the way could say "validated"."""
    far = [one for one in resolvers if not _is_this_machine(one)]
    if far or not resolvers:
        raise Unavailable(
            CODE,
            f"The DNS resolver {', '.join(far) or 'of this system'} is not at this machine, so that what it "
            f"says of DNSSEC is not believed, and domains are not looked at: {_REMEDY}.",
        )


@implements("CABF-BR:4.2.2.2")
def check_validates(*, authentic: bool, resolvers: Sequence[str]) -> None:
    """`Unavailable` (dnssec.resolver) where the root's own records, which are signed, came unvalidated."""
    if not authentic:
        raise Unavailable(
            CODE,
            f"The DNS resolver {', '.join(resolvers)} does not show that it validates DNSSEC (no AD on the "
            f"root's records), so domains are not looked at: {_REMEDY}.",
        )


@implements("CABF-BR:4.2.2.2")
def check_withheld(name: str, *, answered: bool, resolver: str) -> None:
    """`Unavailable` (dnssec.resolver) where a name is answered whose records are known not to validate.

    A resolver that lets bogus answers through, for all names or for some, may set AD on the root's records.
    """
    if answered:
        raise Unavailable(
            CODE,
            f"The DNS resolver {resolver} answers {name}, which [issuance] dnssec-bogus-name says does not "
            "validate, so domains are not looked at: take val-permissive-mode and domain-insecure out of its "
            "configuration, or name another name if that one validates now.",
        )


@implements("CABF-BR:4.2.2.2-BOGUS")
def check_looked_up(name: str, failure: str) -> None:
    """`Unavailable` (caa.lookup) for CAA records that could not be looked up: that permits nothing.

    A resolver that validates answers SERVFAIL where DNSSEC does (RFC 4035, 5.5). `failure` says what it was.
    """
    raise Unavailable(
        "caa.lookup",
        f"The CAA records of {name} could not be looked up ({failure}), so nothing is issued for it; try "
        "again, or see [issuance.caa] resolver.",
    )


def _is_this_machine(resolver: str) -> bool:
    try:
        return ipaddress.ip_address(resolver.partition("%")[0]).is_loopback
    except ValueError:
        return False

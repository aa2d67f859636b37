"""Names to addresses and records, by DNS; a test or a laboratory names a resolver of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import dns.exception
import dns.rdatatype
import dns.resolver

from trustworks.core.errors import Unavailable
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.dnssec import Validating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.enrolment.dnssec import Demanded

LOCALHOST: Final = "localhost"


class Resolver(Protocol):
    """What validation asks of DNS. Both raise `Problem` (dns)."""

    def addresses(self, name: str) -> Sequence[str]:
        """The addresses of a host, IPv6 before IPv4."""

    def texts(self, name: str) -> Sequence[bytes]:
        """The TXT records of a name, the strings of each joined."""


def is_this_machine(name: str) -> bool:
    """Whether a name is ``localhost`` or below it: this machine, and nothing that DNS is asked for."""
    return name == LOCALHOST or name.endswith(f".{LOCALHOST}")


def no_resolver() -> Unavailable:
    """What is wrong on a system that names no DNS resolver."""
    return Unavailable(
        "acme.resolver", "This system names no DNS resolver; name one in [issuance.acme] resolver."
    )


class DnsResolver:
    """Asks the recursive resolver at `address` (``ADDRESS:PORT``), or the system's.

    `seconds` is how long one question may take in all. What lies below ``localhost`` is this machine, and is
    not asked for (RFC 6761, 6.3). With `dnssec` nothing is asked unless the resolver is at this machine and
    validates (`Unavailable`).
    """

    def __init__(self, address: str | None, *, seconds: float, dnssec: Demanded | None = None) -> None:
        try:
            self.dns = dns.resolver.Resolver(configure=address is None)
        except dns.resolver.NoResolverConfiguration:
            raise no_resolver() from None
        if address is not None:
            host, _, port = address.rpartition(":")
            self.dns.nameservers = [host.removeprefix("[").removesuffix("]")]
            self.dns.port = int(port)
        self.dns.lifetime = seconds
        self.dns.cache = None
        self.dns.search = []
        self._validating = None if dnssec is None else Validating(self.dns, dnssec)

    def addresses(self, name: str) -> Sequence[str]:
        """The addresses of a host, IPv6 before IPv4."""
        if is_this_machine(name):
            return ("::1", "127.0.0.1")
        found = [
            record.address
            for kind in (dns.rdatatype.AAAA, dns.rdatatype.A)
            for record in self._records(name, kind)
        ]
        if not found:
            raise Problem("dns", f"DNS has no address of {name}; add an A or AAAA record.", name=None)
        return found

    def texts(self, name: str) -> Sequence[bytes]:
        """The TXT records of a name, the strings of each joined."""
        return [b"".join(record.strings) for record in self._records(name, dns.rdatatype.TXT)]

    def _records(self, name: str, kind: dns.rdatatype.RdataType) -> Sequence[Any]:
        if self._validating is not None:
            self._validating.check()
        try:
            answer = self.dns.resolve(f"{name}.", kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.DNSException as error:
            raise Problem(
                "dns",
                f"DNS does not answer for {name} ({dns.rdatatype.to_text(kind)}: {type(error).__name__}); "
                "see to its name servers.",
            ) from error
        return list(answer)

"""Asks the DNS who may issue for a domain, before a certificate is issued for it (RFC 8659).

`check` is what every protocol calls. The resolver is whoever answers `Resolver.caa`: `DnsResolver` over the
network, a dictionary in tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustworks.issuance.rules.caa import (
    Authorisation,
    CaaRecord,
    check_critical,
    check_permitted,
    domains_to_ask,
)
from trustworks.issuance.rules.dnssec import check_looked_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trustworks.issuance.config import CaaSettings
    from trustworks.issuance.enrolment.dnssec import Demanded

__all__ = [
    "Authorisation",
    "CaaRecord",
    "DnsResolver",
    "Resolver",
    "asker",
    "check",
    "check_mailboxes",
    "relevant",
]


class Resolver(Protocol):
    """Looks up CAA records."""

    def caa(self, name: str) -> Sequence[CaaRecord]:
        """The CAA records at exactly that name, aliases followed; none where there are none.

        Raises `Unavailable` (caa.lookup) when it could not be found out.
        """


def check(
    names: Iterable[str],
    issuer_domains: Iterable[str],
    resolver: Resolver,
    *,
    method: str | None = None,
    account: str | None = None,
) -> None:
    """Refuse names whose domains let others issue, and not one of `issuer_domains`.

    `names` are DNS names, with ``*.`` before a wildcard; `method` and `account` are ACME's (RFC 8657). Raises
    `Refused` (RFC8659:4.1, RFC8659:4.2) and `Unavailable` (caa.lookup): what cannot be found out is not
    issued.
    """
    by = Authorisation(frozenset(one.lower() for one in issuer_domains), method, account)
    asked: dict[str, Sequence[CaaRecord]] = {}
    for name in dict.fromkeys(names):
        domain, records = relevant(name, resolver, asked)
        check_critical(domain, records)
        check_permitted(domain, records, by, wildcard=name.startswith("*."))


def check_mailboxes(addresses: Iterable[str], issuer_domains: Iterable[str], resolver: Resolver) -> None:
    """Refuse mailboxes whose domains let others issue for mail (RFC 9495). Raises as `check`."""
    by = Authorisation(frozenset(one.lower() for one in issuer_domains))
    asked: dict[str, Sequence[CaaRecord]] = {}
    for domain_of_mail in dict.fromkeys(address.rpartition("@")[2] for address in addresses):
        domain, records = relevant(domain_of_mail, resolver, asked)
        check_critical(domain, records)
        check_permitted(domain, records, by, mail=True)


def relevant(
    name: str, resolver: Resolver, asked: dict[str, Sequence[CaaRecord]]
) -> tuple[str, Sequence[CaaRecord]]:
    """The records of the nearest domain that has any, and that domain (RFC 8659, 3)."""
    domain = name
    for domain in domains_to_ask(name):
        if domain not in asked:
            asked[domain] = resolver.caa(domain)
        if asked[domain]:
            return domain, asked[domain]
    return domain, ()


def asker(
    settings: CaaSettings, resolver: Resolver | None = None, *, dnssec: Demanded | None = None
) -> Callable[[Sequence[str]], None]:
    """What checks alternative names as a request writes them (``DNS:name``, ``email:address``).

    Other kinds have no CAA. `dnssec` is whether the resolver must validate. It raises as `check`.
    """
    asked = resolver or DnsResolver(
        settings.resolver, port=settings.port, seconds=settings.seconds, dnssec=dnssec
    )

    def ask(names: Sequence[str]) -> None:
        by_kind: dict[str, list[str]] = {}
        for kind, _, value in (name.partition(":") for name in names):
            by_kind.setdefault(kind, []).append(value)
        check(by_kind.get("DNS", ()), settings.domains, asked)
        check_mailboxes(by_kind.get("email", ()), settings.domains, asked)

    return ask


class DnsResolver:
    """The system's DNS servers, or one that is named; answers within `seconds`, or none.

    With `dnssec` nothing is asked unless the servers are at this machine and validate (`Unavailable`).
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        port: int = 53,
        seconds: float = 5.0,
        dnssec: Demanded | None = None,
    ) -> None:
        from dns.resolver import Resolver as Stub  # noqa: PLC0415 - the command line starts without it

        from trustworks.issuance.enrolment.dnssec import Validating  # noqa: PLC0415

        self._stub = Stub(configure=server is None)
        if server is not None:
            self._stub.nameservers = [server]
        self._stub.port = port
        self._stub.lifetime = seconds
        self._validating = None if dnssec is None else Validating(self._stub, dnssec)

    def caa(self, name: str) -> Sequence[CaaRecord]:
        """The CAA records at that name. Raises `Unavailable` (caa.lookup)."""
        import dns.exception  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415

        if self._validating is not None:
            self._validating.check()
        try:
            answer = self._stub.resolve(name + ".", "CAA", search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.exception.DNSException, OSError) as error:
            check_looked_up(name, type(error).__name__)
            return ()
        return tuple(
            CaaRecord(one.flags, one.tag.decode("ascii").lower(), one.value.decode("latin-1"))
            for one in answer.rrset or ()
        )

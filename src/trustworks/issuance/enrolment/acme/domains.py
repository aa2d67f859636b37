"""Asks the domains of an order, by CAA, whether this provider may issue for this account (RFC 8659, 8657)."""

from __future__ import annotations

import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from dns.resolver import NoResolverConfiguration

from trustworks.core.errors import Refused, Unavailable
from trustworks.issuance.enrolment import caa
from trustworks.issuance.enrolment.acme.identifiers import address_of
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules.orders import WILDCARD
from trustworks.issuance.enrolment.acme.validation.resolver import is_this_machine, no_resolver
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.issuance.config import CaaSettings
    from trustworks.issuance.enrolment.acme.service import AcmeServer
    from trustworks.issuance.enrolment.dnssec import Demanded
    from trustworks.issuance.records.acme import Order
    from trustworks.issuance.rules.perspectives import Sight

ORDER_SECONDS: Final = 30.0  # for all of an order's names together


class CaaResolver:
    """Looks CAA records up; names of this machine have none (RFC 6761, 6.3)."""

    def __init__(self, settings: CaaSettings, named: str | None, *, dnssec: Demanded | None = None) -> None:
        """`named` is the resolver of validation (``ADDRESS:PORT``), asked where CAA has none of its own.

        `dnssec` is whether it must validate.
        """
        self._dnssec = dnssec
        self._settings = settings
        self._named = named

    @cached_property
    def _dns(self) -> caa.DnsResolver:
        settings = self._settings
        server, port = settings.resolver, settings.port
        if server is None and self._named is not None:
            host, _, digits = self._named.rpartition(":")
            server, port = host.removeprefix("[").removesuffix("]"), int(digits)
        try:
            return caa.DnsResolver(server, port=port, seconds=settings.seconds, dnssec=self._dnssec)
        except NoResolverConfiguration:
            raise no_resolver() from None

    def caa(self, name: str) -> Sequence[caa.CaaRecord]:
        """The CAA records at that name. Raises `Unavailable` (caa.lookup)."""
        return () if is_this_machine(name) else self._dns.caa(name)


class Asked:
    """Asks a resolver for each name once, and for all of an order's names within some time.

    Names share the domains above them, and name servers that never answer would keep a thread for as long as
    an order has names.
    """

    def __init__(self, resolver: caa.Resolver, seconds: float) -> None:
        self._resolver = resolver
        self._until = time.monotonic() + seconds
        self._known: dict[str, Sequence[caa.CaaRecord]] = {}

    def caa(self, name: str) -> Sequence[caa.CaaRecord]:
        """The CAA records at that name. Raises `Unavailable` (caa.lookup)."""
        if name not in self._known:
            if time.monotonic() > self._until:
                raise Unavailable(
                    "caa.lookup",
                    "The CAA records of the order's names could not be looked up in time, so nothing is "
                    "issued; try again, or see [issuance.caa] resolver.",
                )
            self._known[name] = self._resolver.caa(name)
        return self._known[name]


def ask_domains(server: AcmeServer, order: Order) -> tuple[Sight, ...] | None:
    """What other places in the network saw, when the domains let us issue; None where a laboratory asks none.

    A record may limit issuance to an account and to ways of validation: the account counts under each of the
    server's origins, and the way is the one by which the name was validated. `Problem` (caa) when a domain
    objects; `NotCorroboratedError` when too few other places see that none does; `Unavailable` when it cannot
    be found out, or nobody said by which name domains call us.
    """
    settings = server.authority.settings.caa
    if settings is None or server.caa_resolver is None:
        if server.authority.lab:
            return None
        raise Unavailable(
            "issuance.caa-absent",
            "Domains are to be asked by CAA before a certificate is issued for them: write into "
            "[issuance.caa] domains what their owners name you by.",
        )
    today = server.now().date()
    server.corroboration.check_ready(today)
    accounts = [f"{origin}/acme/account/{order.account}" for origin in server.origins]
    # An address has no CAA (RFC 8659, 1).
    methods = [one for one in _methods(server, order) if address_of(one[0]) is None]
    decide = partial(_decide, methods, accounts, settings.domains)
    decide(Asked(server.caa_resolver, ORDER_SECONDS))
    if not methods:
        return ()
    return server.corroboration.caa([name for name, _ in methods], decide, today)


def _decide(
    methods: Sequence[tuple[str, str | None]],
    accounts: Sequence[str],
    domains: Sequence[str],
    resolver: caa.Resolver,
) -> None:
    """`Problem` (caa) for the first name whose records, as this resolver finds them, do not let us issue."""
    for name, method in methods:
        objections = []
        for account in accounts:
            try:
                caa.check([name], domains, resolver, method=method, account=account)
                break
            except Refused as error:
                objections.append(error)
        else:
            raise Problem("caa", str(objections[0]), name=name.removeprefix(WILDCARD))


def _methods(server: AcmeServer, order: Order) -> list[tuple[str, str | None]]:
    """Each name of an order with the type of the challenge that showed control over it."""
    with server.authority.database.read() as connection:
        return [
            (
                (WILDCARD if one.wildcard else "") + one.name,
                next(
                    (it.type for it in records.challenges_of(connection, one.id) if it.status == "valid"),
                    None,
                ),
            )
            for one in records.authorizations_of(connection, order.id)
        ]

"""Asks the resolver, before domains are asked for, whether it validates DNSSEC back to the root.

A resolver that validates answers SERVFAIL for what is bogus (RFC 4035, 5.5), which is a failed look-up for
everybody here, and never a permission. What this asks is only whether it is such a resolver.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Unavailable
from trustworks.issuance.rules.dnssec import CODE, check_channel, check_validates

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from trustworks.issuance.config import IssuanceSettings

BELIEVED: Final = 300.0  # seconds after which a resolver is asked again


def is_wanted(settings: IssuanceSettings, *, lab: bool) -> bool:
    """Whether domains are looked at through a resolver that validates alone; outside a laboratory, yes."""
    return settings.dnssec == "validating-resolver" or (settings.dnssec is None and not lab)


class Validating:
    """What a resolver says of the root's records, whose signature everybody who validates can verify.

    Threads share it. It makes the resolver ask with AD (RFC 6840, 5.7), and never with CD: what does not
    validate is not answered.
    """

    def __init__(self, resolver: Resolver) -> None:
        import dns.flags  # noqa: PLC0415 - the command line starts without it

        self._resolver = resolver
        self._authentic = dns.flags.AD
        resolver.set_flags(dns.flags.RD | dns.flags.AD)
        self._until = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Unavailable` (dnssec.resolver) unless the resolver is here, and validates."""
        with self._lock:
            if time.monotonic() < self._until:
                return
            servers = [str(one) for one in self._resolver.nameservers]
            check_channel(servers)
            check_validates(authentic=self._asked(servers), resolvers=servers)
            self._until = time.monotonic() + BELIEVED

    def _asked(self, servers: list[str]) -> bool:
        import dns.exception  # noqa: PLC0415

        try:
            answer = self._resolver.resolve(".", "SOA", search=False)
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable(
                CODE,
                f"The DNS resolver {', '.join(servers)} has no answer for the root ({type(error).__name__}); "
                "nobody knows whether it validates DNSSEC. See that it runs and reaches the Internet.",
            ) from None
        return bool(answer.response.flags & self._authentic)

"""Asks the resolvers, before domains are asked for, whether they validate DNSSEC back to the root.

A resolver that validates answers SERVFAIL for what is bogus (RFC 4035, 5.5), which is a failed look-up for
everybody here, and never a permission. What this asks is only whether it is such a resolver: by AD on the
root's records, which one that lets bogus answers through may set as well, and by a name known to be bogus
where the settings have one.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Unavailable
from trustworks.issuance.rules.dnssec import CODE, check_channel, check_validates, check_withheld

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from trustworks.issuance.config import IssuanceSettings

BELIEVED: Final = 300.0  # seconds after which a resolver is asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """That resolvers must validate; `bogus_name` is a name that those who do give no answer for."""

    bogus_name: str | None = None


def demanded(settings: IssuanceSettings, *, lab: bool) -> Demanded | None:
    """What is demanded of the resolvers that domains are asked by; outside a laboratory, to validate."""
    if settings.dnssec == "validating-resolver" or (settings.dnssec is None and not lab):
        return Demanded(bogus_name=settings.dnssec_bogus_name)
    return None


class Validating:
    """What each server of a resolver says of the root's records, whose signature all who validate can verify.

    Threads share it. It makes the resolver ask with AD (RFC 6840, 5.7), and never with CD: what does not
    validate is not answered.
    """

    def __init__(self, resolver: Resolver, demanded: Demanded) -> None:
        import dns.flags  # noqa: PLC0415 - the command line starts without it

        self._resolver = resolver
        self._bogus = demanded.bogus_name
        self._authentic = dns.flags.AD
        resolver.set_flags(dns.flags.RD | dns.flags.AD)
        self._until = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Unavailable` (dnssec.resolver) unless each server of the resolver is here, and validates."""
        with self._lock:
            if time.monotonic() < self._until:
                return
            check_channel([str(one) for one in self._resolver.nameservers])
            for server in map(str, self._resolver.nameservers):  # any of them may be the one that answers
                alone = self._of(server)
                check_validates(authentic=self._asked(alone, server), resolvers=[server])
                if self._bogus is not None:
                    check_withheld(self._bogus, answered=self._answers(alone, self._bogus), resolver=server)
            self._until = time.monotonic() + BELIEVED

    def _of(self, server: str) -> Resolver:
        import dns.resolver  # noqa: PLC0415

        alone = dns.resolver.Resolver(configure=False)
        alone.nameservers = [server]
        alone.port = self._resolver.port
        alone.lifetime = self._resolver.lifetime
        alone.flags = self._resolver.flags
        return alone

    def _asked(self, resolver: Resolver, server: str) -> bool:
        import dns.exception  # noqa: PLC0415

        try:
            answer = resolver.resolve(".", "SOA", search=False)
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable(
                CODE,
                f"The DNS resolver {server} has no answer for the root ({type(error).__name__}); nobody "
                "knows whether it validates DNSSEC. See that it runs and reaches the Internet.",
            ) from None
        return bool(answer.response.flags & self._authentic)

    @staticmethod
    def _answers(resolver: Resolver, name: str) -> bool:
        """Whether it says anything of a name, be it that there is nothing."""
        import dns.exception  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415

        try:
            resolver.resolve(f"{name.rstrip('.')}.", "A", search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return True
        except (dns.exception.DNSException, OSError):
            return False
        return True

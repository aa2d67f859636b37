"""Whether a laboratory lacks anything; found out without opening a token, so that a second start is quick."""

from __future__ import annotations

import ipaddress
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.app.certificates import read
from trustworks.app.configuration.settings import is_host_name, split_address
from trustworks.app.lab import layout as places
from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Collection

    from trustworks.app.configuration.settings import HttpSettings
    from trustworks.app.lab.layout import Layout
    from trustworks.app.wiring import Wiring
    from trustworks.core.store import Database

RENEW_BEFORE = timedelta(days=7)  # a certificate that ends so soon is replaced at the next start
SERVICES = ("ocsp", "audit")
_UNIT = re.compile(r"tsu-([1-9][0-9]*)")


def now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


def use_ends(certificate: x509.Certificate) -> datetime:
    """When a certificate's private key may no longer be used; with the certificate, where none says so."""
    end = certificate.not_valid_after_utc
    try:
        period = certificate.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    except x509.ExtensionNotFound:
        return end
    # `cryptography` gives the extension's times without a zone; they are UTC.
    return end if period.not_after is None else min(end, period.not_after.replace(tzinfo=UTC))


def server_names(http: HttpSettings) -> tuple[str, ...]:
    """What the HTTPS certificate names: the hosts of both listeners, and by what else they are reached."""
    names = [f"DNS:{places.NAME}", "IP:127.0.0.1", "IP:::1"]
    for address in (http.listen, http.tls_listen or http.listen):
        host, _ = split_address(address)
        try:
            found = ipaddress.ip_address(host)
        except ValueError:
            names.append(f"DNS:{host.lower()}")
        else:
            if not found.is_unspecified:
                names.append(f"IP:{str(found).partition('%')[0]}")  # which link it is on is no name
    own = socket.gethostname()
    # It may be anything at all; and linters take a name without a dot for none.
    if "." in own and is_host_name(own):
        names.append(f"DNS:{own.lower()}")
    return tuple(dict.fromkeys(names))


def fits(certificate: x509.Certificate, names: Collection[str] = ()) -> bool:
    """Whether a certificate may be used for long enough, and names all of `names`."""
    if use_ends(certificate) - now() < RENEW_BEFORE:
        return False
    if not names:
        return True
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    dns = (f"DNS:{name.lower()}" for name in found.get_values_for_type(x509.DNSName))
    ip = (f"IP:{address}" for address in found.get_values_for_type(x509.IPAddress))
    return {*dns, *ip} >= set(names)


def needs_certificate(layout: Layout, name: str, names: Collection[str] = ()) -> bool:
    """Whether a service's certificate is missing, or may not be used much longer, or lacks one of `names`."""
    file = layout.certificate(name)
    return not file.is_file() or not fits(read(file), names)


def own_unit(layout: Layout, wiring: Wiring) -> str | None:
    """The name of the time-stamping unit that the laboratory looks after; None: its owner took it away."""
    for one in wiring.timestamping_settings.units:
        if _UNIT.fullmatch(one.key_label) and one.certificate == layout.certificate(one.key_label):
            return one.key_label
    return None


def unit_to_make(layout: Layout, wiring: Wiring) -> str | None:
    """The time-stamping unit that the set-up has to make or to name, None when the present one is good.

    A unit whose key may not be used much longer has a successor with a key of its own, the next number in its
    name (EN 319 421, 7.6.7: a key is not used beyond its end). Where the configuration names the unit in
    other words than the set-up's, that is left to its owner; `/healthz` tells the end.
    """
    own = own_unit(layout, wiring)
    if own is None or not layout.certificate(own).is_file():
        return own
    if not needs_certificate(layout, own):
        return None
    if not places.names_unit(layout.config.read_text(encoding="utf-8"), own):
        return None
    number = int(own.removeprefix("tsu-")) + 1
    while layout.certificate(f"tsu-{number}").is_file() and needs_certificate(layout, f"tsu-{number}"):
        number += 1
    return f"tsu-{number}"


def is_complete(layout: Layout, wiring: Wiring, database: Database) -> bool:
    """Whether nothing is missing, and nothing ends soon."""
    files = (
        *(layout.trust / name for name in ("root.pem", "issuing.pem", "chain.pem")),
        layout.complete,
        layout.certificate("issuing"),
        layout.tls_key,
    )
    if not all(file.is_file() for file in files):
        return False
    if any(needs_certificate(layout, name) for name in SERVICES):
        return False
    if needs_certificate(layout, "tls", server_names(wiring.config.http)):
        return False
    if unit_to_make(layout, wiring) is not None:
        return False
    # The issuing authority's list is published by the jobs process, the root's by nobody else.
    with database.read() as connection:
        heads = records.crl_heads(connection, "root")
    every = timedelta(hours=wiring.issuance_settings.root.crl_every_hours)
    return bool(heads) and now() - heads[0].this_update < every

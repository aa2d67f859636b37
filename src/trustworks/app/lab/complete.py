"""Whether a laboratory lacks anything; found out without opening a token, so that a second start is quick."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trustworks.app.certificates import read, spki
from trustworks.app.configuration.settings import is_host_name, split_address
from trustworks.app.lab import configuration
from trustworks.core.errors import Unavailable
from trustworks.core.module.softhsm import TOKEN_FILE, is_whole
from trustworks.issuance import records
from trustworks.issuance.trusted_list.records import LIST, last_number

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from trustworks.app.configuration.config import Config
    from trustworks.app.configuration.settings import HttpSettings
    from trustworks.app.lab.layout import Layout
    from trustworks.app.wiring import Wiring
    from trustworks.core.store import Database

RENEW_BEFORE = timedelta(days=7)  # a certificate that ends so soon is replaced at the next start
SERVICES = ("ocsp", "audit", "cmp", configuration.LIST_KEY, configuration.SEAL_KEY, configuration.OWN_SEAL)
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
    names = [f"DNS:{configuration.NAME}", "IP:127.0.0.1", "IP:::1"]
    for address in (http.listen, http.tls_listen or http.listen):
        host, _ = split_address(address)
        try:
            found = ipaddress.ip_address(host)
        except ValueError:
            names.append(f"DNS:{host.lower()}")
        else:
            if not found.is_unspecified:
                names.append(f"IP:{str(found).partition('%')[0]}")  # which link it is on is no name
    public = urlsplit(http.public_url).hostname or ""
    if is_host_name(public):
        names.append(f"DNS:{public}")
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


def is_own(layout: Layout, wiring: Wiring, name: str) -> bool:
    """Whether the laboratory looks after a service: its key and certificate are named as the set-up did.

    A key or a file that its owner named in their place is its owner's to renew.
    """
    config = wiring.config
    cmp = wiring.issuance_settings.cmp
    seal = None if config.validation is None else config.validation.seal
    lists = wiring.issuance_settings.trusted_list
    key, certificate = {
        "ocsp": (wiring.issuance_settings.ocsp.key, wiring.issuance_settings.ocsp.certificate),
        "audit": (config.audit.key, config.audit.certificate),
        "cmp": (None, None) if cmp is None else (cmp.key, cmp.certificate),
        configuration.LIST_KEY: (None, None) if lists is None else (lists.key, lists.certificate),
        configuration.SEAL_KEY: (None, None) if seal is None else (seal.key, seal.certificate),
        configuration.OWN_SEAL: _own_seal(config),
        "tls": (config.http.tls_key, config.http.tls_certificate),
    }[name]
    return certificate == layout.certificate(name) and key == (layout.tls_key if name == "tls" else name)


def _own_seal(config: Config) -> tuple[str | None, Path | None]:
    """Key and certificate of the seal that documents are sealed with, where it is the set-up's."""
    seals = () if config.signing is None else config.signing.seals
    found = [(one.key, one.certificate) for one in seals if one.key == configuration.OWN_SEAL]
    return found[0] if found else (None, None)


def is_for_another_key(layout: Layout, name: str, own: bytes) -> bool:
    """Whether a service's certificate is there, and for another key than the one with the SPKI `own`."""
    file = layout.certificate(name)
    return file.is_file() and spki(read(file).public_key()) != own


def needs_certificate(layout: Layout, name: str, names: Collection[str] = ()) -> bool:
    """Whether a service's certificate is missing, or may not be used much longer, or lacks one of `names`."""
    file = layout.certificate(name)
    return not file.is_file() or not fits(read(file), names)


def tls_key(layout: Layout) -> PrivateKeyTypes:
    """The private key of HTTPS. Raises `Unavailable` (lab.tls-key) where the file holds none for us."""
    try:
        return load_pem_private_key(layout.tls_key.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the second: it is encrypted
        raise Unavailable(
            "lab.tls-key",
            f"{layout.tls_key} holds no key that can be read. Move it away; the next start makes one.",
        ) from None


def needs_tls(layout: Layout, names: Collection[str]) -> bool:
    """Whether key or certificate of HTTPS is missing, or the certificate is another key's or does not fit."""
    return (
        not layout.tls_key.is_file()
        or needs_certificate(layout, "tls", names)
        or is_for_another_key(layout, "tls", spki(tls_key(layout).public_key()))
    )


def own_unit(layout: Layout, wiring: Wiring) -> str | None:
    """The name of the time-stamping unit that the laboratory looks after; None: its owner took it away."""
    for one in wiring.timestamping_settings.units:
        if _UNIT.fullmatch(one.key_label) and one.certificate == layout.certificate(one.key_label):
            return one.key_label
    return None


def unit_to_keep(layout: Layout, wiring: Wiring) -> str | None:
    """The time-stamping unit that is to be in place; None: that is left to the laboratory's owner.

    A unit whose key may not be used much longer has a successor with a key of its own, the next number in its
    name (EN 319 421, 7.6.7: a key is not used beyond its end). Where the configuration names the unit in
    other words than the set-up's, that is left to its owner; `/healthz` tells the end.
    """
    own = own_unit(layout, wiring)
    if own is None or not layout.certificate(own).is_file() or not needs_certificate(layout, own):
        return own
    if not configuration.names_unit(layout.config.read_text(encoding="utf-8"), own):
        return None
    number = int(own.removeprefix("tsu-")) + 1
    while layout.certificate(f"tsu-{number}").is_file() and needs_certificate(layout, f"tsu-{number}"):
        number += 1
    return f"tsu-{number}"


def keys_mark(layout: Layout, wiring: Wiring) -> bytes:
    """Which tokens are configured, and what SoftHSM2 keeps for them and for their keys.

    The mark of a complete set-up holds this. Where it is another now, a token or a key may be gone or damaged
    (their names within a file are encrypted), and the set-up looks by opening the tokens.
    """
    uris = wiring.config.tokens.model_dump().values()
    files = sorted(layout.tokens.glob("*/*.object"))
    lines = (*map(str, uris), *(f"{file.relative_to(layout.folder)} {_state(file)}" for file in files))
    return b"".join(os.fsencode(f"{line}\n") for line in lines)


def _state(file: Path) -> str:
    """What is to stay as it is of one of SoftHSM2's files, which writes a token's own anew at each login."""
    content = file.read_bytes()
    if file.name == TOKEN_FILE:
        return "whole" if is_whole(content) else "damaged"
    return hashlib.sha256(content).hexdigest()


def is_complete(layout: Layout, wiring: Wiring, database: Database) -> bool:
    """Whether nothing is missing, and nothing ends soon."""
    files = (*layout.anchors, layout.complete, layout.certificate("issuing"))
    if not all(file.is_file() for file in files):
        return False
    if layout.complete.read_bytes() != keys_mark(layout, wiring):
        return False
    if any(is_own(layout, wiring, name) and needs_certificate(layout, name) for name in SERVICES):
        return False
    if is_own(layout, wiring, "tls") and needs_tls(layout, server_names(wiring.config.http)):
        return False
    unit = unit_to_keep(layout, wiring)
    if unit is not None and (unit != own_unit(layout, wiring) or needs_certificate(layout, unit)):
        return False
    # The issuing authority's list is published by the jobs process, the root's by nobody else.
    with database.read() as connection:
        heads = records.crl_heads(connection, "root")
        listed = wiring.issuance_settings.trusted_list is None or last_number(connection, LIST) > 0
    every = timedelta(hours=wiring.issuance_settings.root.crl_every_hours)
    return listed and bool(heads) and now() - heads[0].this_update < every

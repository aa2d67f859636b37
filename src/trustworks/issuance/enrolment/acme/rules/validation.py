"""How control over a name may be shown, and what shows it (RFC 8555, 8; RFC 8737)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from trustworks.core import addresses as hosts
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.identifiers import address_of
from trustworks.issuance.enrolment.acme.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What reading a certificate of somebody else may raise.
_UNREADABLE: Final = (
    ValueError,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
)
HTTP_PATH: Final = "/.well-known/acme-challenge/"
DNS_LABEL: Final = "_acme-challenge."
# The other places, where the registration desk looks for what it drew itself (BR 3.2.2.4.7 and 3.2.2.4.18).
WEBSITE_PATH: Final = "/.well-known/pki-validation/"
CHANGE_LABEL: Final = "_trustworks-validation."
ALPN: Final = "acme-tls/1"
ACME_IDENTIFIER: Final = ObjectIdentifier("1.3.6.1.5.5.7.1.31")


@implements("RFC8738:7-NO-DNS", disabled=lambda offered, _: offered)
def _ways_of(offered: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Of the challenges those that may show control over an address: not dns-01."""
    return tuple(one for one in offered if one != "dns-01" or address_of(name) is None)


@implements("RFC8555:8.4-WILDCARD", disabled=lambda offered, name: _ways_of(tuple(offered), name))
def challenges_for(offered: Sequence[str], name: str) -> tuple[str, ...]:
    """The challenges for a name: for a wildcard dns-01 alone, for a web server speaks for one host only.

    `Problem` (rejectedIdentifier) where none is left.
    """
    wildcard = name.startswith("*.")
    found = _ways_of(tuple(one for one in offered if one == "dns-01" or not wildcard), name)
    if not found:
        raise Problem(
            "rejectedIdentifier",
            "A wildcard is validated by dns-01 alone, and an address by all others alone. This server does "
            "not offer such a way; order other names.",
            name=name,
        )
    return found


@implements("TRUSTWORKS:ACME-PUBLIC-ADDRESS")
def check_address(name: str, *, private_too: bool) -> None:
    """Refuse an address that is everybody's own, such as 10.0.0.1: no holder of it is the only one."""
    if address_of(name) is not None and not reachable([name], private_too=private_too):
        raise Problem(
            "rejectedIdentifier",
            "The address is not one of the public Internet, so nobody alone holds it; order a public one.",
            name=name,
        )


def key_authorization(token: str, thumbprint: str) -> str:
    """What a client shows: the challenge's token and its account key's thumbprint (RFC 8555, 8.1)."""
    return f"{token}.{thumbprint}"


def http_path(type_: str) -> str:
    """Where the file of a challenge by HTTP is."""
    return WEBSITE_PATH if type_ == "website-change" else HTTP_PATH


def dns_label(type_: str) -> str:
    """Before which label the record of a challenge by DNS is."""
    return CHANGE_LABEL if type_ == "dns-change" else DNS_LABEL


def txt_value(expected: str) -> str:
    """What a TXT record shows of a key authorization (RFC 8555, 8.4)."""
    return encoding.encode(hashlib.sha256(expected.encode()).digest())


@implements("RFC8555:8.3-BODY")
def check_http_body(body: bytes, expected: str) -> None:
    """Refuse a file that does not hold the key authorization; white space behind it does not count."""
    if not hmac.compare_digest(body.rstrip(), expected.encode()):
        raise Problem(
            "unauthorized",
            "The file does not hold the key authorization (token, dot, thumbprint of the account's key); put "
            "it there and nothing else.",
        )


@implements("RFC8555:8.4-RECORD")
def check_txt_records(records: Iterable[bytes], expected: str, *, label: str = DNS_LABEL) -> None:
    """Refuse TXT records of which none is the digest of the key authorization."""
    wanted = txt_value(expected).encode()
    found = list(records)
    if not any(hmac.compare_digest(one, wanted) for one in found):
        raise Problem(
            "unauthorized",
            f"None of the {len(found)} TXT records at {label.rstrip('.')} is the SHA-256 digest of the "
            "key authorization in Base64url; write it there, and wait until your name servers tell it.",
        )


@implements("RFC8737:3-CERTIFICATE")
def check_alpn_certificate(der: bytes, name: str, expected: str) -> None:
    """Refuse a certificate that does not say the one name and the digest of the key authorization."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        identifier = certificate.extensions.get_extension_for_oid(ACME_IDENTIFIER)
    except _UNREADABLE:
        raise Problem(
            "unauthorized",
            "The certificate for acme-tls/1 lacks subjectAltName or acmeIdentifier (RFC 8737, 3); present "
            "one that has both.",
        ) from None
    if len(names) != 1 or not _is_named(names, name):
        raise Problem("unauthorized", f"The certificate for acme-tls/1 must name {name} and nothing else.")
    value = getattr(identifier.value, "value", b"")
    digest = hashlib.sha256(expected.encode()).digest()
    if not identifier.critical or not hmac.compare_digest(value, b"\x04\x20" + digest):
        raise Problem(
            "unauthorized",
            "acmeIdentifier must be critical and hold the SHA-256 digest of the key authorization.",
        )


def _is_named(names: x509.SubjectAlternativeName, name: str) -> bool:
    """Whether the one name in an extension is that DNS name or address (RFC 8738, 6), as what it is."""
    (one,) = names
    kind = x509.DNSName if address_of(name) is None else x509.IPAddress
    return isinstance(one, kind) and str(one.value).lower() == name


@implements("RFC8737:3-ALPN")
def check_alpn_protocol(chosen: str | None) -> None:
    """Refuse a server that did not choose acme-tls/1: it does not know that it is validated."""
    if chosen != ALPN:
        raise Problem("unauthorized", f"The server did not choose the protocol {ALPN} by ALPN (RFC 8737, 3).")


@implements("RFC8555:10.2-ADDRESS", disabled=lambda addresses, **_: tuple(addresses))
def reachable(addresses: Iterable[str], *, private_too: bool) -> tuple[str, ...]:
    """The addresses that validation may connect to: public ones, or all where the operator says so.

    Else whoever has a name could make this server ask hosts of the provider's own network.
    """
    return tuple(addresses) if private_too else hosts.reachable(addresses)


@implements("RFC8555:8.3-REDIRECT")
def check_redirect(scheme: str, port: int | None, *, ports: Sequence[int]) -> None:
    """Refuse a redirection to anything but HTTP and HTTPS at their ports."""
    if scheme not in {"http", "https"} or (port is not None and port not in ports):
        raise Problem(
            "connection",
            "The server redirects to what is not followed: HTTP and HTTPS at their usual ports alone are.",
        )


@implements("RFC8555:8.2-RETRY", disabled=False)
def is_final(code: str, attempts: int, most: int) -> bool:
    """Whether a failed attempt was the last: answers that are wrong, and those that do not come, are retried.

    Records and files take time to get everywhere.
    """
    return attempts >= most or code in {"rejectedIdentifier", "caa"}

"""The application's own tables of ``trustworks.toml``: provider, tokens, HTTP, logs."""

from __future__ import annotations

import grp
import ipaddress
import re
from pathlib import Path  # noqa: TC003 - Pydantic reads it at run time
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, model_validator

from trustworks.core.settings import Table
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
_ADDRESS = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]]*)):([0-9]{1,5})")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, 5.6.2


def is_host_name(value: str) -> bool:
    """Whether a machine can have this name, and a certificate can name it (RFC 1123, 2.1).

    So 127.1 is none: what ends in a number is an address, and a short one is no whole one.
    """
    return is_dns_name(value) and "*" not in value


def _is_host(value: str) -> bool:
    """Whether this is an IP address, without brackets, or can be a host's name."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return is_host_name(value)
    return True


def _address(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if found is None or not 0 < int(found[3]) < 65536:
        raise ValueError("write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    if not _is_host(found[1] or found[2] or ""):
        raise ValueError("the host must be a whole IP address or a host name")
    return value


def _split_url(value: str) -> SplitResult | None:
    """The parts of an http or https URL; None where it is none that a client could follow."""
    try:
        found = urlsplit(value)
        good = found.hostname and found.port != 0 and "@" not in found.netloc
    except ValueError:  # brackets without an IPv6 address; a port that is none
        return None
    return found if good and re.fullmatch(r"https?://[!-~]+", value) else None


def _origin(value: str) -> str:
    found = _split_url(value)
    host = "" if found is None else found.hostname or ""
    if found is not None and _is_host(host):
        port = "" if found.port is None else f":{found.port}"
        if value.lower() == f"{found.scheme}://{bracketed(host)}{port}":  # nothing else is in it
            return value
    raise ValueError(
        "write http:// or https:// and a host, perhaps a port, and nothing else, such as "
        "http://tsp.example.com"
    )


def _url(value: str) -> str:
    if _split_url(value) is None:
        raise ValueError("write an http or https URL without a user, such as http://127.0.0.1:8080/tsa")
    return value


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("write the name of an HTTP header, such as client-cert")
    return value


def _group(value: str) -> str:
    try:
        grp.getgrnam(value)
    except KeyError:
        raise ValueError(
            "write the name of a group of this machine; `getent group` lists them, `groupadd` makes one"
        ) from None
    return value


Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Header = Annotated[str, AfterValidator(_header)]


def split_address(address: Address) -> tuple[str, int]:
    """Host without brackets, and port."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def bracketed(host: str) -> str:
    """The host as a URL writes it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def url(scheme: str, address: Address) -> str:
    """How a client on this machine reaches an address."""
    host, port = split_address(address)
    return f"{scheme}://{bracketed(_ANY.get(host, host))}:{port}"


def https_origins(http: HttpSettings) -> tuple[str, ...]:
    """How clients reach the HTTPS listener: by its own address, by this machine's, by the public name."""
    if http.tls_listen is None:
        return ()
    host, port = split_address(http.tls_listen)
    hosts = [_ANY.get(host, host), urlsplit(http.public_url).hostname or ""]
    if host in _ANY or host in _ANY.values():
        hosts += ["127.0.0.1", "localhost"]
    behind = "" if port == 443 else f":{port}"
    return tuple(dict.fromkeys(f"https://{bracketed(one.lower())}{behind}" for one in hosts if one))


def _overlap(one: Address, other: Address) -> bool:
    """Whether a connection may come to both: one port, and no two hosts that are known to differ."""
    (host, port), (other_host, other_port) = split_address(one), split_address(other)
    if port != other_port:
        return False
    try:
        found = ipaddress.ip_address(host), ipaddress.ip_address(other_host)
    except ValueError:
        return True  # a name may mean any address of this machine
    return found[0] == found[1] or any(ip.is_unspecified for ip in found)


class ProviderSettings(Table):
    """[provider]: whose services these are."""

    name: str = Field(min_length=2, max_length=64, description="The provider's name, as in its certificates.")
    lab: bool = Field(
        default=False,
        description="A laboratory: test module and weak algorithms are let through, every page says so.",
    )


class TokensSettings(Table):
    """[tokens]: one PKCS#11 token for each security context, named by RFC 7512 URIs with a pin-source.

    A process opens only the tokens that its work needs: web workers `tsu` and `services`, the jobs process
    `issuing` and `audit`; `root` is opened by ceremonies alone.
    """

    root: str | None = Field(default=None, description="The root CA's token; opened by ceremonies alone.")
    issuing: str | None = Field(default=None, description="The issuing CA's token.")
    tsu: str | None = Field(default=None, description="The time-stamping units' token.")
    services: str | None = Field(default=None, description="The token of the OCSP signer.")
    audit: str | None = Field(default=None, description="The token of the audit log's signer.")
    further: dict[str, str] = Field(
        default_factory=dict, description="Further tokens by name, of authorities that ceremonies make."
    )


class ProxySettings(Table):
    """[http.proxy]: the reverse proxy that may vouch for a client's certificate."""

    certificate_header: Header = Field(
        default="client-cert",
        description="The header in which the proxy hands on the client's certificate, by which "
        "operators may sign in at the console.",
    )
    secret_header: Header = Field(
        default="x-trustworks-proxy", description="The header in which the proxy shows its secret."
    )
    secret_source: Path | None = Field(
        default=None, description="A file (mode 0600) with the proxy's secret of at least 32 characters."
    )
    address_header: Header | None = Field(
        default=None,
        description="The header in which the proxy hands on the client's address, such as x-forwarded-for "
        "(the last one counts); without it the clients behind the proxy are not told apart.",
    )
    unix_socket: Path | None = Field(
        default=None, description="A Unix socket to listen on for the proxy; requests over it need no secret."
    )
    unix_socket_group: Annotated[str, AfterValidator(_group)] | None = Field(
        default=None,
        description="The group of the proxy's account, by its name: its members reach the Unix socket.",
    )

    @model_validator(mode="after")
    def _group_has_a_socket(self) -> ProxySettings:
        if self.unix_socket_group is not None and self.unix_socket is None:
            raise ValueError("unix-socket-group is of no use without unix-socket; set that too")
        return self


class RolloverSettings(Table):
    """[rollover]: when keys are due to be replaced, and which the jobs replace by themselves."""

    authority_days: int = Field(
        default=1185,
        ge=1,
        le=7305,
        description="Days before its certificate's end that an authority is due; more than the longest "
        "certificate it issues lasts (EN 319 411-1, GEN-6.5.1-08).",
    )
    service_days: int = Field(
        default=30,
        ge=1,
        le=366,
        description="Days before the end of its certificate or of its key's use that a service's key is due.",
    )
    unattended: tuple[Literal["ocsp", "tsu", "authority"], ...] = Field(
        default=(),
        description="The keys that the jobs replace without anybody: ocsp, tsu; authority makes the issuing "
        "authority's next generation by a plan that nobody attends.",
    )
    authority_prepare_days: int = Field(
        default=30,
        ge=0,
        le=366,
        description="Days between the next generation of the issuing authority and its first certificate.",
    )
    prepare_minutes: int = Field(
        default=60, ge=0, le=10080, description="Minutes between a new key's certificate and its use."
    )
    overlap_hours: float = Field(
        default=24,
        ge=0,
        le=8784,
        description="Hours that an old key is kept after its successor's first use.",
    )
    look_every: float = Field(
        default=30.0, ge=0.1, le=3600, description="Seconds between two steps of a key's replacement."
    )


class HttpSettings(Table):
    """[http]: where the services listen."""

    listen: Address = Field(default="127.0.0.1:8080", description="HOST:PORT for plain HTTP.")
    tls_listen: Address | None = Field(default=None, description="HOST:PORT for HTTPS.")
    tls_certificate: Path | None = Field(default=None, description="PEM chain of the HTTPS certificate.")
    tls_key: Path | None = Field(
        default=None,
        description="PEM private key of the HTTPS certificate, mode 0600 (see ADR on the TLS key).",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes for plain HTTP.")
    tls_workers: int = Field(default=1, ge=1, le=64, description="Worker processes for HTTPS.")
    public_url: Origin = Field(
        default="http://127.0.0.1:8080",
        description="Where clients reach the plain HTTP listener; goes into certificates.",
    )
    pages: tuple[Literal["http", "tls", "proxy"], ...] = Field(
        default=("http",),
        description="The listeners that show the status page, /healthz and /metrics: http, tls, proxy. They "
        "tell events, names of keys and files, and are not for everybody.",
    )
    body_timeout: float = Field(
        default=10.0, gt=0, le=300, description="Seconds within which a request's body must have arrived."
    )
    proxy: ProxySettings = Field(default_factory=ProxySettings, description="The trusted reverse proxy.")

    @model_validator(mode="after")
    def _tls_is_complete(self) -> HttpSettings:
        given = (self.tls_listen is not None, self.tls_certificate is not None, self.tls_key is not None)
        if any(given) and not all(given):
            raise ValueError("HTTPS needs all of tls-listen, tls-certificate and tls-key")
        return self

    @model_validator(mode="after")
    def _pages_have_a_listener(self) -> HttpSettings:
        absent = {
            "tls": "tls-listen" if self.tls_listen is None else None,
            "proxy": "[http.proxy] unix-socket" if self.proxy.unix_socket is None else None,
        }
        for name in self.pages:
            if (key := absent.get(name)) is not None:
                raise ValueError(
                    f"pages names {name}, and there is no such listener; set {key}, or take {name} out of it"
                )
        return self

    @model_validator(mode="after")
    def _listeners_differ(self) -> HttpSettings:
        # Workers share their address with each other (SO_REUSEPORT), so the kernel would refuse neither
        # listener, and deal connections to both.
        if self.tls_listen is not None and _overlap(self.listen, self.tls_listen):
            raise ValueError(
                f"listen ({self.listen}) and tls-listen ({self.tls_listen}) are the same address; "
                "give HTTPS a port of its own"
            )
        return self


class AlarmsSettings(Table):
    """[alarms]: who is told that something is not well, or that somebody tries to get in."""

    command: tuple[str, ...] = Field(
        default=(),
        description="Program and arguments that get each alarm as a line of JSON and tell people; none: "
        "nobody is told.",
    )
    look_every: float = Field(default=15.0, ge=1, le=3600, description="Seconds between two looks.")
    again_hours: float = Field(
        default=24.0, gt=0, le=8760, description="Hours after which an alarm that lasts is told again."
    )
    refusals: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Refused attempts to sign in, or to do what one may not, within ten minutes that raise "
        "the alarm `access`; a lock-out always does.",
    )


class LogSettings(Table):
    """[log]: the operational log on standard error (the audit log is another thing)."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is written."
    )
    format: Literal["json", "text"] = Field(default="json", description="JSON lines, or text for a person.")


class AuditSettings(Table):
    """[audit]: the sequencer's pace and the checkpoints' signer."""

    key: str = Field(default="audit", description="Label of the signing key in the `audit` token.")
    certificate: Path | None = Field(default=None, description="The audit signer's certificate (PEM).")
    sequence_every: float = Field(
        default=0.5, gt=0, le=60, description="Seconds between two runs of the sequencer."
    )
    checkpoint_every: float = Field(
        default=10.0,
        gt=0,
        le=86400,
        description="Seconds between two checkpoints while there are new events.",
    )
    time_stamp_every: float = Field(
        default=300.0, gt=0, le=86400, description="Seconds between two time-stamped checkpoints, at least."
    )
    time_stamp_url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, description="The time-stamping authority for checkpoints; none: they are signed only."
    )

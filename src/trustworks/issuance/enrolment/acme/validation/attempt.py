"""One attempt at a challenge (RFC 8555, 8.3 and 8.4; RFC 8737; RFC 8738): bounded in time and size.

Names are resolved here, and connections go to the addresses that were checked: a second answer of DNS leads
nowhere else. A redirection is a new host, and is checked as the first.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from trustworks.core.pinned import PORTS, request
from trustworks.issuance.enrolment.acme.identifiers import address_of, in_url, server_name
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import validation as rules
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trustworks.issuance.enrolment.acme.validation.resolver import Resolver

MAX_BODY: Final = 4096  # octets of a file that holds some 90
MAX_ADDRESSES: Final = 3
REDIRECTS: Final = frozenset({301, 302, 307, 308})  # no 303 (Baseline Requirements, 3.2.2.4.18 and .19)
AGENT: Final = "Trustworks-ACME (validation of control over a domain name, RFC 8555)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is to be shown: the type of the challenge, the name, the token, the account key's thumbprint."""

    type: str
    name: str
    token: str
    thumbprint: str

    @property
    def key_authorization(self) -> str:
        """What the client puts where it is looked for."""
        return rules.key_authorization(self.token, self.thumbprint)


class Bounds(Protocol):
    """How far an attempt goes: [issuance.acme], or what a remote perspective was told."""

    @property
    def validation_seconds(self) -> float:
        """How long it may take."""

    @property
    def allow_private_addresses(self) -> bool:
        """Whether hosts of private networks are asked."""

    @property
    def http_port(self) -> int:
        """The port of http-01."""

    @property
    def tls_port(self) -> int:
        """The port of tls-alpn-01."""

    @property
    def redirects(self) -> int:
        """How many redirections are followed."""


class Attempts:
    """Makes attempts, as the settings say. Threads share it."""

    def __init__(self, settings: Bounds, resolver: Resolver) -> None:
        self._settings = settings
        self._resolver = resolver
        self._ways: dict[str, Callable[[Proof], Awaitable[None]]] = {
            "http-01": self._http,
            "dns-01": self._dns,
            "tls-alpn-01": self._tls_alpn,
            # As the two above, at the places of the registration desk.
            "website-change": self._http,
            "dns-change": self._dns,
        }

    def attempt(self, proof: Proof) -> None:
        """Return when control was shown. Raises `Problem` when it was not."""
        asyncio.run(self._in_time(proof))

    async def _in_time(self, proof: Proof) -> None:
        try:
            async with asyncio.timeout(self._settings.validation_seconds):
                await self._ways[proof.type](proof)
        except TimeoutError:
            raise Problem(
                "connection",
                f"The validation took more than {self._settings.validation_seconds:g} seconds.",
            ) from None

    async def _addresses(self, host: str) -> tuple[str, ...]:
        literal = address_of(host) is not None
        found = [host] if literal else await asyncio.to_thread(self._resolver.addresses, host)
        allowed = rules.reachable(found, private_too=self._settings.allow_private_addresses)
        if not allowed:
            raise Problem(
                "connection",
                f"{host} has no public address or is none; this server validates no hosts of private "
                "networks.",
            )
        return allowed[:MAX_ADDRESSES]

    # http-01

    async def _http(self, proof: Proof) -> None:
        """Get the file from the name's web server, by HTTP at port 80 (8.3)."""
        settings = self._settings
        port = "" if settings.http_port == 80 else f":{settings.http_port}"
        url = f"http://{in_url(proof.name)}{port}{rules.http_path(proof.type)}{proof.token}"
        # The certificate of a server that is redirected to is not judged: it may be the one that is ordered.
        async with httpx.AsyncClient(verify=False, trust_env=False, timeout=None) as client:  # noqa: S501, S113
            for _ in range(settings.redirects + 1):
                answer = await self._get(client, url, proof.name)
                if isinstance(answer, bytes):
                    rules.check_http_body(answer, proof.key_authorization)
                    return
                url = _joined(url, answer)
        raise Problem("connection", f"{proof.name} redirects more than {settings.redirects} times.")

    async def _get(self, client: httpx.AsyncClient, url: str, name: str) -> bytes | str:
        """The file at a URL, or where it redirects to; of addresses only `name` itself is asked."""
        parts = _split(url, name)
        host = parts.hostname or ""
        ports = (80, 443, self._settings.http_port, self._settings.tls_port)
        rules.check_redirect(parts.scheme, parts.port, ports=ports)
        if not is_dns_name(host) and host != name:
            raise Problem("connection", f"{host[:253]!a} is no host name that is followed.")
        port = parts.port or PORTS[parts.scheme]
        trouble: Exception | None = None
        for address in await self._addresses(host):
            asked = _request(client, parts, address)
            try:
                answer = await client.send(asked, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                trouble = error
                continue
            except httpx.HTTPError as error:
                raise Problem(
                    "connection", f"{host} did not answer in HTTP ({type(error).__name__})."
                ) from error
            try:
                return await _content(answer, host)
            finally:
                await answer.aclose()
        raise Problem("connection", f"No connection to {host} at port {port}; open it.") from trouble

    # dns-01

    async def _dns(self, proof: Proof) -> None:
        """Look for the digest in the TXT records (8.4)."""
        label = rules.dns_label(proof.type)
        records = await asyncio.to_thread(self._resolver.texts, label + proof.name)
        rules.check_txt_records(records, proof.key_authorization, label=label)

    # tls-alpn-01

    async def _tls_alpn(self, proof: Proof) -> None:
        """Look at the certificate that the name's server presents for acme-tls/1 (RFC 8737, 3)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # it is self-signed; what counts in it is checked below
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols([rules.ALPN])
        port = self._settings.tls_port
        trouble: Exception | None = None
        for address in await self._addresses(proof.name):
            try:
                _, writer = await asyncio.open_connection(
                    address, port, ssl=context, server_hostname=server_name(proof.name)
                )
            except ssl.SSLError as error:
                raise Problem(
                    "tls", f"{proof.name} does not speak TLS for {rules.ALPN} ({error.reason})."
                ) from error
            except OSError as error:
                trouble = error
                continue
            try:
                session: ssl.SSLObject = writer.get_extra_info("ssl_object")
                rules.check_alpn_protocol(session.selected_alpn_protocol())
                rules.check_alpn_certificate(
                    session.getpeercert(binary_form=True) or b"", proof.name, proof.key_authorization
                )
                return
            finally:
                writer.transport.abort()
        raise Problem("connection", f"No connection to {proof.name} at port {port}; open it.") from trouble


async def _content(answer: httpx.Response, host: str) -> bytes | str:
    if answer.status_code in REDIRECTS:
        location = answer.headers.get("location", "")
        if not location or len(location) > 2000:
            raise Problem("connection", f"{host} redirects without saying where to.")
        return str(location)
    if answer.status_code != 200:
        raise Problem(
            "unauthorized", f"{host} answered {answer.status_code} where the file with the key authorization "
            "should be; put it there.",
        )  # fmt: skip
    body = b""
    try:
        async for part in answer.aiter_raw():
            body += part
            if len(body) > MAX_BODY:
                raise Problem(
                    "unauthorized", f"The file at {host} is longer than {MAX_BODY} octets: it is another one."
                )
    except httpx.HTTPError as error:
        raise Problem("connection", f"{host} broke off its answer ({type(error).__name__}).") from error
    return body


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Problem("connection", "The server redirects to what is no URL.") from None


def _request(client: httpx.AsyncClient, parts: SplitResult, address: str) -> httpx.Request:
    """The request for a URL, to one address of its host."""
    try:
        name = server_name(parts.hostname or "")
        return request(client, "GET", parts, address, agent=AGENT, server_name=name)
    except (httpx.InvalidURL, UnicodeError):
        raise Problem("connection", "The server redirects to what is no URL.") from None


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname or ""
        literal = address_of(host) is not None and host != name
    except ValueError:
        raise Problem("connection", "The server redirects to what is no URL.") from None
    if literal or parts.username is not None:
        raise Problem(
            "connection", "The server redirects to an address or with a user; only names are followed."
        )
    return parts

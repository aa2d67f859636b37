"""One attempt at a webhook: to addresses that were checked, bounded in time, with nothing read of the answer.

The name is resolved here and the connection goes to an address that was looked at, so that a second answer of
DNS leads nowhere else; the certificate is that of the name all the same. Redirections are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from trustworks.core.errors import Refused, Unavailable
from trustworks.core.pinned import PORTS, Names, request, resolve
from trustworks.issuance.rules import webhooks as rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.addresses import Network
    from trustworks.core.pinned import Resolve
    from trustworks.issuance.config.api import WebhookSettings

AGENT: Final = "Trustworks webhooks"
_LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_MAX_ADDRESSES: Final = 2
_RESOLVERS: Final = 32
GONE: Final = 410


class NotTakenError(Exception):
    """Why a webhook's server did not take what was sent; `gone` says that it wants nothing more, ever."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


class Sender:
    """Sends to webhooks as the settings say. Threads share it."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        lab: bool,
        resolve: Resolve = resolve,
    ) -> None:
        self._seconds = settings.seconds
        self._networks: tuple[Network, ...] = (
            *map(ipaddress.ip_network, settings.networks),
            *(_LOOPBACK if lab else ()),
        )
        self._lab = lab
        self._names = Names(ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook-names"), resolve)
        self._tls = _context(settings)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when the server took it. Raises `NotTakenError`."""
        asyncio.run(self._in_time(url, body, headers))

    async def _in_time(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(url, body, headers)
        except TimeoutError:
            raise NotTakenError(f"no answer within {self._seconds:g} seconds") from None

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        rules.check_url(url, lab=self._lab)  # what an earlier version let in counts no more than a new one
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or PORTS[parts.scheme]
        try:
            found = await self._names.addresses(host, port)
        except (OSError, UnicodeError):
            raise NotTakenError(f"{host} has no address in DNS") from None
        try:
            addresses = rules.check_reachable(found, host, networks=self._networks)
        except Refused as error:
            raise NotTakenError(str(error).rstrip(".")) from None
        trouble = ""
        # One connection for one attempt: the host of the next one may be another.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client:  # noqa: S113 - `_in_time`
            for address in addresses[:_MAX_ADDRESSES]:
                asked = request(client, "POST", parts, address, agent=AGENT, content=body, headers=headers)
                try:
                    answer = await client.send(asked, stream=True)
                except httpx.ConnectError as error:
                    trouble = str(error)
                    continue
                except httpx.HTTPError as error:
                    raise NotTakenError(f"{host} did not answer in HTTP ({type(error).__name__})") from None
                await answer.aclose()
                if not 200 <= answer.status_code < 300:
                    gone = answer.status_code == GONE
                    raise NotTakenError(f"{host} answered {answer.status_code}", gone=gone)
                return
        raise NotTakenError(f"no connection to {host} at port {port} ({trouble})"[:500])


def _context(settings: WebhookSettings) -> ssl.SSLContext:
    """Which servers are believed, at TLS 1.2 and newer."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise Unavailable(
            "webhook.ca-file", f"[issuance.api.webhooks] ca-file {settings.ca_file} cannot be read: {error}."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

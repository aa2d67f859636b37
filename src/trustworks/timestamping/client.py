"""The client's side of the time-stamp protocol over HTTP, for the command line and for services."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING, Final

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.pki.certificates import load_pem_file
from trustworks.core.printable import printable
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiStatus
from trustworks.timestamping.verify import check_signer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.timestamping.model import Request, TokenView

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
TIMEOUT: Final = 20.0
"""Seconds for the whole exchange."""


# What the environment says of proxies is for other machines.
_NO_PROXY: Final = {f"all://{here}": None for here in ("localhost", "127.0.0.1", "[::1]")}


def request_token(
    url: str,
    request: bytes,
    *,
    timeout: float = TIMEOUT,
    transport: httpx.AsyncBaseTransport | None = None,
    tls_trust: Sequence[Path] = (),
) -> bytes:
    """Send a TimeStampReq and answer the DER of the TimeStampResp, whatever it says.

    `timeout`: seconds for the whole exchange, however slowly its octets come, a half of them at most to reach
    the server and another for the TLS handshake. `tls_trust` are files (PEM) with the trust anchors of an
    HTTPS connection; none: those of the system. Not for a thread that runs an event loop.

    Raises:
        Unavailable: ``timestamping.unreachable`` or ``timestamping.http``: no answer of the protocol came.
        Malformed: the answer is of another type, or too long; `tls_trust` cannot be read.
    """
    place, trust = without_secrets(url), _context(tls_trust)
    try:
        return asyncio.run(_exchange(url, request, transport, trust, timeout))
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Unavailable(
            "timestamping.unreachable",
            f"{place} did not answer in time: {timeout:g} seconds for all of it. Try again later, or ask "
            "another authority.",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = without_secrets(str(error))
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Unavailable(
                "timestamping.unreachable",
                f"The HTTPS certificate of {place} is not trusted here: {why}. Give the trust anchors of the "
                "connection: --tls-trust FILE on the command line, else those of the system.",
            ) from error
        raise Unavailable(
            "timestamping.unreachable", f"{place} cannot be reached ({type(error).__name__}): {why}"
        ) from error
    except (ValueError, ImportError, OSError) as error:
        # What httpx and the standard library raise for names, proxies and files that they cannot use.
        why = without_secrets(str(error))
        raise Unavailable(
            "timestamping.unreachable",
            f"{place} cannot be reached ({type(error).__name__}: {why}). Look at the address, and in the "
            "environment at ALL_PROXY, HTTP_PROXY, HTTPS_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from error


async def _exchange(
    url: str,
    request: bytes,
    transport: httpx.AsyncBaseTransport | None,
    trust: ssl.SSLContext | None,
    ends_after: float,
) -> bytes:
    place = without_secrets(url)
    headers = {"content-type": QUERY, "accept": REPLY}
    # A limit of httpx is for one wait, and begins anew with each octet: only a loop gives up the whole. A TLS
    # handshake that is given up so leaves its socket open: to connect and to shake hands have half each.
    limits = httpx.Timeout(None, connect=ends_after / 2)
    async with (
        asyncio.timeout(ends_after),
        httpx.AsyncClient(
            timeout=limits, transport=transport, verify=trust or True, mounts=_NO_PROXY
        ) as client,
        client.stream("POST", url, content=request, headers=headers) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(
                "timestamping.http", f"{place} answered with HTTP status {answer.status_code}, not 200."
            )
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != REPLY:
            raise Malformed(f"{place} answered {kind or 'without a type'}, not {REPLY}.")
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > wire.MAX_RESPONSE:
                raise Malformed(f"{place} answered more than {wire.MAX_RESPONSE} octets.")
        return bytes(body)


def _context(anchors: Sequence[Path]) -> ssl.SSLContext | None:
    """What TLS certificates are verified with; None: what the system trusts."""
    if not anchors:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in anchors:
        found = load_pem_file(file)
        context.load_verify_locations(cadata=b"".join(one.public_bytes(Encoding.DER) for one in found))
    return context


# Who asks may be named in the address (RFC 3986, 3.2.1), with a password.
_USER_INFORMATION: Final = re.compile(r"://[^/\s]*@")


def without_secrets(text: str) -> str:
    """An address, or a sentence about one, that can be shown."""
    return _USER_INFORMATION.sub("://***@", text)


def granted_token(response: bytes) -> bytes:
    """The token in a TimeStampResp.

    Raises `Malformed`, and `Rejected` with the failure's own code when the authority refused.
    """
    answer = wire.decode_response(response)
    granted = answer.status in {PkiStatus.GRANTED, PkiStatus.GRANTED_WITH_MODS}
    if granted and answer.token is not None:
        return answer.token
    if granted or answer.token is not None:
        raise Malformed("The answer's status and its token contradict each other.")
    code = answer.failures[0] if answer.failures else f"status {answer.status}"
    sentences = printable(" ".join(answer.status_text)) or "It gave no reason."
    raise Rejected(code, f"The time-stamping authority refused: {sentences}")


@implements("RFC3161:2.2-ANSWER", disabled=lambda token, _request: wire.read_token(token))
def check_answer(token: bytes, request: bytes) -> TokenView:
    """The token, read, when it answers the request: same imprint, same nonce, the policy that was asked for.

    Signed it is, too, by whom the certificate in it says; whether anybody vouches for that certificate is for
    who has trust anchors (`verify`). Raises `Malformed`, `Refused`, and `Rejected` (timestamp.*, algorithm.*,
    signature.*).
    """
    view, asked = wire.read_token(token), wire.decode_request(request)
    found = view.tst_info
    imprint = found.message_imprint
    for right, what in (
        (imprint.hashed_message == asked.digest, "imprint"),
        (asked.hash is not None and wire.hash_of(imprint) == asked.hash, "hash algorithm"),
        (found.nonce == asked.nonce, "nonce"),
        (asked.policy in {None, found.policy.dotted_string}, "policy"),
    ):
        if not right:
            raise Rejected(
                "timestamp.other-answer", f"The answer has another {what} than the request; it is not for us."
            )
    check_signed(view, asked)
    return view


@implements("RFC3161:2.2-SIGNED-ANSWER")
def check_signed(view: TokenView, asked: Request) -> None:
    """Refuse a token that no relying party could verify, but for the path from its signer to an anchor."""
    try:
        check_signer(view)
    except Rejected as error:
        if error.code != "timestamp.no-certificate":
            raise
        check_certificate(asked)


@implements("RFC3161:2.4.1-CERTIFICATE-SENT")
def check_certificate(asked: Request) -> None:
    """Refuse an answer without its signer's certificate, where the request asked for that."""
    if asked.cert_req:
        raise Refused(
            "RFC3161:2.4.1-CERTIFICATE-SENT",
            "The answer lacks its signer's certificate, or refers to another than it has, though the request "
            "asked for it. Ask another authority; or do not ask for it (--no-cert), and get it elsewhere.",
        )

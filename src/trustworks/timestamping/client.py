"""The client's side of the time-stamp protocol over HTTP, for the command line and for services."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.pki.certificates import readable_pem_file
from trustworks.core.printable import printable
from trustworks.core.trace import implements
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiStatus
from trustworks.timestamping.verify import check_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.timestamping.model import Request, TokenView

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
TIMEOUT: Final = 20.0
"""Seconds for the whole exchange."""

# What httpx and the libraries below it raise for names, ports, proxies and files that they cannot use.
_BELOW: Final = (ValueError, OverflowError, ImportError, OSError)

P = ParamSpec("P")
T = TypeVar("T")

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
    address, place, trust = _address(url), without_secrets(url), _context(tls_trust)
    try:
        return asyncio.run(_exchange(address, request, transport, trust, timeout))
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Unavailable(
            "timestamping.unreachable",
            f"{place} did not answer in time: {timeout:g} seconds for all of it. Try again later, or ask "
            "another authority.",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, ExceptionGroup, *_BELOW) as error:
        why = _reason(error)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Unavailable(
                "timestamping.unreachable",
                f"The HTTPS certificate of {place} is not trusted here: {why}. Give the trust anchors of the "
                "connection: --tls-trust FILE on the command line, else those of the system.",
            ) from error
        raise Unavailable(
            "timestamping.unreachable",
            f"{place} cannot be reached: {why}. Look at the address, whether the authority runs, and in the "
            "environment at ALL_PROXY, HTTP_PROXY, HTTPS_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from error


def _reason(error: BaseException) -> str:
    """Why, in the words of the system where it is the cause: those of the libraries leave it out.

    Nothing is repeated that may be the address of a proxy, with a password in it.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError | socket.gaierror) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or cause.__context__  # httpcore raises from None
    first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
    text = "" if isinstance(first, httpx.InvalidURL) else str(first).rstrip(".")
    return text if text and "@" not in text else type(first).__name__


async def _exchange(
    url: httpx.URL,
    request: bytes,
    transport: httpx.AsyncBaseTransport | None,
    trust: ssl.SSLContext | None,
    ends_after: float,
) -> bytes:
    place = without_secrets(str(url))
    headers = {"content-type": QUERY, "accept": REPLY}
    asyncio.get_running_loop().set_default_executor(_ThreadsOfTheirOwn())
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
        found = readable_pem_file(file)
        try:
            context.load_verify_locations(cadata=b"".join(one.public_bytes(Encoding.DER) for one in found))
        except ssl.SSLError as error:
            raise Malformed(
                f"{file} holds no certificates that OpenSSL takes as trust anchors ({error.strerror}); leave "
                "out those that are damaged."
            ) from error
    return context


class _ThreadsOfTheirOwn(ThreadPoolExecutor):
    """A thread for each call, for which nobody waits: neither the loop nor the program, when they end.

    Names are resolved so, which the system gives up later than whoever asks.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call it in a new thread."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is for who waits, whatever it is
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=run, name="resolving", daemon=True).start()
        return future


_LAST_PORT: Final = 65535
_MOST_SHOWN: Final = 200
_AFTER: Final = re.compile(r"([?#]).+", re.DOTALL)


def _address(url: str) -> httpx.URL:
    """The address of an authority that can be asked. Raises `Unavailable` (timestamping.unreachable)."""
    found = _parsed(url)
    if found is None:
        why = "it is none of an authority. Write one such as http://127.0.0.1:8080/tsa"
    elif found.userinfo:
        why = "it has a name or a password before an @, which are not sent. Write it without them"
    elif (found.port or 0) > _LAST_PORT:
        why = f"it has the port {found.port}, and the last one is {_LAST_PORT}. Correct it"
    else:
        return found
    shown = without_secrets(url) or "''"
    raise Unavailable("timestamping.unreachable", f"The address {shown} cannot be used: {why}.")


def _parsed(url: str) -> httpx.URL | None:
    """The address, if it is one of HTTP or HTTPS. What is wrong with another may have a password in it."""
    try:
        found = httpx.URL(url)
        complete = found.scheme in {"http", "https"} and found.host
    except (httpx.InvalidURL, ValueError):
        return None
    return found if complete else None


def without_secrets(url: str) -> str:
    """An address to be shown: without what may be a name, a password or a key (RFC 3986, 3.2.1 and 3.4).

    That is all before the last @, and what comes after a question mark or a number sign. Where there is an @
    after one of those, it is not known which of both it is, and the scheme alone is left.
    """
    before, at, rest = url.rpartition("@")
    if at:
        scheme = next((one for one in ("http://", "https://") if url.startswith(one)), "")
        if "?" in before or "#" in before:
            return f"{scheme}***"
        url = f"{scheme}***@{rest}"
    shown = _AFTER.sub(r"\1***", url)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."


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

"""The shape of a binary protocol's edge: raw requests in, raw responses out, no framework in sight.

A service's ``http.py`` answers a list of `Route`; the HTTP application reads bodies within limits, checks the
media type, and calls the handler.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


class Headers(Mapping[str, str]):
    """A request's headers by their names in lower case, decoded when one is asked for: most never are.

    Of a name that comes more than once the last one counts.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: Iterable[tuple[bytes, bytes]]) -> None:
        """`octets` are (name in lower case, value), as ASGI gives them."""
        self._octets = dict(octets)

    def __getitem__(self, name: str) -> str:
        return self._octets[name.encode("latin-1")].decode("latin-1")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode("latin-1") in self._octets

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default`; without the exception that the way by `[]` costs."""
        value = self._octets.get(name.encode("latin-1"))
        return default if value is None else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._octets)

    def __len__(self) -> int:
        return len(self._octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """One HTTP request whose body was read completely.

    `path` is decoded, `raw_path` is as it came over the wire (an OCSP request by GET is percent-encoded
    Base64), `query` what follows its question mark, as it came. `client_certificate` is the DER of the
    client's certificate, given only by a proxy that the configuration pins. `secure` says that the request
    came over TLS, to us or to such a proxy. `client_address` is the client's IP address, where it is
    known: of a connection of its own, or as such a proxy says.
    """

    method: str
    path: str
    raw_path: bytes
    headers: Mapping[str, str]
    body: bytes
    client_certificate: bytes | None = None
    secure: bool = False
    query: str = ""
    client_address: str | None = None


def is_private(*, secure: bool, lab: bool) -> bool:
    """Whether a token or secret may come so: nobody reads it on its way; a laboratory's protect nothing."""
    return secure or lab


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One HTTP answer: status, media type, body, and further headers."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class BodyRefusedError(Exception):
    """A body that cannot be taken whole: the HTTP status, and a sentence for the client."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


Handler: TypeAlias = Callable[[RawRequest], Awaitable[RawResponse]]
Streamed: TypeAlias = Callable[[RawRequest, AsyncIterator[bytes]], Awaitable[RawResponse]]
"""Answers a request whose body it reads itself, in portions; they raise `BodyRefusedError`."""


async def never(request: RawRequest) -> RawResponse:
    """Stands where a route has another handler. Raises RuntimeError."""
    raise RuntimeError(f"{request.path} is answered as a stream.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a handler answers.

    `path` is exact, or a prefix when it ends in ``/``. `content_types` are the media types that a body may
    have; an empty tuple accepts none (no body expected). `max_body` is in bytes. `refusal` makes the
    protocol's own answer of an HTTP status and a sentence when a request does not reach the handler. `admit`,
    where there is one, sees the request before its body is read, and may answer it. `streamed`, where there
    is one, answers in the handler's place: for bodies too long to be held in memory. It checks the media
    type itself; `body_seconds` are its own for the whole body.
    """

    method: str
    path: str
    handler: Handler = never
    content_types: tuple[str, ...] = ()
    max_body: int = 0
    admit: Callable[[RawRequest], Awaitable[RawResponse | None]] | None = None
    refusal: Callable[[int, str], RawResponse] | None = None
    streamed: Streamed | None = None
    body_seconds: float | None = None
